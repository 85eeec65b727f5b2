"""The manifest for krew names each archive with its checksum, by the rules of krew's own index."""

import hashlib
from pathlib import Path

import pytest
import yaml

from album_cli import VERSION
from distribution.krew import make_manifest

HOME = "https://git.example.org/album/album-release-operator"


def _archives(folder: Path, *platforms: str) -> list[Path]:
    paths = [folder / f"kubectl-album_{VERSION}_{platform}.tar.gz" for platform in platforms]
    for path in paths:
        path.write_text(path.name)
    return paths


def test_each_platform_has_its_archive_with_its_checksum(tmp_path: Path) -> None:
    archives = _archives(tmp_path, "linux_amd64", "darwin_arm64")

    manifest = yaml.safe_load(make_manifest(archives, HOME))

    assert manifest["metadata"]["name"] == "album"
    darwin, linux = manifest["spec"]["platforms"]
    assert darwin["selector"] == {"matchLabels": {"os": "darwin", "arch": "arm64"}}
    assert linux["sha256"] == hashlib.sha256(archives[0].read_bytes()).hexdigest()
    assert linux["uri"] == f"{HOME}/releases/download/v{VERSION}/{archives[0].name}"
    assert linux["bin"] == "kubectl-album"


def test_its_words_are_as_krews_index_wants_them(tmp_path: Path) -> None:
    spec = yaml.safe_load(make_manifest(_archives(tmp_path, "linux_arm64"), HOME))["spec"]
    assert spec["version"] == f"v{VERSION}"
    # krew-index: at most 50 characters, no kubectl or Kubernetes, no full stop.
    assert len(spec["shortDescription"]) <= 50
    assert not spec["shortDescription"].endswith(".")
    assert max(map(len, spec["description"].splitlines())) <= 80


def test_a_file_of_another_version_or_platform_is_refused(tmp_path: Path) -> None:
    for name in ("kubectl-album_9.9.9_linux_amd64.tar.gz", "kubectl-album.tar.gz"):
        (tmp_path / name).touch()
        with pytest.raises(ValueError, match=f"is no archive of version {VERSION}"):
            make_manifest([tmp_path / name], HOME)
