"""What is told of each written status, and to whom."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from album_operator.decisions.notifications import notifications
from album_operator.domain.notifications import Letter, Sink
from album_operator.domain.status_change import StatusChange
from album_operator.metrics import declared
from album_operator.metrics.metrics import Metrics, Reading
from album_operator.notifications.line import Line, Result
from album_operator.ports import Sinks
from album_operator.render.webhook import write_letter

LAST_SECONDS = 2.0
"""What is left when the operator stops has so long to be posted."""


class Notifier:
    """Tells sinks of releases, at most once: what waits is lost with the process.

    Args:
        sinks: who is told.
        way: to them.
        clock: the operator's.
        metrics: count what becomes of what is told.
    """

    def __init__(
        self,
        sinks: Sequence[Sink],
        way: Sinks,
        clock: Callable[[], datetime],
        metrics: Metrics,
    ) -> None:
        self._way = way
        self._clock = clock
        self._metrics = metrics
        self._lines = [self._line(sink) for sink in sinks]
        metrics.read(declared.NOTIFICATIONS_QUEUED, self._queued)

    def _line(self, sink: Sink) -> Line:
        def count(result: Result) -> None:
            self._metrics.notifications.labels(sink.name, result).inc()

        return Line(sink, self._post, count)

    async def _post(self, sink: Sink, letter: Letter) -> None:
        await self._way.post(sink, letter, self._clock())

    def observe(self, change: StatusChange) -> None:
        """Let all who want it be told of a change; none is waited for."""
        if not self._lines:
            return
        for told in notifications(change, self._clock()):
            for line in self._lines:
                if line.sink.wants(told.event, told.release.ref.namespace):
                    line.put(write_letter(line.sink, told))

    def _queued(self) -> Reading:
        return [((line.sink.name,), len(line)) for line in self._lines]

    async def run(self) -> None:
        """Post until cancelled, and then for a moment what is left."""
        tasks = [asyncio.ensure_future(line.run()) for line in self._lines]
        try:
            await asyncio.Event().wait()
        finally:
            left = [asyncio.ensure_future(line.drained()) for line in self._lines]
            if left:
                await asyncio.wait(left, timeout=LAST_SECONDS)
            for task in (*left, *tasks):
                task.cancel()
            await asyncio.gather(*left, *tasks, return_exceptions=True)
