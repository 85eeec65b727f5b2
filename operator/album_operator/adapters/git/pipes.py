"""Talking to a process through its pipes, of whose words no more is kept than is wanted."""

import os
import selectors
import subprocess
import time
from collections.abc import Callable

from album_operator.adapters.git.streams import TooLongError

CHUNK = 64 * 1024

ERROR_BYTES = 64 * 1024
"""What is kept of standard error: half from its beginning, half from its end."""

TICK_SECONDS = 0.05
"""Longest time between two looks at what a process does."""


class Ends:
    """The beginning and the end of a text of any length.

    Args:
        size: bytes that are kept of both together.
    """

    def __init__(self, size: int = ERROR_BYTES) -> None:
        self._half = size // 2
        self._first, self._last = bytearray(), bytearray()

    def add(self, data: bytes) -> None:
        """Take what follows."""
        room = self._half - len(self._first)
        self._first += data[:room]
        self._last += data[room:]
        if len(self._last) > 2 * self._half:
            del self._last[: -self._half]

    @property
    def text(self) -> str:
        """What was kept."""
        return (self._first + self._last[-self._half :]).decode(errors="replace")


class Looks:
    """Looks at a process every now and then; at one that ends at once, never.

    Args:
        watch: called with its id.
        process: its id.
    """

    def __init__(self, watch: Callable[[int], None], process: int) -> None:
        self._watch = watch
        self._process = process
        self._next = time.monotonic() + TICK_SECONDS

    def look(self) -> None:
        """Look if it is time."""
        if time.monotonic() >= self._next:
            self._watch(self._process)
            self._next = time.monotonic() + TICK_SECONDS


class Exchange:
    """Writes to a process, and reads what it says until it ends.

    Args:
        process: started with three pipes.
        data: its standard input.
        limit: most bytes of its standard output.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], data: bytes | bytearray, limit: int
    ) -> None:
        self._process = process
        self._rest = memoryview(data)
        self._limit = limit
        self._out = bytearray()
        self._err = Ends()

    def run(self, seconds: float, watch: Callable[[int], None]) -> tuple[bytes, str]:
        """Do all of it.

        Args:
            seconds: longest time it may take.
            watch: called with the process's id every now and then; what it raises is raised.

        Returns:
            Standard output; and of standard error beginning and end.

        Raises:
            TooLongError: it said more.
            subprocess.TimeoutExpired: it took longer.
        """
        looks = Looks(watch, self._process.pid)
        ends = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            self._register(selector)
            while selector.get_map():
                looks.look()
                for key, _ in selector.select(min(_left(ends, seconds), TICK_SECONDS)):
                    pipe, handle = key.data
                    if not handle(key.fd):
                        selector.unregister(pipe)
                        pipe.close()
        self._process.wait(_left(ends, seconds))
        return bytes(self._out), self._err.text

    def give_up(self) -> None:
        """Close the pipes of a process that was killed, and wait for its end."""
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        self._process.wait()

    def _register(self, selector: selectors.BaseSelector) -> None:
        for pipe, event, handle in (
            (self._process.stdin, selectors.EVENT_WRITE, self._write),
            (self._process.stdout, selectors.EVENT_READ, self._hear),
            (self._process.stderr, selectors.EVENT_READ, self._note),
        ):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                selector.register(pipe, event, (pipe, handle))

    def _write(self, descriptor: int) -> bool:
        """Write what the process takes now; False where it takes no more, or there is none."""
        try:
            self._rest = self._rest[os.write(descriptor, self._rest) :]
        except BrokenPipeError:
            return False
        return bool(self._rest)

    def _hear(self, descriptor: int) -> bool:
        said = os.read(descriptor, CHUNK)
        self._out += said
        if len(self._out) > self._limit:
            raise TooLongError
        return bool(said)

    def _note(self, descriptor: int) -> bool:
        said = os.read(descriptor, CHUNK)
        self._err.add(said)
        return bool(said)


def _left(ends: float, seconds: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise subprocess.TimeoutExpired("git", seconds)
    return left
