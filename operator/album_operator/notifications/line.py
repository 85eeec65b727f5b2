"""What is on its way to one sink: bounded, in order, tried again while that makes sense."""

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from album_operator.domain.errors import (
    NoConnectionError,
    TerminalError,
    TransientError,
    UnansweredError,
)
from album_operator.domain.notifications import Letter, Sink

LOG = logging.getLogger(__name__)

MOST = 1000
"""Letters that wait for one sink, of some KiB each; of more the first behind the one that is being
tried is lost."""

LONGEST = 24 * 3600.0
"""Seconds after which nobody wants to be told any more."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0
"""Seconds after a try that failed, doubled with each in a row."""

LONGEST_ASKED = 3600.0
"""Seconds that a sink may ask us to wait."""


class Result(StrEnum):
    """What becomes of a letter."""

    SENT = "sent"
    REFUSED = "refused"
    EXPIRED = "expired"
    DROPPED = "dropped"


@dataclass(frozen=True)
class _Waiting:
    """A letter, and since when it waits, in monotonic seconds."""

    letter: Letter
    since: float


class Line:
    """The letters of one sink, posted one after another.

    Args:
        sink: whose they are.
        post: tries once.
        count: is told what became of each.
        clock: monotonic seconds.
        pause: waits for so many seconds.
    """

    def __init__(
        self,
        sink: Sink,
        post: Callable[[Sink, Letter], Awaitable[None]],
        count: Callable[[Result], None],
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.sink = sink
        self._post = post
        self._count = count
        self._clock = clock
        self._pause = pause
        self._waiting: deque[_Waiting] = deque()
        self._failures = 0

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def put(self, letter: Letter) -> None:
        """Let a letter wait for its turn."""
        self._waiting.append(_Waiting(letter, self._clock()))
        if len(self._waiting) > MOST:
            del self._waiting[1]
            self._tell(Result.DROPPED, f"more than {MOST} wait for it")

    async def run(self) -> None:
        """Post what waits, until none does."""
        while self._waiting:
            await self._try(self._waiting[0])

    async def _try(self, first: _Waiting) -> None:
        if self._clock() - first.since > LONGEST:
            self._end(Result.EXPIRED, "it was not taken within a day")
            return
        try:
            await self._post(self.sink, first.letter)
        except TransientError as error:
            LOG.warning("Sink %s: %s It is tried again.", self.sink.name, error.message)
            is_reached = isinstance(error, UnansweredError)
            if is_reached and not isinstance(error, NoConnectionError):
                # Lest one that a sink fails at keeps all others back.
                self._waiting.rotate(-1)
            asked = error.retry_after.total_seconds() if error.retry_after else 0.0
            await self._pause(max(self._next_pause(), min(asked, LONGEST_ASKED)))
        except TerminalError as error:
            self._end(Result.REFUSED, error.sentence)
        except Exception:
            LOG.exception("A notification to sink %s failed by a bug", self.sink.name)
            self._end(Result.REFUSED, "the operator failed by a bug of its own")
        else:
            self._end(Result.SENT)

    def _next_pause(self) -> float:
        self._failures += 1
        pause: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self._failures - 1, 10))
        return pause * random.uniform(0.8, 1.2)  # noqa: S311 - spreads tries, guards nothing

    def _end(self, result: Result, why: str = "") -> None:
        self._waiting.popleft()
        self._failures = 0
        self._tell(result, why)

    def _tell(self, result: Result, why: str) -> None:
        self._count(result)
        if why:
            LOG.warning("Sink %s: a notification is lost: %s.", self.sink.name, why.rstrip("."))
