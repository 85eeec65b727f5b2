"""Warnings about what anybody may send."""

import logging
from collections import Counter
from collections.abc import Callable

LOG = logging.getLogger(__name__)

LINE_SECONDS = 60.0


class Lines:
    """Warnings, of each kind at most one a minute.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._counts = Counter[str]()
        self._written: dict[str, float] = {}

    def warn(self, kind: str, text: str) -> None:
        """Write a line, unless one of its kind was written lately."""
        now = self._clock()
        self._counts[kind] += 1
        if now - self._written.get(kind, -LINE_SECONDS) >= LINE_SECONDS:
            LOG.warning("%s (%d since the last such line).", text, self._counts.pop(kind))
            self._written[kind] = now
