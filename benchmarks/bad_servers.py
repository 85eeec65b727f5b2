"""Servers on loopback that a tenant could name: a stalling, a silent and a dead one."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

TRICKLE = b"0096agent=" + b"x" * 139 + b"\n"
"""A packet of git's protocol, of 150 bytes."""

TRICKLE_SECONDS = 0.1

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n"
    b"Connection: close\r\n\r\n000eversion 2\n"
)

START_SECONDS = 30


class BadServer:
    """A server in a thread of its own.

    Args:
        stalls: it answers with 1.5 KB a second without end; else it takes connections in silence.

    Attributes:
        host: its host and port.
        asked: set once somebody sent it something.
    """

    def __init__(self, *, stalls: bool) -> None:
        self.host = ""
        self.asked = threading.Event()
        self._stalls = stalls
        self._is_up = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        self._is_up.wait(START_SECONDS)

    def stop(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._listen, "127.0.0.1", 0)
        self.host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._is_up.set()
        await self._end.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            if not await reader.read(4096):
                return
            self.asked.set()
            if not self._stalls:
                await self._end.wait()
            writer.write(HEAD)
            while not self._end.is_set():
                writer.write(TRICKLE)
                await writer.drain()
                await asyncio.sleep(TRICKLE_SECONDS)
        writer.close()


@contextmanager
def bad_server(*, stalls: bool) -> Iterator[BadServer]:
    """Run a server that stalls or is silent."""
    server = BadServer(stalls=stalls)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def dead_host() -> Iterator[str]:
    """Give the host and port of one that answers no packet that would begin a connection.

    A listener whose queue of connections is full is what the kernel treats so (tcp(7)).
    """
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for one in (first, second):
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        yield f"127.0.0.1:{full.getsockname()[1]}"
