"""Finished releases that their pipelines do not keep are removed, and no other."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from album_operator.adapters.cluster.releases import ClusterReleases
from album_operator.codec import parse_seen
from album_operator.domain.errors import TransientError
from album_operator.domain.history import HistoryWish
from album_operator.domain.pipeline import PolicyWish
from album_operator.domain.pipeline_record import PipelineRecord
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.memory.release_index import LIST_SECONDS, ReleaseIndex
from album_operator.pipelines.cause import Cause
from album_operator.pipelines.retention import PAUSE_SECONDS, RIGHT_FOR, Retention
from album_operator.waking.pipelines import PAUSE_SECONDS as PIPELINE_PAUSE
from tests.fakes.builders import NAMESPACE, NOW, PIPELINE, raw_finished
from tests.fakes.cluster import FakeCluster
from tests.fakes.faults import Fault, Faults, Killed
from tests.unit.core.stage import Stage

OTHER = "other"
HISTORY = HistoryWish(released=2, others=1, age=timedelta(days=90))
RECORD = PipelineRecord(message="All is well.")
KEEPING = replace(PIPELINE, policy=PolicyWish(history=HISTORY))
PIPELINE_PATH = f"/apis/album.dev/v1alpha1/namespaces/{NAMESPACE}/albumpipelines/album-app"


class Archive:
    """An API server with finished releases, and an operator that removes some of them."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.cluster = FakeCluster(faults)
        self.seconds = 0.0
        self.restart()

    def restart(self) -> None:
        """Start an operator that knows what the API server lists."""
        self.told: set[Ref] = set()
        self.index = ReleaseIndex(clock=lambda: self.seconds)
        releases = ClusterReleases(self.cluster, self.now)
        self.retention = Retention(releases, self.index, self.now)

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def add(self, *names: str, namespace: str = NAMESPACE, pipeline: str = "album-app") -> None:
        """Let releases have ended, one a minute."""
        for minute, name in enumerate(names):
            raw = raw_finished(name, NOW - timedelta(hours=2) + timedelta(minutes=minute))
            raw["spec"]["pipelineRef"]["name"] = pipeline
            raw["metadata"]["namespace"] = namespace
            self.cluster.apply(raw)

    def tell(self) -> None:
        """Let the events about releases arrive, those of removals too."""
        there = {
            Ref(raw["metadata"]["namespace"], raw["metadata"]["name"]): raw
            for raw in self.cluster.all_of("AlbumRelease")
        }
        for ref in self.told - there.keys():
            self.index.drop(ref)
        for ref, raw in there.items():
            self.index.note(ref, parse_seen(raw))
        self.told = set(there)

    async def remove_all(self) -> None:
        """Remove until nothing is left to remove."""
        self.tell()
        while (pause := await self.retention.remove_next()) is not None:
            self.seconds += pause
            self.tell()

    @property
    def names(self) -> list[str]:
        return [raw["metadata"]["name"] for raw in self.cluster.all_of("AlbumRelease")]


def _versions(count: int, app: str = "backend") -> Iterator[str]:
    return (f"{app}-v1.{number}.0" for number in range(count))


@pytest.fixture
async def archive() -> Archive:
    archive = Archive()
    archive.add(*_versions(5))
    await archive.retention.look(KEEPING, RECORD)
    return archive


async def test_what_a_pipeline_does_not_keep_is_removed(archive: Archive) -> None:
    await archive.remove_all()

    assert archive.names == ["backend-v1.3.0", "backend-v1.4.0"]


async def test_a_pipeline_that_says_nothing_of_it_keeps_all(archive: Archive) -> None:
    await archive.retention.look(PIPELINE, RECORD)
    await archive.remove_all()

    assert len(archive.names) == 5
    assert archive.cluster.faults.writes == []


async def test_a_pipeline_that_is_gone_removes_nothing_any_more(archive: Archive) -> None:
    archive.retention.forget(KEEPING.ref)
    await archive.remove_all()

    assert len(archive.names) == 5


