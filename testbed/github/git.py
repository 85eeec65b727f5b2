"""The bare repository behind a repository, spoken to by plumbing commands only."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_BRANCHES, _TAGS = "refs/heads/", "refs/tags/"

# GitHub gives any object it has, and parts of the history (`--filter`, `--depth`).
_CONFIGURATION = """
[http]
    receivepack = true
[uploadpack]
    allowFilter = true
    allowAnySHA1InWant = true
[receive]
    hideRefs = refs/pull
[gc]
    auto = 0
"""

# Run for pushes only (githooks(5)); the words are those of GitHub.
_UPDATE_HOOK = """#!/bin/sh
while read -r pattern; do
    case "$1" in $pattern)
        echo "error: GH006: Protected branch update failed for $1." >&2
        echo "error: Changes must be made through a pull request." >&2
        exit 1
    esac
done <"$GIT_DIR/protected"
if [ "$3" != 0000000000000000000000000000000000000000 ] &&
    ! git cat-file commit "$3" | sed '/^$/q' | grep -q '^gpgsig '; then
    for pattern in $SIGNED_BRANCHES; do
        case "$1" in refs/heads/$pattern)
            echo "error: GH013: Repository rule violations found for $1." >&2
            echo "- Commits must have verified signatures." >&2
            echo "  Found 1 violation:" >&2
            echo "  $3" >&2
            exit 1
        esac
    done
fi
"""


class GitError(Exception):
    """Git said no; the message is its own."""


@dataclass(frozen=True)
class Signature:
    """Who made a commit, and when."""

    name: str
    email: str
    date: datetime


@dataclass(frozen=True)
class Commit:
    """A commit as it is stored."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str


@dataclass(frozen=True)
class FileChange:
    """How one file differs between two commits; `status` is git's letter, such as `M`."""

    path: str
    status: str
    additions: int
    deletions: int
    blob: str | None


