"""The build's init container, as a process of its own, against a real Gitea."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from album_operator.domain.places import GitHubApp, GitPlace
from testbed.github.server import GitHubServer
from tests.contract.gitea_server import known_host, make_key
from tests.contract.gitea_stage import GiteaStage
from tests.contract.github_stage import OWNER, GitHubStage
from tests.fakes.git_history import Commit, File

OPERATOR = Path(__file__).parents[2] / "operator"
TAG = "backend-v1.1.0"
FILES = {
    "backend/Dockerfile": File(b"FROM scratch\n"),
    "backend/run.sh": File(b"#!/bin/sh\r\n", "100755"),
    "backend/link": File(b"Dockerfile", "120000"),
    "data": File(bytes(range(256))),
}


@dataclass(frozen=True)
class Ended:
    """How the init container ended."""

    status: int
    out: str
    err: str


@pytest.fixture
def place(gitea_stage: GiteaStage, name: str) -> GitPlace:
    return gitea_stage.make_repository(name)


@pytest.fixture
def commit(gitea_stage: GiteaStage, place: GitPlace) -> str:
    sha = gitea_stage.store(place, Commit((), FILES))
    gitea_stage.set_branch(place, "main", sha)
    gitea_stage.set_tag(place, TAG, sha, annotated=True)
    return sha


def mount(folder: Path, keys: Mapping[str, str]) -> str:
    """Lay a Secret's keys where the kubelet would; give the folder."""
    folder.mkdir(exist_ok=True)
    for key, value in keys.items():
        (folder / key).write_text(f"{value}\n")
    return str(folder)


