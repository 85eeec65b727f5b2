"""The manifest by which krew, the manager of kubectl's plugins, finds the command's archives."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from album_cli import VERSION
from distribution.archive import PROGRAM

_ARCHIVE = re.compile(rf"{PROGRAM}_{re.escape(VERSION)}_(linux|darwin)_(amd64|arm64)\.tar\.gz")

_DESCRIPTION = """\
Prints the change that a release of the Album release operator would make to a
config repository, as the diff git makes of it, without a cluster. It checks a
pipeline and a release by the same rules as the API server.
"""

_CAVEATS = """\
It runs git, which has to be on your PATH. For completion, link
kubectl_complete-album, beside the plugin in krew's store, into a folder on it.
"""


def make_manifest(archives: Iterable[Path], home: str) -> str:
    """Make the manifest of this version.

    Args:
        archives: of all platforms.
        home: URL of the project; the archives lie at its release's.

    Raises:
        ValueError: A file is no archive of this version.
    """
    manifest = {
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": "album"},
        "spec": {
            "version": f"v{VERSION}",
            "homepage": home,
            "shortDescription": "Show what a release of Album would change",
            "description": _DESCRIPTION,
            "caveats": _CAVEATS,
            "platforms": [_platform(path, home) for path in sorted(archives)],
        },
    }
    return yaml.dump(manifest, Dumper=_Dumper, sort_keys=False)


def _platform(archive: Path, home: str) -> dict[str, Any]:
    found = _ARCHIVE.fullmatch(archive.name)
    if found is None:
        raise ValueError(f"{archive.name} is no archive of version {VERSION}: make it anew")
    return {
        "selector": {"matchLabels": {"os": found[1], "arch": found[2]}},
        "uri": f"{home}/releases/download/v{VERSION}/{archive.name}",
        "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "bin": PROGRAM,
    }


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks, which the reviewers of krew's index read."""


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent)


if __name__ == "__main__":
    sys.stdout.write(make_manifest(map(Path, sys.argv[2:]), sys.argv[1]))
