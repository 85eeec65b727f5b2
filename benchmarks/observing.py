"""What metrics, logs and traces cost a release, and how late the event loop is with all of them.

Whole releases of ten apps at once, by an operator of its own process on a real API server, with a
GitHub, builds and an Argo CD that are stood in for.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from album_operator.api.types import parse_overhead
from benchmarks.goals import Goal
from benchmarks.processes import TICKS, usage_of
from benchmarks.tables import table
from testbed.commands import PartError, wait_until
from testbed.progress import step
from tests.contract.plain_git import git
from tests.fakes.collector import FakeCollector, listening
from tests.integration.manifests.conftest import Installed, installing
from tests.integration.manifests.neighbours.teams import (
    APPS,
    OWNER,
    ready,
    working_team,
)
from tests.integration.manifests.operator_process import Running, running_operator

ON, OFF = WAYS = ("with all of it", "without")

COMPARED_PAIRS, COMPARED_AT = 5, 20
"""Pairs, and releases of each run, that the goals are for."""

MOST_PERCENT = 3.0
LATE_SECONDS, LATE_PERCENT = 0.1, 0.1
"""No more than a thousandth of all may be later: what p99.9 says."""

SCRAPE_SECONDS = 15.0
SEND_MILLISECONDS = "500"
"""Between two sendings of spans, so that none is left for when nobody measures."""

WAIT_SECONDS = 180
LAG = "album_event_loop_lag_seconds"

WITHOUT = """
from prometheus_client import Counter, Gauge, Histogram
from album_operator import __main__, leading
def nothing(*_, **__): pass
Counter.inc = Histogram.observe = nothing
Gauge.set = nothing
leading.ReleaseFigures = lambda *_: nothing
__main__.leave(__main__.main())
"""
"""The operator, counting nothing: nobody needs a setting for it."""

OFTEN = """
from album_operator import __main__
from album_operator.metrics import passes
passes.LAG_SECONDS = 0.01
__main__.leave(__main__.main())
"""
"""The operator, looking at its event loop a hundred times as often: once a second is too seldom for
one in a thousand."""

NAMES: Mapping[str, str] = {"cpu": "processor time", "overhead": "time of its own"}
"""Of the fields of `Cost`."""

HEADINGS = ("what of a release", "way", "median", "least to most", "more, %", "of the pairs, %")


@dataclass(frozen=True)
class Cost:
    """What a release cost in one run, the mean of its releases.

    Attributes:
        cpu: seconds of a processor, of the operator and its children.
        overhead: seconds of its own that it told in `status.overhead`.
    """

    cpu: float
    overhead: float


@dataclass(frozen=True)
class Observing:
    """What was measured.

    Attributes:
        releases: of each run.
        costs: of each run, by way; those of a pair have the same place.
        traces: that the collector got of them, and of the release before each run.
        lags: looks at the event loop that found it no later than so many seconds; the last, for
            infinitely many, is of all.
    """

    releases: int
    costs: dict[str, tuple[Cost, ...]]
    traces: int
    lags: dict[float, int]

    def more(self, what: str) -> list[float]:
        """Give by how many percent the run with all cost more, of each pair."""
        pairs = zip(self.costs[ON], self.costs[OFF], strict=True)
        return [100 * (getattr(on, what) / getattr(off, what) - 1) for on, off in pairs]

    @property
    def late(self) -> float:
        """How many percent of the looks found it later than `LATE_SECONDS`."""
        looks = self.lags[float("inf")]
        return 100 * (looks - self.lags[LATE_SECONDS]) / looks


class _Team:
    """Ten apps that are released again and again."""

    def __init__(self, installed: Installed, folder: Path, stack: ExitStack) -> None:
        self._installed = installed
        self._folder = folder
        self._versions = count(3)
        working = working_team(installed.server, "observing", folder)
        self._namespace, self._forge = stack.enter_context(working)

    @contextmanager
    def operator(self, program: str, level: str, collector: str = "") -> Iterator[Running]:
        """Run one that is ready until the block ends, and forget what it released.

        Args:
            program: that is run; empty for the one that is shipped.
            level: of its log.
            collector: URL that traces are sent to.
        """
        name = f"operator-{next(self._versions)}"
        (folder := self._folder / name).mkdir()
        with running_operator(
            self._installed,
            folder,
            self._namespace.name,
            program=program,
            ALBUM_INSECURE_HOSTS=self._forge.host,
            ALBUM_MERGE_POLL_SECONDS="0.3",
            ALBUM_LOG_FORMAT="json",
            ALBUM_LOG_LEVEL=level,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector,
            OTEL_BSP_SCHEDULE_DELAY=SEND_MILLISECONDS,
        ) as running:
            wait_until(running.is_ready, part=name, what="become ready", seconds=WAIT_SECONDS)
            yield running
            self._forget()

    def release(self, releases: int) -> float:
        """Release all apps at once, and again until there were so many.

        Returns:
            Seconds of `status.overhead`, of all of them.
        """
        overhead = 0.0
        for begun in range(0, releases, len(APPS)):
            overhead += self._release_at_once(APPS[: releases - begun])
        return overhead

    def _release_at_once(self, apps: tuple[str, ...]) -> float:
        version = f"v1.{next(self._versions)}.0"
        names = [f"{app}-{version}" for app in apps]
        for name in names:
            git(self._forge.git_dir(f"{OWNER}/album-app"), "tag", name, "main")
        for name in names:
            self._namespace.release(name, "album-app", name)
        found: dict[str, Any] = {}

        def are_released() -> bool:
            found.update(self._namespace.releases())
            states = [ready(found[name]) for name in names]
            failed = [state for state in states if state.get("status") == "False"]
            if failed:
                raise PartError("observing", f"a release failed: {failed[0]}")
            return all(state.get("reason") == "Released" for state in states)

        wait_until(are_released, part="observing", what="be released", seconds=WAIT_SECONDS)
        told = [parse_overhead(found[name]["status"]["overhead"]) for name in names]
        return sum(each.total_seconds() for each in told)

    def _forget(self) -> None:
        """Delete what would make each run's lists longer than those of the one before."""
        name = self._namespace.name
        for api, plural in (
            ("/apis/album.dev/v1alpha1", "albumreleases"),
            ("/apis/batch/v1", "jobs"),
            ("/api/v1", "pods"),
        ):
            self._installed.server.request("DELETE", f"{api}/namespaces/{name}/{plural}")


