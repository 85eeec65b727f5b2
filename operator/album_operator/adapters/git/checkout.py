"""What a container that writes the files of a commit has for them, and how much they are."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from album_operator.adapters.foreign_words import WORDS_LENGTH
from album_operator.adapters.git.failures import LocalGitError, translate
from album_operator.adapters.git.limits import MEMORY_BYTES, MIB, Limits, no_room
from album_operator.adapters.git.repository import Repository
from album_operator.adapters.git.streams import TooLongError
from album_operator.domain.errors import TerminalError
from album_operator.domain.places import GitPlace
from album_operator.domain.reasons import Reason
from album_operator.domain.redaction import head

BLOCK = 4096
"""Least that a file takes on disk, in bytes."""

CHUNK = 64 * 1024

ENTRY_LENGTH = 64 * 1024
"""Longest entry of a listing; git has paths of at most 4096 bytes."""

# git 2.30 to 2.47 and servers that serve no commit by its id alone.
NOT_SERVED = re.compile(r"not our ref|unadvertised object|couldn't find remote ref", re.IGNORECASE)

EVERYTHING = ("refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*")

FSCK = re.compile(r"object [0-9a-f]{40}: (\w+: [ -~]*)")
"""What `index-pack --fsck-objects` says of an object (git-fsck, "FSCK MESSAGES")."""

TOO_LONG = re.compile(r"unable to create file [ -~]*: File name too long")

MEMORY_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
"""Where a container finds how much memory it may have (cgroups(7), version 2 and 1)."""

MOST_MEMORY, OWN_MEMORY = 1024 * MIB, 128 * MIB
"""Bytes a container counts for that has more or no limit, and what Python takes of them."""


def container_limits(disk: int, time_limit: timedelta) -> Limits:
    """Give git what the container has: two of its processes need memory at the same time.

    Args:
        disk: bytes that objects and files may have.
        time_limit: of a command.
    """
    return Limits(
        memory=max(MEMORY_BYTES, (_memory() - OWN_MEMORY) // 2),
        fetch=disk,
        processor=int(time_limit.total_seconds()),
        more_memory="Raise memory in ALBUM_FETCH_LIMITS of the operator",
        more_room="Raise build.resources.limits.ephemeral-storage in the pipeline",
    )


def _memory() -> int:
    for path in MEMORY_LIMITS:
        text = path.read_text().strip() if path.is_file() else ""
        if text.isdigit():
            return min(int(text), MOST_MEMORY)
    return MOST_MEMORY


class UnwritableError(Exception):
    """A commit has a file that cannot be written here; git's words."""


@dataclass(frozen=True)
class Listed:
    """What a commit has.

    Attributes:
        size: bytes its files take on disk.
        submodules: the commit of each, by path.
    """

    size: int
    submodules: Mapping[str, str]


def measure(repository: Repository, commit: str, most: int) -> Listed:
    """See to it that a commit's files fit where its objects are.

    The same file may be there a million times, so the pack tells nothing of it; the listing is
    read no further than to what is too much.

    Args:
        repository: has the commit.
        commit: its id.
        most: bytes that objects and files may take.

    Raises:
        TooLargeError: they do not.
    """
    room = left = most - repository.bytes_fetched()
    submodules: dict[str, str] = {}

    def add_up(stream: BinaryIO) -> None:
        nonlocal left
        for entry in _entries(stream):
            # Mode, kind, object id, size and path (git-ls-tree, `-l`); `-` for a submodule.
            told, _, path = entry.partition(b"\t")
            _, kind, oid, size = told.split()
            left -= -(-int(size) // BLOCK) * BLOCK if size.isdigit() else BLOCK
            if left < 0:
                raise TooLongError
            if kind == b"commit":
                submodules[os.fsdecode(path)] = oid.decode()

    words = ("ls-tree", "-r", "-l", "-z", "--full-tree", commit)
    try:
        repository.ask(*words, questions=[b""], answer=add_up)
    except TooLongError as error:
        raise no_room(repository.place, repository.limits) from error
    return Listed(room - left, submodules)


def _entries(stream: BinaryIO) -> Iterator[bytes]:
    rest = b""
    while data := stream.read(CHUNK):
        *entries, rest = (rest + data).split(b"\0")
        yield from entries
        if len(rest) > ENTRY_LENGTH:
            raise TooLongError


def write_files(repository: Repository, commit: str, folder: Path) -> None:
    """Write a commit's files into a folder, and its index.

    No filter of `.gitattributes` runs, for none has a program here; git's own conversions (`eol`,
    `working-tree-encoding`, `ident`) do, as wherever the commit is checked out.

    Raises:
        UnwritableError: a file system has no such name.
    """
    try:
        words = ("read-tree", "-u", "--reset", commit)
        repository.local(*words, variables={"GIT_WORK_TREE": str(folder)})
    except LocalGitError as error:
        if (found := TOO_LONG.search(str(error))) is not None:
            raise UnwritableError(found[0]) from error
        raise


def fetch_commit(repository: Repository, commit: str, tag: str | None, most: int) -> None:
    """Fetch one commit without its history.

    Args:
        repository: gets it.
        commit: its id.
        tag: one that stood for it, for servers that serve no commit by its id; where there is
            none, it is looked for in the history of all.
        most: bytes it may leave on disk.

    Raises:
        OutsideError: translated.
        TerminalError: `TagNotFound`: the tag stands for another commit by now.
    """
    answer = repository.try_fetch([commit], "--depth=1", limit=most)
    if answer.status == 0:
        return
    place = repository.place
    if not NOT_SERVED.search(answer.err):
        raise broken(place, answer.err) or translate(place, "read", answer.err)
    if tag is not None:
        name = f"refs/tags/{tag}"
        repository.fetch([f"{name}:{name}"], "--depth=1")
        check_tag(repository, commit, tag)
        return
    answer = repository.try_fetch(EVERYTHING, limit=most)
    if answer.status:
        raise translate(place, "read", answer.err)
    if repository.local("cat-file", "-e", commit, accept=(0, 1, 128)).status:
        raise TerminalError(
            Reason.BUILD_FAILED,
            f"{place.url} has commit {commit[:12]} on none of its branches and tags.",
            "Push it there",
        )


def check_tag(repository: Repository, commit: str, tag: str) -> None:
    """See to it that a tag that was fetched stands for a commit.

    Raises:
        TerminalError: `TagNotFound`.
    """
    found = repository.local("rev-parse", "--verify", f"refs/tags/{tag}^{{commit}}").text
    if found != commit:
        raise TerminalError(
            Reason.TAG_NOT_FOUND,
            f"{repository.place.url} serves no commit by its id, and tag {tag} moved from "
            f"{commit[:12]} to {found[:12]} meanwhile.",
            "Check who moved it",
        )


def broken(place: GitPlace, said: str) -> TerminalError | None:
    """Say what git's check found wrong with an object, where a fetch ended with that.

    Git refuses names that lead out of a folder, `.gitmodules` that are programs, and the like.
    """
    found = FSCK.search(said)
    if found is None:
        return None
    return TerminalError(
        Reason.BUILD_FAILED,
        f"{place.url} has an object git takes for no proper one: {head(found[1], WORDS_LENGTH)}.",
        "Mend it in the commit",
    )
