"""A Kopf in a thread of its own: it hands over what happens, fails alone, and ends when told."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from album_operator.domain.claims import ConfigBranch
from album_operator.domain.release import Ref
from album_operator.memory.release_index import LIST_PIECE, ReleaseIndex
from album_operator.metrics.metrics import Metrics
from album_operator.waking import handlers
from album_operator.waking.daemons import Daemons
from album_operator.waking.handlers import NamespaceWatch
from album_operator.waking.pipelines import Pipelines
from album_operator.waking.wakeups import Wakeups
from tests.fakes.builders import raw_release
from tests.unit.adapters.api_server import ApiServer, running, status_of

RELEASE = Ref("album", "backend-v1.1.0")

KINDS = {
    "/api/v1": [("namespaces", False), ("events", True)],
    "/apis/album.dev/v1alpha1": [("albumreleases", True), ("albumpipelines", True)],
    "/apis/batch/v1": [("jobs", True)],
    "/apis/apiextensions.k8s.io/v1": [("customresourcedefinitions", False)],
}


class Stage:
    """An API server with one release, as far as Kopf asks it."""

    def __init__(self) -> None:
        self.server = ApiServer()
        self.server.handler = self._handle
        self.is_refused = False
        self.releases = [_release("backend-v1.1.0")]
        self.most_answered = 0
        self.running: list[Ref] = []
        self.daemons = Daemons(self._serve, Wakeups())
        self.wakeups = Wakeups()
        self.wakeups.index = ReleaseIndex(clock=lambda: 0.0)
        pipelines = Pipelines(self._pass, Metrics())
        self.watch = NamespaceWatch(
            self.daemons,
            self.wakeups,
            pipelines,
            Metrics(),
            timedelta(seconds=60),
            lambda *_: None,
        )

    async def _pass(self, *_: object) -> None:
        return None

    async def _serve(self, release: Ref, stopped: asyncio.Event) -> None:
        self.running.append(release)
        await stopped.wait()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if path == "/api":
            return web.json_response({"versions": ["v1"]})
        if path == "/apis":
            return web.json_response({"groups": [_group(name) for name in KINDS if "apis" in name]})
        if path in KINDS:
            return web.json_response({"resources": [_kind(*kind) for kind in KINDS[path]]})
        if self.is_refused:
            answer = status_of(403, "jobs is forbidden", "Forbidden")
            return web.json_response(answer, status=403)
        if "watch" in request.query:
            await asyncio.Event().wait()
        items = self.releases if path.endswith("/albumreleases") else []
        return web.json_response(self._list(items, request.query))

    def _list(self, items: list[dict[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
        """Give a piece of a list, as large as it was asked for, as an API server does."""
        first = int(query.get("continue", "0"))
        end = first + int(query.get("limit", "0")) if "limit" in query else len(items)
        self.most_answered = max(self.most_answered, len(items[first:end]))
        token = f"{end}" if end < len(items) else ""
        metadata = {"resourceVersion": "1", "continue": token}
        return {"metadata": metadata, "items": items[first:end]}


def _release(name: str) -> dict[str, Any]:
    raw = raw_release(name)
    raw["metadata"] = {**raw["metadata"], "uid": name, "resourceVersion": "1"}
    return raw


def _group(path: str) -> dict[str, Any]:
    name, version = path.split("/")[2:]
    both = {"groupVersion": f"{name}/{version}", "version": version}
    return {"name": name, "versions": [both], "preferredVersion": both}


def _kind(plural: str, namespaced: bool) -> dict[str, Any]:
    verbs = ["get", "list", "watch", "patch"]
    names = {"name": plural, "singularName": plural[:-1], "kind": plural, "verbs": verbs}
    return {**names, "namespaced": namespaced}


@asynccontextmanager
async def _watching(
    stage: Stage, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[asyncio.Task[None]]:
    async with running(stage.server) as cluster:
        kubeconfig = {
            "clusters": [{"name": "t", "cluster": {"server": cluster._api.configuration.host}}],
            "users": [{"name": "t", "user": {"token": "t"}}],
            "contexts": [{"name": "t", "context": {"cluster": "t", "user": "t"}}],
            "current-context": "t",
        }
        (folder / "kubeconfig").write_text(json.dumps(kubeconfig))
        monkeypatch.setenv("KUBECONFIG", str(folder / "kubeconfig"))
        task = asyncio.create_task(stage.watch.run("album"))
        try:
            yield task
        finally:
            task.cancel()
            async with asyncio.timeout(20):
                await asyncio.gather(task, return_exceptions=True)
            await stage.daemons.close()


async def test_a_release_is_handed_over_and_the_watch_ends_when_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage()
    async with _watching(stage, tmp_path, monkeypatch) as task:
        async with asyncio.timeout(20):
            while stage.running != [RELEASE]:
                await asyncio.sleep(0.01)
        assert not task.done()

    assert task.cancelled()


async def test_a_long_list_is_read_in_pieces_of_which_none_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage()
    names = [f"backend-v1.{number}.0" for number in range(LIST_PIECE * 2 + 1)]
    stage.releases = [_release(name) for name in names]
    async with _watching(stage, tmp_path, monkeypatch):
        async with asyncio.timeout(60):
            while len(stage.running) < len(names):
                await asyncio.sleep(0.01)

    assert {ref.name for ref in stage.running} == set(names)
    assert stage.most_answered == LIST_PIECE


async def test_a_refusal_ends_the_watch_and_no_other_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "ERROR_BACKOFFS", ())
    stage = Stage()
    bystander = asyncio.create_task(asyncio.Event().wait())
    stage.is_refused = True
    async with _watching(stage, tmp_path, monkeypatch) as task:
        async with asyncio.timeout(20):
            await asyncio.wait({task})
        error = task.exception()

    assert error is not None
    assert "forbidden" in str(error)
    # Which releases there are is being found out.
    branch = ConfigBranch("https://git.example.org/config", "release/x")
    assert not stage.wakeups.index.claim(RELEASE, branch).is_certain
    assert not bystander.done()
    bystander.cancel()
