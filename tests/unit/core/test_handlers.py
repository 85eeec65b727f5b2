"""What is read of an event before it is handed to the main loop."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from album_operator.domain.claims import ConfigBranch
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Record
from album_operator.domain.release import Ref, Release
from album_operator.memory import release_index
from album_operator.memory.release_index import LIST_SECONDS, ReleaseIndex
from album_operator.metrics.metrics import Metrics
from album_operator.pipelines.cause import Cause, Causes
from album_operator.render.job import RELEASE_LABEL
from album_operator.waking.daemons import Daemons
from album_operator.waking.handlers import NamespaceWatch, is_worth_reading, lower_retries
from album_operator.waking.pipelines import Pipelines
from album_operator.waking.wakeups import Wakeups
from tests.fakes.builders import raw_pipeline, raw_release

RELEASE = Ref("album", "backend-v1.1.0")
PIPELINE = Ref("album", "album-app")


class Stage:
    """A watch whose events a test makes."""

    def __init__(self) -> None:
        self.wakeups, self.metrics = Wakeups(), Metrics()
        self.running: list[Ref] = []
        self.daemons = Daemons(self._serve, self.wakeups)
        self.passed: list[tuple[Ref, set[Cause]]] = []
        self.pipelines = Pipelines(self._pass, self.metrics)
        self.gone: list[tuple[str, Reason, bool]] = []
        self.watch = NamespaceWatch(
            self.daemons,
            self.wakeups,
            self.pipelines,
            self.metrics,
            timedelta(seconds=70),
            self._leave,
        )

    def _leave(self, release: Release, record: Record) -> None:
        self.gone.append((release.ref.name, record.reason, bool(self.running)))

    async def _pass(self, pipeline: Ref, causes: Causes) -> timedelta:
        self.passed.append((pipeline, set(causes)))
        return timedelta(minutes=10)

    async def _serve(self, release: Ref, stopped: asyncio.Event) -> None:
        self.running.append(release)
        await stopped.wait()
        self.running.remove(release)

    async def tell(self, kind: str, body: dict[str, Any], event: str | None = None) -> None:
        """Hand an event over as Kopf's thread does."""
        read: tuple[Callable[[Any], Callable[[], None]], ...] = {
            "AlbumRelease": (self.watch._read_release, self.watch._skip_release),
            "AlbumPipeline": (self.watch._read_pipeline,),
            "Job": (self.watch._read_job,),
        }[kind]
        metadata = body.get("metadata") or {}
        told = {
            "type": event,
            "body": body,
            "event": {"type": event, "object": body},
            "meta": metadata,
            "namespace": metadata.get("namespace"),
            "name": metadata.get("name"),
        }
        self.watch._read(kind, asyncio.get_running_loop(), told, *read)
        for _ in range(5):
            await asyncio.sleep(0)


async def test_a_release_in_flight_is_kept_until_it_is_finished_or_deleted() -> None:
    stage = Stage()
    raw = raw_release("backend-v1.1.0")
    await stage.tell("AlbumRelease", raw)
    assert stage.running == [RELEASE]
    finished = [{"type": "Finished", "status": "True"}]
    raw["status"] = {
        "observedGeneration": raw["metadata"]["generation"],
        "conditions": finished,
    }
    await stage.tell("AlbumRelease", raw, "MODIFIED")
    assert stage.running == []

    del raw["status"]
    await stage.tell("AlbumRelease", raw, "MODIFIED")
    assert stage.running == [RELEASE]
    await stage.tell("AlbumRelease", raw, "DELETED")
    assert stage.running == []

    await stage.tell("AlbumRelease", raw, "ADDED")
    raw["metadata"]["deletionTimestamp"] = "2026-11-20T12:00:00Z"
    await stage.tell("AlbumRelease", raw, "MODIFIED")
    assert stage.running == []


@pytest.mark.parametrize("is_in_flight", [True, False])
async def test_a_deleted_release_is_left_to_others_as_it_was_once_nothing_works_on_it(
    *, is_in_flight: bool
) -> None:
    stage = Stage()
    raw = raw_release("backend-v1.1.0")
    if is_in_flight:
        await stage.tell("AlbumRelease", raw)
    ready = {"type": "Ready", "status": "Unknown", "reason": "AwaitingMerge", "message": ""}
    now = {"observedGeneration": 1, "lastTransitionTime": "2026-11-20T12:00:00.000000Z"}
    raw["status"] = {"observedGeneration": 1, "conditions": [{**ready, **now}]}
    await stage.tell("AlbumRelease", raw, "DELETED")

    assert stage.gone == [("backend-v1.1.0", Reason.AWAITING_MERGE, False)]


