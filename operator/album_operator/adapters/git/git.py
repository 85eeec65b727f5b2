"""Git, run in bare repositories without a work tree, and told to trust nothing.

Every command gets a fixed argument vector, an environment of its own (no configuration of the
system or a user, no hooks, no proxy but the gateway's, one allowed protocol) and a hard time limit.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from album_operator.adapters.git.environment import (
    temporary_folder,
)
from album_operator.adapters.git.failures import LocalGitError, TokenRefusedError, unavailable
from album_operator.adapters.git.limits import (
    LIMITS,
    Limits,
)
from album_operator.adapters.git.process import (
    STOPPING,
    GitProcesses,
)
from album_operator.adapters.git.repository import Repository
from album_operator.adapters.git.room import make_rooms
from album_operator.adapters.git.wire.calls import Wire
from album_operator.adapters.servers.addresses import (
    check_found,
    check_git_address,
    check_git_credential,
    find_addresses,
    host_and_port,
    is_listed,
)
from album_operator.adapters.servers.deadline import Deadline
from album_operator.adapters.servers.gateway import REFUSED_PAUSE, Gateway
from album_operator.adapters.servers.networks import addresses_of
from album_operator.domain.errors import TransientError
from album_operator.domain.places import GitPlace
from album_operator.domain.reasons import Reason
from album_operator.slots import Shares

T = TypeVar("T")

TIME_LIMIT = timedelta(seconds=60)
"""Longest a single git command may take."""

COMMANDS = 2
"""How many commands that take as long a look or a push has time for, whatever it consists of."""

SHARES = Shares(total=8, namespace=5, host=6, pair=4, own=1)
"""How much of git runs at once: a process or two each, with what they hold in memory."""

IDLE_SECONDS = 30.0
"""How long a connection is kept for the next work: a release looks, builds, and looks again."""

THREADS = 1000
"""More than there are ever turns: who has one never waits for a thread."""


class Git:
    """Runs git for one port, a few works at a time, each in a thread.

    Args:
        insecure_hosts: `host[:port]` of servers that may be spoken to in plain HTTP.
        allowed_hosts: those that may be at an address of the node or the cluster.
        gateway: the way to servers; None for one of its own.
        time_limit: longest a single command may take; a whole work, `COMMANDS` times as long.
        folder: where throw-away folders are made; None for the system's temporary folder.
        limits: of each command.
    """

    def __init__(
        self,
        insecure_hosts: Collection[str],
        *,
        allowed_hosts: Collection[str] = (),
        gateway: Gateway | None = None,
        time_limit: timedelta = TIME_LIMIT,
        folder: Path | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        self._insecure_hosts = frozenset(insecure_hosts)
        self._allowed_hosts = frozenset(allowed_hosts)
        self._listed = self._insecure_hosts | self._allowed_hosts
        self._check_found = partial(check_found, listed=self._listed)
        self._gateway = gateway or Gateway(SHARES, Reason.GIT_UNAVAILABLE)
        self._limit = COMMANDS * time_limit
        self._processes = GitProcesses(time_limit, limits)
        self._rooms = make_rooms(limits)
        self._wire = Wire(self._processes, folder)
        self._folder = folder
        self._is_closed = False
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="git")

    def deadline(self) -> Deadline:
        """Give what several works that belong together may take in all."""
        return Deadline(self._limit)

    async def run(
        self,
        place: GitPlace,
        work: Callable[[Repository], T],
        kept: Path | None = None,
        deadline: Deadline | None = None,
    ) -> T:
        """Do some work with a repository in a thread, when it is its turn.

        Args:
            place: the repository on a server.
            work: what to do.
            kept: the bare repository to do it in; None for a throw-away one.
            deadline: of what the work is a part of; None where it is all.

        Raises:
            TerminalError: `HostNotAllowed` before anything is sent.
        """

        def run_in_repository(at: GitPlace) -> T:
            with self.open(at, kept, deadline) as repository:
                return work(repository)

        async def work_in_thread() -> T:
            if self._is_closed:
                raise unavailable(place, STOPPING)
            at = await self._locate(place) if dials else place
            return await loop.run_in_executor(self._threads, run_in_repository, at)

        self._check(place)
        loop = asyncio.get_running_loop()
        try:
            dials = self._dials(place)
            proxy, check = self._gateway.proxies.find(place.url), self._check_found
            run = partial(self._gateway.run, check=check, proxy=proxy)
            attempt = partial(run, place, work_in_thread, dials=dials)
            return await _twice_if_refused(attempt)
        finally:
            loop.call_later(IDLE_SECONDS, self._wire.close_idle, IDLE_SECONDS)

    @contextmanager
    def open(
        self, place: GitPlace, kept: Path | None = None, deadline: Deadline | None = None
    ) -> Iterator[Repository]:
        """Give a kept repository, or a throw-away one that is removed, for use in this thread."""
        self._check(place)
        if not place.addresses and place.proxy is None:
            place = self._look_up(place)
        deadline = deadline or self.deadline()
        try:
            with (
                deadline.running(),
                temporary_folder(self._folder) as folder,
                closing(
                    Repository(
                        self._processes,
                        place,
                        deadline,
                        folder,
                        self._wire,
                        self._rooms,
                        kept,
                        self._gateway.term,
                    )
                ) as repository,
            ):
                yield repository
        except OSError as error:
            raise LocalGitError("repository", error.strerror or str(error)) from error

    def _dials(self, place: GitPlace) -> bool:
        # Over SSH it is ssh that is told how long it may take; a path of this machine has none.
        return place.url.startswith("http")

    async def _locate(self, place: GitPlace) -> GitPlace:
        """Give a place with the addresses, or the proxy, it was just reached at."""
        if (proxy := self._gateway.proxies.find(place.url)) is not None:
            return replace(place, proxy=proxy)
        host, port = host_and_port(place.url)
        if is_listed(host, port, self._listed):
            return place
        try:
            found = await self._gateway.dialer.find(host, port)
        except OSError as error:
            raise _unresolved(place, error) from error
        self._check_found(host, port, found)
        return replace(place, addresses=addresses_of(found))

    def _look_up(self, place: GitPlace) -> GitPlace:
        if (proxy := self._gateway.proxies.find(place.url)) is not None:
            return replace(place, proxy=proxy)
        try:
            return replace(place, addresses=find_addresses(place.url, self._listed))
        except OSError as error:
            raise _unresolved(place, error) from error

    def _check(self, place: GitPlace) -> None:
        check_git_address(place.url, self._insecure_hosts, self._allowed_hosts)
        check_git_credential(place.credential, place.url)

    def close(self) -> None:
        """Kill what runs and take no more work."""
        self._is_closed = True
        self._processes.close()
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._wire.close_idle()


def _unresolved(place: GitPlace, error: OSError) -> TransientError:
    return unavailable(place, f"Could not resolve its host ({error.strerror or error})")


async def _twice_if_refused(attempt: Callable[[], Awaitable[T]]) -> T:
    try:
        return await attempt()
    except TokenRefusedError:
        await asyncio.sleep(REFUSED_PAUSE.total_seconds())
        return await attempt()
