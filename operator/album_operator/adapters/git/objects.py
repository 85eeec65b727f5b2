"""Reading commits, trees and blobs of a repository on disk."""

import codecs
import posixpath
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge
from itertools import groupby, repeat
from typing import BinaryIO, Generic, TypeVar

from album_operator.adapters.git.limits import MIB
from album_operator.adapters.git.repository import Repository
from album_operator.adapters.git.streams import TooLongError, read_exactly, read_line

REGULAR_FILE_MODES = frozenset({"100644", "100755"})

TREE_MODE = "040000"

KINDS = {"120000": "symlink", "160000": "submodule", TREE_MODE: "directory"}

# `git cat-file --batch` of an object that is here.
HEADING = re.compile(rb"(?P<oid>[0-9a-f]{40}) (?P<kind>[a-z]+) (?P<size>[0-9]+)")

# An entry of a tree object: mode, name, object id.
ENTRY = re.compile(rb"([0-7]+) ([^\0]+)\0(.{20})", re.DOTALL)

# Of who committed: up to the year 5138, which a `datetime` has.
DATE = re.compile(rb"([0-9]{1,11}) [+-][0-9]{4,}")

FILE_SIZE_LIMIT = 4 * MIB
"""Longest file that is read, in bytes; values files of the field have a few KiB."""

SIZE_LIMITS = {"blob": FILE_SIZE_LIMIT, "tree": 8 * MIB, "commit": MIB, "tag": MIB}
"""Most bytes of an object by its kind; a folder of 150,000 files has less."""

OBJECTS_SIZE_LIMIT = 32 * MIB
"""Most bytes of objects that are read at once."""

HEADING_LENGTH = 8192
"""Longest line before an object: what is missing is named by what it was asked by."""

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True)
class Entry:
    """An entry of a tree: mode in six octal digits and object id."""

    mode: str
    oid: str

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file, executable or not."""
        return self.mode in REGULAR_FILE_MODES

    @property
    def is_submodule(self) -> bool:
        """Whether it is a commit of another repository."""
        return KINDS.get(self.mode) == "submodule"

    @property
    def is_tree(self) -> bool:
        """Whether it is a directory."""
        return self.mode == TREE_MODE


@dataclass(frozen=True)
class Commit:
    """A commit as far as a proposal is judged by it.

    Attributes:
        is_amended: who committed it, or when, is not who wrote it, or when.
        committed_at: by who committed it; None where nobody can read it.
    """

    tree: str
    parents: tuple[str, ...]
    author_name: str
    author_email: str
    message: str
    is_amended: bool
    committed_at: datetime | None


@dataclass(frozen=True)
class Found:
    """An object: its id, its kind such as `tree`, and its bytes."""

    oid: str
    kind: str
    data: bytes


class Kept(Generic[K, V]):
    """The last few answers that can never change, because they are about a commit by its hash."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._answers: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, question: K) -> V | None:
        """Give a kept answer."""
        with self._lock:
            if question in self._answers:
                self._answers.move_to_end(question)
            return self._answers.get(question)

    def keep(self, question: K, answer: V) -> None:
        """Keep an answer, in place of the one unused for the longest time."""
        with self._lock:
            self._answers[question] = answer
            while len(self._answers) > self._limit:
                self._answers.popitem(last=False)


def read_objects(repository: Repository, names: Sequence[str]) -> list[Found | None]:
    """Read objects that are here by names as of gitrevisions(7); None for those that are not.

    Raises:
        TooLongError: one has more bytes than its kind may have, or they have too many together.
    """
    left = OBJECTS_SIZE_LIMIT

    def read_object(stream: BinaryIO) -> Found | None:
        nonlocal left
        about = HEADING.fullmatch(read_line(stream, HEADING_LENGTH)[:-1])
        if about is None:
            return None
        kind, size = about["kind"].decode(), int(about["size"])
        left -= size
        if size > SIZE_LIMITS[kind] or left < 0:
            raise TooLongError
        data = read_exactly(stream, size)
        read_exactly(stream, 1)
        return Found(about["oid"].decode(), kind, data)

    if not names:
        return []
    questions = (f"{name}\n".encode(errors="surrogateescape") for name in names)
    return repository.ask("cat-file", "--batch", questions=questions, answer=read_object)


