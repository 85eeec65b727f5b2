"""Turns for work that is bounded: fair between namespaces, so that none waits for another's load.

Of those that wait, namespaces take turns, in a namespace its hosts do, and at one host who asked
first goes first. Nothing here has a thread or a clock: who gets a turn does the work wherever it
likes, and has its own deadline.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from album_operator.stopwatch import queueing

T = TypeVar("T")

Turn = asyncio.Future[None]


@dataclass(frozen=True)
class Shares:
    """How much runs at once; each is at least 1, but for `own`.

    Attributes:
        total: of all, not counting what is a namespace's own.
        namespace: of one namespace, at all hosts together: many hosts are no larger share.
        host: at one host, of all namespaces.
        pair: of one namespace at one host; less than `namespace` leaves room for its other hosts.
        own: of a namespace that run whatever the others do; `total` and `host` do not keep it back.
    """

    total: int
    namespace: int
    host: int
    pair: int
    own: int = 0


class Slots:
    """Lets a bounded number of works run at once.

    A waiting work is one that has no room: whoever ends makes room for all that then have it, so
    nobody is passed by because others come more often.

    Args:
        shares: how much runs at once.
    """

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._of_namespace: Counter[str] = Counter()
        self._at_host: Counter[str] = Counter()
        self._of_pair: Counter[tuple[str, str]] = Counter()
        # Both in the order in which they get their next turn.
        self._waiting: dict[str, dict[str, deque[Turn]]] = {}

    @property
    def running(self) -> int:
        """How many works run."""
        return self._of_namespace.total()

    @property
    def waiting(self) -> int:
        """How many works wait."""
        return sum(len(turns) for hosts in self._waiting.values() for turns in hosts.values())

    @asynccontextmanager
    async def hold(self, namespace: str, host: str = "") -> AsyncIterator[None]:
        """Wait for a turn, and have it while the context is open.

        Args:
            namespace: whose work it is.
            host: where it goes, such as `https://git.example.org`; empty where it goes nowhere.
        """
        await self._take(namespace, host)
        try:
            yield
        finally:
            self._give_back(namespace, host)

    async def run(self, namespace: str, host: str, begin: Callable[[], asyncio.Future[T]]) -> T:
        """Wait for a turn, and have it until some work ends that no cancellation does.

        A thread goes on when nobody waits for it any more; else whoever deletes and makes releases
        would have as many turns as they like.

        Args:
            namespace: as of `hold`.
            host: as of `hold`.
            begin: begins the work.
        """
        await self._take(namespace, host)
        try:
            work = begin()
        except BaseException:
            self._give_back(namespace, host)
            raise

        def end(_: asyncio.Future[T]) -> None:
            self._give_back(namespace, host)
            if not work.cancelled():
                # Nobody may be there any more to be told; that is no bug.
                work.exception()

        work.add_done_callback(end)
        return await asyncio.shield(work)

    async def _take(self, namespace: str, host: str) -> None:
        if self._has_room(namespace, host):
            self._count(namespace, host, 1)
            return
        turn: Turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(namespace, {}).setdefault(host, deque()).append(turn)
        try:
            with queueing():
                await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                # It was given in the same moment.
                self._give_back(namespace, host)
            self._leave(namespace, host, turn)
            raise

    def _leave(self, namespace: str, host: str, turn: Turn) -> None:
        """Wait no more, if this was not noticed yet."""
        turns = self._waiting.get(namespace, {}).get(host, deque())
        if turn in turns:
            turns.remove(turn)
            self._forget_empty(namespace, host)

    def _has_room(self, namespace: str, host: str) -> bool:
        shares, running = self._shares, self._of_namespace[namespace]
        if running < shares.own:
            return True
        owned = sum(min(number, shares.own) for number in self._of_namespace.values())
        return (
            running < shares.namespace
            and self._of_pair[namespace, host] < shares.pair
            and self._at_host[host] < shares.host
            and self.running - owned < shares.total
        )

    def _count(self, namespace: str, host: str, change: int) -> None:
        _add(self._of_namespace, namespace, change)
        _add(self._at_host, host, change)
        _add(self._of_pair, (namespace, host), change)

    def _give_back(self, namespace: str, host: str) -> None:
        self._count(namespace, host, -1)
        self._pass_on()

    def _pass_on(self) -> None:
        """Give a turn to each that has room now, one at a time."""
        while (first := next(self._with_room(), None)) is not None:
            namespace, host = first
            hosts = self._waiting[namespace]
            turn = hosts[host].popleft()
            if not turn.cancelled():
                self._count(namespace, host, 1)
                turn.set_result(None)
            # Both go to the end, behind all that wait as well.
            hosts[host] = hosts.pop(host)
            self._waiting[namespace] = self._waiting.pop(namespace)
            self._forget_empty(namespace, host)

    def _with_room(self) -> Iterator[tuple[str, str]]:
        for namespace, hosts in self._waiting.items():
            for host in hosts:
                if self._has_room(namespace, host):
                    yield namespace, host

    def _forget_empty(self, namespace: str, host: str) -> None:
        if not self._waiting[namespace][host]:
            del self._waiting[namespace][host]
        if not self._waiting[namespace]:
            del self._waiting[namespace]


def _add(counter: Counter[T], key: T, change: int) -> None:
    counter[key] += change
    if not counter[key]:
        # A counter keeps its zeros, and a tenant can name any number of hosts.
        del counter[key]
