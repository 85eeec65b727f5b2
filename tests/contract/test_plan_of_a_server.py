"""`album plan` over HTTP, against a real server that wants a token."""

from pathlib import Path

import pytest

from album_operator.domain.places import GitPlace
from tests.cli.command import CHANGES, REFUSED, Ended, album
from tests.contract.gitea_stage import GiteaStage
from tests.fakes.git_diff import diff_files
from tests.fakes.git_history import Commit, File

VALUES = "backend/values.yaml"


def at(version: str) -> dict[str, File]:
    text = f'image:\n  tag: "{version}"\n'
    return {VALUES: File(text.encode()), **{f"d{n}/x": File(b"x") for n in range(9)}}


@pytest.fixture
def commits(gitea_stage: GiteaStage, place: GitPlace) -> list[str]:
    """Make two commits on main, the first tagged, and one on another branch."""
    first = gitea_stage.store(place, Commit((), at("v1.0.0")))
    second = gitea_stage.store(place, Commit((first,), at("v1.1.0"), "a change"))
    third = gitea_stage.store(place, Commit((second,), at("v1.2.0")))
    gitea_stage.set_branches(place, {"main": second, "next": third})
    gitea_stage.set_tag(place, "old", first, annotated=True)
    return [first, second, third]


@pytest.fixture
def place(gitea_stage: GiteaStage, name: str) -> GitPlace:
    return gitea_stage.make_repository(name)


def plan(place: GitPlace, *words: str, token: str | None = None) -> Ended:
    source = "https://git.example.org/owner/album-app"
    return album(
        "plan", "--tag", "backend-v1.3.0", "--source", source, "--config-repo", place.url, *words,
        cwd=Path("/"),
        variables={"ALBUM_GIT_TOKEN": place.credential.token if token is None else token},
    )  # fmt: skip


def wanted(version: str) -> Ended:
    before, after = at(version), at("v1.3.0")
    diff = diff_files({VALUES: before[VALUES]}, {VALUES: after[VALUES]})
    return Ended(CHANGES, diff.encode(), "")


@pytest.mark.usefixtures("commits")
def test_the_default_branch_is_planned_on(place: GitPlace) -> None:
    assert plan(place) == wanted("v1.1.0")


def test_a_revision_is_whatever_git_can_name_there_too(place: GitPlace, commits: list[str]) -> None:
    for revision in ("next", "refs/heads/next", commits[2]):
        assert plan(place, "--rev", revision) == wanted("v1.2.0")
    for revision in ("old", "main~1", "next~2", f"{commits[1]}^", commits[0][:10], "@~", "old^0"):
        assert plan(place, "--rev", revision) == wanted("v1.0.0")


@pytest.mark.usefixtures("commits")
@pytest.mark.parametrize("revision", ["nope", "0" * 40, "main~7", "*"])
def test_a_revision_that_does_not_exist_is_refused(place: GitPlace, revision: str) -> None:
    ended = plan(place, "--rev", revision)

    assert (ended.status, ended.out) == (REFUSED, b"")
    assert ended.err.startswith(f"BaseBranchNotFound: {place.url} has no revision {revision}: ")


@pytest.mark.usefixtures("commits")
@pytest.mark.parametrize("token", ["", "s3cret-but-wrong"])
def test_a_token_that_is_not_taken_is_told_and_not_shown(place: GitPlace, token: str) -> None:
    ended = plan(place, token=token)

    assert (ended.status, ended.out) == (REFUSED, b"")
    assert ended.err.startswith(f"CredentialsRefused: {place.url} refused the token of ALBUM_GIT")
    assert "s3cret" not in ended.err


def test_a_repository_that_does_not_exist_is_told(place: GitPlace) -> None:
    ended = plan(GitPlace(f"{place.url}-not", place.credential))

    assert (ended.status, ended.out) == (REFUSED, b"")
    assert ended.err.startswith("RepositoryNotFound: ")


def test_an_empty_repository_has_nothing_to_plan_on(place: GitPlace) -> None:
    assert plan(place).err.startswith("BaseBranchNotFound: ")
