"""An HTTP proxy on loopback that can lose an answer after the server has done what was asked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

WRITES = ("/pulls", "/deployments", "/git-receive-pack")

# Bodies are unpacked on the way, and lengths are counted anew.
_DROPPED = {"content-encoding", "content-length", "transfer-encoding", "host", "connection"}


class LosingProxy:
    """Passes requests on to a server.

    Attributes:
        lose_next_write: set from the start; the next write reaches the server, its answer does
            not come back.
        url: where the proxy listens.
    """

    def __init__(self, upstream: str, below: str = "") -> None:
        self.lose_next_write = True
        self.url = ""
        self._upstream = upstream
        self._below = below

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Pass one request on."""
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                request.method,
                f"{self._upstream}{request.path_qs.removeprefix(self._below)}",
                data=await request.read(),
                headers={
                    name: value
                    for name, value in request.headers.items()
                    if name.lower() not in _DROPPED and name.lower() != "expect"
                }
                | ({"Host": request.host} if self._below else {}),
                allow_redirects=False,
            ) as answer,
        ):
            body = await answer.read()
            headers = {
                name: value
                for name, value in answer.headers.items()
                if name.lower() not in _DROPPED
            }
        if (
            self.lose_next_write
            and answer.ok
            and request.method == "POST"
            and request.path.endswith(WRITES)
        ):
            self.lose_next_write = False
            if request.transport is not None:
                request.transport.abort()
        return web.Response(status=answer.status, body=body, headers=headers)


@asynccontextmanager
async def losing_proxy(upstream: str, below: str = "", port: int = 0) -> AsyncIterator[LosingProxy]:
    """Run a proxy for a server on loopback.

    Args:
        upstream: the server.
        below: path that it is served at, and nothing else is.
        port: where to listen; 0 for any.
    """
    proxy = LosingProxy(upstream, below)
    application = web.Application(client_max_size=64 * 1024 * 1024)
    application.router.add_route("*", below + "/{path:.*}", proxy.handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    try:
        proxy.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield proxy
    finally:
        await runner.cleanup()
