"""Whose term is over reads and writes nothing: each adapter asks right before it sends a write."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from album_operator.adapters.cluster.cluster import Cluster
from album_operator.adapters.git.git import Git
from album_operator.adapters.git.push import delete_branch
from album_operator.adapters.gitea.pull_requests import GiteaPullRequests
from album_operator.adapters.github.pull_requests import GitHubPullRequests
from album_operator.adapters.registry.registry import HttpRegistry
from album_operator.adapters.servers.gateway import Gateway
from album_operator.domain.places import Credential, GitPlace
from album_operator.domain.reasons import Reason
from album_operator.slots import Shares
from album_operator.term import NotLeadingError, Term
from tests.unit.adapters.api_server import ApiServer, running
from tests.unit.adapters.github_server import always, forge
from tests.unit.adapters.registry_server import place_at, serving

PATH = "/api/v1/namespaces/album/configmaps"
WRITES: dict[str, Callable[[Cluster], Awaitable[Any]]] = {
    "create": lambda cluster: cluster.create(PATH, {}),
    "merge": lambda cluster: cluster.merge(f"{PATH}/x", {}),
    "replace": lambda cluster: cluster.replace(f"{PATH}/x", {}),
    "delete": lambda cluster: cluster.delete(f"{PATH}/x", {}),
}


@pytest.fixture
def over() -> Term:
    """Give a term that has ended."""
    term = Term(10)
    term.renew(term.clock())
    term.end()
    return term


@pytest.fixture
def gateway(over: Term) -> Gateway:
    """Give a way to servers with that term."""
    shares = Shares(total=2, namespace=2, host=2, pair=2)
    return Gateway(shares, Reason.FORGE_UNAVAILABLE, term=over)


@pytest.mark.parametrize("write", WRITES)
async def test_the_api_server_gets_no_write(over: Term, write: str) -> None:
    server = ApiServer()
    asked: list[str] = []

    async def note(request: web.Request) -> web.StreamResponse:
        asked.append(request.method)
        return web.json_response({"metadata": {}})

    server.handler = note
    async with running(server, over) as cluster:
        await cluster.get(PATH)
        with pytest.raises(NotLeadingError):
            await WRITES[write](cluster)
    assert asked == ["GET"]


@pytest.mark.parametrize("kind", [GitHubPullRequests, GiteaPullRequests])
async def test_a_forge_gets_no_write(
    gateway: Gateway, kind: type[GitHubPullRequests | GiteaPullRequests]
) -> None:
    async with forge(always([])) as found:
        adapter = kind({found.url.removeprefix("http://")}, gateway=gateway)
        try:
            with pytest.raises(NotLeadingError):
                await adapter.comment(found.place, 7, "key", "text")
        finally:
            await adapter.close()
    assert {asked.method for asked in found.asked} == {"GET"}


async def test_a_registry_gets_no_write(gateway: Gateway) -> None:
    async with serving() as server:
        digest = server.hold()
        registry = HttpRegistry({server.host}, gateway=gateway)
        try:
            with pytest.raises(NotLeadingError):
                await registry.tag(place_at(server), digest, "latest")
        finally:
            await registry.close()
    assert {method for method, _, _ in server.seen} <= {"GET", "HEAD"}


def test_a_git_server_gets_no_push(gateway: Gateway, tmp_path: Path) -> None:
    url = "http://127.0.0.1:9"
    git = Git({"127.0.0.1:9"}, gateway=gateway, folder=tmp_path)
    place = GitPlace(f"{url}/o/n", Credential("album-git", url, "x", "token"))
    try:
        with git.open(place) as repository, pytest.raises(NotLeadingError):
            delete_branch(repository, "release/x", "a" * 40)
    finally:
        git.close()
