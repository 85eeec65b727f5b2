"""The commits and tags of the two sample repositories.

A repository's first states are in the folder of its name, what came later is in `later/`. Authors
and dates are fixed, so the same addresses give the same hashes on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed.samples.git import Git

FIRST_VERSION = "v1.0.0"
APPS = ("backend", "frontend")

_FOLDER = Path(__file__).parent
_ADA = "Ada Lind <ada@album.invalid>"
_BEN = "Ben Osei <ben@album.invalid>"


@dataclass(frozen=True)
class Commit:
    """One commit: what it brings and when.

    Attributes:
        message: Its message.
        author: Author and committer, `Name <address>`.
        date: Author's and committer's date, ISO 8601 with a zone.
        paths: Files and folders taken from the repository's own folder.
        later: Folder below `later/` that is laid over the tree, or empty.
        replaced: A file, a text in it and what stands there instead, or None.
        tags: Lightweight tags on this commit.
        annotated_tags: Tags that are objects of their own and point to this commit.
    """

    message: str
    author: str
    date: str
    paths: tuple[str, ...] = ()
    later: str = ""
    replaced: tuple[str, str, str] | None = None
    tags: tuple[str, ...] = ()
    annotated_tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sample:
    """One sample repository: its name in the forge and its commits, oldest first."""

    name: str
    commits: tuple[Commit, ...]


ALBUM_APP = Sample(
    "album-app",
    (
        Commit("Say what this is", _ADA, "2026-01-12T09:10:00+01:00", paths=("README.md",)),
        Commit(
            "backend: serve the albums as JSON",
            _ADA,
            "2026-01-14T16:42:00+01:00",
            paths=("backend",),
            tags=("backend-v1.0.0",),
        ),
        Commit(
            "frontend: show the albums",
            _BEN,
            "2026-01-20T11:05:00+01:00",
            paths=("frontend",),
            tags=("frontend-v1.0.0",),
        ),
        # Released twice without a change in between: two versions, one commit.
        Commit(
            "backend: browsers must not guess the type of an answer",
            _ADA,
            "2026-02-03T10:20:00+01:00",
            later="backend-nosniff",
            tags=("backend-v1.0.1", "backend-v1.0.2"),
        ),
        Commit(
            "backend: find the albums of an artist",
            _ADA,
            "2026-02-17T14:31:00+01:00",
            later="backend-artist",
            tags=("backend-v1.1.0",),
        ),
        Commit(
            "frontend: search by artist",
            _BEN,
            "2026-02-18T09:55:00+01:00",
            later="frontend-search",
            annotated_tags=("frontend-v1.1.0",),
        ),
        Commit(
            "frontend: dark where the reader's system is",
            _BEN,
            "2026-03-02T17:08:00+01:00",
            later="frontend-dark",
            tags=("frontend-v1.2.0-rc.1",),
        ),
    ),
)

ALBUM_APP_CONFIG = Sample(
    "album-app-config",
    (
        Commit("Say what this is", _ADA, "2026-01-13T10:00:00+01:00", paths=("README.md",)),
        Commit(
            "backend: chart",
            _ADA,
            "2026-01-15T09:25:00+01:00",
            paths=("backend",),
            replaced=("backend/values.yaml", f'tag: "{FIRST_VERSION}"', 'tag: "v0.9.0"'),
        ),
        Commit(
            f"release: backend {FIRST_VERSION}",
            _ADA,
            "2026-01-15T15:02:00+01:00",
            paths=("backend/values.yaml",),
        ),
        Commit("frontend: chart", _BEN, "2026-01-21T08:40:00+01:00", paths=("frontend",)),
        Commit("apps: one Application per app", _BEN, "2026-01-21T13:37:00+01:00", paths=("apps",)),
    ),
)

SAMPLES = (ALBUM_APP, ALBUM_APP_CONFIG)


def write(sample: Sample, folder: Path, addresses: Mapping[str, str]) -> Git:
    """Make a sample repository in an empty folder, with branch `main` and all tags.

    Args:
        sample: Which one.
        folder: Becomes the work tree.
        addresses: What stands for each `${NAME}` in the files, by NAME.

    Returns:
        The repository; its work tree is that of the last commit.

    Raises:
        PartError: git refused or is not installed.
        ValueError: A commit replaces a text that is not in its file.
    """
    git = Git.init(folder)
    for commit in sample.commits:
        for path in commit.paths:
            _lay(_FOLDER / sample.name / path, folder / path, addresses)
        if commit.later:
            _lay(_FOLDER / "later" / commit.later, folder, addresses)
        if commit.replaced:
            _replace(folder, *commit.replaced)
        _commit(git, commit)
    return git


def substitute(text: str, addresses: Mapping[str, str]) -> str:
    """Return the text with `${NAME}` replaced by the address of that name."""
    for name, address in addresses.items():
        text = text.replace(f"${{{name}}}", address)
    return text


def _commit(git: Git, commit: Commit) -> None:
    name, _, rest = commit.author.partition(" <")
    identity = {
        f"GIT_{role}_{field}": value
        for role in ("AUTHOR", "COMMITTER")
        for field, value in (
            ("NAME", name),
            ("EMAIL", rest.removesuffix(">")),
            ("DATE", commit.date),
        )
    }
    git.run("add", "--all")
    git.run("commit", "--quiet", f"--message={commit.message}", env=identity)
    for tag in commit.tags:
        git.run("tag", tag)
    for tag in commit.annotated_tags:
        git.run("tag", "--annotate", f"--message={tag}", tag, env=identity)


def _lay(source: Path, target: Path, addresses: Mapping[str, str]) -> None:
    files = [source] if source.is_file() else [path for path in source.rglob("*") if path.is_file()]
    for path in files:
        written = target if path == source else target / path.relative_to(source)
        written.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_bytes().decode()
        written.write_bytes(substitute(text, addresses).encode())


def _replace(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_bytes().decode()
    if text.count(old) != 1:
        raise ValueError(f"{name} must have {old} once, it has it {text.count(old)} times")
    path.write_bytes(text.replace(old, new).encode())
