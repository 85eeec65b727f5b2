"""Commits in memory, with the very hashes git gives them (gitformat-* and git-hash-object)."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class File:
    """An entry of a commit's tree.

    Attributes:
        data: bytes of a file, the target of a symbolic link, or the commit id of a submodule.
        mode: `100644`, `100755`, `120000` (symbolic link) or `160000` (submodule).
    """

    data: bytes
    mode: str = "100644"

    @cached_property
    def oid(self) -> str:
        """Object id of the entry."""
        return self.data.decode() if self.mode == "160000" else _hash("blob", self.data)


@dataclass(frozen=True)
class Commit:
    """A commit; committer and author are one person at one moment, as with all our own."""

    parents: tuple[str, ...]
    files: Mapping[str, File] = field(repr=False)
    message: str = "change"
    name: str = "Somebody"
    email: str = "somebody@example.org"
    date: datetime = EPOCH

    @cached_property
    def sha(self) -> str:
        """Object id, 40 hex digits."""
        who = f"{self.name} <{self.email}> {int(self.date.timestamp())} +0000"
        lines = [f"tree {_hash_tree(self.files)}"]
        lines += [f"parent {parent}" for parent in self.parents]
        lines += [f"author {who}", f"committer {who}", "", self.message]
        return _hash("commit", "\n".join(lines).encode())


def changed(before: Mapping[str, File], after: Mapping[str, File]) -> frozenset[str]:
    """Give the paths that differ between two trees."""
    return frozenset(
        path for path in before.keys() | after.keys() if before.get(path) != after.get(path)
    )


def ancestors(commits: Mapping[str, Commit], sha: str) -> Iterable[str]:
    """Give a commit and all it descends from, nearest first."""
    seen, queue = set(), [sha]
    while queue:
        current = queue.pop(0)
        if current not in seen:
            seen.add(current)
            yield current
            queue += commits[current].parents


def _hash(kind: str, data: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()


def _hash_tree(files: Mapping[str, File]) -> str:
    below: dict[str, dict[str, File]] = {}
    entries: list[tuple[str, str, str]] = []
    for path, file in files.items():
        head, _, rest = path.partition("/")
        if rest:
            below.setdefault(head, {})[rest] = file
        else:
            entries.append((head, file.mode, file.oid))
    entries += [(name, "40000", _hash_tree(inside)) for name, inside in below.items()]
    # Folders are sorted as if their names ended with a slash.
    entries.sort(key=lambda entry: f"{entry[0]}/" if entry[1] == "40000" else entry[0])
    return _hash(
        "tree",
        b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(oid) for name, mode, oid in entries),
    )
