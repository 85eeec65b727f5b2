"""Traces of releases to a collector; what speaks OTLP is an extra, and imported only for one."""

import asyncio
import threading
from datetime import timedelta

from album_operator.domain.collectors import Collector
from album_operator.domain.proxies import Proxies
from album_operator.domain.status_change import StatusChange
from album_operator.render.trace import render_trace

LAST_MOMENT = timedelta(seconds=1)
"""How long what is told last is waited for."""


class TracesError(Exception):
    """Traces are asked for and cannot be sent; the message says why."""


class Traces:
    """Tells a collector of attempts that ended, over OTLP.

    What is told waits in a bounded queue for a thread. When the queue is full the oldest spans are
    dropped, and what the collector does not take for ten seconds is, and the log says so.

    Args:
        collector: what is told.
        proxies: through which servers are gone to.

    Raises:
        TracesError: the extra is not installed.
    """

    def __init__(self, collector: Collector, proxies: Proxies) -> None:
        try:
            from album_operator.adapters.otlp import Exporter
        except ImportError as error:
            raise TracesError(
                f"{error.name} is not installed; install album-release-operator[traces], as the "
                "operator's image has it, or leave the variable out"
            ) from error
        self._exporter = Exporter(collector, proxies)

    def observe(self, change: StatusChange) -> None:
        """Send the trace of an attempt that ended with this change."""
        for span in render_trace(change):
            self._exporter.send(span)

    async def close(self) -> None:
        """Send what waits, for a moment: whoever leads next waits for that."""
        closing = threading.Thread(target=self._exporter.close, daemon=True)
        closing.start()
        await asyncio.to_thread(closing.join, LAST_MOMENT.total_seconds())
        if closing.is_alive():
            self._exporter.give_up()
