"""The lines of all sinks, each worked off beside the others."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from album_operator.domain.notifications import Letter, Notification, Sink
from album_operator.metrics import declared
from album_operator.metrics.metrics import Metrics, Reading
from album_operator.notifications.line import Line, Result
from album_operator.ports import Sinks
from album_operator.render.webhook import write_letter

LOG = logging.getLogger(__name__)

MOST_OF_NAMESPACE = 500
"""Letters that wait for the sinks that one namespace names, of some KiB each."""

LAST_SECONDS = 1.0
"""What is left when the operator stops has so long to be posted."""


class Lines:
    """Lines by the sink's name.

    Args:
        way: to sinks.
        clock: the operator's.
        metrics: count what becomes of letters.
    """

    def __init__(self, way: Sinks, clock: Callable[[], datetime], metrics: Metrics) -> None:
        self._way = way
        self._clock = clock
        self._metrics = metrics
        self._lines: dict[str, Line] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        metrics.read(declared.NOTIFICATIONS_QUEUED, self._queued)

    def open(self, sink: Sink) -> Line:
        """Give the line of a sink as it is now; its Secret may have changed."""
        line = self._lines.get(sink.name)
        if line is None:
            line = Line(sink, self._post, lambda result: self.count(sink.name, result))
            self._lines[sink.name] = line
            for result in Result:
                # From 0 on: of a series that begins with 1 Prometheus sees no increase.
                self.count(sink.name, result, 0)
        line.sink = sink
        return line

    def put(self, sink: Sink, told: Notification) -> None:
        """Let a notification wait for its turn."""
        if sink.owner and self._waiting_of(sink.owner) >= MOST_OF_NAMESPACE:
            self.count(sink.name, Result.DROPPED)
            LOG.warning(
                "Sink %s: a notification is lost: %s wait for the sinks of its namespace.",
                sink.name, MOST_OF_NAMESPACE,
            )  # fmt: skip
            return
        line = self.open(sink)
        line.put(write_letter(sink, told))
        if sink.name not in self._tasks:
            self._tasks[sink.name] = asyncio.ensure_future(self._work(line))

    def count(self, name: str, result: Result, times: int = 1) -> None:
        """Count what became of notifications to a sink."""
        self._metrics.notifications.labels(name, result).inc(times)

    async def close(self) -> None:
        """Post for a moment what is left, and end."""
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=LAST_SECONDS)
        left = list(self._tasks.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _post(self, sink: Sink, letter: Letter) -> None:
        await self._way.post(sink, letter, self._clock())

    async def _work(self, line: Line) -> None:
        name = line.sink.name
        try:
            await line.run()
        finally:
            del self._tasks[name]
        if line.sink.owner:
            # Tenants can name sinks without end.
            del self._lines[name]

    def _waiting_of(self, owner: str) -> int:
        return sum(len(line) for line in self._lines.values() if line.sink.owner == owner)

    def _queued(self) -> Reading:
        return [((name,), len(line)) for name, line in self._lines.items()]