def parse_commit(data: bytes) -> Commit:
    """Read a commit object (git-hash-object, gitformat: headers, an empty line, the message)."""
    head, _, message = data.partition(b"\n\n")
    tree, parents, author, committer, encoding = "", [], b"", b"", "utf-8"
    for line in head.split(b"\n"):
        key, _, value = line.partition(b" ")
        if key == b"tree":
            tree = value.decode()
        elif key == b"parent":
            parents.append(value.decode())
        elif key == b"author":
            author = value
        elif key == b"committer":
            committer = value
        elif key == b"encoding":
            encoding = value.decode(errors="replace")
    try:
        codecs.lookup(encoding)
    except (LookupError, ValueError):
        encoding = "utf-8"
    name, _, rest = author.decode(encoding, errors="replace").partition(" <")
    return Commit(
        tree=tree,
        parents=tuple(parents),
        author_name=name,
        author_email=rest.partition(">")[0],
        message=message.decode(encoding, "replace"),
        is_amended=committer != author,
        committed_at=_date_of(committer),
    )


def _date_of(person: bytes) -> datetime | None:
    """Read the date behind a name and address: seconds since 1970, and a zone that changes none."""
    found = DATE.fullmatch(person.rpartition(b"> ")[2])
    return datetime.fromtimestamp(int(found[1]), UTC) if found is not None else None


class Tree:
    """The entries of a tree object, which is kept as it is: ten times smaller than a dictionary.

    Args:
        data: mode, blank, name, NUL and 20 bytes of the object id for each entry, as git has
            checked it.
    """

    def __init__(self, data: bytes) -> None:
        self.size = len(data)
        self._data = data
        self._found: dict[str, Entry | None] = {}

    def get(self, name: str) -> Entry | None:
        """Give the entry of a name."""
        if name not in self._found:
            self._found[name] = self._find(name.encode(errors="surrogateescape"))
        return self._found[name]

    def items(self) -> Iterator[tuple[str, Entry]]:
        """Give names and entries."""
        for entry in ENTRY.finditer(self._data):
            yield _name(entry), _entry(entry)

    def in_order(self) -> Iterator[tuple[bytes, re.Match[bytes]]]:
        """Give what git sorts by (base_name_compare of `read-cache.c`), and the bytes with it."""
        for entry in ENTRY.finditer(self._data):
            yield entry[2] + (b"/" if entry[1] == b"40000" else b"\0"), entry

    def _find(self, name: bytes) -> Entry | None:
        # An object id may have these bytes too, but what has them not has no such entry.
        if b" %b\0" % name not in self._data:
            return None
        found = (entry for entry in ENTRY.finditer(self._data) if entry[2] == name)
        return next(map(_entry, found), None)


def differences(old: Tree, new: Tree) -> Iterator[tuple[str, list[Entry | None]]]:
    """Give the names whose entries differ in two trees, with both; twice for a file and a folder.

    One after another, as both are sorted: nothing is kept of what is the same.
    """
    trees = (zip(tree.in_order(), repeat(side)) for side, tree in enumerate((old, new)))
    for _, same in groupby(merge(*trees, key=_sorted_by), key=_sorted_by):
        entries = {side: entry for (_, entry), side in same}
        if len({entry[0] for entry in entries.values()}) < len(entries) == 2:
            continue
        sides = [_entry(entries[side]) if side in entries else None for side in (0, 1)]
        yield _name(next(iter(entries.values()))), sides


def _sorted_by(item: tuple[tuple[bytes, re.Match[bytes]], int]) -> bytes:
    return item[0][0]


def _name(entry: re.Match[bytes]) -> str:
    return entry[2].decode(errors="surrogateescape")


def _entry(entry: re.Match[bytes]) -> Entry:
    return Entry(entry[1].decode().zfill(6), entry[3].hex())


def above(path: str) -> list[str]:
    """Give the directories a path lies in, nearest first."""
    found = []
    while path := posixpath.dirname(path):
        found.append(path)
    return found
