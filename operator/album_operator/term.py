"""The term in which this process leads: what it may not write outside of."""

import math
import time
from collections.abc import Callable

from album_operator.domain.errors import TransientError
from album_operator.domain.reasons import Reason


class NotLeadingError(TransientError):
    """Another operator may lead by now; nothing was written."""

    def __init__(self) -> None:
        super().__init__(
            Reason.CLUSTER_UNAVAILABLE, "This operator does not lead, and writes nothing any more."
        )


CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux's goes on while the machine sleeps; `CLOCK_MONOTONIC` does not (`clock_gettime(2)`)."""


def since_boot() -> float:
    """Give seconds that only grow."""
    return time.clock_gettime(CLOCK)


class Term:
    """Begins with an election, and ends for good unless it is renewed in time; for any thread.

    It is counted from when a renewal was sent: until then nobody else can have been elected,
    however late the answer came, and however long this process was stopped since.

    Args:
        seconds: for which one renewal is good.
        clock: seconds that only grow.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = since_boot) -> None:
        self._seconds = seconds
        self._until: float | None = None
        self.clock = clock

    @classmethod
    def endless(cls) -> "Term":
        """Give that of an operator which stands for no election."""
        term = cls(math.inf)
        term.renew(math.inf)
        return term

    @property
    def left(self) -> float | None:
        """Seconds that are left of it, 0 or less after its end; None before its beginning."""
        return None if self._until is None else self._until - self.clock()

    @property
    def is_running(self) -> bool:
        """Whether this process leads."""
        left = self.left
        return left is not None and left > 0

    def renew(self, sent: float) -> None:
        """Begin it, or prolong it while it runs.

        Args:
            sent: when what was answered now was sent.
        """
        if self._until is None or self.is_running:
            self._until = sent + self._seconds

    def end(self) -> None:
        """End it now."""
        self._until = self.clock()

    def check(self) -> None:
        """Let a write pass, right before it is sent.

        Raises:
            NotLeadingError: this process does not lead.
        """
        if not self.is_running:
            raise NotLeadingError