async def test_a_deleted_release_that_nobody_can_read_is_dropped_all_the_same() -> None:
    stage = Stage()
    raw = raw_release("backend-v1.1.0")
    await stage.tell("AlbumRelease", raw)
    raw["spec"]["tag"] = 7
    await stage.tell("AlbumRelease", raw, "DELETED")

    assert (stage.running, stage.gone) == ([], [])


async def test_what_is_told_of_a_release_is_known_to_others_until_it_is_deleted() -> None:
    stage = Stage()
    raw = raw_release("backend-v1.1.0")
    raw["status"] = {**raw["status"], "app": "backend", "version": "v1.1.0"}

    def known() -> list[str]:
        return list(stage.wakeups.index.of_app("album", "album-app", "backend"))

    await stage.tell("AlbumRelease", raw, "ADDED")
    assert known() == ["backend-v1.1.0"]
    await stage.tell("AlbumRelease", raw, "DELETED")
    assert known() == []


@pytest.mark.parametrize(("event", "is_certain"), [(None, False), ("ADDED", True)])
async def test_what_a_list_tells_is_told_apart_from_a_change(
    event: str | None, is_certain: bool
) -> None:
    stage = Stage()
    stage.wakeups.index = ReleaseIndex(clock=lambda: 0.0)
    await stage.tell("AlbumRelease", raw_release("backend-v1.1.0"), event)
    claim = stage.wakeups.index.claim(RELEASE, ConfigBranch("https://git.example.org/c", "b"))
    assert claim.is_certain is is_certain


PIECE = 4
UNREADABLE: dict[str, Any] = {"status": {"conditions": 7}}
DELETING: dict[str, Any] = {"metadata": {"deletionTimestamp": "2026-11-20T12:00:00Z"}}


@pytest.mark.parametrize("odd", [UNREADABLE, DELETING], ids=["unreadable", "deleting"])
@pytest.mark.parametrize("readable", [PIECE - 1, PIECE])
async def test_a_list_counts_what_nobody_can_read_and_what_is_about_to_go(
    monkeypatch: pytest.MonkeyPatch, odd: dict[str, Any], readable: int
) -> None:
    monkeypatch.setattr(release_index, "LIST_PIECE", PIECE)
    now, stage = 0.0, Stage()
    stage.wakeups.index = index = ReleaseIndex(clock=lambda: now)
    for number in range(readable + 1):
        body = raw_release(f"backend-v1.1.{number}")
        if number == readable // 2:
            body |= {**odd, "metadata": {**body["metadata"], **odd.get("metadata", {})}}
        await stage.tell("AlbumRelease", body)
    now += LIST_SECONDS

    # Where it stands after a whole piece another one may follow.
    assert index.is_whole("album") is (readable + 1 != PIECE)
    await stage.daemons.close()


async def test_one_that_nobody_can_read_any_more_is_not_gone_by_a_list() -> None:
    now, stage = 0.0, Stage()
    stage.wakeups.index = index = ReleaseIndex(clock=lambda: now)
    await stage.tell("AlbumRelease", raw_release("backend-v1.1.0"))
    now += LIST_SECONDS
    await stage.tell("AlbumRelease", raw_release("backend-v1.1.0") | UNREADABLE)
    await stage.tell("AlbumRelease", raw_release("backend-v1.2.0"))
    now += LIST_SECONDS
    known = index.of_pipeline("album", "album-app")
    assert set(known) == {"backend-v1.1.0", "backend-v1.2.0"}
    await stage.daemons.close()


async def test_a_job_wakes_the_release_it_names() -> None:
    stage = Stage()
    await stage.tell("AlbumRelease", raw_release("backend-v1.1.0"))
    owner = {"kind": "AlbumRelease", "name": "backend-v1.1.0", "uid": "u", "controller": True}
    owner["apiVersion"] = "album.dev/v1alpha1"
    metadata = {"namespace": "album", "name": "j", "labels": {RELEASE_LABEL: "x"}}
    await stage.tell("Job", {"metadata": metadata})
    assert not stage.wakeups.has_news(RELEASE)
    await stage.tell("Job", {"metadata": {**metadata, "ownerReferences": [owner]}})
    assert stage.wakeups.has_news(RELEASE)


