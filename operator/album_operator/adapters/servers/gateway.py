"""The one way to servers that tenants name: in turn, and not to those that do not answer."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from album_operator.adapters.servers.breakers import Breakers
from album_operator.adapters.servers.dialer import Check, Dialer, accept
from album_operator.domain.errors import NoConnectionError, UnansweredError
from album_operator.domain.proxies import DIRECTLY, Proxies, Proxy
from album_operator.domain.reasons import Reason
from album_operator.domain.requests import (
    TellRequest,
    judge_error,
    judge_status,
    tell_nobody,
)
from album_operator.slots import Shares, Slots
from album_operator.term import Term

T = TypeVar("T")

REFUSED_PAUSE = timedelta(seconds=2)
"""After which a token that was refused is tried once more."""


class Place(Protocol):
    """Where a work goes, and whose it is."""

    @property
    def namespace(self) -> str:
        """Of the release."""

    @property
    def server(self) -> str:
        """`host:port`."""


class _FailedAnswerError(UnansweredError):
    """What came is the server's own failure; whoever asked is given it as it is."""

    def __init__(self, reason: Reason, said: str, answer: Any) -> None:  # noqa: ANN401 - any work's
        super().__init__(reason, said, said)
        self.answer = answer


class Gateway:
    """Lets works go to servers.

    Args:
        shares: how many go at once.
        reason: of the error where one is not let go.
        breakers: know which servers do not answer; of all gateways of a process.
        dialer: tries connections; of all gateways of a process.
        proxies: through which works go.
        term: in which works may write; None for always.
        tell: is told of each work that went.

    Attributes:
        dialer: knows the addresses of where a work goes.
        term: asked right before each write.
        proxies: tell through which proxy it does.
    """

    def __init__(
        self,
        shares: Shares,
        reason: Reason,
        breakers: Breakers | None = None,
        dialer: Dialer | None = None,
        proxies: Proxies = DIRECTLY,
        term: Term | None = None,
        tell: TellRequest = tell_nobody,
    ) -> None:
        self._tell = tell
        self._slots = Slots(shares)
        self._reason = reason
        self._breakers = breakers or Breakers()
        self.dialer = dialer or Dialer()
        self.proxies = proxies
        self.term = term or Term.endless()

    async def run(
        self,
        place: Place,
        work: Callable[[], Awaitable[T]],
        *,
        dials: bool = True,
        check: Check = accept,
        proxy: Proxy | None = None,
        find_failure: Callable[[T], str | None] = lambda _: None,
    ) -> T:
        """Do a work when it is its turn; it goes on when nobody waits for it any more.

        Args:
            place: where it goes.
            work: raises `UnansweredError` where the server did not answer.
            dials: whether to see first that the server takes a connection.
            check: refuses a server by its addresses, before it is connected to.
            proxy: through which the work goes: then it is the proxy that is connected to, and the
                server's addresses are nobody's to know here.
            find_failure: says what of an answer is the server's own failure, None for nothing.

        Raises:
            TransientError: the server does not answer, and is left alone for a while.
        """
        # Whoever is refused in its turn has waited for those before it in vain.
        self._breakers.check(place.namespace, place.server, self._reason)

        async def attempt() -> T:
            try:
                with (
                    self._breakers.attempt(place.namespace, place.server, self._reason),
                    self._counted(place.server) as answers,
                ):
                    if dials:
                        await self._reach(place, check, proxy)
                    done = await self._do(place, work, find_failure, proxy)
                    answers.append(done)
                    return done
            except _FailedAnswerError as failed:
                answer: T = failed.answer
                return answer

        return await self._slots.run(
            place.namespace, place.server, lambda: asyncio.ensure_future(attempt())
        )

    @contextmanager
    def _counted(self, server: str) -> Iterator[list[Any]]:
        """Tell of a work that goes, with what is put into the list as its answer."""
        begun, answers = time.monotonic(), list[Any]()
        try:
            yield answers
        except Exception as error:
            self._tell(server, judge_error(error), time.monotonic() - begun)
            raise
        is_challenge = self._reason is Reason.REGISTRY_UNAVAILABLE
        status = getattr(answers[0], "status", None)
        result = judge_status(status, is_challenge=is_challenge)
        self._tell(server, result, time.monotonic() - begun)

    async def _reach(self, place: Place, check: Check, proxy: Proxy | None) -> None:
        """See that the server takes a connection, or the proxy in its stead."""
        if proxy is None:
            await self.dialer.reach(place.namespace, place.server, self._reason, check)
            return
        try:
            await self.dialer.reach(place.namespace, proxy.server, self._reason)
        except NoConnectionError as error:
            said = f"its proxy {proxy.server} cannot be reached: {error.said}"
            message = f"{place.server} cannot be reached: {said}."
            raise NoConnectionError(self._reason, message, said) from error

    async def _do(
        self,
        place: Place,
        work: Callable[[], Awaitable[T]],
        find_failure: Callable[[T], str | None],
        proxy: Proxy | None,
    ) -> T:
        try:
            answer = await work()
        except UnansweredError:
            self.dialer.forget(proxy.server if proxy is not None else place.server)
            raise
        if (said := find_failure(answer)) is not None:
            raise _FailedAnswerError(self._reason, said, answer)
        return answer
