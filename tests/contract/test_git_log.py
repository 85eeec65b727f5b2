"""The commits a pull request tells of: read once, however often they are asked for."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from album_operator.adapters.git.source_repository import GitSourceRepository
from tests.contract.http_backend import Backend, commit, running_backend
from tests.contract.plain_git import git

TAG = "backend-v1.0.0"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Backend]:
    with running_backend(tmp_path / "served") as made:
        made.make("source", {"Dockerfile": b"FROM scratch\n"})
        git(made.folder / "source.git", "tag", TAG, "main")
        yield made


@pytest.fixture
async def source(server: Backend) -> AsyncIterator[GitSourceRepository]:
    made = GitSourceRepository({server.host})
    yield made
    made.close()


def write(server: Backend, text: bytes) -> str:
    commit(server.folder / "source.git", "main", {"README.md": text})
    return git(server.folder / "source.git", "rev-parse", "main")


async def test_the_same_commits_again_cost_a_look_at_the_tag(
    server: Backend, source: GitSourceRepository
) -> None:
    head = write(server, b"first\n")
    first = await source.list_commits(server.place("source"), TAG, head, 20)
    assert first is not None
    assert [each.sha for each in first] == [head]
    server.reset()

    assert await source.list_commits(server.place("source"), TAG, head, 20) == first
    assert server.traffic.requests == ["POST /source/git-upload-pack"]


async def test_a_tag_that_moved_is_another_question(
    server: Backend, source: GitSourceRepository
) -> None:
    between, head = write(server, b"first\n"), write(server, b"second\n")
    listed = await source.list_commits(server.place("source"), TAG, head, 20)
    assert listed is not None
    assert len(listed) == 2
    git(server.folder / "source.git", "tag", "--force", TAG, between)

    listed = await source.list_commits(server.place("source"), TAG, head, 20)
    assert listed is not None
    assert [each.sha for each in listed] == [head]
