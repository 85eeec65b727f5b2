"""What many releases that wait in one repository of GitHub ask, tick by tick.

The watch is the operator's own, on a clock that is moved by hand. The releases are played: each
reads its pull request through the watch, as step Merged does, when it begins to wait, when it is
woken, and when it was not for `MERGE_LOOK`.
"""

import asyncio
import http.client
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from album_operator.adapters.github.gate import BATCH
from album_operator.adapters.github.pull_requests import GitHubPullRequests
from album_operator.decisions.merge import LOOK as MERGE_LOOK
from album_operator.domain.pull_requests import PullRequestState
from album_operator.settings import read_settings
from album_operator.waking.pull_request_watch import QUICK, PullRequestWatch
from benchmarks import plain_git
from benchmarks.operator import Home, values_files
from benchmarks.release_requests import OWNER, lists_of, make_home
from benchmarks.repositories import BASE, commit_stream
from benchmarks.tasks import WrongResultError
from testbed.github.server import GitHubServer
from testbed.github.site import LoggedRequest
from testbed.progress import step

POLL = read_settings(
    {"ALBUM_NAMESPACES": "album", "ALBUM_OPERATOR_IMAGE": "unused"}
).merge_poll.total_seconds()
"""Seconds between two lists, as the operator has them unless it is told otherwise."""

UNCHANGED, LOOK, MERGE = "unchanged", "unchanged, with reviews and checks", "with one merge"
"""Kinds of ticks."""

SPANS = {"the first ten minutes": QUICK, "the hour after them": MERGE_LOOK}
"""Times over which requests a minute are counted: until lists come less often, and as long as it
takes until each release has once looked by itself."""

TICKS_TO_SETTLE = 5
"""GitHub looks for conflicts once it was asked, and the watch tells of what it then finds."""


@dataclass(frozen=True)
class Tick:
    """Requests of a tick, or of a longer time.

    Attributes:
        lists: of pull requests that changed, a 304 included.
        pages: queries of GraphQL, each of at most 50 pull requests.
        counted: those that count against the hour's limit.
    """

    lists: int
    pages: int
    counted: int


@dataclass(frozen=True)
class Waiting:
    """What so many waiting pull requests cost.

    Attributes:
        pull_requests: how many.
        ticks: by kind.
        spans: from the first tick on, by name.
        one_by_one: of a tick of the baseline, one GET for each pull request.
    """

    pull_requests: int
    ticks: dict[str, Tick]
    spans: dict[str, Tick]
    one_by_one: Tick

    @property
    def most_pages(self) -> int:
        """Pages that hold all the pull requests."""
        return math.ceil(self.pull_requests / BATCH)

    def per_minute(self, span: str) -> float:
        """Counted requests a minute over a time of `SPANS`."""
        return self.spans[span].counted / (SPANS[span].total_seconds() / 60)

    @property
    def one_by_one_per_minute(self) -> float:
        """Counted requests a minute of the baseline, asked as often as the watch lists."""
        return self.one_by_one.counted * 60 / POLL


def measure_waiting(server: GitHubServer, sizes: tuple[int, ...]) -> tuple[Waiting, ...]:
    """Measure each number of waiting pull requests in a repository of its own.

    Raises:
        WrongResultError: the watch did not tell of a merge.
        OutsideError: the adapter's.
    """
    measured = []
    for size in sizes:
        with step(f"{size} pull requests waiting"):
            measured.append(asyncio.run(_measure(server, _fill(server, size), size)))
    return tuple(measured)


def _fill(server: GitHubServer, size: int) -> Home:
    """Make a repository with so many open pull requests, each of another file."""
    files = values_files([f"app-{number:03d}" for number in range(1, size + 1)])
    home = make_home(server, f"waiting-{size}", files)
    folder = server.git_dir(home.repository)
    changes = {f"release/{path.split('/')[0]}": {path: data + b"# new\n"}
               for path, data in files.items()}  # fmt: skip
    plain_git.fast_import(folder, _branches(changes))
    for branch in changes:
        server.open_pull(home.repository, branch, BASE, OWNER)
    return home


