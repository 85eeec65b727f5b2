"""Config repositories to measure on: generated once, kept, and linked anew for each run."""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks import plain_git
from benchmarks.layout import Layout, released, scaled
from testbed.commands import locked
from testbed.progress import step

FORMAT = 1
"""Raised when what is generated changes, so that kept repositories are made anew."""

BASE = "main"

COMMITS = 50
APPS_PER_COMMIT = 20
FIRST_SECOND = 1_700_000_000

SERVED = {
    "http.receivepack": "true",
    "uploadpack.allowFilter": "true",
    "uploadpack.allowAnySHA1InWant": "true",
    # What is measured is not the server's disk.
    "core.fsync": "none",
    # No maintenance in the middle of a measurement.
    "receive.autogc": "false",
    "gc.auto": "0",
}
"""Configuration of a repository as the forges of the field serve it."""


def ensure_repository(folder: Path, layout: Layout) -> Path:
    """Give the kept repository of a layout, generated unless it is there."""
    kept = folder / f"config-{layout.files}-{FORMAT}.git"
    with locked(folder / f"{kept.name}.lock"):
        if not kept.exists():
            unfinished = kept.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            with step(f"generate a repository of {layout.files:,} files"):
                _generate(unfinished, layout)
            unfinished.rename(kept)
    return kept


def serve_copy(kept: Path, served: Path) -> None:
    """Make a repository for the server out of a kept one; objects are linked, not copied."""
    plain_git.git(kept, "clone", "--quiet", "--bare", "--local", str(kept), str(served))
    plain_git.git(served, "remote", "remove", "origin")
    for key, value in SERVED.items():
        plain_git.git(served, "config", key, value)


def move_base(repository: Path, path: str) -> None:
    """Be another writer: commit to the base branch, right in the server's repository."""
    values = plain_git.git(repository, "cat-file", "blob", f"{BASE}:{path}")
    parent = f"refs/heads/{BASE}^0"
    plain_git.fast_import(
        repository, _commit(BASE, FIRST_SECOND, "more replicas", {path: scaled(values)}, parent)
    )


def commit_stream(files: Mapping[str, bytes], branch: str = BASE) -> Iterator[bytes]:
    """Give a commit in the language of git-fast-import, as the first of the base or on its head."""
    parent = f"refs/heads/{BASE}^0" if branch != BASE else None
    return _commit(branch, FIRST_SECOND, branch, files, parent)


def _generate(repository: Path, layout: Layout) -> None:
    repository.mkdir(parents=True)
    plain_git.git(repository, "init", "--quiet", "--bare", f"--initial-branch={BASE}")
    plain_git.fast_import(repository, _history(layout))
    # Packed as a server keeps it, bitmaps included.
    plain_git.git(repository, "gc", "--quiet")
    os.sync()


def _history(layout: Layout) -> Iterator[bytes]:
    """Give the first commit with all files, and some releases after it."""
    files: dict[str, bytes] = {}
    for app in range(layout.apps):
        files |= layout.files_of(app)
    values = {app: files[layout.values_path(app)] for app in range(layout.apps)}
    yield from _commit(BASE, FIRST_SECOND, "all apps", files, None)
    for number in range(1, COMMITS):
        changed = {}
        for nth in range(min(APPS_PER_COMMIT, layout.apps)):
            app = (number * 7919 + nth * 104_729) % layout.apps
            values[app] = scaled(released(values[app], f"v1.0.{number}"))
            changed[layout.values_path(app)] = values[app]
        yield from _commit(BASE, FIRST_SECOND + number * 3600, f"releases {number}", changed, None)


def _commit(
    branch: str, second: int, message: str, files: Mapping[str, bytes], parent: str | None
) -> Iterator[bytes]:
    """Give one commit in the language of git-fast-import.

    Args:
        branch: the commit's.
        second: author and committer date, since 1970.
        message: of one line.
        files: new bytes by path; all others stay.
        parent: what to build on; None for what this stream has made of the branch so far.
    """
    name, email = plain_git.AUTHOR
    yield (
        f"commit refs/heads/{branch}\n"
        f"committer {name} <{email}> {second} +0000\n"
        f"data {len(message.encode())}\n{message}\n"
    ).encode()
    if parent is not None:
        yield f"from {parent}\n".encode()
    for path, data in files.items():
        yield f"M 100644 inline {path}\ndata {len(data)}\n".encode()
        yield data
        yield b"\n"
    yield b"\n"
