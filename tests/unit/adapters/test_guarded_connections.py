"""A name that leads to an address of the node is refused at the very connection, by each client."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from album_operator.adapters.git.config_repository import GitConfigRepository
from album_operator.adapters.git.git import Git
from album_operator.adapters.gitea.pull_requests import GiteaPullRequests
from album_operator.adapters.github import api as github_api
from album_operator.adapters.github.pull_requests import GitHubPullRequests
from album_operator.domain.errors import OutsideError, TerminalError, TransientError
from album_operator.domain.forges import ForgeType
from album_operator.domain.places import Credential, ForgePlace, GitPlace
from album_operator.domain.reasons import Reason
from tests.listening import listening

NAME = "rebound.example.org"
LOOK = socket.getaddrinfo


class Listener:
    """A server on loopback that counts who connects, and the bytes they send."""

    def __init__(self) -> None:
        self.connections = 0
        self.received = b""
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.received += await reader.read(1000)


@asynccontextmanager
async def listener_of_all() -> AsyncIterator[Listener]:
    listener = Listener()
    async with listening(listener.serve) as host:
        listener.port = int(host.rpartition(":")[2])
        yield listener


def answering(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Let DNS tell one address of the name after another, the last one for ever."""
    left = list(answers)

    def look(host: Any, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - of socket
        if host != NAME:
            return LOOK(host, *arguments, **named)
        told = left.pop(0) if len(left) > 1 else left[0]
        named.pop("flags", None)
        return LOOK(told, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", look)
    return left


def forges(port: int) -> list[tuple[Any, ForgePlace]]:
    """Give each adapter with its repository at the name."""
    web = f"https://{NAME}:{port}"
    credential = Credential("album-git", web, "x", "canary-token")
    gitea = ForgePlace(f"{web}/api/v1", "o/n", credential)
    github = ForgePlace(f"{web}/api/v3", "o/n", credential, ForgeType.GITHUB)
    return [(GiteaPullRequests([]), gitea), (GitHubPullRequests([]), github)]


@pytest.mark.parametrize("which", [0, 1], ids=["gitea", "github"])
@pytest.mark.parametrize("answers", [["127.0.0.1"], ["169.254.169.254"], ["::1"]])
async def test_a_forge_by_a_name_of_the_node_is_not_spoken_to(
    monkeypatch: pytest.MonkeyPatch, which: int, answers: list[str]
) -> None:
    async with listener_of_all() as listener:
        answering(monkeypatch, *answers)
        adapter, place = forges(listener.port)[which]
        with pytest.raises(TerminalError) as caught:
            await adapter.get_repository(place)
        await adapter.close()
    assert caught.value.reason is Reason.HOST_NOT_ALLOWED
    assert f"add {NAME}:{listener.port} to the operator's ALBUM_ALLOWED_HOSTS" in (
        caught.value.sentence
    )
    assert listener.connections == 0


async def test_dns_that_changes_its_mind_leads_no_token_to_the_node(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(github_api, "check_found", lambda *_, **__: None)
    async with listener_of_all() as listener:
        answering(monkeypatch, "127.0.0.1")
        adapter, place = forges(listener.port)[1]
        with pytest.raises(TerminalError) as caught:
            await adapter.get_repository(place)
        await adapter.close()
    assert caught.value.reason is Reason.HOST_NOT_ALLOWED
    assert listener.received == b""


@pytest.mark.parametrize("allowed", [NAME, "{name}:{port}", "REBOUND.example.org"])
@pytest.mark.parametrize("which", [0, 1], ids=["gitea", "github"])
async def test_an_admin_may_let_it_be_there(
    monkeypatch: pytest.MonkeyPatch, which: int, allowed: str
) -> None:
    async with listener_of_all() as listener:
        answering(monkeypatch, "127.0.0.1")
        hosts = {allowed.format(name=NAME, port=listener.port)}
        adapter: Any = [GiteaPullRequests, GitHubPullRequests][which]([], allowed_hosts=hosts)
        with pytest.raises(TransientError):
            await adapter.get_repository(forges(listener.port)[which][1])
        await adapter.close()
    assert listener.connections > 0
    assert b"canary-token" not in listener.received


@pytest.mark.parametrize("scheme", ["https", "ssh"])
async def test_git_is_not_led_to_the_node(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scheme: str
) -> None:
    answering(monkeypatch, "127.0.0.1")
    async with listener_of_all() as listener:
        config = GitConfigRepository([], cache_folder=tmp_path / "cache")
        url = f"{scheme}://{NAME}:{listener.port}/o/n"
        credential = Credential("album-git", url, "x", "t", identity="i", known_hosts="k")
        with pytest.raises(TerminalError) as caught:
            await config.look(GitPlace(url, credential), "main", [], None)
        config.close()
    assert caught.value.reason is Reason.HOST_NOT_ALLOWED
    assert listener.connections == 0


async def test_git_goes_to_the_very_address_that_was_looked_at(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Nobody but us knows the name: that git finds the server shows that it was told.
    async with listener_of_all() as listener:
        answering(monkeypatch, "127.0.0.1")
        monkeypatch.setattr("album_operator.adapters.git.git.check_found", lambda *_, **__: None)
        config = GitConfigRepository([], cache_folder=tmp_path / "cache")
        url = f"https://{NAME}:{listener.port}"
        place = GitPlace(f"{url}/o/n", Credential("album-git", url, "x", "t"))
        with pytest.raises(OutsideError):
            await config.look(place, "main", [], None)
        config.close()
    # A ClientHello (RFC 8446, section 5.1): before, only a connection was tried.
    assert listener.received.startswith(b"\x16\x03")


def test_a_name_a_build_cannot_resolve_is_a_passing_trouble() -> None:
    git = Git([])
    place = GitPlace(
        "https://nowhere.invalid/o/n", Credential("s", "https://nowhere.invalid", "x", "t")
    )
    try:
        with pytest.raises(TransientError) as caught, git.open(place):
            pass
    finally:
        git.close()
    assert caught.value.reason is Reason.GIT_UNAVAILABLE
    assert "Could not resolve its host" in caught.value.sentence
