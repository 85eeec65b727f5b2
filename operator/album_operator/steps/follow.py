"""Proposed and Merged where others do both, and nothing is written."""

from typing import Never

from album_operator.decisions import follow as decision
from album_operator.decisions import preflight
from album_operator.domain.notice import Subject
from album_operator.domain.places import GitPlace
from album_operator.domain.record import Record, StepName
from album_operator.domain.seen import ConfigCommit
from album_operator.domain.verdict import Verdict
from album_operator.render import proposal
from album_operator.steps.case import Case
from album_operator.steps.editing import edit, edit_apart
from album_operator.steps.overtaken import find_first
from album_operator.steps.world import World

NAMES = (StepName.PROPOSED, StepName.MERGED)
WOKEN_BY = frozenset({Subject.PULL_REQUEST})


async def decide(world: World, case: Case) -> Verdict[Never]:
    """Look whether the base branch holds our value, and since which commit."""
    config = case.resolved.config
    place = await case.access.to_config(case.resolved)
    paths = proposal.edited_paths(config.edits)
    seen = await world.config.look(place, config.base_branch, paths, None)
    refused = preflight.check_config(case.resolved, seen)
    if refused is not None:
        return refused
    edited, head, commit = await edit(world.editor, case, seen.files), seen.base_commit or "", None
    if not edited.files:
        commit = await _find_commit(world, case, place, head)
    found = decision.FollowSeen(head, edited.current, not edited.files, commit)
    return decision.decide(case.release, case.record, case.resolved, found, world.clock())


async def act(_world: World, _case: Case, action: Never) -> Record:
    """Write nothing."""
    return action


async def _find_commit(world: World, case: Case, place: GitPlace, head: str) -> ConfigCommit | None:
    """Find the commit since which a branch holds our value; one that lacks a file holds none."""
    wanted = proposal.wanted_values(case.resolved, case.digest)
    paths = proposal.edited_paths(wanted)

    async def holds(commit: str) -> bool:
        files = await world.config.read(place, commit, paths)
        if not files.keys() >= set(paths):
            return False
        edited, refused = await edit_apart(world.editor, case.namespace, wanted, files)
        return refused is None and not edited.files

    line = await world.config.list_latest(place, case.resolved.config.base_branch, head)
    return await find_first(line, holds)
