"""How much time is left for a piece of work that is done in parts."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta


class Deadline:
    """Counts down while the work goes on; what it waits for between its parts is not counted.

    Args:
        limit: longest the parts may take together.
        clock: monotonic seconds.
    """

    def __init__(self, limit: timedelta, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._left = limit.total_seconds()
        self._since: float | None = None

    @property
    def left(self) -> float:
        """Seconds until it is over; never less than none."""
        gone = self._clock() - self._since if self._since is not None else 0.0
        return max(0.0, self._left - gone)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Do a part of the work."""
        self._since = self._clock()
        try:
            yield
        finally:
            self._left, self._since = self.left, None