@pytest.mark.parametrize(
    "body",
    [
        {"metadata": {}},
        {"metadata": None},
        {"metadata": {"namespace": "album", "name": "x"}, "status": {"conditions": 7}},
        {"metadata": {"namespace": "album", "name": "x"}, "status": {"conditions": [None]}},
        {"metadata": {"namespace": "album", "name": "x", "annotations": 7}, "status": []},
    ],
    ids=str,
)
async def test_what_nobody_can_read_is_skipped_counted_and_told_once(
    body: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage()
    for _ in range(2):
        await stage.tell("AlbumRelease", body)

    assert stage.running == []
    assert caplog.text.count("is skipped") == 1
    counted = 'album_unreadable_objects_total{kind="AlbumRelease"} 2.0'
    assert counted in stage.metrics.render().decode()


@pytest.mark.parametrize(
    ("logger", "message", "is_kept"),
    [
        ("kopf.objects", "Handler 'release-changed' succeeded.", False),
        ("kopf._core.reactor.running", "OS signals are ignored: not in the main thread.", False),
        ("kopf._core.reactor.queueing", "Watcher for x has failed: 403", False),
        ("kopf._cogs.clients.api", "Request attempt #1/4 failed; will retry: GET", True),
        ("album_operator", "A build has failed.", True),
    ],
)
def test_the_log_has_what_is_worth_reading(logger: str, message: str, is_kept: bool) -> None:
    line = logging.LogRecord(logger, logging.INFO, "", 0, message, None, None)
    assert is_worth_reading(line) is is_kept


@pytest.mark.parametrize(
    ("message", "level"),
    [
        ("Request attempt #1/4 failed; will retry: GET x -> 429", "WARNING"),
        ("Request attempt #4/4 failed; escalating: GET x -> 429", "ERROR"),
    ],
)
def test_what_is_tried_again_is_a_warning(message: str, level: str) -> None:
    line = logging.makeLogRecord({"msg": message, "levelno": logging.ERROR, "levelname": "ERROR"})
    assert lower_retries(line)
    assert (line.levelname, line.levelno) == (level, getattr(logging, level))


async def test_a_pipeline_is_looked_at_when_it_or_a_release_of_it_changed_and_not_else() -> None:
    stage = Stage()
    passing = asyncio.ensure_future(stage.pipelines.run())
    pipeline, raw = raw_pipeline(), raw_release("backend-v1.1.0")
    await stage.tell("AlbumPipeline", pipeline)
    assert stage.passed == [(PIPELINE, {Cause.CHANGED})]

    pipeline["status"] = {"observedGeneration": 2}
    await stage.tell("AlbumPipeline", pipeline, "MODIFIED")
    waiting = stage.pipelines._known[PIPELINE].causes
    assert waiting == set()
    await stage.tell("AlbumRelease", raw, "ADDED")
    assert waiting == {Cause.RELEASES}
    waiting.clear()
    await stage.tell("AlbumRelease", raw, "MODIFIED")
    assert waiting == set()
    await stage.tell("AlbumRelease", raw, "DELETED")
    assert waiting == {Cause.RELEASES}

    await stage.tell("AlbumPipeline", pipeline, "DELETED")
    assert stage.pipelines._known == {}
    passing.cancel()


async def test_a_pipeline_that_changed_wakes_those_it_may_hold_and_nobody_at_its_own_status() -> (
    None
):
    stage = Stage()
    raw, merged = raw_pipeline(), raw_release("backend-v1.0.0")
    states = [{"name": name, "state": "Succeeded"} for name in ("ImageReady", "Proposed", "Merged")]
    merged["status"] = {**merged["status"], "steps": states}
    await stage.tell("AlbumRelease", raw_release("backend-v1.1.0"))
    await stage.tell("AlbumRelease", merged)
    await stage.tell("AlbumPipeline", raw)
    assert not stage.wakeups.has_news(RELEASE)

    raw["metadata"]["resourceVersion"] = "9"
    await stage.tell("AlbumPipeline", raw, "MODIFIED")
    assert not stage.wakeups.has_news(RELEASE)
    raw["metadata"]["annotations"] = {"lift-hold.album.dev/backend": "2026-11-20T12:00:00Z"}
    await stage.tell("AlbumPipeline", raw, "MODIFIED")
    assert stage.wakeups.has_news(RELEASE)
    assert not stage.wakeups.has_news(Ref("album", "backend-v1.0.0"))


async def test_a_pipeline_that_is_gone_holds_nobody() -> None:
    stage = Stage()
    await stage.tell("AlbumRelease", raw_release("backend-v1.1.0"))
    await stage.tell("AlbumPipeline", raw_pipeline())
    await stage.tell("AlbumPipeline", raw_pipeline(), "DELETED")
    assert stage.wakeups.has_news(RELEASE)