class GitRepository:
    """One bare repository.

    Attributes:
        path: its folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[tuple[str, ...], str] = {}

    def make(self, default_branch: str) -> None:
        """Make the repository on disk."""
        self.path.mkdir(parents=True)
        branch = f"--initial-branch={default_branch}"
        self.run("init", "--quiet", "--bare", "--template=", branch)
        with (self.path / "config").open("a") as config:
            config.write(_CONFIGURATION)
        self.refuse_pushes(())
        hook = self.path / "hooks" / "update"
        hook.parent.mkdir()
        hook.write_text(_UPDATE_HOOK)
        hook.chmod(0o755)

    def run(
        self, *arguments: str, data: str = "", dates: tuple[Signature, Signature] | None = None
    ) -> str:
        """Run git and give what it printed.

        Raises:
            GitError: It ended with another status than zero.
        """
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_DIR": str(self.path),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        for role, who in zip(("AUTHOR", "COMMITTER"), dates or (), strict=False):
            environment[f"GIT_{role}_NAME"] = who.name
            environment[f"GIT_{role}_EMAIL"] = who.email
            environment[f"GIT_{role}_DATE"] = who.date.isoformat()
        ended = subprocess.run(
            ["git", *arguments],
            input=data,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            errors="replace",
        )
        if ended.returncode != 0:
            raise GitError(ended.stderr.strip() or ended.stdout.strip())
        return ended.stdout.rstrip("\n")

    def ask(self, *arguments: str) -> str:
        """Run git with commits given by their ids, whose answer never changes, at most once."""
        if arguments not in self._known:
            self._known[arguments] = self.run(*arguments)
        return self._known[arguments]

    def find_heads(self) -> dict[str, str]:
        """Give all branches with the commits they are at."""
        return self._find_below(_BRANCHES)

    def find_tags(self) -> dict[str, str]:
        """Give all tags with what they are at: commits, or objects of their own."""
        return self._find_below(_TAGS)

    def _find_below(self, folder: str) -> dict[str, str]:
        lines = self.run("for-each-ref", "--format=%(objectname) %(refname)", folder)
        pairs = (line.split(" ", 1) for line in lines.splitlines())
        return {name.removeprefix(folder): sha for sha, name in pairs}

    def find_commit(self, name: str) -> str | None:
        """Give the id of the commit a branch, tag or abbreviated id names, or None."""
        for candidate in (f"{_BRANCHES}{name}", f"{_TAGS}{name}", name):
            try:
                return self.run(
                    "rev-parse",
                    "--verify",
                    "--quiet",
                    "--end-of-options",
                    f"{candidate}^{{commit}}",
                )
            except GitError:
                continue
        return None

    def read_commit(self, sha: str) -> Commit:
        """Read a commit."""
        pattern = "%H%n%T%n%P%n%an%n%ae%n%aI%n%cn%n%ce%n%cI%n%B"
        text = self.ask("show", "--no-patch", f"--format={pattern}", sha)
        found, tree, parents, an, ae, ad, cn, ce, cd, message = text.split("\n", 9)
        return Commit(
            found,
            tree,
            tuple(parents.split()),
            Signature(an, ae, datetime.fromisoformat(ad)),
            Signature(cn, ce, datetime.fromisoformat(cd)),
            message.rstrip("\n"),
        )

    def find_merge_base(self, one: str, other: str) -> str | None:
        """Give the best common ancestor, or None."""
        try:
            return self.ask("merge-base", one, other)
        except GitError:
            return None

    def is_ancestor(self, old: str, new: str) -> bool:
        """Say whether one commit is the other or among what it was made from."""
        return self.find_merge_base(old, new) == old

    def list_commits(self, old: str, new: str) -> list[str]:
        """List the commits that `new` has and `old` has not, oldest first."""
        if old == new:
            return []
        listed = self.ask("rev-list", "--reverse", "--topo-order", f"{old}..{new}")
        return listed.splitlines()

    def list_changes(self, old: str, new: str) -> list[FileChange]:
        """List the files that differ between two commits."""
        raw = self.ask("diff-tree", "-r", "--raw", "--no-renames", "--no-abbrev", old, new)
        counted = self.ask("diff-tree", "-r", "--numstat", "--no-renames", old, new)
        numbers = {}
        for line in counted.splitlines():
            added, deleted, path = line.split("\t", 2)
            # Git counts no lines in binary files.
            numbers[path] = (int(added), int(deleted)) if added != "-" else (0, 0)
        changes = []
        for line in raw.splitlines():
            about, path = line.split("\t", 1)
            _, _, _, blob, status = about.split(" ")
            changes.append(
                FileChange(path, status, *numbers[path], None if status == "D" else blob)
            )
        return changes

    def merge_trees(self, base: str, head: str) -> str | None:
        """Merge two commits and give the tree, or None where they conflict."""
        try:
            return self.run("merge-tree", "--write-tree", "--no-messages", base, head)
        except GitError:
            return None

    def make_commit(
        self,
        tree: str,
        parents: tuple[str, ...],
        message: str,
        author: Signature,
        committer: Signature,
    ) -> str:
        """Store a commit and give its id."""
        options = [option for parent in parents for option in ("-p", parent)]
        return self.run("commit-tree", tree, *options, data=message, dates=(author, committer))

    def update_ref(self, name: str, new: str, old: str | None = None) -> None:
        """Point a ref at a commit; with `old`, only if it still is there."""
        self.run("update-ref", name, new, *([old] if old is not None else []))

    def delete_ref(self, name: str) -> None:
        """Take a ref away."""
        self.run("update-ref", "-d", name)

    def fetch(self, other: GitRepository, commit: str) -> None:
        """Take a commit of another repository, with all it needs."""
        self.run("fetch", "--quiet", "--no-tags", str(other.path), commit)

    def refuse_pushes(self, patterns: Iterable[str]) -> None:
        """Let nobody push to branches of some names; all others are free."""
        refs = "".join(f"{_BRANCHES}{pattern}\n" for pattern in patterns)
        (self.path / "protected").write_text(refs)
