"""Names for aiohttp, which would look them up in the few threads that everything else shares."""

import socket

from aiohttp.abc import AbstractResolver, ResolveResult

from album_operator.adapters.dialer import Dialer


class Resolver(AbstractResolver):
    """Looks names up as a dialer does.

    Args:
        dialer: has just found the addresses of whom a request goes to.
    """

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Give the addresses of a name.

        Raises:
            OSError: there are none.
        """
        found = []
        for kind, _, protocol, _, address in await self._dialer.find(host, port):
            if family in (socket.AF_UNSPEC, kind):
                found.append(
                    ResolveResult(
                        hostname=host,
                        host=address[0],
                        port=port,
                        family=kind,
                        proto=protocol,
                        flags=socket.AI_NUMERICHOST,
                    )
                )
        return found

    async def close(self) -> None:
        """Nothing is open."""
