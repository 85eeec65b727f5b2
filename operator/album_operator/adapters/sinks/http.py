"""Posting notifications to sinks over HTTP, each try signed anew."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import aiohttp
import yarl

from album_operator.adapters.foreign_words import WORDS_LENGTH
from album_operator.adapters.servers.addresses import check_found
from album_operator.adapters.servers.gateway import Gateway
from album_operator.adapters.servers.http_times import parse_retry_after, time_of
from album_operator.adapters.servers.sessions import Sessions
from album_operator.adapters.servers.statuses import RETRIED
from album_operator.adapters.servers.tunnels import refused_by
from album_operator.adapters.sinks.addresses import find_fault
from album_operator.domain.errors import TerminalError, TransientError, UnansweredError
from album_operator.domain.names import origin_of, server_of
from album_operator.domain.notifications import Letter, Sink
from album_operator.domain.reasons import Reason
from album_operator.domain.redaction import Redactor, head
from album_operator.render.webhook import headers_of
from album_operator.slots import Shares

TIME_LIMIT = timedelta(seconds=20)
"""Longest a try may take in all."""

SHARES = Shares(total=16, namespace=8, host=8, pair=4, own=1)
"""How many tries are on their way at once."""

LIMITED = 429

WHY = Reason.FORGE_UNAVAILABLE
"""Of errors, which no status shows: a sink's troubles are no release's."""


@dataclass(frozen=True)
class _Target:
    """Whose sink it is, and where."""

    namespace: str
    server: str


@dataclass(frozen=True)
class _Answer:
    """What came of a try.

    Attributes:
        wait: how long the sink wants not to be asked, None where it does not say.
    """

    status: int
    wait: timedelta | None


class HttpSinks:
    """Posts letters.

    Args:
        insecure_hosts: `host[:port]` of sinks that may be spoken to in plain HTTP.
        allowed_hosts: those that may be at an address of the node or the cluster.
        gateway: the way to servers; None for one of its own.
        time_limit: longest a try may take in all.
    """

    def __init__(
        self,
        insecure_hosts: Collection[str],
        allowed_hosts: Collection[str] = (),
        gateway: Gateway | None = None,
        time_limit: timedelta = TIME_LIMIT,
    ) -> None:
        self._insecure_hosts = frozenset(insecure_hosts)
        self._allowed_hosts = frozenset(allowed_hosts)
        self._gateway = gateway or Gateway(SHARES, WHY)
        check = partial(check_found, listed={*insecure_hosts, *allowed_hosts})
        self._check = check
        self._sessions = Sessions(self._gateway, check, time_limit)

    async def close(self) -> None:
        """Close all connections."""
        await self._sessions.close()

    async def post(self, sink: Sink, letter: Letter, now: datetime) -> None:
        """Try once to post a letter; a redirect is not followed.

        Raises:
            TransientError: a later try may succeed.
            TerminalError: none will.
        """
        where = origin_of(sink.url)
        fault = find_fault(sink.url, self._insecure_hosts, self._allowed_hosts)
        if fault is not None:
            raise _refused(where, fault)
        try:
            answer = await self._gateway.run(
                _Target(sink.owner, server_of(sink.url)),
                lambda: self._exchange(sink, letter, now),
                check=self._check,
                proxy=self._gateway.proxies.find(sink.url),
                find_failure=_find_failure,
            )
        except TerminalError as error:
            said = f"it leads to an address of the node or the cluster ({server_of(sink.url)} is "
            raise _refused(where, f"{said}not in ALBUM_ALLOWED_HOSTS)") from error
        said = f"HTTP status {answer.status}"
        message = f"{where} takes no notification now: {said}."
        if answer.status == LIMITED:
            raise TransientError(WHY, message, answer.wait)
        if answer.status in RETRIED or answer.status >= 500:
            raise UnansweredError(WHY, message, said, answer.wait)
        if answer.status >= 400:
            raise _refused(where, f"it answers with HTTP status {answer.status}")
        if answer.status >= 300:
            said = f"it redirects (HTTP status {answer.status}), which is not followed"
            raise _refused(where, said)

    async def _exchange(self, sink: Sink, letter: Letter, now: datetime) -> _Answer:
        proxy = self._gateway.proxies.find(sink.url)
        self._gateway.term.check()
        try:
            async with self._sessions.through(proxy).post(
                yarl.URL(sink.url, encoded=True),
                headers=headers_of(sink, letter, now),
                data=letter.body,
                # What stands in it is for this host alone.
                allow_redirects=False,
                proxy=proxy.url if proxy is not None else None,
                proxy_headers=proxy.headers if proxy is not None else None,
            ) as response:
                # No word of the answer is of interest, and it may have no end.
                told = response.headers
                wait = parse_retry_after(told.get("Retry-After"), time_of(told.get("Date")))
                return _Answer(response.status, wait)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            if proxy is not None and isinstance(error, aiohttp.ClientHttpProxyError):
                said = refused_by(proxy, error.status)
            else:
                said = _words(sink, error)
            message = f"{origin_of(sink.url)} takes no notification now: {said}."
            raise UnansweredError(WHY, message, said) from None


def _refused(where: str, said: str) -> TerminalError:
    return TerminalError(Reason.HOST_NOT_ALLOWED, f"{where} is told nothing: {said}.")


def _find_failure(answer: _Answer) -> str | None:
    """Say what of an answer is the server's own failure (RFC 9110, section 15.6)."""
    return f"HTTP status {answer.status}" if answer.status >= 500 else None


def _words(sink: Sink, error: Exception) -> str:
    if isinstance(error, aiohttp.ClientResponseError):
        return "its answer is no HTTP"  # The library's words have the whole URL in them.
    said = str(error) or type(error).__name__
    return head(Redactor([sink.words]).clean(said), WORDS_LENGTH)
