"""Series of a metric by its label values, of which tenants cannot make without end."""

import threading
from collections import Counter as Count
from typing import Generic, TypeVar

from prometheus_client.metrics import MetricWrapperBase

from album_operator.metrics.declared import Declared

OTHER = "other"
"""Stands for the label values that there is no room for."""

ENDLESS = frozenset({"namespace", "pipeline", "app", "host", "sink"})
"""Labels whose values others name."""

LINE = 40
"""Bytes of a line beside name and labels: suffix, `le`, a number, and what is between them."""

M = TypeVar("M", bound=MetricWrapperBase)


class Room:
    """Bytes that the series of all metrics may have in an answer.

    Who comes first gets most, and yet a namespace at most four times as much as it leaves to the
    others.

    Args:
        size: in bytes.
    """

    def __init__(self, size: int) -> None:
        self._left = size
        self._taken = Count[str]()

    def take(self, size: int, namespace: str) -> bool:
        """Take bytes for a namespace, or for what is of none; False where they are not there."""
        left = self._left - size
        if left < 0 or self._taken[namespace] + size > 4 * left:
            return False
        self._taken[namespace] += size
        self._left = left
        return True


class Series(Generic[M]):
    """The series of a metric.

    Args:
        instrument: of the library.
        declared: what it was made of.
        room: of all metrics.
    """

    def __init__(self, instrument: M, declared: Declared, room: Room) -> None:
        self._instrument = instrument
        self._declared = declared
        self._room = room
        self._known = dict[tuple[str, ...], M]()
        self._lock = threading.Lock()

    def labels(self, *values: str) -> M:
        """Give the series of label values; where there is no room, the one of all others."""
        known = self._known.get(values)
        if known is None:
            with self._lock:
                known = self._admit(values)
        return known

    def _admit(self, values: tuple[str, ...]) -> M:
        values = admit(self._declared, values, self._room)
        made = self._instrument.labels(*values) if values else self._instrument
        return self._known.setdefault(values, made)


def admit(declared: Declared, values: tuple[str, ...], room: Room) -> tuple[str, ...]:
    """Give the label values of a new series, or those that stand for them.

    What others cannot make more of, and what stands for others, is always let in.
    """
    named = dict(zip(declared.labels, values, strict=True))
    namespace = named.get("namespace", "")
    if ENDLESS.isdisjoint(named) or room.take(size_of(declared, values), namespace):
        return values
    return tuple(OTHER if label in ENDLESS else value for label, value in named.items())


def size_of(declared: Declared, values: tuple[str, ...]) -> int:
    """Give how many bytes a series has in an answer, at most."""
    # A quotation mark, a backslash and a line break are two bytes each.
    escaped = sum(value.count(mark) for value in values for mark in '"\\\n')
    labels = sum(len(word.encode()) + 2 for word in (*declared.labels, *values)) + escaped
    lines = len(declared.buckets) + 3 if declared.buckets else 1
    return lines * (len(declared.name) + labels + LINE)
