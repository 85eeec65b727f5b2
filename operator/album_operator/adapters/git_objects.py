"""Reading commits, trees and blobs of a repository on disk."""

import codecs
import posixpath
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Generic, TypeVar

from album_operator.adapters.git import Repository
from album_operator.adapters.git_wire import TooLongError, read_exactly

REGULAR_FILE_MODES = frozenset({"100644", "100755"})

TREE_MODE = "040000"

KINDS = {"120000": "symlink", "160000": "submodule", TREE_MODE: "directory"}

# `git cat-file --batch` of an object that is here.
HEADING = re.compile(rb"(?P<oid>[0-9a-f]{40}) (?P<kind>[a-z]+) (?P<size>[0-9]+)")

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
    def is_tree(self) -> bool:
        """Whether it is a directory."""
        return self.mode == TREE_MODE


@dataclass(frozen=True)
class Commit:
    """A commit as far as a proposal is judged by it."""

    tree: str
    parents: tuple[str, ...]
    author_name: str
    author_email: str
    message: str


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


def read_objects(
    repository: Repository, names: Sequence[str], limit: int | None = None
) -> list[Found | None]:
    """Read objects that are here by names as of gitrevisions(7); None for those that are not.

    Raises:
        TooLongError: one has more bytes than `limit`.
    """

    def read_object(stream: BinaryIO) -> Found | None:
        line = stream.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        about = HEADING.fullmatch(line[:-1])
        if about is None:
            return None
        size = int(about["size"])
        if limit is not None and size > limit:
            raise TooLongError
        data = read_exactly(stream, size + 1)
        return Found(about["oid"].decode(), about["kind"].decode(), data[:-1])

    if not names:
        return []
    questions = (f"{name}\n".encode(errors="surrogateescape") for name in names)
    return repository.ask("cat-file", "--batch", questions=questions, answer=read_object)


def parse_commit(data: bytes) -> Commit:
    """Read a commit object (git-hash-object, gitformat: headers, an empty line, the message)."""
    head, _, message = data.partition(b"\n\n")
    tree, parents, author, encoding = "", [], b"", "utf-8"
    for line in head.split(b"\n"):
        key, _, value = line.partition(b" ")
        if key == b"tree":
            tree = value.decode()
        elif key == b"parent":
            parents.append(value.decode())
        elif key == b"author":
            author = value
        elif key == b"encoding":
            encoding = value.decode(errors="replace")
    try:
        codecs.lookup(encoding)
    except (LookupError, ValueError):
        encoding = "utf-8"
    name, _, rest = author.decode(encoding, errors="replace").partition(" <")
    return Commit(
        tree, tuple(parents), name, rest.partition(">")[0], message.decode(encoding, "replace")
    )


def parse_tree(data: bytes) -> dict[str, Entry]:
    """Read a tree object: mode, blank, name, NUL, 20 bytes of the object id, for each entry."""
    entries = {}
    at = 0
    while at < len(data):
        end = data.index(b"\0", at)
        mode, _, name = data[at:end].partition(b" ")
        oid = data[end + 1 : end + 21].hex()
        entries[name.decode(errors="surrogateescape")] = Entry(mode.decode().zfill(6), oid)
        at = end + 21
    return entries


def above(path: str) -> list[str]:
    """Give the directories a path lies in, nearest first."""
    found = []
    while path := posixpath.dirname(path):
        found.append(path)
    return found
