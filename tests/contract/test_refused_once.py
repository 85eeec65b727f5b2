"""A git server that refuses a good token for a moment, as a Gitea does that shuts down."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from album_operator.adapters.git import git as adapter
from album_operator.adapters.git.config_repository import GitConfigRepository
from album_operator.adapters.git.failures import TokenRefusedError
from album_operator.adapters.git.source_repository import GitSourceRepository
from album_operator.domain.errors import TerminalError
from album_operator.domain.places import Change
from album_operator.domain.reasons import Reason
from album_operator.fetch_source.source import fetch_with_patience
from album_operator.fetch_source.task import Task
from tests.contract.http_backend import Backend, commit, running_backend
from tests.contract.plain_git import git

VALUES = "values.yaml"
OURS = "release/backend_v1.1.0"

ONE_TRY = 2
"""Requests of one try of git: without the token, and with it."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    monkeypatch.setattr(adapter, "REFUSED_PAUSE", timedelta(milliseconds=10), raising=False)
    with running_backend(tmp_path / "served") as made:
        made.make("config", {VALUES: b"tag: 1\n", "Dockerfile": b"FROM scratch\n"})
        yield made


async def test_a_look_goes_on_once_the_server_knows_the_token_again(
    server: Backend, tmp_path: Path
) -> None:
    config = GitConfigRepository({server.host}, cache_folder=tmp_path / "cache")
    server.refusals = ONE_TRY
    try:
        seen = await config.look(server.place("config"), "main", [VALUES], None)
        assert seen.files[VALUES] == b"tag: 1\n"
        assert seen.base_commit is not None
        server.refusals = ONE_TRY
        date = datetime(2026, 11, 20, 12, tzinfo=UTC)
        files = {VALUES: b"tag: 2\n"}
        change = Change(seen.base_commit, OURS, files, "tag", "A", "a@example.org", date)
        pushed = await config.push(server.place("config"), change)
    finally:
        config.close()
    assert git(server.folder / "config.git", "rev-parse", OURS) == pushed
    assert server.refusals == 0


async def test_a_token_that_stays_refused_is_told(server: Backend) -> None:
    source = GitSourceRepository({server.host})
    server.refusals = 100
    try:
        with pytest.raises(TerminalError) as caught:
            await source.look(server.place("config"), "v1", "Dockerfile")
    finally:
        source.close()
    assert caught.value.reason is Reason.CREDENTIALS_REFUSED
    assert server.refusals == 100 - 2 * ONE_TRY


@pytest.mark.parametrize(("refusals", "is_fetched"), [(ONE_TRY, True), (100, False)])
def test_a_build_s_fetch_tries_once_more(
    server: Backend, tmp_path: Path, refusals: int, *, is_fetched: bool
) -> None:
    sha = commit(server.folder / "config.git", "main", {"more": b"1\n"})
    task = Task(server.place("config"), sha, "v1", tmp_path / "target", frozenset({server.host}))
    server.refusals = refusals
    said: list[str] = []
    waited: list[float] = []
    if is_fetched:
        fetch_with_patience(task, said.append, wait=waited.append)
        assert (task.target / "more").read_bytes() == b"1\n"
    else:
        with pytest.raises(TokenRefusedError):
            fetch_with_patience(task, said.append, wait=waited.append)
        assert server.refusals == refusals - 2 * ONE_TRY
    assert waited == [2.0]
    assert any("Trying once more" in line for line in said)
