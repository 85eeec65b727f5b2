"""How long a pass has worked: what it waits for in a queue of ours is not counted."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar


class Stopwatch:
    """Counts the seconds since it was made in which nothing that it measures queued.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counted = 0.0
        self._since = clock()
        self._queues = 0

    @property
    def seconds(self) -> float:
        """What it shows now."""
        return self._counted if self._queues else self._counted + self._clock() - self._since

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Be the stopwatch of this task, and of those it starts meanwhile."""
        token = _CURRENT.set(self)
        try:
            yield
        finally:
            _CURRENT.reset(token)

    def stop(self) -> None:
        """Count no more, until `go_on` was called as often as this."""
        self._counted = self.seconds
        self._queues += 1

    def go_on(self) -> None:
        """Count again, if nothing else queues."""
        self._queues -= 1
        self._since = self._clock()


_CURRENT: ContextVar[Stopwatch | None] = ContextVar("stopwatch", default=None)


@contextmanager
def queueing() -> Iterator[None]:
    """Stop the task's stopwatch, if it has one."""
    stopwatch = _CURRENT.get()
    if stopwatch is None:
        yield
        return
    stopwatch.stop()
    try:
        yield
    finally:
        stopwatch.go_on()


@asynccontextmanager
async def holding(lock: asyncio.Lock) -> AsyncIterator[None]:
    """Queue for a lock, and hold it."""
    with queueing():
        await lock.acquire()
    try:
        yield
    finally:
        lock.release()
