"""The diff git makes of two sets of files, asked of git itself outside any repository."""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from tests.fakes.git_history import File


def diff_files(before: Mapping[str, File], after: Mapping[str, File]) -> str:
    """Compare two sets of regular files by path."""
    return _diff(tuple(sorted(before.items(), key=str)), tuple(sorted(after.items(), key=str)))


@lru_cache(maxsize=256)
def _diff(before: tuple[tuple[str, File], ...], after: tuple[tuple[str, File], ...]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        for side, files in (("a", before), ("b", after)):
            Path(folder, side).mkdir()
            for name, file in files:
                path = Path(folder, side, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.data)
                path.chmod(int(file.mode[-3:], 8))
        ended = subprocess.run(
            ["git", "diff", "--no-index", "--no-prefix", "--no-renames", "--no-color", "a", "b"],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "GIT_CONFIG_GLOBAL": "/dev/null",
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_CEILING_DIRECTORIES": str(Path(folder).parent),
            },
            capture_output=True,
            check=False,
        )
    # 1: they differ.
    if ended.returncode not in (0, 1):
        raise AssertionError(f"git diff: {ended.stderr.decode()}")
    return ended.stdout.decode(errors="replace")
