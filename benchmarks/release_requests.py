"""What one release asks of GitHub from its proposal until it knows of its merge."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from album_operator.adapters.github.pull_requests import GitHubPullRequests
from album_operator.domain.forges import ForgeType
from benchmarks import plain_git
from benchmarks.operator import WEBHOOK_SECRET, Home, Operator, values_files
from benchmarks.repositories import commit_stream
from testbed.commands import PartError
from testbed.github.server import GitHubServer
from testbed.github.site import LoggedRequest

OWNER, APP = "octo", "backend"

POLL = timedelta(seconds=1)
"""Between two lists here, which cost nothing while nothing changes."""

WAIT_SECONDS = 60

BEFORE, PROPOSE, WAIT, NOTICE, ALL = "check", "propose", "wait", "merged", "propose to merged"
"""Parts of a release; the first comes before its build, and is not in its sum."""


@dataclass(frozen=True)
class Asked:
    """One request.

    Attributes:
        part: of the release.
        path: with `{repository}` and `{number}` in place of what differs.
        is_counted: against the hour's limit; a 304 is not.
        creates_content: counted against the limit of what others are told of.
    """

    part: str
    method: str
    path: str
    status: int
    is_counted: bool
    creates_content: bool


@dataclass(frozen=True)
class ReleaseRequests:
    """The requests of one release, in order; `way` is how it was configured."""

    way: str
    asked: tuple[Asked, ...]

    @property
    def counted(self) -> int:
        """How many counted from the proposal on."""
        return sum(each.is_counted for each in self.asked if each.part != BEFORE)

    @property
    def content(self) -> int:
        """How many created content from the proposal on."""
        return sum(each.creates_content for each in self.asked if each.part != BEFORE)


@dataclass(frozen=True)
class _Way:
    name: str
    pull_request: Mapping[str, Any] | None = None
    has_webhook: bool = False


WAYS = (
    _Way("polling, merged by a person"),
    _Way("webhooks, merged by a person", has_webhook=True),
    _Way("polling, merge: Auto", {"merge": "Auto"}),
)
"""The first is what the goal is about."""


def measure_release_requests(server: GitHubServer, folder: Path) -> tuple[ReleaseRequests, ...]:
    """Run a release in each way.

    Raises:
        PartError: a release did not get on.
        OutsideError: the adapter's.
    """
    measured = []
    for number, way in enumerate(WAYS):
        below = folder / f"way-{number}"
        below.mkdir()
        home = make_home(server, f"release-{number}", values_files([APP]))
        asked = asyncio.run(_run(server, home, way, below))
        measured.append(ReleaseRequests(way.name, asked))
    return tuple(measured)


def make_home(server: GitHubServer, name: str, files: Mapping[str, bytes]) -> Home:
    """Make a repository with these files, and a token of its owner."""
    repository = f"{OWNER}/{name}"
    folder = server.make_repository(repository, private=True, allow_auto_merge=True)
    plain_git.fast_import(folder, commit_stream(files))
    token = server.make_token(OWNER)
    return Home(server.url, server.api_url, repository, token, ForgeType.GITHUB)


async def _run(server: GitHubServer, home: Home, way: _Way, folder: Path) -> tuple[Asked, ...]:
    forge = GitHubPullRequests({home.host})
    wish = dict(way.pull_request) if way.pull_request is not None else None
    operator = Operator(home, forge, folder, [APP], POLL, wish)
    log = _Log(server, home.repository)
    try:
        async with operator.running(), operator.receiving() as webhooks:
            if way.has_webhook:
                server.make_hook(home.repository, f"{webhooks}/github", WEBHOOK_SECRET)
            await operator.release(APP)
            log.take(BEFORE)
            operator.finish_build(APP)
            if wish is None:
                number = await operator.wait_until_proposed(APP)
                log.take(PROPOSE)
                await log.wait_for_look()
                log.take(WAIT)
                server.merge_pull(home.repository, number, OWNER)
            await operator.wait_until_merged(APP)
            log.take(NOTICE if wish is None else ALL)
    finally:
        await forge.close()
    return tuple(log.asked)


class _Log:
    """Takes what was asked of the server since it was looked at last."""

    def __init__(self, server: GitHubServer, repository: str) -> None:
        self._server = server
        self._repository = repository
        self._taken = len(server.requests)
        self.asked: list[Asked] = []

    def take(self, part: str) -> None:
        new = self._server.requests[self._taken :]
        self._taken += len(new)
        self.asked += [self._show(part, each) for each in new if each.operation != "git"]

    async def wait_for_look(self) -> None:
        """Wait until the watch has looked at reviews and checks, as it does every minute at most.

        Raises:
            PartError: it does not.
        """
        for _ in range(int(WAIT_SECONDS / POLL.total_seconds())):
            await asyncio.sleep(POLL.total_seconds())
            if any(each.operation == "graphql" for each in self._server.requests[self._taken :]):
                return
        raise PartError("operator", "the watch does not look at reviews and checks")

    def _show(self, part: str, each: LoggedRequest) -> Asked:
        path = each.path.removeprefix("/api").removeprefix("/v3")
        path = path.replace(f"/repos/{self._repository}", "/repos/{repository}")
        path = re.sub(r"/[0-9]+(?=/|$)", "/{number}", path)
        return Asked(part, each.method, path, each.status, each.is_counted, each.creates_content)


def lists_of(requests: Sequence[LoggedRequest]) -> list[LoggedRequest]:
    """Give those that list pull requests."""
    return [each for each in requests if each.operation == "pulls/list"]
