"""Packages of the npm registry, with an npm of our own."""

import base64
import hashlib
import io
import os
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from testbed.commands import PartError
from testbed.github import npm
from testbed.settings import Settings

CONTENT = b'{"a": 1}'


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> npm.Package:
    """Put an npm on PATH whose registry has one package."""
    archive = tmp_path / "pack.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        info = tarfile.TarInfo("package/lib/schema.json")
        info.size = len(CONTENT)
        tar.addfile(info, io.BytesIO(CONTENT))
    program = tmp_path / "bin" / "npm"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\necho "$@" >>{tmp_path}/calls\ncp {archive} ./octokit-thing-1.0.0.tgz\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    return npm.Package("@octokit/thing", "1.0.0", f"sha512-{digest}", "lib/schema.json")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings("thing", tmp_path / "cache", tmp_path / "state")


def test_a_package_is_fetched_once(
    package: npm.Package, settings: Settings, tmp_path: Path
) -> None:
    for _ in range(2):
        assert npm.ensure(package, settings).read_bytes() == CONTENT
    assert (tmp_path / "calls").read_text() == "pack --ignore-scripts @octokit/thing@1.0.0\n"


def test_another_archive_than_the_pinned_one_is_refused(
    package: npm.Package, settings: Settings
) -> None:
    with pytest.raises(PartError, match=r"another 1\.0\.0 than the pinned one"):
        npm.ensure(replace(package, integrity="sha512-other"), settings)
    assert npm.ensure(package, settings).read_bytes() == CONTENT


def test_a_registry_that_has_it_not_is_an_error_with_its_words(
    package: npm.Package, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "bin" / "npm").write_text("#!/bin/sh\necho E404 no such package >&2\nexit 1\n")
    with pytest.raises(PartError, match="npm ended with status 1") as error:
        npm.ensure(package, settings)
    assert "E404 no such package" in str(error.value)


def test_without_npm_pip_is_asked_for_one(
    package: npm.Package, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(PartError, match=r"install Node\.js with npm"):
        npm.ensure(package, settings)
