"""Answers a GitHub need not send again: `If-None-Match`, and a 304 that counts for no limit."""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

ENTRIES, BYTES = 1_000, 16 * 1024 * 1024

Key = tuple[object, str]
"""Whose answer it is (each credential has ETags of its own), and its URL."""


@dataclass(frozen=True)
class Kept:
    """An answer's ETag, and as JSON what was read of it."""

    etag: str
    text: str


class EtagCache:
    """What was answered last, the longest unused first out. For all threads.

    Args:
        entries: most answers that are kept.
        size: most characters of all of them.
    """

    def __init__(self, entries: int = ENTRIES, size: int = BYTES) -> None:
        self._entries = entries
        self._size = size
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._used = 0
        self._lock = Lock()

    def find(self, key: Key) -> Kept | None:
        """Find what was answered last."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def keep(self, key: Key, kept: Kept) -> None:
        """Keep an answer in place of the one before."""
        with self._lock:
            before = self._kept.pop(key, None)
            self._used -= _size(before) if before is not None else 0
            if _size(kept) > self._size:
                return
            self._used += _size(kept)
            self._kept[key] = kept
            while self._used > self._size or len(self._kept) > self._entries:
                _, dropped = self._kept.popitem(last=False)
                self._used -= _size(dropped)


def _size(kept: Kept) -> int:
    return len(kept.etag) + len(kept.text)
