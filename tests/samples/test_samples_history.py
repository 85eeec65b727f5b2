"""What the sample repositories hold: hashes, tags, and the traps in the values files."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from testbed.samples.git import Git
from testbed.samples.history import ALBUM_APP, ALBUM_APP_CONFIG, SAMPLES, Sample, write
from testbed.samples.publish import addresses
from tests.samples.conftest import FORGE_URL, REGISTRY


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_the_same_addresses_give_the_same_hashes_whatever_the_machine(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = addresses(FORGE_URL, REGISTRY)
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    first = write(sample, tmp_path / "first", known).run("show-ref")
    hostile = tmp_path / "gitconfig"
    hostile.write_text(
        "[user]\nname=Someone\n[commit]\ngpgSign=true\n[core]\nautocrlf=true\n"
        "[init]\ndefaultBranch=trunk\n"
    )
    for name, value in {
        "GIT_CONFIG_GLOBAL": str(hostile),
        "GIT_DIR": str(tmp_path / "elsewhere"),
        "GIT_INDEX_FILE": str(tmp_path / "index"),
        "GIT_AUTHOR_DATE": "2001-01-01T00:00:00Z",
        "GIT_COMMITTER_NAME": "Someone",
        "TZ": "Pacific/Kiritimati",
    }.items():
        monkeypatch.setenv(name, value)
    with umask(0o077):
        second = write(sample, tmp_path / "second", known).run("show-ref")
    assert first == second


def test_other_addresses_change_the_config_repository_but_not_the_source(tmp_path: Path) -> None:
    heads: dict[str, set[str]] = {}
    for registry in ("198.51.100.8:5000", "198.51.100.9:5000"):
        for sample in SAMPLES:
            folder = tmp_path / f"{sample.name}-{registry.replace(':', '-')}"
            folder.mkdir()
            git = write(sample, folder, addresses(FORGE_URL, registry))
            heads.setdefault(sample.name, set()).add(git.run("rev-parse", "HEAD"))
    assert len(heads[ALBUM_APP.name]) == 1
    assert len(heads[ALBUM_APP_CONFIG.name]) == 2


def test_both_repositories_have_a_history(album_app: Git, album_app_config: Git) -> None:
    assert len(album_app.run("rev-list", "main").split()) >= 5
    assert len(album_app_config.run("rev-list", "main").split()) >= 5


def test_the_source_has_the_tags_of_the_demo_and_of_hard_cases(album_app: Git) -> None:
    assert set(album_app.run("tag").split()) >= {
        "backend-v1.0.0",
        "backend-v1.1.0",
        "frontend-v1.0.0",
        "frontend-v1.1.0",
        "frontend-v1.2.0-rc.1",
    }
    twins = {album_app.run("rev-parse", f"backend-v1.0.{patch}^{{commit}}") for patch in (1, 2)}
    assert len(twins) == 1, "two versions are to share one commit"
    assert album_app.run("cat-file", "-t", "frontend-v1.1.0") == "tag"
    assert album_app.run("cat-file", "-t", "backend-v1.1.0") == "commit"


def test_every_tag_changes_its_own_app_and_has_its_dockerfile(album_app: Git) -> None:
    before = {"backend": "", "frontend": ""}
    for tag in album_app.run("tag", "--sort=v:refname").split():
        app = tag.partition("-")[0]
        assert album_app.run("cat-file", "-t", f"{tag}:{app}/Dockerfile") == "blob"
        tree = album_app.run("rev-parse", f"{tag}:{app}")
        assert tree != before[app] or tag == "backend-v1.0.2"
        before[app] = tree


def test_no_placeholder_is_left(album_app: Git, album_app_config: Git) -> None:
    for git in (album_app, album_app_config):
        for path in git.run("ls-files").splitlines():
            assert "${TESTBED" not in (git.folder / path).read_text(), path


def test_values_have_comments_quoted_and_unquoted_tags_and_a_trailing_blank(
    values: dict[str, Path],
) -> None:
    for app, path in values.items():
        lines = path.read_text().splitlines()
        assert f"  repository: {REGISTRY}/album/album-app-{app}" in lines
        assert any(line.lstrip().startswith("#") for line in lines)
        assert [line for line in lines if line != line.rstrip()] == ["service: "]
        tags = [line.strip() for line in lines if line.strip().startswith("tag:")]
        assert sum(tag.startswith('tag: "v1.0.0"') for tag in tags) == 1
        assert len(tags) > 1
        assert any('"' not in tag for tag in tags)


def test_the_release_in_the_history_changed_one_line(album_app_config: Git) -> None:
    found = album_app_config.run("log", "--grep=^release:", "--format=", "--numstat")
    assert found.split() == ["1", "1", "backend/values.yaml"]
