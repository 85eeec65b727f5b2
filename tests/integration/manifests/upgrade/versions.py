"""The version before this one, out of the history."""

import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.integration.manifests.operator_process import OURS

BEFORE = "b746e40d72e1ee52c9f8faf4302f700fdd790a26"
"""The commit that releases must survive the upgrade from: that of the last release's tag."""

NEEDED = ("operator", "manifests", "crds")


def check_out_before(folder: Path) -> Path:
    """Put the version before into a folder, and give that.

    An archive of the sources has no history, and a shallow clone not enough: then the test is
    skipped aloud.
    """
    known = subprocess.run(
        ["git", "-C", OURS, "cat-file", "-e", f"{BEFORE}^{{commit}}"],
        capture_output=True,
        check=False,
    )
    if known.returncode != 0:
        pytest.skip(f"no history with {BEFORE[:12]} here: git fetch --unshallow")
    packed = folder.with_suffix(".tar")
    archive = ["git", "-C", str(OURS), "archive", f"--output={packed}", BEFORE, *NEEDED]
    subprocess.run(archive, check=True)
    with tarfile.open(packed) as members:
        members.extractall(folder, filter="data")
    return folder
