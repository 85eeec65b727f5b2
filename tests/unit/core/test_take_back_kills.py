"""Dying, and losing answers, at every write that takes a release back: the end is the same."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from album_operator.domain.errors import TransientError
from tests.fakes.builders import BRANCH
from tests.fakes.cluster import finish_build
from tests.fakes.faults import Fault, Killed
from tests.fakes.forge import Rules
from tests.unit.core.stage import REPOSITORY, Stage

OLD, NEW = "backend-v1.1.0", "backend-v1.2.0"


def _start(stage: Stage) -> None:
    """Start the operator anew, told of all releases, with its deletions of branches watched."""
    stage.restart()
    stage.tell_of_releases()
    delete = stage.config_repository.delete_branch

    async def watched(*args: Any) -> None:  # noqa: ANN401 - handed on
        with stage.faults.write("delete branch"):
            await delete(*args)

    stage.config_repository.delete_branch = watched  # type: ignore[assignment,method-assign]


async def _built(stage: Stage) -> None:
    stage.apply(OLD)
    await stage.settle(OLD)


async def _proposed(stage: Stage) -> None:
    await _built(stage)
    finish_build(stage.cluster, stage.jobs[0])
    await stage.settle(OLD)


async def _half_proposed(stage: Stage, *, write: str) -> None:
    """Die right after a write of the proposal, which no status tells of."""
    await _built(stage)
    finish_build(stage.cluster, stage.jobs[0])
    stage.faults.fault = Fault.DIE_AFTER
    while write not in stage.faults.writes:
        stage.faults.at = len(stage.faults.writes) + 1
        try:
            await stage.settle(OLD)
        except Killed:
            stage.restart()
    stage.faults.at = None


async def _cancel(stage: Stage) -> None:
    stage.edit(OLD, {"spec": {"cancel": True}})


async def _supersede(stage: Stage) -> None:
    stage.apply(NEW)
    await stage.settle(NEW)


@dataclass(frozen=True)
class Way:
    """How far a release is when it is taken back, and why."""

    reach: Callable[[Stage], Awaitable[None]]
    cause: Callable[[Stage], Awaitable[None]]
    reason: str
    how: dict[str, Any]
    approvals: int = 0


async def _pushed(stage: Stage) -> None:
    await _half_proposed(stage, write="push branch")


async def _opened(stage: Stage) -> None:
    await _half_proposed(stage, write="open pull request")


AUTO = {"pull_request": {"merge": "Auto"}}
PLATFORMS = {"build": {"platforms": ["linux/amd64", "linux/arm64"]}}
WAYS = {
    "building": Way(_built, _cancel, "Cancelled", {}),
    "platforms": Way(_built, _cancel, "Cancelled", PLATFORMS),
    "pushed": Way(_pushed, _cancel, "Cancelled", {}),
    "opened": Way(_opened, _cancel, "Cancelled", {}),
    "proposed": Way(_proposed, _cancel, "Cancelled", {}),
    "armed": Way(_proposed, _cancel, "Cancelled", AUTO, approvals=1),
    "superseded": Way(_proposed, _supersede, "Superseded", {}),
    "superseded-pushed": Way(_pushed, _supersede, "Superseded", {}),
}


async def _reach(way: Way) -> tuple[Stage, int]:
    stage = Stage(**way.how)
    stage.forge.rules[REPOSITORY] = Rules(approvals=way.approvals)
    await way.reach(stage)
    await way.cause(stage)
    _start(stage)
    return stage, len(stage.faults.writes)


async def _end(stage: Stage) -> dict[str, Any]:
    numbers = range(1, stage.forge.count(REPOSITORY) + 1)
    pulls = [await stage.forge.get(stage.forge_place, number) for number in numbers]
    comments = [stage.forge.comments(REPOSITORY, number) for number in numbers]
    return {
        "ready": stage.ready(OLD),
        "message": stage.message(OLD),
        "jobs": [job["metadata"]["name"] for job in stage.jobs],
        "branch": stage.config.branches.get(BRANCH),
        "pulls": [(seen.state, seen.title, seen.head_sha) for seen in pulls],
        "comments": comments,
        "by": stage.status(OLD).get("supersededBy"),
    }


async def _undisturbed(way: Way) -> tuple[dict[str, Any], list[str]]:
    stage, before = await _reach(way)
    await stage.settle(OLD)
    return await _end(stage), stage.faults.writes[before:]


UNDISTURBED = {name: asyncio.run(_undisturbed(way)) for name, way in WAYS.items()}


@pytest.mark.parametrize("name", WAYS)
def test_undisturbed_nothing_is_left(name: str) -> None:
    end, writes = UNDISTURBED[name]
    assert end["ready"] == ("False", WAYS[name].reason)
    assert end["branch"] is None
    assert all(state == "Closed" for state, _, _ in end["pulls"])
    assert all("backend-v1-1-0" not in job for job in end["jobs"])
    assert writes.count("close pull request") == len(end["pulls"])
    assert ("disarm pull request" in writes) is (name == "armed")


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
@pytest.mark.parametrize(
    ("name", "at"),
    [
        pytest.param(name, number, id=f"{name}-{number}-{write.replace(' ', '-')}")
        for name, (_, writes) in UNDISTURBED.items()
        for number, write in enumerate(writes, 1)
    ],
)
async def test_the_end_is_the_same_whatever_happens_at_one_write(
    name: str, at: int, fault: Fault
) -> None:
    stage, before = await _reach(WAYS[name])
    stage.faults.at, stage.faults.fault = before + at, fault
    for _ in range(5):
        try:
            due = await stage.settle(OLD)
        except Killed:
            _start(stage)
            continue
        except TransientError:  # the API server's own: the daemon tries again
            continue
        if due.after is None:
            break
        stage.clock.advance(due.after)

    assert await _end(stage) == UNDISTURBED[name][0]


async def _reach_merge(*, is_told: bool) -> tuple[Stage, int]:
    """Cancel or supersede a release that somebody merges right before it is closed."""
    stage = Stage()
    await _proposed(stage)
    await (_cancel if is_told else _supersede)(stage)
    _start(stage)
    stage.forge.before_withdraw = lambda: _merge_once(stage)
    return stage, len(stage.faults.writes)


def _merge_once(stage: Stage) -> None:
    stage.forge.before_withdraw = None
    stage.merge()


async def _settle(stage: Stage, start: Callable[[Stage], None]) -> None:
    """Let the operator work, started anew where it dies, until the merge is taken."""
    for _ in range(20):
        try:
            await stage.settle(OLD)
        except Killed:
            start(stage)
        except TransientError:
            continue
        if stage.status(OLD)["config"].get("mergedCommit") is not None:
            return
        stage.clock.advance(timedelta(minutes=1))
    raise AssertionError(stage.status(OLD))


async def _is_merged(stage: Stage) -> None:
    (seen,) = (await stage.forge.get(stage.forge_place, 1),)
    closes, stays = stage.forge.comments(REPOSITORY, 1)
    assert (seen.state, seen.title) == ("Merged", "release: backend v1.1.0")
    assert "so this pull request is closed" in closes
    assert "It was merged all the same" in stays


MERGE_WRITES = 7
"""At most, from the cancel or the newer version to the record of the merge."""


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
@pytest.mark.parametrize("at", range(1, MERGE_WRITES + 1))
@pytest.mark.parametrize("is_told", [True, False], ids=["cancelled", "superseded"])
async def test_one_that_was_merged_first_has_its_title_whatever_happens_at_one_write(
    at: int, fault: Fault, *, is_told: bool
) -> None:
    stage, before = await _reach_merge(is_told=is_told)
    stage.faults.at, stage.faults.fault = before + at, fault
    await _settle(stage, _start)

    await _is_merged(stage)


async def test_a_superseded_one_has_its_title_also_where_nobody_tells_of_the_newer_one() -> None:
    stage, before = await _reach_merge(is_told=False)
    writes = ["delete jobs", "comment", "close pull request", "rename pull request"]
    stage.faults.at, stage.faults.fault = before + len(writes), Fault.DIE_BEFORE
    # Nobody tells of the newer one any more: the release goes on to its merge.
    await _settle(stage, Stage.restart)

    assert stage.faults.writes[before:][: len(writes)] == writes
    await _is_merged(stage)


@pytest.mark.parametrize("name", WAYS)
async def test_killed_after_every_write_a_release_is_taken_back_still(name: str) -> None:
    stage, before = await _reach(WAYS[name])
    stage.faults.at, stage.faults.fault = before + 1, Fault.DIE_AFTER
    for _ in range(20):
        try:
            await stage.settle(OLD)
            break
        except Killed:
            _start(stage)
            stage.faults.at = len(stage.faults.writes) + 1

    assert await _end(stage) == UNDISTURBED[name][0]
