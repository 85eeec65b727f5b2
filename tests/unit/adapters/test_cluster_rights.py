"""What a namespace needs to be served is asked with few requests."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from album_operator.adapters.cluster.cluster import Cluster
from album_operator.adapters.cluster.rights import KINDS, NEEDED, RULES, find_missing, find_obstacle
from album_operator.domain.errors import OutsideError, TransientError
from tests.unit.adapters.api_server import ApiServer, running


class SideBySide(ApiServer):
    """Answers the first review, and of the others none before all were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self._others = asyncio.Barrier(len(NEEDED) - 1)

    async def review(self, request: web.Request) -> web.StreamResponse:
        if self.asked:
            async with asyncio.timeout(10):
                await self._others.wait()
        return await super().review(request)


class Stage:
    """An API server with rules for the operator."""

    def __init__(self, server: ApiServer | None = None) -> None:
        self.server = server or ApiServer()
        self.server.handler = self._handle
        self.server.allowed = False
        self.rules: list[dict[str, Any]] = [_rule(*needed) for needed in NEEDED]
        self.incomplete = False
        self.is_hardened = False
        self.kinds: list[str] | None = ["albumreleases", "albumreleases/status", "albumpipelines"]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.path == RULES and self.is_hardened:
            return web.Response(status=403)
        if request.path == RULES:
            status = {"resourceRules": self.rules, "incomplete": self.incomplete}
            return web.json_response({"status": status}, status=201)
        assert request.path == KINDS
        if self.kinds is None:
            return web.Response(status=404, text="404 page not found\n")
        return web.json_response({"resources": [{"name": name} for name in self.kinds]})


def _rule(verb: str, group: str, resource: str, **more: object) -> dict[str, Any]:
    return {"verbs": [verb], "apiGroups": [group], "resources": [resource], **more}


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
async def cluster(stage: Stage) -> AsyncIterator[Cluster]:
    async with running(stage.server) as cluster:
        yield cluster


async def test_rules_that_grant_all_are_enough(stage: Stage, cluster: Cluster) -> None:
    assert await find_obstacle(cluster, "album") is None
    stage.rules = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
    assert await find_obstacle(cluster, "album") is None
    assert stage.server.asked == []


async def test_what_complete_rules_lack_is_confirmed_by_one_review(
    stage: Stage, cluster: Cluster
) -> None:
    stage.rules = stage.rules[:-2]
    missing = ["create events", "get secrets"]
    assert await find_missing(cluster, "album") == missing
    assert len(stage.server.asked) == 1
    assert await find_obstacle(cluster, "album") == f"may not {', '.join(missing)}"


async def test_a_rule_for_some_names_is_no_right_to_all(stage: Stage, cluster: Cluster) -> None:
    stage.rules[0] = _rule(*NEEDED[0], resourceNames=["backend-v1.1.0"])
    assert await find_missing(cluster, "album") == ["get album.dev/albumreleases"]


@pytest.mark.parametrize(
    ("resources", "is_granted"),
    [(["*"], True), (["*/status"], True), (["*/scale"], False), (["albumreleases"], False)],
)
async def test_a_rule_for_a_subresource_is_read_as_the_api_server_reads_it(
    stage: Stage, cluster: Cluster, resources: list[str], is_granted: bool
) -> None:
    status = ("patch", "album.dev", "albumreleases/status")
    rules = [_rule(*needed) for needed in NEEDED if needed != status]
    stage.rules = [*rules, {"verbs": ["patch"], "apiGroups": ["*"], "resources": resources}]
    missing = [] if is_granted else ["patch album.dev/albumreleases/status"]
    assert await find_missing(cluster, "album") == missing


async def test_what_incomplete_rules_lack_is_asked_for_side_by_side() -> None:
    stage = Stage(SideBySide())
    stage.rules, stage.incomplete = [], True
    stage.server.allowed = True
    async with running(stage.server) as cluster:
        assert await find_missing(cluster, "album") == []


async def test_an_api_server_that_is_away_is_asked_for_one_right_only(
    stage: Stage, cluster: Cluster
) -> None:
    stage.is_hardened = True
    stage.server.allowed = None
    with pytest.raises(OutsideError):
        await find_missing(cluster, "album")
    assert len(stage.server.asked) == 1


async def test_what_incomplete_rules_lack_is_asked_for_by_itself(
    stage: Stage, cluster: Cluster
) -> None:
    stage.rules, stage.incomplete = [], True
    assert len(await find_missing(cluster, "album")) == len(NEEDED)
    stage.server.allowed = True
    assert await find_missing(cluster, "album") == []
    assert len(stage.server.asked) == 2 * len(NEEDED)


async def test_where_rules_may_not_be_reviewed_each_right_is_asked_for(
    stage: Stage, cluster: Cluster
) -> None:
    stage.is_hardened = True
    stage.server.allowed = True
    assert await find_missing(cluster, "album") == []
    assert len(stage.server.asked) == len(NEEDED)


async def test_a_cluster_without_our_kinds_is_told(stage: Stage, cluster: Cluster) -> None:
    stage.kinds = ["albumpipelines"]
    assert await find_obstacle(cluster, "album") == "the API server knows no AlbumReleases"
    stage.kinds = []
    missing = "the API server knows no AlbumReleases and no AlbumPipelines"
    assert await find_obstacle(cluster, "album") == missing
    stage.kinds = None
    with pytest.raises(TransientError):
        await find_obstacle(cluster, "album")
