"""One connection for many requests: kept a moment, given up when it is of no use."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from album_operator.adapters.git import git
from album_operator.adapters.git.config_repository import GitConfigRepository
from album_operator.adapters.git.wire.calls import IDLE_LIMIT
from album_operator.domain.errors import TransientError
from album_operator.domain.places import Change
from album_operator.domain.reasons import Reason
from tests.contract import plain_git
from tests.contract.http_backend import Backend, commit, running_backend

VALUES = "apps/team/backend/values.yaml"
OURS = "release/backend_v1.1.0"
FILES = {VALUES: b"tag: 1\n"}
MOVED = {VALUES: b"tag: 2\n"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Backend]:
    with running_backend(tmp_path / "served") as made:
        made.make("config", FILES)
        yield made


@pytest.fixture
async def config(server: Backend, tmp_path: Path) -> AsyncIterator[GitConfigRepository]:
    made = GitConfigRepository({server.host}, cache_folder=tmp_path / "cache")
    yield made
    made.close()


async def look(config: GitConfigRepository, server: Backend) -> bytes:
    seen = await config.look(server.place("config"), "main", [VALUES], OURS)
    return seen.files[VALUES]


def helpers(folder: Path) -> list[int]:
    """Give the processes of git's HTTP helper that run in a folder below."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            at = (process / "cwd").readlink()
        except OSError:
            continue
        if b"remote-http" in words and at.is_relative_to(folder):
            found.append(int(process.name))
    return found


async def all_gone(folder: Path) -> None:
    async with asyncio.timeout(20):
        while helpers(folder):
            await asyncio.sleep(0.02)


async def test_looks_one_after_another_greet_the_server_once(
    server: Backend, config: GitConfigRepository
) -> None:
    await look(config, server)
    commit(server.folder / "config.git", "main", MOVED)
    assert await look(config, server) == b"tag: 2\n"
    assert [one.split()[0] for one in server.traffic.requests].count("GET") == 1


async def test_files_that_git_itself_reads_are_no_part_of_a_look(
    server: Backend, config: GitConfigRepository
) -> None:
    special = {".gitmodules": b'[submodule "x"]\n\tpath = x\n\turl = ./x\n', ".mailmap": b"\n"}
    top = {**special, ".gitattributes": b"* text eol=crlf\n"}
    below = {f"apps/team/{name}": data for name, data in top.items()}
    commit(server.folder / "config.git", "main", top | below)
    assert await look(config, server) == b"tag: 1\n"


async def test_each_credential_has_a_connection_of_its_own(
    server: Backend, config: GitConfigRepository
) -> None:
    place = server.place("config")
    other = replace(place, credential=replace(place.credential, token="another-token"))
    for one in (place, other, place, other):
        await config.look(one, "main", [VALUES], None)
    assert [one.split()[0] for one in server.traffic.requests].count("GET") == 2


async def test_a_connection_that_nobody_uses_is_closed(
    server: Backend,
    config: GitConfigRepository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await look(config, server)
    assert helpers(tmp_path)
    monkeypatch.setattr(git, "IDLE_SECONDS", 0.01)
    await look(config, server)
    await all_gone(tmp_path)


async def test_a_connection_whose_process_was_killed_is_opened_anew(
    server: Backend, config: GitConfigRepository, tmp_path: Path
) -> None:
    await look(config, server)
    for process in helpers(tmp_path):
        os.kill(process, signal.SIGKILL)
    await all_gone(tmp_path)
    assert await look(config, server) == b"tag: 1\n"


async def test_looks_at_once_do_not_share_one_and_few_are_kept(
    server: Backend, config: GitConfigRepository, tmp_path: Path
) -> None:
    await asyncio.gather(*(look(config, server) for _ in range(20)))
    gets = [one.split()[0] for one in server.traffic.requests].count("GET")
    assert 1 <= gets <= git.SHARES.pair
    assert 1 <= len(helpers(tmp_path)) <= git.SHARES.pair


async def test_a_server_that_hangs_up_is_called_again(
    server: Backend, config: GitConfigRepository
) -> None:
    server.hangs_up = True
    for value in (b"tag: 3\n", b"tag: 4\n"):
        commit(server.folder / "config.git", "main", {VALUES: value})
        assert await look(config, server) == value


async def test_a_server_of_the_old_protocol_is_asked_by_gits_commands(
    server: Backend, config: GitConfigRepository
) -> None:
    server.speaks_version_2 = False
    repository = server.folder / "config.git"
    plain_git.git(repository, "config", "uploadpack.allowAnySHA1InWant", "true")
    assert await look(config, server) == b"tag: 1\n"
    commit(repository, "main", MOVED)
    server.reset()
    assert await look(config, server) == b"tag: 2\n"
    seen = await config.look(server.place("config"), "main", [VALUES], None)
    assert seen.base_commit is not None
    date = datetime(2026, 11, 20, tzinfo=UTC)
    ours = Change(seen.base_commit, OURS, {VALUES: b"tag: 5\n"}, "ours", "Ann", "a@b.c", date)
    assert await config.push(server.place("config"), ours) == plain_git.git(
        repository, "rev-parse", OURS
    )
    server.reset()
    await config.look(server.place("config"), "main", [VALUES], None)
    # It is not greeted in vain again.
    assert server.traffic.requests == ["GET /config/info/refs"]


@pytest.mark.parametrize(
    ("rubbish", "said"),
    [
        (b"<html>Log in</html>", "bad line length"),
        (b"0009ERR x0000", "remote error: x"),
        (b"00", "2 bytes of length header"),
        (b"", "list of refs has no end"),
    ],
)
async def test_an_answer_that_is_not_gits_is_a_passing_trouble(
    server: Backend,
    config: GitConfigRepository,
    tmp_path: Path,
    rubbish: bytes,
    said: str,
) -> None:
    await look(config, server)
    server.rubbish = rubbish
    with pytest.raises(TransientError, match=re.escape(said)) as caught:
        await look(config, server)
    assert caught.value.reason is Reason.GIT_UNAVAILABLE
    assert not helpers(tmp_path)
    server.rubbish = None
    assert await look(config, server) == b"tag: 1\n"


async def test_many_repositories_of_a_namespace_take_no_other_its_connection(
    server: Backend, config: GitConfigRepository
) -> None:
    ours = replace(server.place("config"), namespace="ours")
    await config.look(ours, "main", [VALUES], None)
    for number in range(IDLE_LIMIT + 1):
        credential = replace(ours.credential, token=f"token-{number}")
        theirs = replace(ours, credential=credential, namespace="theirs")
        await config.look(theirs, "main", [VALUES], None)
    server.reset()

    await config.look(ours, "main", [VALUES], None)

    assert [one.split()[0] for one in server.traffic.requests].count("GET") == 0
