"""At most so many builds of a namespace at once; the rest waits its turn, the oldest first."""

import asyncio
import copy
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest

from album_operator.codec import parse_seen, release_of
from album_operator.domain.errors import TransientError
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.metrics.metrics import Metrics
from album_operator.serving.health import Health
from album_operator.waking.daemons import serve_release
from album_operator.waking.handlers import read_job
from tests.fakes.builders import NAMESPACE, raw_release
from tests.fakes.cluster import fail_build, finish_build
from tests.unit.core.stage import Stage

LIMIT = 2

JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"

# Their names sort the other way round than they were created.
NAMES = tuple(f"release-{9 - number}" for number in range(6))


class Team:
    """A stage with six releases, created one a minute, and a daemon for each that is started."""

    def __init__(self) -> None:
        self.stage = Stage(ALBUM_BUILDS_PER_NAMESPACE=str(LIMIT))
        self._daemons: dict[str, tuple[asyncio.Event, asyncio.Task[None]]] = {}
        for minute, name in enumerate(NAMES):
            tag = f"backend-v1.1.{minute}"  # each has a branch of its own
            self.stage.source.tags[tag] = self.stage.source.tags["backend-v1.1.0"]
            raw = raw_release(name, tag=tag)
            raw["metadata"]["creationTimestamp"] = f"2026-11-20T11:0{minute}:00Z"
            self.stage.cluster.apply(raw)

    def start(self, *names: str) -> None:
        for name in names:
            ref, stopped = Ref(NAMESPACE, name), asyncio.Event()
            self.stage.wakeups.join(ref, None)
            serving = serve_release(
                ref,
                stopped,
                self.stage.reconciler,
                self.stage.wakeups,
                Health(),
                Metrics(),
            )
            self._daemons[name] = stopped, asyncio.create_task(serving)

    async def start_in_turn(self, *names: str) -> None:
        """Start daemons so that the first two releases build and the others wait."""
        self.start(*names[:LIMIT])
        await self.until_building(*names[:LIMIT])
        self.start(*names[LIMIT:])
        await self.until_queued(*names[LIMIT:])

    async def stop(self, *names: str) -> None:
        for name in names or tuple(self._daemons):
            stopped, task = self._daemons.pop(name)
            stopped.set()
            await asyncio.wait_for(task, 10)

    async def until(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not is_so():
            assert time.monotonic() < deadline, [self.reason(name) for name in NAMES]
            await asyncio.sleep(0)

    async def until_building(self, *names: str) -> None:
        await self.until(lambda: self.building() == set(names))

    async def until_queued(self, *names: str) -> None:
        await self.until(lambda: all(self.reason(name) == "Queued" for name in names))

    def reason(self, name: str) -> str:
        return self.stage.ready(name)[1] if "conditions" in self.stage.status(name) else ""

    def building(self) -> set[str]:
        return {self.owner(job) for job in self.stage.jobs if "status" not in job}

    def job(self, name: str) -> dict[str, Any]:
        (job,) = (job for job in self.stage.jobs if self.owner(job) == name)
        return job

    def end(self, name: str, end: Callable[..., None] = finish_build) -> None:
        """Let a build end, and the API server tell of it."""
        end(self.stage.cluster, self.job(name))
        read_job(self.stage.wakeups, self.job(name), is_gone=False)()

    @staticmethod
    def owner(job: dict[str, Any]) -> str:
        owner = release_of(job["metadata"])
        assert owner is not None
        return owner.name


@pytest.fixture
async def team() -> AsyncIterator[Team]:
    team = Team()
    yield team
    await team.stop()


async def test_only_so_many_builds_run_at_once_and_the_rest_says_so(team: Team) -> None:
    await team.start_in_turn(*NAMES)

    message = team.stage.message(NAMES[2])
    assert "ALBUM_BUILDS_PER_NAMESPACE" in message
    assert f"2 run: those of {', '.join(sorted(NAMES[:LIMIT]))}" in " ".join(message.split())
    assert "in the line of namespace album. Of at most 2 builds" in message
    assert team.stage.ready(NAMES[2])[0] == "Unknown"


@pytest.mark.parametrize("end", [finish_build, fail_build])
async def test_each_build_that_ends_lets_the_oldest_begin(
    team: Team, end: Callable[..., None]
) -> None:
    await team.start_in_turn(*reversed(NAMES))
    first, second = NAMES[-1], NAMES[-2]  # those that came first
    for done, begins in ((first, NAMES[0]), (second, NAMES[1]), (NAMES[0], NAMES[2])):
        before = team.building() - {done}
        team.end(done, end)
        await team.until_building(*before, begins)

    assert {team.reason(name) for name in NAMES[3:-2]} == {"Queued"}


async def test_two_builds_that_end_at_once_let_two_begin(team: Team) -> None:
    await team.start_in_turn(*NAMES)
    for name in NAMES[:2]:
        team.end(name)
    await team.until_building(*NAMES[2:4])


async def test_a_job_that_is_gone_makes_room_like_one_that_ended(team: Team) -> None:
    await team.start_in_turn(*NAMES)
    await team.stop(NAMES[0])
    job = team.job(NAMES[0])
    del team.stage.cluster.objects[f"{JOBS}/{job['metadata']['name']}"]
    read_job(team.stage.wakeups, job, is_gone=True)()
    await team.until_building(NAMES[1], NAMES[2])


async def test_whoever_comes_later_waits_behind_those_that_are_there(team: Team) -> None:
    await team.start_in_turn(*NAMES[:3])
    finish_build(team.stage.cluster, team.job(NAMES[0]))  # nobody has heard of it yet
    team.start(NAMES[3])
    await team.until_queued(NAMES[3])
    assert f"Place 2 of 2 in the line of namespace album, before it {NAMES[2]}." in (
        team.stage.message(NAMES[3])
    )

    read_job(team.stage.wakeups, team.job(NAMES[0]), is_gone=False)()
    await team.until_building(NAMES[1], NAMES[2])


@pytest.mark.parametrize(
    "gives_up",
    [
        lambda stage, name: stage.edit(name, {"spec": {"suspend": True}}),
        lambda stage, name: stage.edit(
            name, {"metadata": {"deletionTimestamp": "2026-11-20T12:00:00Z"}}
        ),
    ],
    ids=["suspended", "deleted"],
)
async def test_a_release_that_gives_up_its_place_holds_nobody_up(
    team: Team, gives_up: Callable[[Stage, str], None]
) -> None:
    await team.start_in_turn(*NAMES[:4])
    gives_up(team.stage, NAMES[2])
    team.end(NAMES[0])
    await team.until_building(NAMES[1], NAMES[3])


async def test_a_release_whose_daemon_is_stopped_holds_nobody_up(team: Team) -> None:
    await team.start_in_turn(*NAMES[:4])
    finish_build(team.stage.cluster, team.job(NAMES[0]))
    await team.stop(NAMES[2])
    await team.until_building(NAMES[1], NAMES[3])


async def test_a_first_in_line_that_cannot_begin_lets_the_next_begin(team: Team) -> None:
    create, refused = team.stage.cluster.create, TransientError(Reason.CLUSTER_UNAVAILABLE, "No.")

    async def refusing(path: str, body: dict[str, Any]) -> dict[str, Any]:
        if path.endswith("/jobs") and team.owner(body) == NAMES[2]:
            raise refused
        return await create(path, body)

    team.stage.cluster.create = refusing  # type: ignore[assignment,method-assign]
    await team.start_in_turn(*NAMES[:4])
    team.end(NAMES[0])
    await team.until_building(NAMES[1], NAMES[3])


async def test_nobody_looks_often_while_it_waits() -> None:
    stage = Team().stage
    for name in NAMES[:LIMIT]:
        await stage.settle(name)
    waits = [(await stage.settle(name)).after for name in NAMES[LIMIT:]]

    assert waits == [timedelta(minutes=minutes) for minutes in (1, 1, 2, 2)]


async def test_after_a_restart_the_builds_that_run_are_known() -> None:
    stage = Team().stage
    for name in NAMES:
        await stage.settle(name)
    stage.restart()
    for name in reversed(NAMES):
        await stage.settle(name)
    assert len(stage.jobs) == LIMIT

    finish_build(stage.cluster, stage.jobs[0])
    for name in reversed(NAMES):
        await stage.settle(name)
    assert [Team.owner(job) for job in stage.jobs] == [*NAMES[:2], NAMES[2]]


async def test_a_build_of_an_earlier_attempt_is_the_one_its_retry_waits_for() -> None:
    stage = Team().stage
    await stage.settle(NAMES[0])
    stage.annotate(NAMES[0], retry="1")
    await stage.settle(NAMES[0])
    await stage.settle(NAMES[1])
    assert len(stage.jobs) == 2
    assert "of an earlier attempt of this release builds" in stage.message(NAMES[0])
    assert stage.ready(NAMES[1]) == ("Unknown", "Building")

    fail_build(stage.cluster, stage.jobs[0])
    await stage.settle(NAMES[0])
    assert [Team.owner(job) for job in stage.jobs] == [NAMES[0], NAMES[1], NAMES[0]]


async def test_another_namespaces_builds_do_not_count() -> None:
    stage = Team().stage
    for name in NAMES[:LIMIT]:
        await stage.settle(name)
    objects = stage.cluster.objects
    for path in [path for path in objects if path.startswith(JOBS)]:
        objects[path.replace(f"/{NAMESPACE}/", "/another/")] = objects.pop(path)
    await stage.settle(NAMES[2])

    assert stage.ready(NAMES[2]) == ("Unknown", "Building")


async def test_a_build_that_has_ended_beside_a_sidecar_does_not_count() -> None:
    stage = Team().stage
    for name in NAMES[:LIMIT]:
        await stage.settle(name)
    step = {"name": "ImageReady", "state": "Succeeded"}
    built = parse_seen({**raw_release(NAMES[0]), "status": {"steps": [step]}})
    stage.wakeups.index.note(Ref(NAMESPACE, NAMES[0]), built)
    for name in NAMES[LIMIT:]:
        await stage.settle(name)

    assert stage.ready(NAMES[2]) == ("Unknown", "Building")
    assert stage.ready(NAMES[3]) == ("Unknown", "Queued")
    read_job(stage.wakeups, stage.jobs[0], is_gone=False)()
    assert len(stage.wakeups.queue.slots(Ref(NAMESPACE, NAMES[3])).running) == LIMIT


async def test_builds_of_all_namespaces_together_are_limited() -> None:
    stage = Stage(ALBUM_NAMESPACES=f"{NAMESPACE},another", ALBUM_BUILDS="2")
    stage.apply()
    await stage.settle()
    job = copy.deepcopy(stage.jobs[0])
    job["metadata"] |= {"namespace": "another"}
    stage.cluster.apply(job)
    read_job(stage.wakeups, job, is_gone=False)()
    stage.cluster.apply(raw_release("second", tag="backend-v1.2.0"))
    await stage.settle("second")
    assert stage.ready("second") == ("Unknown", "Queued")
    assert "Place 1 of 1 in the line of all namespaces. Of at most 2 builds" in (
        stage.message("second")
    )
    assert "another" not in stage.message("second")

    finish_build(stage.cluster, job)
    ended = stage.cluster.all_of("Job")[-1]
    read_job(stage.wakeups, ended, is_gone=False)()
    await stage.settle("second")
    assert stage.ready("second") == ("Unknown", "Building")