def _branches(changes: dict[str, dict[str, bytes]]) -> Iterator[bytes]:
    for branch, files in changes.items():
        yield from commit_stream(files, branch)


class _Waiters:
    """Releases that wait, and the watch that wakes them."""

    def __init__(self, server: GitHubServer, home: Home, forge: GitHubPullRequests) -> None:
        self._server = server
        self._place = home.place
        self._told: list[int] = []
        self._now = 0.0
        self._watch = PullRequestWatch(
            forge,
            timedelta(seconds=POLL),
            lambda _, number: self._told.append(number),
            lambda: self._now,
        )
        self._asked: dict[int, float] = {}

    async def begin(self, size: int) -> None:
        """Let all begin to wait."""
        for number in range(1, size + 1):
            await self._read(number)

    async def tick(self) -> Tick:
        """Let one tick of the watch pass, and the releases it wakes read."""
        taken = len(self._server.requests)
        self._now += POLL
        await self._watch.ask_due()
        told, self._told = self._told, []
        for number in told:
            await self._read(number)
        return self._count(taken)

    async def pass_time(self, span: timedelta) -> Tick:
        """Let time pass in which nothing changes."""
        taken = len(self._server.requests)
        for _ in range(int(span.total_seconds() / POLL)):
            await self.tick()
            for number, asked in list(self._asked.items()):
                if self._now - asked >= MERGE_LOOK.total_seconds():
                    await self._read(number)
        return self._count(taken)

    async def merge(self, repository: str, number: int) -> Tick:
        """Let somebody merge, and one tick pass."""
        self._server.merge_pull(repository, number, OWNER)
        ticked = await self.tick()
        if number in self._asked:
            raise WrongResultError(f"The watch did not tell of the merge of #{number}.")
        return ticked

    async def _read(self, number: int) -> None:
        seen = await self._watch.get(self._place, number)
        self._asked[number] = self._now
        if seen.state is not PullRequestState.OPEN:
            del self._asked[number]

    def _count(self, taken: int) -> Tick:
        return _count_requests(self._server.requests[taken:])


def _count_requests(requests: Sequence[LoggedRequest]) -> Tick:
    return Tick(
        lists=len(lists_of(requests)),
        pages=sum(each.operation == "graphql" for each in requests),
        counted=sum(each.is_counted for each in requests),
    )


async def _measure(server: GitHubServer, home: Home, size: int) -> Waiting:
    forge = GitHubPullRequests({home.host})
    try:
        patient = _Waiters(server, home, forge)
        await patient.begin(size)
        spans = {name: await patient.pass_time(span) for name, span in SPANS.items()}
        ticks = await _measure_ticks(_Waiters(server, home, forge), home, size)
    finally:
        await forge.close()
    return Waiting(size, ticks, spans, _ask_one_by_one(server, home, size))


async def _measure_ticks(waiters: _Waiters, home: Home, size: int) -> dict[str, Tick]:
    await waiters.begin(size)
    for _ in range(TICKS_TO_SETTLE):
        await waiters.tick()
    # Reviews and checks are looked at in every second tick; here they have just been.
    if not (await waiters.tick()).pages:
        await waiters.tick()
    return {
        UNCHANGED: await waiters.tick(),
        LOOK: await waiters.tick(),
        MERGE: await waiters.merge(home.repository, size),
    }


def _ask_one_by_one(server: GitHubServer, home: Home, size: int) -> Tick:
    """Ask for each pull request by a GET of its own, as Kargo and GitOps Promoter do."""
    taken = len(server.requests)
    base = urlsplit(home.api_url)
    headers = {"Authorization": f"Bearer {home.token}", "User-Agent": "benchmark"}
    connection = http.client.HTTPConnection(base.netloc, timeout=60)
    try:
        for number in range(1, size + 1):
            path = f"{base.path}/repos/{home.repository}/pulls/{number}"
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise WrongResultError(f"GET {path}: {answer.status}")
    finally:
        connection.close()
    return _count_requests(server.requests[taken:])
