"""What metrics, logs and traces cost a release, and how late the event loop is with all of them.

Whole releases by an operator of its own process on a real API server, with a GitHub, builds and an
Argo CD that are stood in for.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count, cycle
from math import inf, sqrt
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from album_operator.api.types import parse_overhead
from benchmarks import observed_operator
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
from tests.integration.manifests.operator_process import (
    OPERATOR,
    OURS,
    Running,
    running_operator,
)

ON, OFF = WAYS = ("with all of it", "without")
SIGNALS = {ON: observed_operator.ON, OFF: observed_operator.OFF}

COMPARED_PAIRS = 20
"""That the goals are for."""

RELEASES_OF_A_RUN = 3
"""One after the other. They take about `SCRAPE_SECONDS`, and meet one scrape."""

MOST_PERCENT = 3.0
LATE_SECONDS, LATE_PERCENT = 0.1, 0.1
"""No more than a thousandth of all may be later: what p99.9 says."""

SCRAPE_SECONDS = 15.0
SEND_MILLISECONDS = "500"
"""Between two sendings of spans, so that none is left for when nobody measures."""

WAIT_SECONDS = 180
PART = "observing"
RELEASES = "/apis/album.dev/v1alpha1/namespaces/{}/albumreleases"
LAG = "album_event_loop_lag_seconds"

SWITCHED = "from benchmarks import observed_operator; observed_operator.main()"

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

HEADINGS = ("what of a release", *WAYS, "more, %", "standard error, %")


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
class More:
    """How much more something is with all of it than without, in percent of without.

    Attributes:
        percent: the mean of the pairs.
        error: the standard error of that.
    """

    percent: float
    error: float


@dataclass(frozen=True)
class Observing:
    """What was measured.

    Attributes:
        costs: of each run, by way; those of a pair have the same place.
        spent: processor time of a release that observing took, by part, in seconds; the mean.
        traces: that the collector got of them.
        lags: looks at the event loop that found it no later than so many seconds; the last, for
            infinitely many, is of all.
    """

    costs: dict[str, tuple[Cost, ...]]
    spent: dict[str, float]
    traces: int
    lags: dict[float, int]

    def mean(self, way: str, what: str) -> float:
        """Give the mean of a field of all runs of a way, in seconds."""
        return float(mean(getattr(cost, what) for cost in self.costs[way]))

    def more(self, what: str) -> More:
        """Compare a field of the runs, pair by pair."""
        pairs = zip(self.costs[ON], self.costs[OFF], strict=True)
        more = [getattr(on, what) - getattr(off, what) for on, off in pairs]
        error = stdev(more) / sqrt(len(more)) if len(more) > 1 else inf
        whole = self.mean(OFF, what) / 100
        return More(mean(more) / whole, error / whole)

    def share(self, what: str) -> float:
        """Give what observing took in percent of a field of the runs without it."""
        return 100 * sum(self.spent.values()) / self.mean(OFF, what)

    @property
    def late(self) -> float:
        """How many percent of the looks found it later than `LATE_SECONDS`."""
        looks = self.lags[inf]
        return 100 * (looks - self.lags[LATE_SECONDS]) / looks


class _Team:
    """Ten apps that are released again and again."""

    def __init__(self, installed: Installed, folder: Path, stack: ExitStack) -> None:
        self._installed = installed
        self._folder = folder
        self._versions = count(3)
        self._apps = cycle(APPS)
        working = working_team(installed.server, "observing", folder)
        self._namespace, self._forge = stack.enter_context(working)

    @contextmanager
    def operator(self, program: str, collector: str) -> Iterator[Running]:
        """Run one that is ready until the block ends, and forget what it released.

        Args:
            program: that is run.
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
            ALBUM_LOG_LEVEL="info",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector,
            OTEL_BSP_SCHEDULE_DELAY=SEND_MILLISECONDS,
            BENCH_SWITCHED=str(self._switched),
            PYTHONPATH=f"{OPERATOR}:{OURS}",
        ) as running:
            wait_until(running.is_ready, part=PART, what="become ready", seconds=WAIT_SECONDS)
            yield running
            self._forget()

    def switch(self, running: Running, way: str) -> dict[str, float]:
        """Let an operator go on in another way.

        Returns:
            Seconds that observing took since its start, by part.
        """
        self._switched.unlink(missing_ok=True)
        running.process.send_signal(SIGNALS[way])
        wait_until(self._switched.exists, part=PART, what="switch", seconds=WAIT_SECONDS)
        answer = json.loads(self._switched.read_text())
        if answer["signal"] != SIGNALS[way]:
            raise PartError(PART, f"the operator obeyed signal {answer['signal']}")
        return {part: answer["spent"].get(part, 0.0) for part in observed_operator.PARTS}

    def release(self, releases: int) -> float:
        """Release one app after the other.

        Returns:
            Seconds of `status.overhead`, of all of them.
        """
        return sum((self._release((next(self._apps),)) for _ in range(releases)), 0.0)

    def release_at_once(self, releases: int) -> None:
        """Release all apps at once, and again until there were so many."""
        for begun in range(0, releases, len(APPS)):
            self._release(APPS[: releases - begun])

    @property
    def _switched(self) -> Path:
        return self._folder / "switched"

    def _release(self, apps: tuple[str, ...]) -> float:
        version = f"v1.{next(self._versions)}.0"
        names = [f"{app}-{version}" for app in apps]
        for name in names:
            git(self._forge.git_dir(f"{OWNER}/album-app"), "tag", name, "main")
        for name in names:
            self._namespace.release(name, "album-app", name)
        overhead = 0.0
        for name in names:
            found = self._await_released(name)
            overhead += parse_overhead(found["status"]["overhead"]).total_seconds()
        return overhead

    def _await_released(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        path = f"{RELEASES.format(self._namespace.name)}/{name}"

        def is_released() -> bool:
            found.update(self._installed.server.request("GET", path).body)
            state = ready(found)
            if state.get("status") == "False":
                raise PartError(PART, f"a release failed: {state}")
            return state.get("reason") == "Released"

        wait_until(is_released, part=PART, what=f"release {name}", seconds=WAIT_SECONDS)
        return found

    def _forget(self) -> None:
        """Delete what would make lists longer than those of the operator before."""
        name = self._namespace.name
        for path in (
            RELEASES.format(name),
            f"/apis/batch/v1/namespaces/{name}/jobs",
            f"/api/v1/namespaces/{name}/pods",
        ):
            self._installed.server.request("DELETE", path)


def measure_observing(pairs: int, folder: Path) -> Observing:
    """Release with everything on and with everything off, in turns.

    Args:
        pairs: of runs.
        folder: an empty folder.

    Raises:
        PartError: a release failed, or does not end.
    """
    costs: dict[str, tuple[Cost, ...]] = dict.fromkeys(WAYS, ())
    spent = dict.fromkeys(observed_operator.PARTS, 0.0)
    for made in (below := folder / "api-server", desk := folder / "desk"):
        made.mkdir()
    with ExitStack() as stack:
        team = _Team(stack.enter_context(installing(below)), desk, stack)
        collector = stack.enter_context(listening())
        with team.operator(SWITCHED, collector.url) as running:
            # The first one clones, and starts the editor.
            team.release(1)
            _await_traces(collector, 1)
            for number in range(1, pairs + 1):
                with step(f"pair {number} of {pairs}, {RELEASES_OF_A_RUN} releases each"):
                    # What changes in time meets both alike.
                    for way in WAYS if number % 2 else reversed(WAYS):
                        before = team.switch(running, way)
                        costs[way] += (_run(team, running, way, collector),)
                        if way == ON:
                            after = team.switch(running, OFF)
                            spent = {
                                part: spent[part] + after[part] - before[part] for part in spent
                            }
        traces = _count_traces(collector) - 1
        releases = pairs * RELEASES_OF_A_RUN
        with step(f"{releases} releases beside the event loop"):
            lags = _measure_lags(team, releases, collector)
    a_release = {part: seconds / releases for part, seconds in spent.items()}
    return Observing(costs, a_release, traces, lags)


def observing_goals(found: Observing) -> tuple[Goal, ...]:
    """Give the goals."""
    is_whole = len(found.costs[ON]) >= COMPARED_PAIRS
    return (
        *(
            Goal(f"metrics, logs and traces, of a release's {name}", MOST_PERCENT,
                 at_least=False, unit=" %", measured=found.share(what) if is_whole else None)
            for what, name in NAMES.items()
        ),
        Goal(f"event loop later than {1000 * LATE_SECONDS:g} ms", LATE_PERCENT, at_least=False,
             unit=" %", measured=found.late if is_whole else None),
    )  # fmt: skip


def render_observing(found: Observing) -> Iterator[str]:
    """Give the lines of the report; the table is Markdown."""
    yield (
        f"{len(found.costs[ON])} pairs of runs of {RELEASES_OF_A_RUN} releases, one after another, "
        f"with metrics, logs and traces and without; the collector got {found.traces} traces:"
    )
    yield ""
    yield from table(HEADINGS, [_row(found, what) for what in NAMES])
    yield ""
    parts = (f"{part} {1000 * seconds:.2f}" for part, seconds in found.spent.items())
    yield f"Processor time that this took of a release, by its own clock, ms: {', '.join(parts)}."
    looks = found.lags[inf]
    later = (
        f"{looks - few} times later than {1000 * bound:g} ms"
        for bound, few in found.lags.items()
        if few < looks
    )
    yield f"Of {looks} looks the event loop was {', '.join(later) or 'never late'}."


def _row(found: Observing, what: str) -> tuple[str, ...]:
    more = found.more(what)
    return (
        f"{NAMES[what]}, s",
        *(f"{found.mean(way, what):.3f}" for way in WAYS),
        f"{more.percent:+.2f}",
        f"{more.error:.2f}",
    )


def _run(team: _Team, running: Running, way: str, collector: FakeCollector) -> Cost:
    known = _count_traces(collector)
    before = usage_of(running.process.pid).cpu
    if way == ON:
        running.find_answer("/metrics")
    overhead = team.release(RELEASES_OF_A_RUN)
    if way == ON:
        _await_traces(collector, known + RELEASES_OF_A_RUN)
    used = (usage_of(running.process.pid).cpu - before) / TICKS
    return Cost(used / RELEASES_OF_A_RUN, overhead / RELEASES_OF_A_RUN)


def _await_traces(collector: FakeCollector, expected: int) -> None:
    """Wait for so many, or more: a release of the run before may tell its end again."""
    try:
        wait_until(
            lambda: _count_traces(collector) >= expected,
            part=PART, what="send its traces", seconds=WAIT_SECONDS,
        )  # fmt: skip
    except PartError as error:
        there = _count_traces(collector)
        raise PartError(PART, f"{there} traces were sent, and not {expected}") from error


def _count_traces(collector: FakeCollector) -> int:
    return len({span.trace_id for span in collector.spans})


def _measure_lags(team: _Team, releases: int, collector: FakeCollector) -> dict[float, int]:
    with team.operator(OFTEN, collector.url) as running, _scraped(running):
        before = _read_lags(running)
        team.release_at_once(releases)
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
    """Ask for the metrics, as Prometheus does, until the block ends."""
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
