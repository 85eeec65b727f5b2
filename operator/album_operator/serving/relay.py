"""Webhooks that come to an operator which does not lead: they go on to the leader, unread."""

import time
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_address

import aiohttp
import yarl
from aiohttp import web
from aiohttp.typedefs import Handler

from album_operator.domain.candidacy import Leader
from album_operator.serving.lines import Lines
from album_operator.term import Term

HANDED_ON = "Album-Handed-On"
"""Header of what was handed on: who has it hands it on to nobody, so that none goes round."""

SECONDS, CONNECT_SECONDS = 10.0, 2.0
"""How long the leader may take; GitHub waits ten seconds for an answer."""

AT_ONCE = 100
"""Requests that are handed on at once; each holds some 128 KiB."""

RETRY_AFTER = {"Retry-After": "5"}

OWN_HOP = frozenset({"host", "connection", "keep-alive", "te", "trailer", "transfer-encoding"}) | {
    "upgrade", "proxy-authenticate", "proxy-authorization",
}  # fmt: skip
"""Headers that are about one connection (RFC 9110, section 7.6.1)."""


class Relay:
    """Hands requests on.

    No body is read: it is as long as the leader takes it, and whose signature is good is the
    leader's to say, which alone remembers what was delivered before.

    Args:
        find_leader: gives who leads; None for nobody.
        term: of this operator.
        port: at which the leader takes webhooks, as this operator does.
    """

    def __init__(self, find_leader: Callable[[], Leader | None], term: Term, port: int) -> None:
        self._find_leader = find_leader
        self._term = term
        self._port = port
        self._lines = Lines(time.monotonic)
        self._count = 0
        self._session: aiohttp.ClientSession | None = None

    def join(self, application: web.Application) -> None:
        """Stand before an application that does what only the leader does."""

        @web.middleware
        async def hand_on(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._handle(request, handler)

        application.middlewares.append(hand_on)
        application.cleanup_ctx.append(self._connected)

    async def _connected(self, _: web.Application) -> AsyncIterator[None]:
        timeout = aiohttp.ClientTimeout(total=SECONDS, sock_connect=CONNECT_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as self._session:
            yield

    async def _handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._term.is_running or request.match_info.http_exception is not None:
            return await handler(request)
        leader = self._find_leader()
        if HANDED_ON in request.headers or leader is None:
            return _unavailable()
        if self._count >= AT_ONCE or self._session is None:
            return _unavailable()
        self._count += 1
        try:
            return await self._hand_on(self._session, request, leader)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            words = f"Webhooks cannot be handed on to {leader.identity}: {error!r}"
            self._lines.warn("relay", words)
            return _unavailable()
        finally:
            self._count -= 1

    async def _hand_on(
        self, session: aiohttp.ClientSession, request: web.Request, leader: Leader
    ) -> web.StreamResponse:
        host = str(ip_address(leader.address))
        url = yarl.URL.build(scheme="http", host=host, port=self._port).join(request.rel_url)
        headers = [(name, value) for name, value in request.headers.items()
                   if name.lower() not in OWN_HOP]  # fmt: skip
        headers.append((HANDED_ON, "1"))
        async with session.request(
            request.method, url, headers=headers, data=request.content, allow_redirects=False
        ) as answer:
            wait = answer.headers.get("Retry-After")
            return web.Response(
                status=answer.status, headers={"Retry-After": wait} if wait else None
            )


def _unavailable() -> web.Response:
    return web.Response(status=503, headers=RETRY_AFTER)