async def test_a_release_that_changed_since_it_was_seen_stays(archive: Archive) -> None:
    archive.tell()
    path = f"/apis/album.dev/v1alpha1/namespaces/{NAMESPACE}/albumreleases/backend-v1.0.0"
    archive.cluster.edit(path, {"metadata": {"annotations": {"album.dev/keep": "yes"}}})
    await archive.retention.remove_next()
    assert "backend-v1.0.0" in archive.names

    await archive.remove_all()
    assert archive.names == ["backend-v1.0.0", "backend-v1.3.0", "backend-v1.4.0"]


async def test_another_release_of_the_same_name_stays(archive: Archive) -> None:
    archive.tell()
    path = f"/apis/album.dev/v1alpha1/namespaces/{NAMESPACE}/albumreleases/backend-v1.0.0"
    archive.cluster.objects[path]["metadata"]["uid"] = "uid-of-another"
    await archive.retention.remove_next()

    assert "backend-v1.0.0" in archive.names


async def test_while_releases_are_listed_nothing_is_removed(archive: Archive) -> None:
    archive.tell()
    archive.index.begin_list(NAMESPACE)
    assert await archive.retention.remove_next() == LIST_SECONDS
    assert archive.cluster.faults.writes == []

    archive.seconds += LIST_SECONDS
    archive.tell()
    assert await archive.retention.remove_next() == PAUSE_SECONDS


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
@pytest.mark.parametrize("at", [1, 2, 3])
async def test_whatever_happens_at_one_removal_the_end_is_the_same(at: int, fault: Fault) -> None:
    archive = Archive(Faults(at, fault))
    archive.add(*_versions(5))
    await archive.retention.look(KEEPING, RECORD)
    try:
        await archive.remove_all()
    except Killed:
        archive.restart()
    except TransientError:
        archive.tell()
    await archive.retention.look(KEEPING, RECORD)
    await archive.remove_all()

    assert archive.names == ["backend-v1.3.0", "backend-v1.4.0"]
    assert len(archive.cluster.faults.writes) <= 4


async def test_namespaces_take_turns_and_so_do_the_pipelines_of_one(archive: Archive) -> None:
    archive.add(*_versions(9, "frontend"), pipeline="web")
    await archive.retention.look(replace(KEEPING, ref=Ref(NAMESPACE, "web")), RECORD)
    archive.add(*_versions(6, "theirs"), namespace=OTHER)
    await archive.retention.look(replace(KEEPING, ref=Ref(OTHER, KEEPING.ref.name)), RECORD)
    gone = []
    archive.tell()
    for _ in range(8):
        before = archive.names
        await archive.retention.remove_next()
        gone += [name for name in before if name not in archive.names]
        archive.tell()
        await archive.retention.look(
            KEEPING, RECORD
        )  # Whoever asks all the time has no more turns.

    assert [name.partition("-")[0] for name in gone] == [
        *("backend", "theirs", "frontend", "theirs"),
        *("backend", "theirs", "frontend", "theirs"),
    ]


async def test_a_namespace_that_does_not_give_the_right_keeps_all_and_is_told(
    archive: Archive,
) -> None:
    archive.seconds += RIGHT_FOR.total_seconds()
    archive.cluster.denied.add("delete albumreleases")
    told = await archive.retention.look(KEEPING, RECORD)
    await archive.remove_all()
    assert told.message == (
        "All is well. No release is removed: the operator may not delete albumreleases in "
        "namespace album, which spec.policy.history needs (manifests/namespace). Once it may, it "
        "begins by itself."
    )
    assert len(archive.names) == 5
    assert archive.cluster.faults.writes == []

    archive.cluster.denied.clear()
    archive.seconds += RIGHT_FOR.total_seconds()
    assert await archive.retention.look(KEEPING, told) == RECORD
    await archive.remove_all()
    assert len(archive.names) == 2


async def test_a_right_that_is_taken_away_is_not_tried_on(archive: Archive) -> None:
    refused = TransientError(Reason.FORBIDDEN, "The operator may not delete albumreleases.")
    archive.cluster.refused["albumreleases"] = refused
    await archive.remove_all()
    archive.cluster.refused.clear()

    assert await archive.retention.look(KEEPING, RECORD) != RECORD
    await archive.remove_all()
    assert len(archive.names) == 5


