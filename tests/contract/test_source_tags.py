"""Tags that stand for something else than a commit, on git's own server."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from album_operator.adapters.git.source_repository import GitSourceRepository
from album_operator.domain.seen import SourceSeen
from tests.contract.http_backend import Backend, running_backend
from tests.contract.plain_git import git

TAG = "backend-v1.1.0"
PEOPLE = {f"GIT_COMMITTER_{what}": "a@example.org" for what in ("NAME", "EMAIL")}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Backend]:
    with running_backend(tmp_path / "served") as made:
        made.make("app", {"Dockerfile": b"FROM scratch\n"})
        yield made


@pytest.fixture
async def source(server: Backend) -> AsyncIterator[GitSourceRepository]:
    made = GitSourceRepository({server.host})
    yield made
    made.close()


@pytest.mark.parametrize("options", [[], ["-a", "-m", "it"]])
@pytest.mark.parametrize("what", ["main^{tree}", "main:Dockerfile"])
async def test_a_tag_of_a_tree_or_a_file_is_told_from_one_that_is_not_there(
    server: Backend,
    source: GitSourceRepository,
    what: str,
    options: list[str],
) -> None:
    git(server.folder / "app.git", "tag", *options, TAG, what, variables=PEOPLE)

    seen = await source.look(server.place("app"), TAG, "Dockerfile")
    assert seen == SourceSeen(None, is_no_commit=True)
    assert await source.look(server.place("app"), "v2", "Dockerfile") == SourceSeen(None)


async def test_a_tag_of_a_tag_stands_for_the_commit_in_the_end(
    server: Backend, source: GitSourceRepository
) -> None:
    path = server.folder / "app.git"
    git(path, "tag", "-a", "-m", "it", "inner", "main", variables=PEOPLE)
    git(path, "tag", "-a", "-m", "it", TAG, "inner", variables=PEOPLE)

    seen = await source.look(server.place("app"), TAG, "Dockerfile")
    assert seen == SourceSeen(git(path, "rev-parse", "main"), has_dockerfile=True)
