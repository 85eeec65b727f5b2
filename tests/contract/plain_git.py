"""Git as anybody runs it, for the repositories of servers."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path


def git(
    repository: Path,
    *arguments: str,
    data: bytes = b"",
    variables: Mapping[str, str] | None = None,
    seconds: int = 120,
) -> str:
    """Run git in a bare repository and give what it says."""
    ended = subprocess.run(
        ["git", *arguments],
        input=data,
        capture_output=True,
        timeout=seconds,
        check=False,
        env={
            "PATH": os.environ["PATH"],
            "GIT_DIR": str(repository),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            **(variables or {}),
        },
    )
    if ended.returncode != 0:
        raise AssertionError(f"git {arguments}: {ended.stderr.decode()}")
    return ended.stdout.decode().strip()
