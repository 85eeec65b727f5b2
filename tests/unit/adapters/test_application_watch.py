"""The watch of Applications: nothing the API server or an Application does ends it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from album_operator.adapters.cluster import application_watch
from album_operator.adapters.cluster.application_watch import ApplicationWatch
from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.release import Ref
from album_operator.metrics.metrics import Metrics
from tests.fakes.builders import raw_application
from tests.unit.adapters.api_server import ApiServer, running, status_of

Raw = dict[str, Any]


class Stage:
    """An API server whose watches send the lines a test puts into them.

    Attributes:
        server: the server.
        watches: lines of each watch in its order; None freezes it, the end of a list ends it.
        versions: resource versions the watches began at.
        seen: what was told of each Application, in order.
        missed: how often changes may have been missed.
        metrics: what was counted.
    """

    def __init__(self) -> None:
        self.server = ApiServer()
        self.server.handler = self._handle
        self.watches: list[list[bytes | None]] = []
        self.versions: list[str] = []
        self.seen: list[tuple[Ref, object]] = []
        self.missed: list[str] = []
        self.metrics = Metrics()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            return web.json_response({"metadata": {"resourceVersion": "1"}, "items": []})
        self.versions.append(request.query["resourceVersion"])
        answer = web.StreamResponse()
        await answer.prepare(request)
        lines = self.watches.pop(0) if self.watches else [None]
        for line in lines:
            if line is None:
                await asyncio.Event().wait()
            await answer.write((line or b"") + b"\n")
        return answer

    def skipped(self) -> float:
        """Give how many events were skipped."""
        text = self.metrics.render().decode()
        name = 'album_unreadable_objects_total{kind="Application"} '
        return float(text.split(name)[1].split("\n")[0])

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for a condition."""
        async with asyncio.timeout(10):
            while not is_so():
                await asyncio.sleep(0.005)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application_watch, "FIRST_PAUSE", 0.01)


@asynccontextmanager
async def _watching(stage: Stage, idle: float = 60) -> AsyncIterator[asyncio.Task[None]]:
    async with running(stage.server) as cluster:
        watch = ApplicationWatch(cluster, stage.metrics, timedelta(seconds=idle))
        task = asyncio.create_task(
            watch.run("argocd", lambda *told: stage.seen.append(told), stage.missed.append)
        )
        try:
            yield task
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _event(version: int, raw: Raw | None = None, kind: str = "MODIFIED") -> bytes:
    raw = raw or raw_application("backend")
    raw["metadata"] = {**raw["metadata"], "resourceVersion": str(version)}
    return json.dumps({"type": kind, "object": raw}).encode()


def _broken(**status: object) -> Raw:
    raw = raw_application("frontend")
    raw["status"] = status
    return raw


async def test_a_change_and_a_deletion_are_told() -> None:
    stage = Stage()
    stage.watches = [[_event(2), _event(3, kind="BOOKMARK"), _event(4, kind="DELETED"), None]]
    async with _watching(stage):
        await stage.until(lambda: len(stage.seen) == 2)

    (ref, changed), (_, deleted) = stage.seen
    assert ref == Ref("argocd", "album-app-backend")
    assert isinstance(changed, ApplicationSeen)
    assert deleted is None


