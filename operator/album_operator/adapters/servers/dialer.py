"""Whether a server takes connections: found out beforehand, because git cannot be told how long.

Git 2.39 has no setting for how long its HTTP helper may try to connect; libcurl's own limit is five
minutes, and a name server that does not answer is waited for in a thread that nothing ends. So a
name is looked up and a connection made here, each with a limit, before anything else is begun.
"""

import asyncio
import errno
import ipaddress
import os
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aiohappyeyeballs import start_connection

from album_operator.domain.errors import NoConnectionError
from album_operator.domain.reasons import Reason
from album_operator.slots import Shares, Slots

LIMIT = timedelta(seconds=5)
"""Longest a name may be looked up, and longest a connection may take."""

REMEMBERED = timedelta(seconds=30)
"""How long a server that took a connection is not tried again; as long as git's are kept."""

SECOND_ADDRESS = 0.25
"""Seconds after which another address of a name is tried as well (RFC 8305, section 5)."""

LOOKUPS = Shares(total=8, namespace=4, host=2, pair=1, own=1)
"""How many names are looked up at once: each takes a thread until the name server has answered."""

THREADS = 1000
"""More than there are ever turns."""

Address = tuple[Any, ...]
"""As `socket.getaddrinfo` gives it: family, type, protocol, canonical name, address."""

LookUp = Callable[[str, int], Sequence[Address]]


def look_up(host: str, port: int) -> Sequence[Address]:
    """Ask the system's resolver; takes as long as that likes.

    Raises:
        OSError: the host does not resolve.
    """
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_CANONNAME)


Check = Callable[[str, int, Sequence[Address]], None]
"""Refuses a server, by host, port and what was found of it, before it is connected to."""


def accept(host: str, port: int, found: Sequence[Address]) -> None:
    """Refuse none."""


@dataclass(frozen=True)
class _Reached:
    """A server that took a connection, good until a time of the clock."""

    until: float
    addresses: Sequence[Address]


class Dialer:
    """Tries to connect to servers.

    Args:
        limit: longest a name may be looked up, and longest a connection may take.
        clock: monotonic seconds.
        find: looks a name up.
    """

    def __init__(
        self,
        limit: timedelta = LIMIT,
        clock: Callable[[], float] = time.monotonic,
        find: LookUp = look_up,
    ) -> None:
        self._limit = limit.total_seconds()
        self._clock = clock
        self._find = find
        self._slots = Slots(LOOKUPS)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="names")
        self._reached: dict[str, _Reached] = {}

    async def reach(
        self, namespace: str, server: str, reason: Reason, check: Check = accept
    ) -> None:
        """See that a server takes a connection, unless one was seen to lately.

        Args:
            namespace: who asks.
            server: `host:port`.
            reason: of the error.
            check: of its addresses.

        Raises:
            NoConnectionError: it has no address, or takes none.
            TerminalError: the check's.
        """
        host, _, port = server.rpartition(":")
        if server in self._reached and self._clock() < self._reached[server].until:
            check(host, int(port), self._reached[server].addresses)
            return
        try:
            addresses = await self.look_up(namespace, host, int(port))
            check(host, int(port), addresses)
            async with asyncio.timeout(self._limit):
                connection = await start_connection(addresses, happy_eyeballs_delay=SECOND_ADDRESS)
        except TimeoutError:
            said = f"it took no connection within {self._limit:g} seconds"
            raise _no_connection(server, said, reason) from None
        except OSError as error:
            said = f"it takes no connection: {_words(error)}"
            raise _no_connection(server, said, reason) from error
        connection.close()
        now = self._clock()
        self._reached = {name: one for name, one in self._reached.items() if now < one.until}
        self._reached[server] = _Reached(now + REMEMBERED.total_seconds(), addresses)

    def forget(self, server: str) -> None:
        """Try a server again the next time: it did not answer."""
        self._reached.pop(server, None)

    async def find(self, host: str, port: int) -> Sequence[Address]:
        """Give the addresses of a server that was reached, else those of its name.

        Raises:
            OSError: there are none.
        """
        reached = self._reached.get(f"{host}:{port}")
        return reached.addresses if reached is not None else await self.look_up("", host, port)

    async def look_up(self, namespace: str, host: str, port: int) -> Sequence[Address]:
        """Give the addresses of a name.

        A lookup keeps its turn until its thread ends, however long ago it was given up; whose names
        are not answered for have few more looked up, and nobody else has fewer.

        Raises:
            OSError: there are none, or this was not found out in time.
        """
        if _is_address(host):
            return self._find(host, port)
        begun = asyncio.Event()

        def begin() -> asyncio.Future[Sequence[Address]]:
            begun.set()
            loop = asyncio.get_running_loop()
            return loop.run_in_executor(self._threads, self._find, host, port)

        asking = asyncio.ensure_future(self._slots.run(namespace, host, begin))
        try:
            # Who waits for a turn has not been kept waiting by this name.
            await begun.wait()
            async with asyncio.timeout(self._limit):
                return await asking
        except TimeoutError:
            raise OSError(f"its name was not found within {self._limit:g} seconds") from None
        finally:
            asking.cancel()

    def close(self) -> None:
        """Begin no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _words(error: OSError) -> str:
    # The event loop says `Connect call failed` and the address.
    if error.errno is not None and error.errno in errno.errorcode:
        return os.strerror(error.errno)
    return error.strerror or str(error)


def _no_connection(server: str, said: str, reason: Reason) -> NoConnectionError:
    return NoConnectionError(reason, f"{server} cannot be reached: {said}.", said)
