"""What a look of one namespace takes while another has many releases on a bad server."""

import asyncio
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from statistics import median

from album_operator.adapters.git.config_repository import GitConfigRepository
from album_operator.adapters.git.git import SHARES
from album_operator.adapters.servers.breakers import Breakers
from album_operator.adapters.servers.dialer import Address, Dialer, look_up
from album_operator.adapters.servers.gateway import Gateway
from album_operator.domain.errors import TransientError
from album_operator.domain.places import USERNAME, Credential, GitPlace
from album_operator.domain.reasons import Reason
from benchmarks.bad_servers import bad_server, dead_host
from benchmarks.goals import Goal
from benchmarks.layout import Layout
from benchmarks.pull_requests import PERCENT, percentile
from benchmarks.repositories import BASE
from benchmarks.served import GitServer
from benchmarks.tables import table
from benchmarks.tasks import WrongResultError
from testbed.progress import step

ALONE = "alone"
STALLING, SILENT, DEAD, NAMELESS = BAD = (
    "a stalling server", "a silent server", "a dead host", "names nobody answers for",
)  # fmt: skip

TIMES = 1.5
"""As long a look may take beside the others."""

ROUNDS = 5
"""In each, some looks beside everything: what else the machine does meets all alike."""

SETTLE_SECONDS = 2.0
"""For the others' first looks to be under way."""

FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 60.0
"""Of a release that met a trouble, in seconds, as a pass does it."""

HANGING = "hanging"

HEADINGS = ("beside", "releases there", "looks", "p50 s", f"p{PERCENT} s", "slowest s", "of alone")


@dataclass(frozen=True)
class Neighbours:
    """What was measured.

    Attributes:
        releases: of the other namespace.
        seconds: of each look, by what it was beside.
        refused: looks of the other namespace that ended in a trouble, by the same.
    """

    releases: int
    seconds: dict[str, tuple[float, ...]]
    refused: dict[str, int]

    def times(self, beside: str) -> float:
        """Give p95 beside something as a multiple of that alone."""
        alone = percentile(self.seconds[ALONE], PERCENT)
        return percentile(self.seconds[beside], PERCENT) / alone


def measure_neighbours(
    server: GitServer, repository: str, layout: Layout, releases: int, looks: int, folder: Path
) -> Neighbours:
    """Measure looks alone, and beside each kind of bad server.

    Args:
        server: serves the repository of the namespace that is measured.
        repository: its name there.
        layout: what is in it.
        releases: of the other namespace.
        looks: measured of each.
        folder: an empty folder for caches.

    Raises:
        OutsideError: a look failed.
        WrongResultError: a look saw something wrong.
    """
    seconds: dict[str, tuple[float, ...]] = dict.fromkeys((ALONE, *BAD), ())
    refused = dict.fromkeys(seconds, 0)
    place = _place(server.url("ours", repository), "ours")
    rounds = min(ROUNDS, looks)
    for number in range(1, rounds + 1):
        with step(f"looks beside bad servers, round {number} of {rounds}"):
            for beside in seconds:
                run = _Run(place, layout, ceil(looks / rounds), folder / "cache")
                with _others(beside, releases) as others:
                    seconds[beside] += asyncio.run(run.measure(server.host, others))
                refused[beside] += run.refused
                shutil.rmtree(folder / "cache")
    return Neighbours(releases, seconds, refused)


def neighbour_goals(found: Neighbours) -> tuple[Goal, ...]:
    """Give the goals."""
    return tuple(
        Goal(f"p{PERCENT} of a look beside {found.releases} releases on {beside}, over that alone",
             TIMES, at_least=False, unit="x", measured=found.times(beside))
        for beside in BAD
    )  # fmt: skip


def render_neighbours(found: Neighbours) -> Iterator[str]:
    """Give the lines of the report; the table is Markdown."""
    yield "Looks of one namespace while another has releases on a server that is no good:"
    yield ""
    yield from table(HEADINGS, [_row(found, beside) for beside in (ALONE, *BAD)])