@pytest.mark.parametrize(
    "line",
    [
        _event(2, _broken(health={"lastTransitionTime": "0000-01-01T00:00:00Z"})),
        _event(2, _broken(health={"lastTransitionTime": "2026-01-01T00:00:00"})),
        _event(2, _broken(reconciledAt=7)),
        _event(2, _broken(sync="Synced")),
        _event(2, _broken(summary={"images": [None]})),
        _event(2, _broken(conditions=[None])),
        _event(2, _broken(conditions={"type": "x"})),
        _event(2, _broken(operationState=[])),
        b'{"type": "MODIFIED", "object": {"metadata": {"name": "album-app-frontend"}}}',
        b'{"type": "MODIFIED", "object": {"metadata": {}}}',
        b'{"type": "MODIFIED", "object": {"metadata": null}}',
        b'{"type": "MODIFIED", "object": {}}',
        b'{"type": "MODIFIED", "object": null}',
        b'{"type": "ERROR", "object": null}',
        b'{"type": "MODIFIED"}',
        b"{}",
        b"[]",
        b"no JSON",
        b"\xff\xfe",
        b"[" * 100_000,
    ],
    ids=range(20),
)
async def test_what_nobody_can_read_is_skipped_with_one_line(
    line: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage()
    stage.watches = [[line, line, _event(9), None]]
    async with _watching(stage):
        await stage.until(lambda: (Ref("argocd", "album-app-backend")) in dict(stage.seen))

    assert len(stage.versions) == 1
    assert stage.skipped() == 2
    assert caplog.text.count("is skipped") == 1


async def test_an_unreadable_application_is_told_as_that_so_that_its_releases_look() -> None:
    stage = Stage()
    stage.watches = [[_event(2, _broken(health={"lastTransitionTime": "0000-01-01"})), None]]
    async with _watching(stage):
        await stage.until(lambda: bool(stage.seen))

    (ref, state) = stage.seen[0]
    assert ref == Ref("argocd", "album-app-frontend")
    assert "`lastTransitionTime: 0000-01-01` is no time" in str(state)


async def test_null_is_what_is_not_there() -> None:
    stage = Stage()
    raw = raw_application("backend")
    raw["metadata"]["labels"] = None
    raw["spec"]["syncPolicy"] = None
    raw["status"] = {"sync": None, "health": None, "summary": None, "operationState": None}
    stage.watches = [[_event(2, raw), None]]
    async with _watching(stage):
        await stage.until(lambda: bool(stage.seen))

    assert isinstance(stage.seen[0][1], ApplicationSeen)


async def test_an_application_of_a_megabyte_ends_no_watch() -> None:
    stage = Stage()
    raw = raw_application("backend")
    raw["status"] = {"conditions": [{"type": "SyncError", "message": "x" * (1 << 20)}]}
    stage.watches = [[_event(2, raw), _event(3), None]]
    async with _watching(stage):
        await stage.until(lambda: len(stage.seen) == 2)

    assert stage.versions == ["1"]


async def test_a_watch_that_falls_silent_is_begun_anew_where_it_was() -> None:
    stage = Stage()
    stage.watches = [[_event(7), None], [_event(8), None]]
    async with _watching(stage, idle=0.1):
        await stage.until(lambda: len(stage.versions) >= 2)

    assert stage.versions[:2] == ["1", "7"]
    assert stage.missed == ["argocd"]


async def test_a_watch_that_is_too_old_is_begun_anew_and_all_that_follow_look() -> None:
    stage = Stage()
    gone = json.dumps({"type": "ERROR", "object": status_of(410, "too old", "Expired")}).encode()
    stage.watches = [[_event(7), gone], [_event(8), None]]
    async with _watching(stage):
        await stage.until(lambda: len(stage.versions) == 2)

    assert stage.versions == ["1", "1"]
    assert stage.missed == ["argocd", "argocd"]


async def test_an_error_in_the_watch_is_outlived() -> None:
    stage = Stage()
    error = json.dumps({"type": "ERROR", "object": status_of(500, "etcd is away")}).encode()
    stage.watches = [[_event(7), error], [_event(8), None]]
    async with _watching(stage):
        await stage.until(lambda: len(stage.seen) == 2)

    assert stage.versions == ["1", "7"]


@pytest.mark.parametrize("code", [401, 403, 404, 503])
async def test_a_watch_that_is_refused_is_tried_again(code: int) -> None:
    stage = Stage()
    stage.server.handler = None
    stage.server.answer = (code, "not now")
    async with _watching(stage):
        await stage.until(lambda: bool(stage.server.asked) or code != 403)
        stage.server.handler = stage._handle
        await stage.until(lambda: stage.versions == ["1"])
