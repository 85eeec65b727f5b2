"""Tags that stand for something else than a commit, on git's own server."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from album_operator.adapters.git.refs import TAGS_BYTES
from album_operator.adapters.git.source_repository import GitSourceRepository
from album_operator.domain.errors import TerminalError
from album_operator.domain.reasons import Reason
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


@pytest.mark.parametrize("is_new", [True, False])
async def test_tags_are_listed_by_each_version_of_the_protocol(
    server: Backend, source: GitSourceRepository, *, is_new: bool
) -> None:
    server.speaks_version_2 = is_new
    path = server.folder / "app.git"
    git(path, "tag", TAG, "main")
    git(path, "tag", "-a", "-m", "it", "backend-v1.2.0", "main", variables=PEOPLE)
    git(path, "tag", "x/refs/tags/backend-v9.9.9", "main")

    commit = git(path, "rev-parse", "main")
    listed = await source.list_tags(server.place("app"), ["backend-", "backend/"])
    assert listed == {TAG: commit, "backend-v1.2.0": commit}


async def test_an_app_among_tags_of_others_has_its_own_listed(
    server: Backend, source: GitSourceRepository
) -> None:
    path = server.folder / "app.git"
    commit = git(path, "rev-parse", "main")
    most = TAGS_BYTES // 60
    lines = [f"{commit} refs/tags/nightly-{number:08}\n" for number in range(most)]
    git(path, "tag", TAG, "main")
    (path / "packed-refs").write_text("".join(lines))

    assert await source.list_tags(server.place("app"), ["backend-"]) == {TAG: commit}
    with pytest.raises(TerminalError) as caught:
        await source.list_tags(server.place("app"), ["backend-", ""])
    assert caught.value.reason is Reason.REPOSITORY_TOO_LARGE
    assert (
        f"refs that begin like refs/tags/ has more than {TAGS_BYTES} bytes" in caught.value.message
    )
    assert "give the apps tagPrefixes that fewer begin with" in caught.value.remedy
