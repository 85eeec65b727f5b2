"""Dying, and losing answers, at every write that takes a release back: the end is the same."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
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