def measure_observing(pairs: int, releases: int, folder: Path) -> Observing:
    """Release with everything on and with everything off, in turns.

    Args:
        pairs: of runs, each of an operator of its own.
        releases: of each run.
        folder: an empty folder.

    Raises:
        PartError: a release failed, or does not end.
    """
    costs: dict[str, tuple[Cost, ...]] = dict.fromkeys(WAYS, ())
    for made in (below := folder / "api-server", desk := folder / "desk"):
        made.mkdir()
    with ExitStack() as stack:
        team = _Team(stack.enter_context(installing(below)), desk, stack)
        collector = stack.enter_context(listening())
        for number in range(1, pairs + 1):
            with step(f"pair {number} of {pairs}, {releases} releases observed and not"):
                for way in WAYS if number % 2 else reversed(WAYS):
                    costs[way] += (_run(team, way, releases, collector),)
        traces = _count_traces(collector)
        with step(f"{pairs * releases} releases beside the event loop"):
            lags = _measure_lags(team, pairs * releases, collector)
    return Observing(releases, costs, traces, lags)


def observing_goals(found: Observing) -> tuple[Goal, ...]:
    """Give the goals."""
    is_whole = len(found.costs[ON]) >= COMPARED_PAIRS and found.releases >= COMPARED_AT
    return (
        *(
            Goal(f"metrics, logs and traces, more {name}, median of the pairs", MOST_PERCENT,
                 at_least=False, unit=" %", measured=median(found.more(what)) if is_whole else None)
            for what, name in NAMES.items()
        ),
        Goal(f"event loop later than {1000 * LATE_SECONDS:g} ms", LATE_PERCENT, at_least=False,
             unit=" %", measured=found.late if is_whole else None),
    )  # fmt: skip


def render_observing(found: Observing) -> Iterator[str]:
    """Give the lines of the report; the table is Markdown."""
    yield (
        f"{len(found.costs[ON])} pairs of runs, {found.releases} releases of each run, with "
        f"metrics, logs and traces and without; the collector got {found.traces} traces:"
    )
    yield ""
    yield from table(HEADINGS, [_row(found, what, way) for what in NAMES for way in WAYS])
    yield ""
    looks = found.lags[float("inf")]
    later = (
        f"{looks - few} times later than {1000 * bound:g} ms"
        for bound, few in found.lags.items()
        if few < looks
    )
    yield f"Of {looks} looks the event loop was {', '.join(later) or 'never late'}."


def _row(found: Observing, what: str, way: str) -> tuple[str, ...]:
    seconds = [getattr(cost, what) for cost in found.costs[way]]
    more = found.more(what)
    compared = (f"{median(more):.1f}", f"{min(more):.1f} to {max(more):.1f}")
    return (
        f"{NAMES[what]}, s",
        way,
        f"{median(seconds):.3f}",
        f"{min(seconds):.3f} to {max(seconds):.3f}",
        *(compared if way == ON else ("", "")),
    )


def _run(team: _Team, way: str, releases: int, collector: FakeCollector) -> Cost:
    with ExitStack() as stack:
        if way == ON:
            running = stack.enter_context(team.operator("", "info", collector.url))
            stack.enter_context(_scraped(running))
        else:
            running = stack.enter_context(team.operator(WITHOUT, "error"))
        known = _count_traces(collector)
        team.release(1)  # The first one of a process clones, and starts the editor.
        before = usage_of(running.process.pid).cpu
        overhead = team.release(releases)
        if way == ON:
            wait_until(
                lambda: _count_traces(collector) == known + 1 + releases,
                part="observing", what="send all traces", seconds=WAIT_SECONDS,
            )  # fmt: skip
        used = (usage_of(running.process.pid).cpu - before) / TICKS
    return Cost(used / releases, overhead / releases)


def _count_traces(collector: FakeCollector) -> int:
    return len({span.trace_id for span in collector.spans})


def _measure_lags(team: _Team, releases: int, collector: FakeCollector) -> dict[float, int]:
    with team.operator(OFTEN, "info", collector.url) as running, _scraped(running):
        before = _read_lags(running)
        team.release(releases)
        return {bound: looks - before[bound] for bound, looks in _read_lags(running).items()}


def _read_lags(running: Running) -> dict[float, int]:
    _, text = running.find_answer("/metrics") or (0, "")
    return {
        float(sample.labels["le"]): round(sample.value)
        for family in text_string_to_metric_families(text)
        if family.name == LAG
        for sample in family.samples
        if sample.name.endswith("_bucket")
    }


@contextmanager
def _scraped(running: Running) -> Iterator[None]:
    """Ask for the metrics, as a Prometheus that is in a hurry does, until the block ends."""
    ending = threading.Event()

    def scrape() -> None:
        while not ending.wait(SCRAPE_SECONDS):
            running.find_answer("/metrics")

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()
