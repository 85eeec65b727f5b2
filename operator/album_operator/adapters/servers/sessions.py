"""Connections of aiohttp to servers that tenants name, each looked at before it is made."""

import ssl
from datetime import timedelta

import aiohttp

from album_operator.adapters.servers.dialer import Check, accept
from album_operator.adapters.servers.gateway import Gateway
from album_operator.adapters.servers.resolver import Resolver
from album_operator.domain.proxies import Proxy

CONNECT_LIMIT = timedelta(seconds=5)
"""Longest a connection may take: a host that drops packets is told sooner than a slow answer."""


class Sessions:
    """Keeps connections open, those through a proxy apart.

    Args:
        gateway: the way to the servers.
        check: refuses a server by its addresses.
        time_limit: longest a request may take in all.
    """

    def __init__(self, gateway: Gateway, check: Check, time_limit: timedelta) -> None:
        self._gateway = gateway
        self._check = check
        self._timeout = aiohttp.ClientTimeout(
            total=time_limit.total_seconds(), sock_connect=CONNECT_LIMIT.total_seconds()
        )
        self._sessions: dict[Proxy | None, aiohttp.ClientSession] = {}

    def through(self, proxy: Proxy | None) -> aiohttp.ClientSession:
        """Give the session of a proxy, or the one that goes directly."""
        # Made at the first request, because a session belongs to the event loop that runs. That of
        # a proxy connects to nothing else, and an admin's proxy may be anywhere.
        if proxy not in self._sessions:
            check = self._check if proxy is None else accept
            # Not aiohttp's own, which was made when it was imported.
            trust = ssl.create_default_context()
            self._sessions[proxy] = aiohttp.ClientSession(
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                connector=aiohttp.TCPConnector(
                    resolver=Resolver(self._gateway.dialer, check), ssl=trust
                ),
            )
        return self._sessions[proxy]

    async def close(self) -> None:
        """Close all connections."""
        for session in self._sessions.values():
            await session.close()


async def read_at_most(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Read an answer to its end; compressed, it counts as what comes out.

    Raises:
        aiohttp.ClientPayloadError: it is broken off, or has more bytes than the limit.
    """
    data = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        data += chunk
        if len(data) > limit:
            raise aiohttp.ClientPayloadError(f"the answer has more than {limit} bytes")
    return bytes(data)
