"""What a container that writes the files of a commit has for them, and how much they are."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from album_operator.adapters.git.limits import MEMORY_BYTES, MIB, Limits, no_room
from album_operator.adapters.git.repository import Repository
from album_operator.adapters.git.streams import TooLongError

BLOCK = 4096
"""Least that a file takes on disk, in bytes."""

CHUNK = 64 * 1024

ENTRY_LENGTH = 64 * 1024
"""Longest entry of a listing; git has paths of at most 4096 bytes."""

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


def check_size(repository: Repository, commit: str) -> None:
    """See to it that a commit's files fit where its objects are.

    The same file may be there a million times, so the pack tells nothing of it; the listing is
    read no further than to what is too much.

    Raises:
        TooLargeError: they do not.
    """
    left = repository.limits.fetch - repository.bytes_fetched()

    def add_up(stream: BinaryIO) -> None:
        nonlocal left
        for entry in _entries(stream):
            # Mode, kind, object id and size (git-ls-tree, `-l`); `-` for a submodule.
            size = entry.split(maxsplit=4)[3]
            left -= -(-int(size) // BLOCK) * BLOCK if size.isdigit() else BLOCK
            if left < 0:
                raise TooLongError

    words = ("ls-tree", "-r", "-l", "-z", "--full-tree", commit)
    try:
        repository.ask(*words, questions=[b""], answer=add_up)
    except TooLongError as error:
        raise no_room(repository.place, repository.limits) from error


def _entries(stream: BinaryIO) -> Iterator[bytes]:
    rest = b""
    while data := stream.read(CHUNK):
        *entries, rest = (rest + data).split(b"\0")
        yield from entries
        if len(rest) > ENTRY_LENGTH:
            raise TooLongError
