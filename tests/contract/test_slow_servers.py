"""What one namespace's slow or silent server does to the looks of another: nothing."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from album_operator.adapters.git.config_repository import GitConfigRepository
from album_operator.adapters.servers.breakers import FAILURES
from album_operator.domain.errors import TransientError
from album_operator.domain.places import Change, Credential, GitPlace
from album_operator.domain.reasons import Reason
from album_operator.domain.seen import ConfigSeen
from tests.contract.git_stage import DEAD
from tests.contract.http_backend import Backend, running_backend
from tests.listening import listening

VALUES = "apps/team/backend/values.yaml"
FILES = {VALUES: b"tag: 1\n"}

RELEASES = 60

IN_TIME = 30
"""Seconds; half of what one command at a silent server may take."""


class Silent:
    """A server that takes connections and says nothing.

    Attributes:
        host: its host and port.
        asked: set at the first connection.
    """

    def __init__(self, host: str) -> None:
        self.host = host
        self.asked = asyncio.Event()

    def place(self, namespace: str) -> GitPlace:
        url = f"http://{self.host}"
        return GitPlace(f"{url}/config", Credential("album-git", url, "x", "t0ken"), namespace)


@asynccontextmanager
async def silent_server() -> AsyncIterator[Silent]:
    async def listen(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        made.asked.set()
        while await reader.read(1024):
            continue

    async with listening(listen) as host:
        made = Silent(host)
        yield made


@pytest.fixture
async def silent() -> AsyncIterator[Silent]:
    async with silent_server() as server:
        yield server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Backend]:
    with running_backend(tmp_path / "served") as made:
        made.make("config", FILES)
        yield made


@pytest.fixture
async def config(
    server: Backend, silent: Silent, tmp_path: Path
) -> AsyncIterator[GitConfigRepository]:
    made = GitConfigRepository({server.host, silent.host}, cache_folder=tmp_path / "cache")
    yield made
    await asyncio.to_thread(made.close)


def ours(server: Backend) -> GitPlace:
    return replace(server.place("config"), namespace="ours")


async def look(config: GitConfigRepository, place: GitPlace) -> ConfigSeen:
    return await config.look(place, "main", [VALUES], None)


async def test_looks_at_a_silent_server_keep_no_other_namespace_waiting(
    server: Backend, silent: Silent, config: GitConfigRepository
) -> None:
    theirs = [asyncio.ensure_future(look(config, silent.place("theirs"))) for _ in range(RELEASES)]
    await asyncio.wait_for(silent.asked.wait(), IN_TIME)

    seen = await asyncio.wait_for(look(config, ours(server)), IN_TIME)

    assert seen.files == FILES
    assert not any(task.done() for task in theirs)
    for task in theirs:
        task.cancel()


async def test_looks_that_wait_for_their_turn_are_told_that_the_operator_stops(
    silent: Silent, tmp_path: Path
) -> None:
    config = GitConfigRepository({silent.host}, cache_folder=tmp_path / "other")
    theirs = [asyncio.ensure_future(look(config, silent.place("theirs"))) for _ in range(RELEASES)]
    await asyncio.wait_for(silent.asked.wait(), IN_TIME)

    await asyncio.to_thread(config.close)

    for told in await asyncio.gather(*theirs, return_exceptions=True):
        assert isinstance(told, TransientError)


async def test_looks_that_were_given_up_are_no_further_turns(
    silent: Silent, config: GitConfigRepository, server: Backend
) -> None:
    # As of releases that are deleted and made again and again.
    for _ in range(RELEASES):
        theirs = asyncio.ensure_future(look(config, silent.place("theirs")))
        await asyncio.sleep(0)
        theirs.cancel()
    last = asyncio.ensure_future(look(config, silent.place("theirs")))
    await asyncio.wait_for(silent.asked.wait(), IN_TIME)

    seen = await asyncio.wait_for(look(config, ours(server)), IN_TIME)

    assert seen.files == FILES
    assert not last.done()
    last.cancel()


async def test_a_slow_fetch_of_a_repository_keeps_no_other_namespace_out_of_it(
    server: Backend, config: GitConfigRepository
) -> None:
    server.stalls_at = "/git-upload-pack"
    theirs = asyncio.ensure_future(look(config, replace(ours(server), namespace="theirs")))
    assert await asyncio.to_thread(server.has_stalled.wait, IN_TIME)
    server.stalls_at = None

    seen = await asyncio.wait_for(look(config, ours(server)), IN_TIME)

    assert seen.files == FILES
    assert not theirs.done()
    server.goes_on.set()
    assert (await theirs).files == FILES


async def test_a_slow_push_to_a_repository_keeps_no_other_namespace_from_pushing(
    server: Backend, config: GitConfigRepository
) -> None:
    base = (await look(config, ours(server))).base_commit
    assert base is not None
    date = datetime(2026, 11, 27, tzinfo=UTC)
    change = Change(base, "theirs", {VALUES: b"tag: 2\n"}, "tag", "A", "a@example.org", date)
    server.stalls_at = "/git-receive-pack"
    theirs = asyncio.ensure_future(config.push(replace(ours(server), namespace="theirs"), change))
    assert await asyncio.to_thread(server.has_stalled.wait, IN_TIME)
    server.stalls_at = None

    made = await asyncio.wait_for(
        config.push(ours(server), replace(change, branch="ours")), IN_TIME
    )

    assert len(made) == 40
    assert not theirs.done()
    server.goes_on.set()
    await theirs


async def test_a_whole_look_has_a_deadline_however_quick_each_answer_is(
    server: Backend, tmp_path: Path
) -> None:
    server.answers_after = 0.6
    config = GitConfigRepository(
        {server.host}, cache_folder=tmp_path / "cache", time_limit=timedelta(seconds=1)
    )

    with pytest.raises(TransientError) as caught:
        await look(config, ours(server))

    assert caught.value.reason is Reason.GIT_UNAVAILABLE
    assert "longer than 2 seconds" in caught.value.sentence
    config.close()


async def test_a_server_that_takes_no_connection_is_told_with_since_when_and_when_it_is_asked_next(
    server: Backend, tmp_path: Path
) -> None:
    dead = GitPlace(
        f"http://{DEAD}/config", Credential("album-git", f"http://{DEAD}", "x", "t0ken"), "theirs"
    )
    config = GitConfigRepository({server.host, DEAD}, cache_folder=tmp_path / "cache")
    said = []
    for _ in range(FAILURES + 1):
        with pytest.raises(TransientError) as caught:
            await look(config, dead)
        assert caught.value.reason is Reason.GIT_UNAVAILABLE
        said.append(caught.value.sentence)

    assert said[0] == f"{DEAD} cannot be reached: it takes no connection: Connection refused."
    assert re.fullmatch(
        rf"{DEAD} has not answered since [0-9-]+ [0-9:]+ UTC \(it takes no connection: Connection "
        r"refused\), and is asked again at [0-9:]+ UTC\.",
        said[-1],
    )
    assert (await look(config, ours(server))).files == FILES
    config.close()