def _row(found: Neighbours, beside: str) -> tuple[str, ...]:
    seconds = found.seconds[beside]
    figures = (median(seconds), percentile(seconds, PERCENT), max(seconds))
    return (
        beside,
        str(found.releases if beside != ALONE else 0),
        str(len(seconds)),
        *(f"{figure:.3f}" for figure in figures),
        f"{found.times(beside):.2f}",
    )


@dataclass(frozen=True)
class _Others:
    """Where the releases of the other namespace go.

    Attributes:
        places: one for each.
        hosts: of them, in plain HTTP.
        find: looks names up.
        is_asked: whether the first of them got there.
    """

    places: Sequence[GitPlace]
    hosts: frozenset[str]
    find: Callable[[str, int], Sequence[Address]]
    is_asked: Callable[[], bool]


@contextmanager
def _others(beside: str, releases: int) -> Iterator[_Others]:
    with ExitStack() as opened:
        hosts, find, is_asked = [], look_up, lambda: True
        if beside in (STALLING, SILENT):
            bad = opened.enter_context(bad_server(stalls=beside == STALLING))
            hosts, is_asked = [bad.host] * releases, bad.asked.is_set
        elif beside == DEAD:
            hosts = [opened.enter_context(dead_host())] * releases
        elif beside == NAMELESS:
            answers = threading.Event()
            opened.callback(answers.set)
            hosts = [f"{HANGING}-{number}.example.org:80" for number in range(releases)]

            def find(host: str, port: int) -> Sequence[Address]:
                if host.startswith(HANGING):
                    answers.wait()
                return look_up(host, port)

        places = [_place(f"http://{host}/config", "theirs") for host in hosts]
        yield _Others(places, frozenset(hosts), find, is_asked)


def _place(url: str, namespace: str) -> GitPlace:
    return GitPlace(url, Credential("benchmark", url, USERNAME, "not-asked-for"), namespace)


class _Run:
    """An adapter, as the operator constructs it, with looks of both namespaces.

    Attributes:
        refused: looks of the others that ended in a trouble.
    """

    def __init__(self, place: GitPlace, layout: Layout, looks: int, cache: Path) -> None:
        self.refused = 0
        self._place = place
        self._layout = layout
        self._looks = looks
        self._cache = cache

    async def measure(self, host: str, others: _Others) -> tuple[float, ...]:
        """Give the seconds of each look."""
        dialer = Dialer(find=others.find)
        gateway = Gateway(SHARES, Reason.GIT_UNAVAILABLE, Breakers(), dialer)
        adapter = GitConfigRepository(
            {host, *others.hosts}, gateway=gateway, cache_folder=self._cache
        )
        await self._look(adapter, 0)
        theirs = [asyncio.create_task(self._release(adapter, place)) for place in others.places]
        try:
            if theirs:
                await self._settle(others)
            return tuple([await self._look(adapter, number) for number in range(self._looks)])
        finally:
            for task in theirs:
                task.cancel()
            await asyncio.to_thread(adapter.close)
            dialer.close()

    async def _settle(self, others: _Others) -> None:
        deadline = time.monotonic() + SETTLE_SECONDS
        while not others.is_asked() or time.monotonic() < deadline:
            await asyncio.sleep(0.1)

    async def _look(self, adapter: GitConfigRepository, number: int) -> float:
        path = self._layout.values_path(number % self._layout.apps)
        began = time.perf_counter()
        seen = await adapter.look(self._place, BASE, [path], None)
        took = time.perf_counter() - began
        if path not in seen.files:
            raise WrongResultError(f"A look did not see {path}.")
        return took

    async def _release(self, adapter: GitConfigRepository, place: GitPlace) -> None:
        """Look again and again, with the pauses of a pass."""
        backoff = FIRST_BACKOFF
        while True:
            try:
                await adapter.look(place, BASE, ["values.yaml"], None)
            except TransientError as error:
                self.refused += 1
                asked = error.retry_after.total_seconds() if error.retry_after else 0.0
                await asyncio.sleep(max(backoff, asked))
                backoff = min(2 * backoff, LONGEST_BACKOFF)
