"""What the objects of a pack are when they are unpacked, told while the pack arrives.

Half a MiB of a pack can be a file of 500 MiB, and 200 bytes a delta that makes one. Each object
says its size before it comes, so one that is too large is known before anybody makes room for it.
Source: gitformat-pack(5).
"""

import zlib
from collections.abc import Generator

from album_operator.adapters.git.streams import TooLongError
from album_operator.adapters.git.wire.protocol import WireError

HEADER = 12
"""Bytes before the first object: `PACK`, the version, and how many objects there are."""

OFFSET_DELTA, REFERENCE_DELTA = 6, 7
"""Kinds of objects that are made from others: one before it in the pack, or one by its id."""

OID = 20

DELTA_SIZES = 20
"""Bytes that the two sizes at a delta's beginning have at most."""

STEP = 64 * 1024
"""Bytes that are unpacked at a time."""

OBJECT_COST = 256
"""Bytes that each object counts for beside its own: a pack can have millions that are empty."""


class Scales:
    """Adds up what the objects of one pack have when they are unpacked.

    Args:
        limit: most bytes of all of them together.
    """

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._data = b""
        self._at = 0
        self._reader = self._read()
        next(self._reader)

    def weigh(self, data: bytes) -> None:
        """Take the next piece of the pack.

        Raises:
            TooLongError: the objects have more bytes than the limit.
            WireError: it is no pack.
        """
        self._data = self._data[self._at :] + data
        self._at = 0
        try:
            next(self._reader)
        except StopIteration:
            self._data = b""
        except zlib.error as error:
            raise WireError(f"its pack cannot be unpacked: {error}") from error

    def _read(self) -> Generator[None, None, None]:
        header = yield from self._take(HEADER)
        if not header.startswith(b"PACK"):
            raise WireError("its pack is none")
        for _ in range(int.from_bytes(header[8:], "big")):
            yield from self._read_object()

    def _read_object(self) -> Generator[None, None, None]:
        # Four bits of the size are beside the kind, seven in each byte that follows.
        first = (yield from self._take(1))[0]
        kind, size, shift, byte = first >> 4 & 7, first & 15, 4, first
        while byte & 0x80:
            byte = (yield from self._take(1))[0]
            size |= (byte & 0x7F) << shift
            shift += 7
        if kind == REFERENCE_DELTA:
            yield from self._take(OID)
        if kind == OFFSET_DELTA:
            while (yield from self._take(1))[0] & 0x80:
                pass
        self._claim(size + OBJECT_COST)
        yield from self._unpack(size, is_delta=kind in (OFFSET_DELTA, REFERENCE_DELTA))

    def _unpack(self, size: int, *, is_delta: bool) -> Generator[None, None, None]:
        """Read one object to its end; a delta's beginning tells how much is made of it."""
        unpacker = zlib.decompressobj()
        beginning = b""
        while not unpacker.eof:
            if self._at == len(self._data):
                yield
            # No more than it may take, as what is left of it is copied.
            piece = self._data[self._at : self._at + min(size + DELTA_SIZES, STEP)]
            unpacked = unpacker.decompress(piece, STEP)
            left = unpacker.unused_data or unpacker.unconsumed_tail
            self._at += len(piece) - len(left)
            size -= len(unpacked)
            if size < 0:
                raise WireError("an object of its pack has more bytes than it says")
            beginning += unpacked[: DELTA_SIZES - len(beginning)]
        if is_delta:
            self._claim(_result_size(beginning))

    def _take(self, size: int) -> Generator[None, None, bytes]:
        while len(self._data) - self._at < size:
            yield
        self._at += size
        return self._data[self._at - size : self._at]

    def _claim(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise TooLongError


def _result_size(delta: bytes) -> int:
    """Read the second of the two sizes a delta begins with: that of what it makes."""
    sizes, size, shift = [], 0, 0
    for byte in delta:
        size |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            sizes.append(size)
            size, shift = 0, 0
    if len(sizes) < 2:
        raise WireError("a delta of its pack says no size")
    return sizes[1]
