"""Whose turn it is: fair between pipelines and namespaces, within the limit of all together."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from album_operator.domain.build_slots import BuildLimits, BuildRunning, OverallSlots
from album_operator.domain.errors import StaleError, TransientError
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.memory.build_queue import FRESH, BuildQueue
from tests.fakes.builders import CREATED, RELEASE


class Turns:
    """A queue, the builds of each namespace as the API server has them, and who was woken."""

    def __init__(self, each: int = 5, overall: int | None = None) -> None:
        self.now = 0.0
        self.woken: list[str] = []
        self.looked: list[str] = []
        self.jobs: dict[str, list[BuildRunning]] = {}
        self.queue = BuildQueue(
            lambda release: self.woken.append(str(release)),
            BuildLimits(each, overall),
            lambda: self.now,
        )

    def join(
        self, names: str, pipeline: str = "web", namespace: str = "a", minute: int = 0
    ) -> None:
        """Let releases wait, created one a minute."""
        for number, name in enumerate(names.split(), minute):
            self.queue.join(
                replace(
                    RELEASE,
                    ref=Ref(namespace, name),
                    pipeline=pipeline,
                    created_at=CREATED + timedelta(minutes=number),
                ),
                f"job-{name}",
            )

    def run(self, names: str, pipeline: str = "web", namespace: str = "a") -> None:
        """Let builds run, and the queue see them."""
        builds = [BuildRunning(f"job-{name}", name, pipeline) for name in names.split()]
        self.jobs.setdefault(namespace, []).extend(builds)
        for build in builds:
            self.queue.note(namespace, build)

    async def list(self, namespace: str) -> Sequence[BuildRunning]:
        self.looked.append(namespace)
        await asyncio.sleep(0)
        return self.jobs.get(namespace, [])

    def line(self, name: str, namespace: str = "a") -> str:
        return " ".join(self.queue.slots(Ref(namespace, name)).waiting)

    def overall(self, name: str, namespace: str = "a") -> OverallSlots:
        overall = self.queue.slots(Ref(namespace, name)).overall
        assert overall is not None
        return overall


def test_equally_old_releases_go_by_name() -> None:
    turns = Turns()
    for name in ("b", "a", "c"):
        turns.join(name)

    assert turns.line("c") == "a b"
    assert turns.queue.slots(Ref("a", "c")).line == 3


def test_who_does_not_wait_comes_behind_all() -> None:
    turns = Turns()
    turns.join("a b")

    assert turns.line("unknown") == "a b"
    assert turns.line("c", "elsewhere") == ""


def test_pipelines_take_turns_and_each_goes_by_age() -> None:
    turns = Turns()
    turns.join("w1 w2 w3 w4", "web")
    turns.join("s1 s2", "shop", minute=10)

    assert turns.line("w4") == "w1 s1 w2 s2 w3"


def test_a_pipeline_whose_builds_run_lets_others_go_first() -> None:
    turns = Turns()
    turns.run("r1 r2", "web")
    turns.join("w1 w2", "web")
    turns.join("s1 s2 s3", "shop", minute=10)

    assert turns.line("w2") == "s1 s2 w1 s3"


def test_a_build_that_ends_wakes_the_next_alone() -> None:
    turns = Turns()
    turns.run("r1")
    turns.join("w1 w2")
    turns.join("b1", namespace="b")
    turns.queue.end("a", "job-r1")
    turns.queue.end("elsewhere", "job-x")

    assert turns.woken == ["a/w1"]


def test_who_leaves_lets_the_next_look_and_a_stranger_nobody() -> None:
    turns = Turns()
    turns.join("a b")
    turns.queue.leave(Ref("a", "unknown"))
    assert turns.woken == []
    turns.queue.leave(Ref("a", "a"))
    turns.queue.leave(Ref("a", "b"))
    assert turns.woken == ["a/b"]
    silent = BuildQueue()
    silent.join(RELEASE, "job")
    silent.end(RELEASE.ref.namespace, "another")


def test_whose_job_another_process_has_created_holds_nobody_up() -> None:
    turns = Turns()
    turns.join("a b")
    turns.run("a")

    assert turns.line("b") == ""
    assert turns.queue.slots(Ref("a", "b")).running == ("a",)


def test_a_second_attempt_waits_beside_the_job_of_the_first() -> None:
    turns = Turns()
    turns.queue.note("a", BuildRunning("job-w1-before", "w1", "web"))
    turns.join("w1 w2")

    assert turns.line("w2") == "w1"


def test_namespaces_take_turns_where_all_builds_together_are_limited() -> None:
    turns = Turns(each=5, overall=2)
    turns.run("r1 r2", namespace="a")
    turns.join("a1 a2", namespace="a")
    turns.join("b1 b2 b3", namespace="b", minute=10)

    # b1 b2 a1 b3 a2
    assert turns.overall("a1") == OverallSlots(limit=2, running=2, before=2, line=5)
    assert turns.overall("b3", "b").before == 3
    turns.queue.end("a", "job-r1")
    assert turns.woken == ["b/b1"]


def test_who_is_held_up_by_the_limit_of_its_namespace_holds_up_no_other_one() -> None:
    turns = Turns(each=1, overall=3)
    turns.run("r1", namespace="a")
    turns.join("a1 a2", namespace="a")
    turns.join("b1 b2", namespace="b", minute=10)

    assert turns.overall("b1", "b") == OverallSlots(limit=3, running=1, before=0, line=1)
    assert turns.overall("a1").before == 1
    turns.queue.end("a", "job-r1")
    assert turns.woken == ["a/a1"]


def test_without_a_limit_of_all_together_other_namespaces_are_not_looked_at() -> None:
    turns = Turns()
    asyncio.run(turns.queue.look("a", ("a", "b"), turns.list))

    assert turns.looked == ["a"]
    assert turns.queue.slots(Ref("a", "x")).overall is None


async def test_other_namespaces_are_looked_at_once_a_while_however_many_ask() -> None:
    turns = Turns(overall=3)
    turns.run("r1 r2", namespace="b")
    turns.queue.forget("b")
    namespaces = ("a", "b", "c")
    await asyncio.gather(*(turns.queue.look("a", namespaces, turns.list) for _ in range(9)))
    assert sorted(turns.looked) == [*"aaaaaaaaa", "b", "c"]
    assert turns.overall("x").running == 2

    turns.jobs["b"].pop()  # and no event told
    turns.now = FRESH
    await turns.queue.look("a", namespaces, turns.list)
    assert turns.overall("x").running == 1


async def test_a_namespace_that_cannot_be_looked_at_holds_nobody_up() -> None:
    turns = Turns(overall=1)

    async def look(namespace: str) -> Sequence[BuildRunning]:
        if namespace == "b":
            raise TransientError(Reason.FORBIDDEN, "No.")
        return await turns.list(namespace)

    await turns.queue.look("a", ("b", "a"), look)
    assert turns.overall("x").is_free
    with pytest.raises(TransientError):
        await turns.queue.look("b", ("b", "a"), look)


def test_of_builds_begun_at_one_moment_only_so_many_are_created() -> None:
    turns = Turns(overall=1)
    turns.join("a1")
    turns.join("b1", namespace="b")
    with turns.queue.claim(Ref("a", "a1")), pytest.raises(StaleError) as refused:
        turns.queue.claim(Ref("b", "b1")).__enter__()

    assert refused.value.reason is Reason.QUEUED
    assert turns.overall("b1", "b").running == 1


def test_a_build_that_is_not_created_after_all_makes_room_again() -> None:
    turns = Turns(overall=1)
    turns.join("a1")
    with pytest.raises(TransientError), turns.queue.claim(Ref("a", "a1")):
        raise TransientError(Reason.CLUSTER_UNAVAILABLE, "No.")

    assert turns.overall("a1").running == 0


def test_a_build_that_runs_already_takes_no_second_room() -> None:
    turns = Turns(overall=1)
    turns.join("a1")
    turns.run("a1")
    for name in ("a1", "gone"):
        with turns.queue.claim(Ref("a", name)):
            pass

    assert turns.overall("a1").running == 1
