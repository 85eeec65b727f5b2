"""Proposed and Merged where the change is one commit on the base branch itself."""

from dataclasses import replace

from album_operator.decisions import commit as decision
from album_operator.decisions import preflight
from album_operator.decisions.hold import wait
from album_operator.decisions.take_back import tell_too_late
from album_operator.domain.diffs import DIFF_BYTES, cut_diff
from album_operator.domain.notice import Subject
from album_operator.domain.places import Change, GitPlace
from album_operator.domain.record import ProposalRecord, Record, StepName
from album_operator.domain.seen import BranchSeen, ConfigSeen
from album_operator.domain.verdict import Act, CommitAction, Done, Verdict
from album_operator.render import proposal
from album_operator.steps import hold
from album_operator.steps.case import Case
from album_operator.steps.editing import edit, is_ours
from album_operator.steps.world import World

NAMES = (StepName.PROPOSED, StepName.MERGED)
WOKEN_BY: frozenset[Subject] = frozenset()


async def decide(world: World, case: Case) -> Verdict[CommitAction]:
    """Look whether the branch holds the value, and whose commit did it."""
    place = await case.access.to_config(case.resolved)
    seen = await _look(world, case, place, None)
    verdict = await _judge(world, case, seen)
    if isinstance(verdict, Act):
        held = await hold.find(world, case)
        return verdict if held is None else wait(held)
    if isinstance(verdict, Done) and case.record.proposal is None:
        # Only now its author matters: an earlier self of ours may have died after the push.
        seen = await _look(world, case, place, case.resolved.config.branch)
        verdict = await _judge(world, case, seen, await _find_own(world, case, seen.branch))
    return tell_too_late(case.release, verdict)


async def act(world: World, case: Case, _: CommitAction) -> Record:
    """Commit to the branch what is due on the head that is pushed onto.

    Returns:
        The record with the commit, as it was where nothing is due any more.

    Raises:
        StaleError: somebody else pushed meanwhile.
    """

    async def make(seen: ConfigSeen) -> Change | None:
        base = seen.base_commit
        if base is None or preflight.check_config(case.resolved, seen) is not None:
            return None
        found = await _find(world, case, seen)
        if not isinstance(decision.decide(case.release, case.record, case.resolved, found), Act):
            return None
        change = proposal.change(case.release, case.resolved, case.digest, base, found.edited)
        return replace(change, expected=base)

    config = case.resolved.config
    place = await case.access.to_config(case.resolved)
    made = await world.config.commit(
        place, config.base_branch, proposal.edited_paths(config.edits), make
    )
    if made is None:
        return case.record
    done = ProposalRecord(config.branch, made.commit, cut_diff(made.diff, DIFF_BYTES))
    return replace(case.record, proposal=done)


async def _look(world: World, case: Case, place: GitPlace, branch: str | None) -> ConfigSeen:
    config = case.resolved.config
    paths = proposal.edited_paths(config.edits)
    return await world.config.look(place, config.base_branch, paths, branch)


async def _judge(
    world: World, case: Case, seen: ConfigSeen, ours: ProposalRecord | None = None
) -> Verdict[CommitAction]:
    # Files that are missing can be neither read nor edited; `decide` has no use for more then.
    refused = preflight.check_config(case.resolved, seen)
    if refused is not None:
        return refused
    found = replace(await _find(world, case, seen), ours=ours)
    return decision.decide(case.release, case.record, case.resolved, found)


async def _find(world: World, case: Case, seen: ConfigSeen) -> decision.CommitSeen:
    edited = await edit(world.editor, case, seen.files)
    return decision.CommitSeen(config=seen, current=edited.current, edited=edited.files)


async def _find_own(world: World, case: Case, head: BranchSeen | None) -> ProposalRecord | None:
    """Take a head for ours if it is exactly the commit we would make on its parent."""
    if head is None or not await is_ours(world.editor, case, head):
        return None
    return ProposalRecord(case.resolved.config.branch, head.commit, cut_diff(head.diff, DIFF_BYTES))
