"""Git as people run it, without the operator's code: for the other ways, and to check results."""

import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from testbed.commands import PartError

AUTHOR = ("Another Writer", "writer@example.org")


def environment() -> Mapping[str, str]:
    """Give git's environment: with an identity, without this machine's configuration."""
    name, email = AUTHOR
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return kept | {
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": name,
        "GIT_AUTHOR_EMAIL": email,
        "GIT_COMMITTER_NAME": name,
        "GIT_COMMITTER_EMAIL": email,
        # The server is on loopback, whatever proxies this machine has.
        "no_proxy": "*",
    }


def git(folder: Path, *arguments: str, data: bytes = b"") -> bytes:
    """Run git in a folder to its end.

    Args:
        folder: to run it in.
        arguments: of git.
        data: standard input.

    Returns:
        Its standard output.

    Raises:
        PartError: it failed; with its last words.
    """
    return run(folder, "git", *arguments, data=data)


def run(folder: Path, *words: str, data: bytes = b"") -> bytes:
    """Run a program in a folder as `git` does."""
    done = subprocess.run(
        words,
        cwd=folder,
        env=environment(),
        input=data,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()[-2000:]
        raise PartError(" ".join(words[:2]), f"ended with status {done.returncode}: {said}")
    return done.stdout


def text(folder: Path, *arguments: str) -> str:
    """Run git and give its output as text without white space around it."""
    return git(folder, *arguments).decode().strip()


def fast_import(repository: Path, stream: Iterable[bytes]) -> None:
    """Feed `git fast-import`, which writes commits without a work tree or an index.

    Raises:
        PartError: it failed.
    """
    with subprocess.Popen(
        ["git", "fast-import", "--quiet"],
        cwd=repository,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None  # noqa: S101 - for mypy; it is a pipe
        for part in stream:
            process.stdin.write(part)
    if process.returncode != 0:
        raise PartError("git fast-import", f"ended with status {process.returncode}")
