"""The sample repositories in GitHub's stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from album_operator.api.pipeline import AlbumPipeline
from album_operator.domain.forges import ForgeType
from testbed.commands import PartError
from testbed.gitea import OWNER, REVIEWER
from testbed.github.server import running_github
from testbed.github_forge import GitHubForge
from testbed.samples import render_pipeline
from testbed.samples.git import Git
from testbed.samples.publish import publish, reset_repositories
from testbed.state import ForgeKind
from tests.samples.conftest import FORGE_URL, REGISTRY

CONFIG = "album/album-app-config"


@pytest.fixture
def forges(tmp_path: Path) -> Iterator[tuple[GitHubForge, GitHubForge]]:
    """A stand-in with both repositories, as their owner and as the reviewer."""
    with running_github(tmp_path / "github") as server:
        for login in (OWNER, REVIEWER):
            server.make_user(login)
        tokens = [server.make_token(login) for login in (OWNER, REVIEWER)]
        owner, reviewer = (GitHubForge(server.url, token) for token in tokens)
        publish(owner, REGISTRY)
        yield owner, reviewer


def refs(forge: GitHubForge, folder: Path, repository: str) -> str:
    folder.mkdir(exist_ok=True)
    return Git.init(folder).run("ls-remote", f"{forge.url}/{repository}")


def propose(forge: GitHubForge, folder: Path) -> int:
    """Push a branch with a commit, and open a pull request of it."""
    folder.mkdir()
    git = Git.init(folder)
    url = f"{forge.url}/{CONFIG}.git"
    git.run_as(OWNER, forge.token, "fetch", "--quiet", url, "main")
    git.run("checkout", "--quiet", "FETCH_HEAD")
    (folder / "README.md").write_text("x\n")
    person = {
        f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    git.run("commit", "--quiet", "--all", "--message=x", env=person)
    git.run_as(OWNER, forge.token, "push", "--quiet", url, "HEAD:refs/heads/release/x")
    body = {"head": "release/x", "base": "main", "title": "x"}
    return int(forge.call("POST", f"/repos/{CONFIG}/pulls", body)["number"])


def test_both_repositories_are_published_for_anybody_to_read(
    forges: tuple[GitHubForge, GitHubForge], tmp_path: Path, album_app: Git
) -> None:
    remote = refs(forges[0], tmp_path / "refs", "album/album-app").splitlines()
    local = {line.replace(" ", "\t") for line in album_app.run("show-ref").splitlines()}
    assert {line for line in remote if "\trefs/" in line and not line.endswith("^{}")} == local
    assert forges[0].head(CONFIG) in refs(forges[0], tmp_path / "refs", CONFIG)


def test_publishing_again_changes_nothing_and_a_reset_takes_all_back(
    forges: tuple[GitHubForge, GitHubForge], tmp_path: Path
) -> None:
    owner, reviewer = forges
    before = refs(owner, tmp_path / "refs", CONFIG)
    reviewer.merge(CONFIG, propose(owner, tmp_path / "work"))
    merged = refs(owner, tmp_path / "refs", CONFIG)
    assert merged != before
    publish(owner, REGISTRY)
    assert refs(owner, tmp_path / "refs", CONFIG) == merged
    reset_repositories(owner, REGISTRY)
    assert refs(owner, tmp_path / "refs", CONFIG) == before
    assert owner.pull_requests(CONFIG) == []


def test_the_reviewer_merges_by_a_merge_commit_of_his_own(
    forges: tuple[GitHubForge, GitHubForge], tmp_path: Path
) -> None:
    owner, reviewer = forges
    number = propose(owner, tmp_path / "work")
    assert [pull["number"] for pull in reviewer.pull_requests(CONFIG, "open")] == [number]
    reviewer.merge(CONFIG, number)
    pull = owner.call("GET", f"/repos/{CONFIG}/pulls/{number}")
    assert pull["merged_by"]["login"] == REVIEWER
    merge = owner.call("GET", f"/repos/{CONFIG}/commits/{pull['merge_commit_sha']}")
    assert len(merge["parents"]) == 2


def test_requests_are_told_by_whose_they_are(forges: tuple[GitHubForge, GitHubForge]) -> None:
    owner, reviewer = forges
    before = owner.counted_requests(OWNER)
    owner.head(CONFIG)
    reviewer.pull_requests(CONFIG)
    assert owner.counted_requests(OWNER)[len(before) :] == [
        f"GET /api/v3/repos/{CONFIG}/git/ref/heads/main"
    ]
    assert len(owner.counted_requests(REVIEWER)) == 1


def test_what_github_does_not_describe_is_told(tmp_path: Path) -> None:
    with running_github(tmp_path / "github") as server:
        server.make_user(OWNER)
        forge = GitHubForge(server.url, server.make_token(OWNER))
        assert forge.violations() == []
        with pytest.raises(PartError, match="404"):
            forge.call("GET", "/no/such/thing")
        assert forge.violations() == ["GitHub has no GET /no/such/thing"]
        server.violations.clear()


def test_the_pipeline_names_github_and_its_api() -> None:
    text = render_pipeline(FORGE_URL, REGISTRY, ForgeKind.GITHUB_STANDIN)
    forge = AlbumPipeline.model_validate(yaml.safe_load(text)).spec.config.forge
    assert (forge.type, forge.api_url) == (ForgeType.GITHUB, f"{FORGE_URL}/api/v3")
