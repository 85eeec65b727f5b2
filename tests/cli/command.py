"""The command as its users run it, and repositories made by git itself."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

TIME_LIMIT = 60

NOTHING, CHANGES, REFUSED = 0, 1, 2
"""Exit codes: nothing would change, a diff, an error."""

GIT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.org",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.org",
}

VALUES = """\
# Values of the backend.
image:
  repository: ghcr.io/owner/album-app-backend
  tag: "v1.3.2" # the release
service: \n  port: 8080
resources:
  limits:
    cpu: 500m
    memory: 1Gi
    disk: 2Gi
  extra: {tag: v0}
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: bytes
    err: str


def album(
    *words: str, cwd: Path, data: bytes = b"", variables: Mapping[str, str] | None = None
) -> Ended:
    """Run `album` to its end."""
    ended = subprocess.run(
        [sys.executable, "-m", "album_cli", *words],
        cwd=cwd,
        input=data,
        env={**_environment(), **(variables or {})},
        capture_output=True,
        timeout=TIME_LIMIT,
        check=False,
    )
    err = ended.stderr.decode()
    assert "Traceback" not in err
    return Ended(ended.returncode, ended.stdout, err)


def start_album(*words: str, cwd: Path, stdout: int = subprocess.PIPE) -> "subprocess.Popen[bytes]":
    """Start `album` and go on, as a shell does: what runs in the background ignores Ctrl-C."""
    return subprocess.Popen(
        [sys.executable, "-m", "album_cli", *words],
        cwd=cwd,
        env=_environment(),
        stdout=stdout,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def git(folder: Path, *words: str) -> str:
    """Run git in a folder."""
    ended = subprocess.run(
        ["git", *words],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **GIT},
        capture_output=True,
        timeout=TIME_LIMIT,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr.decode()
    return ended.stdout.decode()


def commit(repository: Path, message: str, files: Mapping[str, bytes]) -> str:
    """Commit files in a work tree."""
    for name, data in files.items():
        path = repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(repository, "rev-parse", "HEAD").strip()


def _environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "operator"), "HOME": "/nowhere"}
