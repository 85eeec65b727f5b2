"""An operator that is told to observe itself or not, and tells what processor time that takes.

SIGUSR1 lets it count, log and trace, SIGUSR2 no more. It answers each by a JSON file at the path in
`BENCH_SWITCHED`: the signal's number as `signal`, and as `spent` the seconds since its start by
part. One process for both ways: two differ by more than what is looked for.
"""

import json
import logging
import os
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from prometheus_client import Counter, Gauge, Histogram

from album_operator import __main__
from album_operator.adapters.traces import Traces
from album_operator.metrics.metrics import Metrics
from album_operator.metrics.releases import ReleaseFigures
from album_operator.metrics.series import Series

ON, OFF = signal.SIGUSR1, signal.SIGUSR2

METRICS, SCRAPES, LOGS, TRACES, SENDING = PARTS = (
    "counting", "answers to scrapes", "lines of the log", "traces", "sending of traces",
)  # fmt: skip

METERED: tuple[tuple[type, str, str], ...] = (
    (Series, "labels", METRICS),
    (Metrics, "look", SCRAPES),
    (Metrics, "text", SCRAPES),
    (logging.Logger, "_log", LOGS),
    (OTLPSpanExporter, "export", SENDING),
)
SWITCHED: tuple[tuple[type, str, str], ...] = (
    (Counter, "inc", METRICS),
    (Gauge, "set", METRICS),
    (Histogram, "observe", METRICS),
    (ReleaseFigures, "__call__", METRICS),
    (Traces, "observe", TRACES),
)
"""Methods that are left out while nothing is observed; lines of the log are by their level."""


class _Meter:
    """Adds up the processor time of calls by part; of nested ones the outermost counts."""

    def __init__(self) -> None:
        self.is_on = True
        self.spent = defaultdict[str, float](float)
        self._lock = threading.Lock()
        self._inside = threading.local()

    def put_into(self, owner: type, name: str, part: str, *, is_switched: bool) -> None:
        """Meter a method, and leave it out where that is told."""
        real = getattr(owner, name)

        def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - any method
            if is_switched and not self.is_on:
                return None
            if getattr(self._inside, "is_it", False):
                return real(*args, **kwargs)
            return self._measure(part, lambda: real(*args, **kwargs))

        setattr(owner, name, call)

    def _measure(self, part: str, call: Callable[[], Any]) -> Any:  # noqa: ANN401
        self._inside.is_it = True
        began = time.thread_time()
        try:
            return call()
        finally:
            took = time.thread_time() - began
            self._inside.is_it = False
            with self._lock:
                self.spent[part] += took


def main() -> None:
    """Run the operator until it is told to end."""
    meter, answer = _Meter(), Path(os.environ["BENCH_SWITCHED"])
    for methods, is_switched in ((METERED, False), (SWITCHED, True)):
        for owner, name, part in methods:
            meter.put_into(owner, name, part, is_switched=is_switched)

    def switch(number: int, _: FrameType | None) -> None:
        meter.is_on = number == ON
        for name in ("", "album_operator"):
            logging.getLogger(name).setLevel(logging.INFO if meter.is_on else logging.ERROR)
        written = answer.with_suffix(".new")
        written.write_text(json.dumps({"signal": int(number), "spent": dict(meter.spent)}))
        written.rename(answer)

    signal.signal(ON, switch)
    signal.signal(OFF, switch)
    __main__.leave(__main__.main())
