"""Reading what comes in a stream, and no more of it than is wanted."""

from typing import BinaryIO, Protocol


class TooLongError(Exception):
    """More came than is wanted."""


class Readable(Protocol):
    """What can be read from."""

    def read(self, size: int, /) -> bytes:
        """Read so many bytes, or fewer at its end."""


class Bounded:
    """A stream of which no more than so many bytes are read.

    Args:
        stream: to read from.
        limit: most bytes.
    """

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream = stream
        self._left = limit

    def read(self, size: int, /) -> bytes:
        """Read so many bytes, or fewer at its end.

        Raises:
            TooLongError: there were too many before.
        """
        self._left -= size
        if self._left < 0:
            raise TooLongError
        return self._stream.read(size)

    def readline(self) -> bytes:
        """Read up to the end of a line, or what there may be of it."""
        line = self._stream.readline(self._left)
        self._left -= len(line)
        return line


def read_exactly(stream: Readable, size: int) -> bytes:
    """Read so many bytes.

    Raises:
        EOFError: there were fewer.
    """
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


def read_line(stream: BinaryIO, limit: int) -> bytes:
    """Read a line with its end.

    Raises:
        EOFError: it has none within so many bytes.
    """
    line = stream.readline(limit)
    if not line.endswith(b"\n"):
        raise EOFError
    return line
