"""Publishing the sample repositories, on a real Gitea."""

import tempfile
from pathlib import Path
from typing import Any

import pytest

from testbed.commands import PartError, wait_until
from testbed.forge import Forge
from testbed.samples.git import Git
from testbed.samples.history import SAMPLES
from testbed.samples.publish import publish, reset_repositories
from tests.samples.conftest import REGISTRY

CONFIG = "/repos/album/album-app-config"


@pytest.fixture
def published(forges: tuple[Forge, Forge]) -> Forge:
    """The forge with both repositories in their first state, as their owner."""
    reset_repositories(forges[0], REGISTRY)
    return forges[0]


def refs(forge: Forge) -> dict[str, str]:
    found = {}
    for sample in SAMPLES:
        with tempfile.TemporaryDirectory() as folder:
            url = f"{forge.url}/album/{sample.name}.git"
            found[sample.name] = Git.init(Path(folder)).run("ls-remote", url)
    return found


def propose(forge: Forge) -> int:
    """Make a branch with a commit and a pull request of it, as the operator does."""
    entry: dict[str, Any] = forge.call("GET", f"{CONFIG}/contents/README.md")
    change = {"content": "eA==", "sha": entry["sha"], "branch": "main", "new_branch": "release/x"}
    forge.call("PUT", f"{CONFIG}/contents/README.md", {**change, "message": "x"})
    body = {"head": "release/x", "base": "main", "title": "x"}
    number: int = forge.call("POST", f"{CONFIG}/pulls", body)["number"]
    return number


def merge(forges: tuple[Forge, Forge], number: int) -> None:
    # Gitea refuses a merge until it has checked for conflicts.
    wait_until(
        lambda: bool(forges[0].call("GET", f"{CONFIG}/pulls/{number}")["mergeable"]),
        part="pull request",
        what="become mergeable",
        seconds=20,
    )

    def is_merged() -> bool:
        try:
            forges[1].merge("album/album-app-config", number)
        except PartError as error:
            if ": 405 " not in str(error):
                raise
        return bool(forges[0].call("GET", f"{CONFIG}/pulls/{number}")["merged"])

    wait_until(is_merged, part="pull request", what="be merged", seconds=20)


def test_publishing_gives_the_repositories_as_they_are_on_disk(
    published: Forge, album_app: Git
) -> None:
    lines = refs(published)["album-app"].splitlines()
    remote = {line for line in lines if "\trefs/" in line and not line.endswith("^{}")}
    local = {line.replace(" ", "\t") for line in album_app.run("show-ref").splitlines()}
    assert remote == local
    for sample in SAMPLES:
        found = published.call("GET", f"/repos/album/{sample.name}")
        assert (found["default_branch"], found["private"], found["empty"]) == ("main", False, False)


def test_publishing_again_changes_nothing(published: Forge) -> None:
    before = refs(published)
    publish(published, REGISTRY)
    assert refs(published) == before


def test_a_repository_that_was_worked_in_since_is_left_alone(
    published: Forge, forges: tuple[Forge, Forge]
) -> None:
    merge(forges, propose(published))
    published.call("POST", "/repos/album/album-app/tags", {"tag_name": "backend-v1.9.0"})
    before = refs(published)
    publish(published, REGISTRY)
    assert refs(published) == before


def test_a_repository_whose_push_was_broken_off_is_filled(published: Forge) -> None:
    before = refs(published)
    published.call("DELETE", "/repos/album/album-app")
    published.call("POST", "/user/repos", {"name": "album-app", "default_branch": "main"})
    publish(published, REGISTRY)
    assert refs(published) == before


def test_the_samples_of_another_checkout_are_kept_and_said_aloud(
    published: Forge, capfd: pytest.CaptureFixture[str]
) -> None:
    before = refs(published)
    publish(published, "198.51.100.99:5000")
    assert refs(published) == before
    said = capfd.readouterr().err
    assert "album/album-app-config was not made from the present samples" in said
    assert "album/album-app was not" not in said


def test_a_reset_takes_back_branches_merges_and_pull_requests(
    published: Forge, forges: tuple[Forge, Forge]
) -> None:
    before = refs(published)
    merge(forges, propose(published))
    reset_repositories(published, REGISTRY)
    assert refs(published) == before
    assert published.pull_requests("album/album-app-config") == []


def test_the_reviewer_may_merge(published: Forge, forges: tuple[Forge, Forge]) -> None:
    number = propose(published)
    merge(forges, number)
    assert published.call("GET", f"{CONFIG}/pulls/{number}")["merged_by"]["login"] == "reviewer"


def test_a_refused_token_is_told_without_being_shown(forges: tuple[Forge, Forge]) -> None:
    token = "0123456789abcdef" * 2 + "01234567"
    with pytest.raises(PartError) as caught:
        publish(Forge(forges[0].url, token), REGISTRY)
    assert token not in str(caught.value)
