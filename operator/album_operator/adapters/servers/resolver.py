"""Names for aiohttp, which would look them up in the few threads that everything else shares."""

import socket

from aiohttp.abc import AbstractResolver, ResolveResult

from album_operator.adapters.servers.dialer import Check, Dialer, accept


class Resolver(AbstractResolver):
    """Looks names up as a dialer does.

    Args:
        dialer: has just found the addresses of whom a request goes to.
        check: refuses a server by them.
    """

    def __init__(self, dialer: Dialer, check: Check = accept) -> None:
        self._dialer = dialer
        self._check = check

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Give the addresses of a name.

        Raises:
            OSError: there are none.
            TerminalError: the check's.
        """
        found = []
        addresses = await self._dialer.find(host, port)
        self._check(host, port, addresses)
        for kind, _, protocol, _, address in addresses:
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
