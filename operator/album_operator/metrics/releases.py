"""Figures of releases: counted at each written status, and read of those in flight."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from album_operator.domain import figures
from album_operator.domain.claims import ReleaseSeen
from album_operator.domain.in_flight import InFlight
from album_operator.domain.reasons import Reason
from album_operator.domain.status_change import StatusChange
from album_operator.metrics import declared
from album_operator.metrics.metrics import Metrics, Reading

GOOD, BAD = "Succeeded", "Failed"

OfApp = Callable[[str, str, str], Mapping[str, ReleaseSeen]]
"""Gives the releases of namespace, pipeline and app, by name."""


class ReleaseFigures:
    """Counts what each written status tells.

    Args:
        metrics: where.
        of_app: knows the other releases of an app.
    """

    def __init__(self, metrics: Metrics, of_app: OfApp) -> None:
        self._metrics = metrics
        self._of_app = of_app

    def __call__(self, change: StatusChange) -> None:
        """Count a change, once."""
        whose, metrics = figures.whose(change), self._metrics
        self._begin(whose)
        for step in figures.steps_ended(change):
            series = metrics.step_duration.labels(*whose, step.name, step.state)
            series.observe(step.time.total_seconds())
        if (build := figures.build_took(change)) is not None:
            series = metrics.build_duration.labels(*whose, GOOD if build.is_good else BAD)
            series.observe(build.time.total_seconds())
        if (waited := figures.review_took(change)) is not None:
            metrics.review_wait.labels(*whose).observe(waited.total_seconds())
        if (reason := figures.ended(change)) is not None:
            metrics.releases_finished.labels(*whose, reason).inc()
        if reason is Reason.RELEASED:
            self._count_released(change, whose)

    def _begin(self, whose: tuple[str, str, str]) -> None:
        """Let an app's series begin at 0: one that begins at 1 has not grown, for Prometheus."""
        metrics = self._metrics
        for reason in (Reason.RELEASED, *figures.FAILED_DEPLOYMENTS):
            metrics.releases_finished.labels(*whose, reason)
        for result in (GOOD, BAD):
            metrics.build_duration.labels(*whose, result)
        for times in (metrics.review_wait, metrics.lead_time, metrics.recovery):
            times.labels(*whose)
        metrics.releases_rework.labels(*whose)

    def _count_released(self, change: StatusChange, whose: tuple[str, str, str]) -> None:
        release, metrics = change.release, self._metrics
        known = self._of_app(*whose)
        others = (seen for name, seen in known.items() if name != release.ref.name)
        recovered = figures.recovered(change, others)
        if (led := figures.lead_time(change)) is not None:
            metrics.lead_time.labels(*whose).observe(led.total_seconds())
        if recovered is not None:
            metrics.recovery.labels(*whose).observe(recovered.total_seconds())
        if recovered is not None or release.rollback_of is not None:
            metrics.releases_rework.labels(*whose).inc()


def read_releases(metrics: Metrics, in_flight: Callable[[], Iterable[InFlight]]) -> None:
    """Let the gauges of releases be read of those that are in flight or stalled."""
    metrics.read(declared.RELEASES, lambda: _counted(in_flight()))
    metrics.read(declared.WAITING_SINCE, lambda: _waiting(in_flight()))


def _counted(found: Iterable[InFlight]) -> Reading:
    """Give how many releases of a namespace are at each state and reason, the most first."""
    counts = Counter[tuple[str, ...]]()
    for one in found:
        app, state, reason = one.place
        counts[app[0], state.value, reason.value] += one.count
    return [(values, float(count)) for values, count in counts.most_common()]


def _waiting(found: Iterable[InFlight]) -> Reading:
    """Give since when the first release of an app is at each place, the longest wait first."""
    return [
        ((*one.place.app, one.place.state.value, one.place.reason.value), one.since.timestamp())
        for one in sorted(found, key=lambda one: one.since)
    ]


def read_pipelines(
    metrics: Metrics, count_ready: Callable[[], Mapping[tuple[str, str], int]]
) -> None:
    """Let the gauge of pipelines be read of how many there are, by namespace and readiness."""
    metrics.read(
        declared.PIPELINES,
        lambda: [(values, float(count)) for values, count in count_ready().items()],
    )


def read_builds(metrics: Metrics, counts: Callable[[], Mapping[str, tuple[int, int]]]) -> None:
    """Let the gauges of builds be read of how many run and wait in each namespace."""

    def read(which: int) -> Callable[[], Reading]:
        return lambda: [((name,), float(both[which])) for name, both in counts().items()]

    metrics.read(declared.BUILDS_RUNNING, read(0))
    metrics.read(declared.BUILDS_QUEUED, read(1))
