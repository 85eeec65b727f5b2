"""A distance to a server: `python -m benchmarks.delay HOST:PORT MILLISECONDS`, a proxy on loopback.

Whatever is sent arrives half a round trip later, and what a client sends first not before the round
trip of its TCP handshake is over. The line is as wide as loopback, and TLS would take one or two
round trips more. It prints its port and ends when its standard input does.
"""

import asyncio
import sys
from contextlib import suppress

BUFFER = 1 << 16


Pieces = asyncio.Queue[tuple[float, bytes]]
"""What is on its way: when it arrives, by the event loop's seconds; the last piece is empty."""


class Line:
    """Connects clients to a server.

    Args:
        host: of the server.
        port: of the server.
        round_trip: in seconds.
    """

    def __init__(self, host: str, port: int, round_trip: float) -> None:
        self._host = host
        self._port = port
        self._round_trip = round_trip

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry both ways between a client that has connected and the server, to the end."""
        now = asyncio.get_running_loop().time()
        there, back = await asyncio.open_connection(self._host, self._port)
        forth, home = Pieces(), Pieces()
        with suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(
                self._take(reader, forth, now + self._round_trip),
                _deliver(forth, back),
                self._take(there, home, now),
                _deliver(home, writer),
            )
        back.close()
        writer.close()

    async def _take(self, reader: asyncio.StreamReader, pieces: Pieces, opened: float) -> None:
        """Take what is sent; nothing leaves before the connection is `opened`."""
        loop = asyncio.get_running_loop()
        piece = b"?"
        while piece:
            piece = await reader.read(BUFFER)
            pieces.put_nowait((max(loop.time(), opened) + self._round_trip / 2, piece))


async def _deliver(pieces: Pieces, writer: asyncio.StreamWriter) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due, piece = await pieces.get()
        await asyncio.sleep(due - loop.time())
        if not piece:
            writer.write_eof()
            return
        writer.write(piece)
        await writer.drain()


async def main(server: str, milliseconds: str) -> None:
    """Carry until standard input ends."""
    host, _, port = server.rpartition(":")
    line = Line(host, int(port), int(milliseconds) / 1000)
    listening = await asyncio.start_server(line.connect, "127.0.0.1", 0)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.buffer.read)
    listening.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