def run(place: GitPlace, commit: str, target: Path, **variables: str) -> Ended:
    keys = ("url", "token", "identity", "known_hosts")
    mounted = {key: getattr(place.credential, key) for key in keys}
    app = place.credential.app
    if app is not None:
        mounted |= {"appID": app.app_id, "installationID": str(app.installation_id)}
        mounted |= {"privateKey": app.private_key}
    given = {key: value for key, value in mounted.items() if value}
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(OPERATOR),
        "HOME": "/nonexistent",
        "TMPDIR": "/nonexistent",
        "ALBUM_REPOSITORY": place.url,
        "ALBUM_COMMIT": commit,
        "ALBUM_TAG": TAG,
        "ALBUM_TARGET": str(target),
        "ALBUM_CREDENTIAL": mount(target.parent / "credential", given),
        "ALBUM_INSECURE_HOSTS": place.url.split("/")[2],
        "ALBUM_ALLOWED_HOSTS": "127.0.0.1",
    }
    ended = subprocess.run(
        [sys.executable, "-m", "album_operator.fetch_source"],
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = f"{mounted['identity']}\n{mounted.get('privateKey', '')}".splitlines()
    for secret in (mounted["token"], *(line for line in lines if "-----" not in line)):
        assert not secret or secret not in ended.stdout + ended.stderr
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def test_the_commit_s_files_are_there_and_nothing_else(
    place: GitPlace, commit: str, tmp_path: Path
) -> None:
    target = tmp_path / "source"
    ended = run(place, commit, target)
    assert (ended.status, ended.err) == (0, "")
    assert commit in ended.out
    assert sorted(str(path.relative_to(target)) for path in target.rglob("*")) == [
        "backend",
        "backend/Dockerfile",
        "backend/link",
        "backend/run.sh",
        "data",
    ]
    assert (target / "data").read_bytes() == FILES["data"].data
    assert (target / "backend/run.sh").read_bytes() == FILES["backend/run.sh"].data
    assert (target / "backend/run.sh").stat().st_mode & 0o111
    assert (target / "backend/link").readlink() == Path("Dockerfile")


def test_the_files_come_over_ssh_and_the_key_stays_out_of_them(
    gitea_stage: GiteaStage, place: GitPlace, commit: str, tmp_path: Path
) -> None:
    target = tmp_path / "source"
    ended = run(gitea_stage.over_ssh(place), commit, target)
    assert (ended.status, ended.err) == (0, "")
    assert (target / "data").read_bytes() == FILES["data"].data
    assert sorted(path.name for path in target.iterdir()) == ["backend", "data"]


def test_a_github_app_makes_the_token(github: GitHubServer, tmp_path: Path, name: str) -> None:
    stage = GitHubStage(github, github.make_token(OWNER), tmp_path / "store")
    place = stage.make_repository(name)
    sha = stage.store(place, Commit((), FILES))
    stage.set_branch(place, "main", sha)
    number, key = github.make_app(f"album-{name[-8:]}", OWNER, {"contents": "read"})
    installation = github.install_app(number, OWNER, [f"{OWNER}/{name}"])
    app = GitHubApp(str(number), installation, key)
    there = replace(place, credential=replace(place.credential, token="", app=app))
    ended = run(there, sha, tmp_path / "source")
    assert (ended.status, ended.err) == (0, "")
    assert (tmp_path / "source/data").read_bytes() == FILES["data"].data

    stranger = replace(app, installation_id=installation + 1)
    there = replace(place, credential=replace(place.credential, token="", app=stranger))
    ended = run(there, sha, tmp_path / "source")
    assert ended.status == 1
    assert "gave no token for the GitHub App" in ended.err


def test_a_changed_host_key_fetches_nothing(
    gitea_stage: GiteaStage, place: GitPlace, commit: str, tmp_path: Path
) -> None:
    there = gitea_stage.over_ssh(place)
    make_key(tmp_path / "imposter")
    known_hosts = known_host(gitea_stage.server.ssh_port, tmp_path / "imposter")
    credential = replace(there.credential, known_hosts=known_hosts)
    ended = run(replace(there, credential=credential), commit, tmp_path / "source")
    assert ended.status == 1
    assert "shows another host key (SHA256:" in ended.err
    assert list((tmp_path / "source").iterdir()) == []


@pytest.mark.parametrize(
    ("keys", "missing"),
    [
        ({"identity": ""}, "has no key token"),
        ({"known_hosts": ""}, "has no key `known_hosts`"),
        ({"url": ""}, "has no key url"),
    ],
)
def test_a_key_of_the_secret_that_is_missing_is_named(
    gitea_stage: GiteaStage,
    place: GitPlace,
    commit: str,
    tmp_path: Path,
    keys: dict[str, Any],
    missing: str,
) -> None:
    there = gitea_stage.over_ssh(place)
    there = replace(there, credential=replace(there.credential, **keys))
    ended = run(there, commit, tmp_path / "source")
    assert ended.status == 1
    assert missing in ended.err


def test_what_an_earlier_try_left_is_gone(place: GitPlace, commit: str, tmp_path: Path) -> None:
    target = tmp_path / "source"
    (target / "backend").mkdir(parents=True)
    (target / "backend/Dockerfile").write_text("half a fi")
    (target / "left").symlink_to("/nonexistent")
    assert run(place, commit, target).status == 0
    assert (target / "backend/Dockerfile").read_bytes() == FILES["backend/Dockerfile"].data
    assert not (target / "left").is_symlink()


def test_a_tag_moved_since_does_not_matter(
    gitea_stage: GiteaStage, place: GitPlace, commit: str, tmp_path: Path
) -> None:
    moved = gitea_stage.store(place, Commit((commit,), {"data": File(b"moved\n")}))
    gitea_stage.set_tag(place, TAG, moved)
    target = tmp_path / "source"
    assert run(place, commit, target).status == 0
    assert (target / "data").read_bytes() == FILES["data"].data


@pytest.mark.usefixtures("commit")
def test_a_commit_the_server_has_not_fails_with_one_sentence(
    place: GitPlace, tmp_path: Path
) -> None:
    ended = run(place, "1" * 40, tmp_path / "source")
    assert ended.status == 1
    assert TAG in ended.err
    assert len(ended.err.splitlines()) == 1


def test_a_secret_for_another_host_is_not_sent(
    place: GitPlace, commit: str, tmp_path: Path
) -> None:
    ended = run(place, commit, tmp_path / "source", ALBUM_REPOSITORY="https://example.org/a/b")
    assert ended.status == 1
    assert "is not sent to https://example.org/a/b" in " ".join(ended.err.split())


def test_plain_http_needs_an_admin_s_word(place: GitPlace, commit: str, tmp_path: Path) -> None:
    ended = run(place, commit, tmp_path / "source", ALBUM_INSECURE_HOSTS="")
    assert ended.status == 1
    assert "ALBUM_INSECURE_HOSTS" in ended.err


def test_missing_variables_are_named(place: GitPlace, commit: str, tmp_path: Path) -> None:
    ended = run(place, commit, tmp_path / "source", ALBUM_TAG="", ALBUM_REPOSITORY="")
    assert (ended.status, ended.err) == (1, "ALBUM_REPOSITORY, ALBUM_TAG not set\n")


def test_the_root_is_no_target(place: GitPlace, commit: str, tmp_path: Path) -> None:
    ended = run(place, commit, tmp_path / "source", ALBUM_TARGET="/")
    assert ended.status == 1
    assert "ALBUM_TARGET" in ended.err


def test_a_wrong_token_is_said_so(place: GitPlace, commit: str, tmp_path: Path) -> None:
    target = tmp_path / "source"
    other = mount(tmp_path / "other", {"url": place.credential.url, "token": "wrong"})
    ended = run(place, commit, target, ALBUM_CREDENTIAL=other)
    assert ended.status == 1
    assert "refused the token" in ended.err
    assert list(target.iterdir()) == []


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"appID": "1"}, "has no key installationID and privateKey"),
        ({"appID": "1", "installationID": "one", "privateKey": "k3y"}, "is no number"),
        ({"appID": "1", "installationID": "2", "privateKey": "k3y"}, "is no RSA private key"),
    ],
)
def test_what_a_github_app_lacks_is_named(
    keys: dict[str, str], said: str, place: GitPlace, commit: str, tmp_path: Path
) -> None:
    other = mount(tmp_path / "other", {"url": place.credential.url, **keys})
    ended = run(place, commit, tmp_path / "source", ALBUM_CREDENTIAL=other)
    assert ended.status == 1
    assert said in ended.err
    assert "k3y" not in ended.out + ended.err


def test_an_app_s_key_signs_nothing_for_another_host(
    place: GitPlace, commit: str, tmp_path: Path
) -> None:
    app = {"appID": "1", "installationID": "2", "privateKey": "k3y"}
    other = mount(tmp_path / "other", {"url": "https://github.com/acme", **app})
    ended = run(place, commit, tmp_path / "source", ALBUM_CREDENTIAL=other)
    assert ended.status == 1
    assert "is not sent to" in " ".join(ended.err.split())