async def test_one_that_a_rule_of_the_cluster_holds_does_not_hold_up_the_others(
    archive: Archive,
) -> None:
    held = f"/apis/album.dev/v1alpha1/namespaces/{NAMESPACE}/albumreleases/backend-v1.0.0"
    delete = archive.cluster.delete

    async def guarded(path: str, preconditions: dict[str, str]) -> object:
        if path == held:
            raise TransientError(Reason.ADMISSION_DENIED, "A rule of the cluster refuses this.")
        return await delete(path, preconditions)

    archive.cluster.delete = guarded  # type: ignore[assignment, method-assign]
    await archive.remove_all()

    assert archive.names == ["backend-v1.0.0", "backend-v1.3.0", "backend-v1.4.0"]


async def test_it_goes_on_by_itself_when_there_is_something_to_remove() -> None:
    archive = Archive()
    archive.add(*_versions(3))
    archive.tell()
    running = asyncio.create_task(archive.retention.run())
    await asyncio.sleep(0)
    await archive.retention.look(KEEPING, RECORD)
    async with asyncio.timeout(10):
        while len(archive.names) > 2:
            await asyncio.sleep(0)
    running.cancel()


async def test_a_thousand_are_removed_with_fewer_than_five_requests_in_any_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    archive = Archive()
    for app in ("backend", "frontend"):
        archive.add(*_versions(502, app))
    await archive.retention.look(KEEPING, RECORD)
    archive.tell()
    seconds: Counter[int] = Counter()
    answer = archive.cluster._answer

    def counted(path: str) -> None:
        seconds[int(archive.seconds)] += 1
        answer(path)

    monkeypatch.setattr(archive.cluster, "_answer", counted)
    while (pause := await archive.retention.remove_next()) is not None:
        archive.seconds += pause

    assert len(archive.names) == 4
    assert seconds.total() == 1000
    assert max(seconds.values()) == 3


async def test_the_passes_that_removals_bring_keep_it_below_five(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage, seconds, requests = Stage(), 0.0, Counter[int]()
    history = {"released": 1, "others": 1}
    stage.cluster.edit(PIPELINE_PATH, {"spec": {"policy": {"history": history}}})
    for name in _versions(60):
        stage.cluster.apply(raw_finished(name, NOW))
    stage.tell_of_releases()
    for _ in range(2):
        await stage.look_at_pipeline()
    answer, retention = stage.cluster._answer, stage.pipeline_reconciler.retention

    def counted(path: str) -> None:
        requests[int(seconds)] += 1
        answer(path)

    monkeypatch.setattr(stage.cluster, "_answer", counted)
    passed = 0
    while (pause := await retention.remove_next()) is not None:
        seconds += pause
        for name in set(_versions(60)) - {raw["metadata"]["name"] for raw in _all(stage)}:
            stage.wakeups.index.drop(Ref(NAMESPACE, name))
        if seconds >= passed + PIPELINE_PAUSE:
            passed = int(seconds)
            await stage.look_at_pipeline(Cause.RELEASES)

    assert len(_all(stage)) == 2
    assert max(requests.values()) <= 5


def _all(stage: Stage) -> list[dict[str, Any]]:
    return stage.cluster.all_of("AlbumRelease")


async def test_what_keeps_releases_from_being_removed_is_told_in_the_pipelines_status() -> None:
    stage = Stage()
    stage.cluster.denied.add("delete albumreleases")
    before = (await stage.look_at_pipeline())["conditions"]
    assert "No release is removed" not in str(before)
    stage.cluster.edit(PIPELINE_PATH, {"spec": {"policy": {"history": {}}}})
    for _ in range(2):
        (ready,) = (await stage.look_at_pipeline())["conditions"]
        assert ready["status"] == "True"
        assert ready["message"].count("No release is removed") == 1

    stage.cluster.edit(PIPELINE_PATH, {"spec": {"policy": {"history": None}}})
    (ready,) = (await stage.look_at_pipeline(Cause.RELEASES))["conditions"]
    assert "No release is removed" not in ready["message"]
