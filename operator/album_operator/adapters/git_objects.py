"""Reading commits, trees and blobs of a fetched repository."""

import posixpath
import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from album_operator.adapters.git import LocalGitError, Repository
from album_operator.decisions.preflight import RETRY
from album_operator.domain.errors import TerminalError
from album_operator.domain.reasons import Reason

FILE_SIZE_LIMIT = 4 * 1024 * 1024
"""Longest file that is read, in bytes; values files of the field have a few KiB."""

WITHOUT_BLOBS = "--filter=blob:none"

REGULAR_FILE_MODES = frozenset({"100644", "100755"})

KINDS = {"120000": "symlink", "160000": "submodule", "040000": "directory"}

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


@dataclass(frozen=True)
class Commit:
    """A commit as far as a proposal is judged by it."""

    parents: tuple[str, ...]
    author_name: str
    author_email: str
    message: str


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


def list_entries(
    repository: Repository, commit: str, paths: Collection[str]
) -> Mapping[str, Entry]:
    """Find paths in a commit's tree.

    Returns:
        The entry by path. A path below a symbolic link or submodule has that one's entry: git
        does not look through them, and neither do we.
    """
    parents = {parent for path in paths for parent in _above(path)}
    asked = sorted({*paths, *parents})
    if not asked:
        return {}
    # `-t` shows the directories on the way too.
    out = repository.local(
        "ls-tree", "-z", "-t", "--full-tree", "--end-of-options", commit, *asked
    ).out
    all_entries = {}
    for line in out.decode(errors="surrogateescape").split("\0"):
        about, _, name = line.partition("\t")
        if name:
            mode, _, oid = about.split(" ")
            all_entries[name] = Entry(mode, oid)
    found = {}
    for path in paths:
        for name in (path, *_above(path)):
            entry = all_entries.get(name)
            if entry is not None and (name == path or entry.mode in ("120000", "160000")):
                found[path] = entry
                break
    return found


def read_commit(repository: Repository, commit: str) -> Commit:
    """Read a commit's parents, author and message."""
    out = repository.local(
        "show", "-s", "--no-mailmap", "--format=%P%x00%an%x00%ae%x00%B", "--end-of-options", commit
    ).out
    parents, name, email, message = out.decode(errors="replace").split("\0", 3)
    # `show` ends its output with a newline that is not part of the message.
    return Commit(tuple(parents.split()), name, email, message.removesuffix("\n"))


def fetch_blobs(repository: Repository, oids: Collection[str]) -> None:
    """Fetch blobs that a fetch without them left out, all in one request."""
    if oids:
        repository.fetch(sorted(oids), WITHOUT_BLOBS)


def read_blobs(repository: Repository, oids: Collection[str]) -> Mapping[str, bytes]:
    """Read fetched blobs.

    Raises:
        TerminalError: `ValuesNotEditable` for one too large to be a file for people.
    """
    if not oids:
        return {}
    wanted = sorted(oids)
    question = "".join(f"{oid}\n" for oid in wanted).encode()
    sizes = repository.local("cat-file", "--batch-check", data=question).text.splitlines()
    for line in sizes:
        size = line.rsplit(" ", 1)[-1]
        if not size.isdigit():
            raise LocalGitError("cat-file", line)
        if int(size) > FILE_SIZE_LIMIT:
            raise TerminalError(
                Reason.VALUES_NOT_EDITABLE,
                f"A file to edit in {repository.place.url} has {size} bytes, and no more than "
                f"{FILE_SIZE_LIMIT} are read. Correct edits[].path in the pipeline, {RETRY}.",
            )
    return dict(zip(wanted, _bodies(repository, question), strict=True))


def _bodies(repository: Repository, question: bytes) -> list[bytes]:
    """Split what `cat-file --batch` writes: `<oid> blob <size>`, the bytes, a newline."""
    out = repository.local("cat-file", "--batch", data=question).out
    bodies, at = [], 0
    while at < len(out):
        end = out.index(b"\n", at)
        size = int(out[at:end].rsplit(b" ", 1)[-1])
        bodies.append(out[end + 1 : end + 1 + size])
        at = end + 1 + size + 1
    return bodies


def _above(path: str) -> list[str]:
    """Give the directories a path lies in, nearest first."""
    above = []
    while path := posixpath.dirname(path):
        above.append(path)
    return above
