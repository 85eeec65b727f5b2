"""The metrics of one operator, and the answer to who asks for them."""

import time
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from album_operator.metrics import declared
from album_operator.metrics.declared import Declared
from album_operator.metrics.series import Room, Series, admit

Reading = Iterable[tuple[tuple[str, ...], float]]
"""Label values and what is so now, those first that are to be told in any case."""

MOST_BYTES = 640 * 1024
"""Of an answer, for series that are counted; beyond them others stand for several."""

PASSED_OVER = ("AlbumRelease", "AlbumPipeline")
"""Kinds of which passes are counted."""

MOST_READ_BYTES = 256 * 1024
"""Of an answer, for gauges that are read."""


class _Readings(Collector):
    """The gauges that are read when they are asked for, as they were read last."""

    def __init__(self) -> None:
        self.sources = dict[Declared, Callable[[], Reading]]()
        self.taken = dict[Declared, dict[tuple[str, ...], float]]()

    def look(self) -> None:
        room = Room(MOST_READ_BYTES)
        self.taken = {one: _add_up(one, source(), room) for one, source in self.sources.items()}

    def collect(self) -> Iterator[Metric]:
        taken = self.taken
        for one in declared.ALL:
            if one.is_read:
                family = GaugeMetricFamily(one.name, one.meaning, labels=one.labels)
                for values, value in taken.get(one, {}).items():
                    family.add_metric(values, value)
                yield family


def _add_up(one: Declared, reading: Reading, room: Room) -> dict[tuple[str, ...], float]:
    """Give a reading with those added up that there is no room for; of times the first counts."""
    added = dict[tuple[str, ...], float]()
    for values, value in reading:
        key = admit(one, values, room)
        if key not in added:
            added[key] = value
        elif one is not declared.WAITING_SINCE:
            added[key] += value
    return added


class Metrics:
    """All that is counted and measured, in a registry of its own.

    Each attribute is the series of the metric of its name in `declared`.

    Args:
        now: seconds since 1970, for metrics that are moments.
    """

    content_type = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.now = now
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._room = Room(MOST_BYTES)
        self._readings = _Readings()
        self._registry.register(self._readings)
        self.step_duration = self._histogram(declared.STEP_DURATION)
        self.review_wait = self._histogram(declared.REVIEW_WAIT)
        self.lead_time = self._histogram(declared.LEAD_TIME)
        self.releases_finished = self._counter(declared.RELEASES_FINISHED)
        self.recovery = self._histogram(declared.RECOVERY)
        self.releases_rework = self._counter(declared.RELEASES_REWORK)
        self.build_duration = self._histogram(declared.BUILD_DURATION)
        self.outside_requests = self._counter(declared.OUTSIDE_REQUESTS)
        self.outside_duration = self._histogram(declared.OUTSIDE_DURATION)
        self.webhook_deliveries = self._counter(declared.WEBHOOK_DELIVERIES)
        self.unreadable_objects = self._counter(declared.UNREADABLE_OBJECTS)
        self.passes = self._counter(declared.PASSES)
        self.pass_duration = self._histogram(declared.PASS_DURATION)
        self.last_pass = self._gauge(declared.LAST_PASS)
        for kind in PASSED_OVER:
            # At 0 until the first ends: one that is not there can be late for nobody.
            self.last_pass.labels(kind)
        self.event_loop_lag = self._histogram(declared.EVENT_LOOP_LAG)
        self.watch_restarts = self._counter(declared.WATCH_RESTARTS)
        self.notifications = self._counter(declared.NOTIFICATIONS)

    def read(self, one: Declared, source: Callable[[], Reading]) -> None:
        """Say what a gauge that is read is read from, in the event loop."""
        self._readings.sources[one] = source

    def look(self) -> None:
        """Read the gauges that are read."""
        self._readings.look()

    def text(self) -> bytes:
        """Give all in the text format of Prometheus, of type `content_type`; from any thread."""
        return generate_latest(self._registry)

    def render(self) -> bytes:
        """Look, and give the text."""
        self.look()
        return self.text()

    def _counter(self, one: Declared) -> Series[Counter]:
        # The library adds what all names of counters end with.
        name = one.name.removesuffix("_total")
        return Series(
            Counter(name, one.meaning, one.labels, registry=self._registry), one, self._room
        )

    def _gauge(self, one: Declared) -> Series[Gauge]:
        return Series(
            Gauge(one.name, one.meaning, one.labels, registry=self._registry), one, self._room
        )

    def _histogram(self, one: Declared) -> Series[Histogram]:
        instrument = Histogram(
            one.name, one.meaning, one.labels, registry=self._registry, buckets=one.buckets
        )
        return Series(instrument, one, self._room)
