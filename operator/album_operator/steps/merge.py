"""Merged: the pull request, from its opening to its merge."""

import asyncio
import logging
from dataclasses import replace
from typing import assert_never

from album_operator.decisions import merge as decision
from album_operator.decisions.take_back import tell_too_late
from album_operator.domain.errors import OutsideError
from album_operator.domain.notice import Subject
from album_operator.domain.places import ForgePlace
from album_operator.domain.record import Record, StepName, StepState
from album_operator.domain.release import MergeMode
from album_operator.domain.verdict import (
    DisarmPullRequest,
    GiveTitleBack,
    MergeAction,
    MergePullRequest,
    OpenPullRequest,
    PushBranch,
    Verdict,
    WithdrawPullRequest,
)
from album_operator.render.take_back import MERGED_FIRST
from album_operator.steps import hold, propose
from album_operator.steps.case import Case
from album_operator.steps.world import World

LOG = logging.getLogger(__name__)

NAMES = (StepName.MERGED,)
WOKEN_BY = frozenset({Subject.PULL_REQUEST})

WITHDRAWN, STAYS = "withdrawn", "merged-first"
"""Keys of the comments that say why a pull request is closed, and that it was merged all the same.
"""


async def decide(world: World, case: Case) -> Verdict[MergeAction]:
    """Look at the pull request, and at its branch where that decides."""
    record, resolved = case.record, case.resolved
    seen = None
    if record.pull_request is not None:
        place = await case.access.to_forge(resolved)
        seen = await world.watch.get(place, record.pull_request.number)
        if resolved.config.pull_request.merge is MergeMode.AUTO and seen.gate is not None:
            seen = replace(seen, gate=replace(seen.gate, held=await hold.find(world, case)))
    if seen is not None and decision.needs_look(record, resolved, seen):
        proposed = await propose.decide(world, case)
        return decision.decide_again(record, resolved, seen, proposed, world.clock())
    verdict = decision.decide(record, resolved, seen, world.clock())
    return tell_too_late(case.release, verdict)


async def act(world: World, case: Case, action: MergeAction) -> Record:
    """Merge, let the forge do it, or bring the branch to its base again."""
    match action:
        case PushBranch() | OpenPullRequest():
            return await propose.act(world, case, action)
        case MergePullRequest():
            await _merge(world, case, action)
        case DisarmPullRequest(number):
            await world.pull_requests.disarm(await case.access.to_forge(case.resolved), number)
        case WithdrawPullRequest(number, why, title):
            place = await case.access.to_forge(case.resolved)
            await world.pull_requests.comment(place, number, WITHDRAWN, why)
            await world.pull_requests.withdraw(place, number, title)
        case GiveTitleBack(number, title):
            place = await case.access.to_forge(case.resolved)
            await tell_merged(world, place, number)
            await world.pull_requests.rename(place, number, title)
        case _:
            assert_never(action)
    return case.record


async def tell_merged(world: World, place: ForgePlace, number: int) -> None:
    """Say that a pull request stays merged, where it says that it is closed."""
    await world.pull_requests.comment(place, number, STAYS, MERGED_FIRST, answers=WITHDRAWN)


def is_merged(record: Record) -> bool:
    """Tell whether the step is complete."""
    return record.step(StepName.MERGED).state is StepState.SUCCEEDED


def tidy(world: World, case: Case) -> None:
    """Delete the branch of a merged pull request, with nobody waiting for it.

    A branch that was pushed to since stays, and so does one that must not be deleted.
    """
    if case.record.pull_request is not None:
        task = asyncio.create_task(_delete_branch(world, case, case.record.pull_request.head_sha))
        world.errands.add(task)
        task.add_done_callback(world.errands.discard)


async def _merge(world: World, case: Case, action: MergePullRequest) -> None:
    config = case.resolved.config
    await world.pull_requests.merge(
        await case.access.to_forge(case.resolved),
        action.number,
        action.head_sha,
        config.base_branch,
        config.pull_request.method,
        by_forge=action.by_forge,
    )


async def _delete_branch(world: World, case: Case, head_sha: str) -> None:
    branch = case.resolved.config.branch
    try:
        place = await case.access.to_config(case.resolved)
        await world.config.delete_branch(place, branch, head_sha)
    except OutsideError as error:
        LOG.warning("Branch %s of AlbumRelease %s stays: %s", branch, case.release.ref, error)
