"""Figures of passes, and of the event loop that they run in."""

import asyncio
from enum import StrEnum

from album_operator.metrics.metrics import Metrics

LAG_SECONDS = 1.0
"""How often it is looked how late the event loop is: who has nothing to do hardly wakes."""


class PassResult(StrEnum):
    """How a pass ended: its status is written, it comes again for a trouble, or it met a bug."""

    OK = "ok"
    TRANSIENT = "transient"
    BUG = "bug"


def count_pass(metrics: Metrics, kind: str, result: PassResult, seconds: float) -> None:
    """Count a pass that ended.

    Args:
        metrics: where.
        kind: of the object that was passed over.
        result: how it ended.
        seconds: how long it worked.
    """
    metrics.passes.labels(kind, result).inc()
    metrics.pass_duration.labels(kind).observe(seconds)
    metrics.last_pass.labels(kind).set(metrics.now())


async def measure_lag(metrics: Metrics) -> None:
    """Look for ever how late the event loop wakes who is due."""
    series, loop = metrics.event_loop_lag.labels(), asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_SECONDS
        await asyncio.sleep(LAG_SECONDS)
        series.observe(max(0.0, loop.time() - due))
