"""Disk and memory of git's commands that talk to servers: of each, and of all at once.

A volume that is full has the Pod evicted, and memory that is full has it killed, so nothing is left
to them: what a command has is looked at while it runs. Small ones are always let through, so that a
tenant with large repositories keeps no other's releases waiting.
"""

import os
import threading
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from album_operator.adapters.git.limits import (
    MIB,
    Limits,
    family,
    memory_is_taken,
    no_memory,
    no_room,
    room_is_taken,
    too_slow,
)
from album_operator.domain.places import GitPlace

FREE_DISK = 4 * MIB
FREE_MEMORY = 16 * MIB
"""What each work may have whatever the others do: a common one brings some KiB, by 10 MiB."""

FETCHES = 2
"""How many of the largest fetches have room on disk at the same time."""

PROCESSES = 3
"""How many of the largest processes have memory at the same time: a push has three and more."""

PAGE, TICKS = os.sysconf("SC_PAGESIZE"), os.sysconf("SC_CLK_TCK")


class FullError(Exception):
    """Others have the room at the moment."""


class Room:
    """Bytes that works may have together, beside those each may have anyway.

    Args:
        size: how many.
        free: how many each may have anyway.
    """

    def __init__(self, size: int, free: int) -> None:
        self.size = size
        self._free = free
        self._claims: dict[object, int] = {}
        self._lock = threading.Lock()

    def hold(self, who: object, size: int) -> None:
        """Say how much somebody has now.

        Raises:
            FullError: it is more than the others leave.
        """
        with self._lock:
            others = sum(self._claims.values()) - self._claims.get(who, 0)
            if size <= self._free:
                self._claims.pop(who, None)
            elif others + size > self.size:
                raise FullError
            else:
                self._claims[who] = size

    def leave(self, who: object) -> None:
        """Say that somebody has nothing any more, or only what is counted elsewhere."""
        with self._lock:
            self._claims.pop(who, None)


@dataclass(frozen=True)
class Rooms:
    """What the works of one adapter share."""

    disk: Room
    memory: Room


def make_rooms(limits: Limits) -> Rooms:
    """Give what works within such limits share."""
    return Rooms(
        Room(FETCHES * limits.fetch, FREE_DISK), Room(PROCESSES * limits.memory, FREE_MEMORY)
    )


class Claim:
    """What one piece of work has of the rooms.

    Args:
        rooms: shared with others.
        place: the repository it is about.
        folders: where what it fetches is written.
    """

    def __init__(self, rooms: Rooms, place: GitPlace, folders: Collection[Path]) -> None:
        self._rooms = rooms
        self._place = place
        self._folders = folders
        self._before: int | None = None

    def hold_disk(self, limits: Limits, more: int = 0) -> None:
        """See to it that what has been fetched fits on disk.

        Args:
            limits: of a fetch.
            more: bytes that are about to be written.

        Raises:
            TransientError: others have the room.
            TooLargeError: it is more than it may be.
        """
        size = self.bytes_fetched() + more
        if size > limits.fetch:
            raise no_room(self._place, limits)
        try:
            self._rooms.disk.hold(self, size)
        except FullError as error:
            raise room_is_taken(self._place) from error

    def bytes_fetched(self) -> int:
        """Give how many bytes more there are than when this was first asked."""
        there = _bytes_in(self._folders)
        if self._before is None:
            self._before = there
        return there - self._before

    def hold_process(self, limits: Limits, process: int) -> None:
        """See to it that a command that runs, and all it has started, fit into memory and time.

        Raises:
            TransientError: others have the memory.
            TooLargeError: it is more than there is for all, or it has computed too long.
        """
        processes = list(family(process))
        if limits.processor is not None and sum(map(_seconds, processes)) > limits.processor:
            raise too_slow(self._place, limits)
        size = sum(map(_memory, processes))
        if size > self._rooms.memory.size:
            raise no_memory(self._place, limits, self._rooms.memory.size)
        try:
            self._rooms.memory.hold(self, size)
        except FullError as error:
            raise memory_is_taken(self._place) from error

    def leave_memory(self) -> None:
        """Say that no command runs."""
        self._rooms.memory.leave(self)

    def close(self) -> None:
        """Give all back: what was written is gone by now, or counted as what is kept."""
        self.leave_memory()
        self._rooms.disk.leave(self)


def _bytes_in(folders: Collection[Path]) -> int:
    """Count the bytes of files that lie right in folders; those that go meanwhile have none."""
    size = 0
    for folder in folders:
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    try:
                        size += entry.stat(follow_symlinks=False).st_size
                    except FileNotFoundError:
                        continue
        except FileNotFoundError:
            continue
    return size


def _memory(process: int) -> int:
    """Give the bytes of memory that a process shares with no file."""
    pages = _read(f"/proc/{process}/statm").split()
    return (int(pages[1]) - int(pages[2])) * PAGE if pages else 0


def _seconds(process: int) -> float:
    """Give the CPU time of a process and of those it has waited for."""
    # After the name, which is in brackets and may have any, the twelfth to fifteenth field.
    fields = _read(f"/proc/{process}/stat").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:  # It has ended.
        return ""
