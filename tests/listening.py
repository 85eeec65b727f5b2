"""A server of one connection's handler on loopback, for tests that speak below HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from ssl import SSLContext

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(answer: Answer, tls: SSLContext | None = None) -> AsyncIterator[str]:
    """Serve each connection by `answer`, close it then, give the address; end with the last one.

    Waiting begins before the server closes: Python 3.11's `wait_closed` afterwards returns at once,
    https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.Server.wait_closed.
    """

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await answer(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0, ssl=tls)
    ended = asyncio.ensure_future(server.wait_closed())
    await asyncio.sleep(0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await asyncio.wait_for(ended, 20)
