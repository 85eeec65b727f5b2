"""The API server's time, carried on by this process's monotonic clock: that of all stamps."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

TRUSTED = timedelta(seconds=2)
"""How far apart two clocks are taken for one: `Date` has whole seconds, and an answer travels."""

CATCHING_UP = 0.01
"""By how much the clock is faster or slower while it follows the API server's."""


def _wall() -> datetime:
    return datetime.now(UTC)


class ServerClock:
    """Tells the API server's time.

    The API server is what all processes of the operator, and those who read its stamps, have in
    common: a node whose clock is wrong or steps changes nothing, and a restart on another node goes
    on where the last one was. The first answer sets the clock. It never goes backwards and never
    jumps after that: if the API server's own clock steps, or another API server with another clock
    answers, it is followed by a hundredth of the time that passes, so that no duration ends by it.

    Args:
        monotonic: seconds that only grow.
        wall: the node's time, used until the API server has answered for the first time.
    """

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = _wall,
    ) -> None:
        self._monotonic = monotonic
        self._is_set = False
        self._rate = 1.0
        self._at = monotonic()
        self._then = wall()

    def __call__(self) -> datetime:
        """Give the present time."""
        passed = self._monotonic() - self._at
        return self._then + timedelta(seconds=passed * self._rate)

    def note(self, date: str | None) -> None:
        """Take note of the `Date` of an answer that came just now (RFC 9110, section 6.6.1)."""
        told = _parse(date)
        if told is None:
            return
        now = self()
        self._at, self._then = self._monotonic(), now
        if not self._is_set:
            self._is_set, self._then = True, told
            return
        # The clock that told it has gone on by up to a second since.
        behind = told + timedelta(seconds=0.5) - now
        if abs(behind) <= TRUSTED:
            self._rate = 1.0
        else:
            self._rate = 1 + CATCHING_UP if behind > timedelta() else 1 - CATCHING_UP


def _parse(date: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
