"""Taking a release back that is not merged: its builds, its pull request and its branch.

One undo for a release that is cancelled, superseded, deleted, or long gone. Each write is looked
at anew, so that it may be done again after a death or a lost answer; what was merged meanwhile is
not taken back.
"""

from contextlib import suppress
from dataclasses import replace

from album_operator.decisions import concurrency
from album_operator.decisions import take_back as decision
from album_operator.decisions.propose import BETWEEN_LOOKS, to_record
from album_operator.domain.errors import StaleError, TransientError
from album_operator.domain.places import ForgePlace
from album_operator.domain.pull_requests import PullRequestSeen, PullRequestState
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Record
from album_operator.domain.release import Delivery, Mode, Ref
from album_operator.domain.seen import BranchSeen
from album_operator.domain.verdict import Done, Halt, Wait
from album_operator.render import proposal
from album_operator.render import take_back as words
from album_operator.render.pull_request import release_in
from album_operator.steps import commit, merge
from album_operator.steps.case import Case
from album_operator.steps.editing import is_ours
from album_operator.steps.world import World

MOST_LOOKS = 6
"""More looks at a pull request than that needs: a write whose effect never shows must not spin."""


async def decide(world: World, case: Case) -> Halt | None:
    """Take a release back that is cancelled, or whose app's newer version has come.

    Returns:
        How it ended; None where it goes on, also because it is merged.

    Raises:
        OutsideError: of an adapter; nothing but the next try is lost.
    """
    release, resolved = case.release, case.resolved
    if merge.is_merged(case.record):
        return None
    if release.cancel:
        record = await undo(world, case, words.cancelled(release.ref))
        return replace(decision.cancelled(release), record=record) if record else None
    known = world.index.of_app(case.namespace, case.pipeline.name, resolved.app)
    successor = concurrency.find_successor(release, resolved, known)
    if successor is None:
        return None
    return await _supersede(world, case, concurrency.superseded(release, resolved, successor))


async def after(world: World, case: Case, verdict: Done | Wait | Halt) -> Done | Wait | Halt:
    """Take a release back that was found to be superseded before its merge, by whatever step."""
    if not isinstance(verdict, Halt) or verdict.reason is not Reason.SUPERSEDED:
        return verdict
    if merge.is_merged(case.record):
        return verdict
    return await _supersede(world, case, verdict) or Wait(
        Reason.MERGING, "It was merged meanwhile; looking again.", BETWEEN_LOOKS
    )


async def _supersede(world: World, case: Case, halt: Halt) -> Halt | None:
    by = halt.superseded_by
    name = by.release.partition("/")[2] if by is not None and by.release is not None else None
    successor = Ref(case.namespace, name) if name is not None else None
    version = (by.version if by is not None else None) or "a newer version"
    why = words.superseded(case.release.ref, case.resolved, version, successor)
    record = await undo(world, case, why)
    return replace(halt, record=record) if record is not None else None


async def of_gone(world: World, case: Case) -> None:
    """Take back what a release that is gone has left: its pull request and its branch.

    Its Jobs go with it. One that was made anew by its name has taken both over.

    Args:
        world: the outside.
        case: the release as it was last seen. Of one that nobody knows more of, the record has a
            proposal with the commit that its branch is at and that is certainly its own.

    Raises:
        OutsideError: of an adapter; it may be tried again at any time.
    """
    there = await world.releases.find_release(case.release.ref)
    if there is None or (there[0].deleting and there[0].uid == case.release.uid):
        await _undo_proposal(world, case, words.deleted(case.release.ref))


async def undo(world: World, case: Case, why: str) -> Record | None:
    """Take a release back.

    Args:
        world: the outside.
        case: the release.
        why: what the readers of its pull request are told.

    Returns:
        What it has achieved then; None where it is merged, and goes on.
    """
    record = case.record
    has_begun = record.resolved is not None or record.attempt > 1
    if case.release.mode is not Mode.APPLY or not has_begun:
        return record  # It has written nothing.
    await world.builds.stop(case.release)
    if not decision.may_have_proposed(record):
        return record
    if case.resolved.config.delivery is Delivery.COMMIT:
        return None if isinstance(await commit.decide(world, case), Done) else record
    return await _undo_proposal(world, case, why)


async def _undo_proposal(world: World, case: Case, why: str) -> Record | None:
    config, place = case.resolved.config, await case.access.to_config(case.resolved)
    paths = proposal.edited_paths(config.edits)
    seen = await world.config.look(place, config.base_branch or None, paths, config.branch)
    head = seen.branch.commit if seen.branch and await _is_own(world, case, seen.branch) else None
    closed = await _close(world, case, seen.base_branch, head, why)
    if closed is not None and closed.state is PullRequestState.MERGED:
        return None
    if head is not None:
        await world.config.delete_branch(place, config.branch, head)
    known = case.record.pull_request
    return replace(case.record, pull_request=to_record(closed, known) if closed else known)


async def _is_own(world: World, case: Case, branch: BranchSeen) -> bool:
    """Tell whether a branch holds what its release put there, and nobody has touched it since."""
    config, known = case.resolved.config, case.record.proposal
    if known is not None and known.commit == branch.commit:
        return True
    if case.record.resolved is not None:
        return await is_ours(world.editor, case, branch)
    # Of an earlier attempt, whose image and commit of the source are not known any more.
    author = (branch.author_name, branch.author_email)
    is_named = release_in(branch.message) == case.release.ref
    return is_named and author == (config.author_name, config.author_email)


async def _close(
    world: World, case: Case, base: str, head: str | None, why: str
) -> PullRequestSeen | None:
    """Close the pull request, and give it as it is then, closed or merged; None for none."""
    forge = await case.access.to_forge(case.resolved)
    for _ in range(MOST_LOOKS):
        seen = await _find_pull_request(world, case, forge, base, head)
        write = decision.next_write(seen, why)
        if write is None:
            if seen is not None and seen.state is PullRequestState.MERGED:
                await merge.tell_merged(world, forge, seen.number)
            return seen
        with suppress(StaleError):
            await merge.act(world, case, write)
    branch = case.resolved.config.branch
    said = f"The pull request from {branch} does not show yet that it is closed."
    raise TransientError(Reason.FORGE_UNAVAILABLE, said)


async def _find_pull_request(
    world: World, case: Case, forge: ForgePlace, base: str, head: str | None
) -> PullRequestSeen | None:
    """Read the release's pull request with its gate; None where there is none of its own."""
    known = case.record.pull_request
    number = known.number if known is not None else None
    if number is None:
        found = await world.pull_requests.find(forge, case.resolved.config.branch, base)
        is_own = found is not None and decision.is_own(case.release, found, head)
        number = found.number if found is not None and is_own else None
    if number is None:
        return None
    return (await world.pull_requests.get_many(forge, [number])).get(number)
