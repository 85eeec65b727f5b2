"""One host by several names: a forge's own other names, and those an admin tells."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

OWN_NAMES: Mapping[str, str] = {"ssh.github.com": "github.com"}
"""Names of the same host by its owner's word ("Using SSH over the HTTPS port", docs.github.com)."""

CASELESS = frozenset({"github.com"})
"""Hosts on which the case of a path is known not to count."""

WEB_PORTS = frozenset({80, 443})


@dataclass(frozen=True)
class HostAliases:
    """Which hosts are one, as an admin tells: where a repository is, and never who may go there.

    Attributes:
        homes: what repositories lie below by the name that counts, `host[:port][/path]`, by
            another `host[:port]` of it. Without a port, a name holds for all, and one that counts
            for those of HTTP(S) itself.
    """

    homes: Mapping[str, str] = field(default_factory=dict)

    def find_home(self, host: str, port: int, *, is_ssh: bool) -> str | None:
        """Give what a URL's path lies below by the name that counts; None where no admin told.

        Args:
            host: of the URL, in lower case.
            port: of its server. That of SSH says nothing of the repositories, so that any will do
                where only one home is meant.
            is_ssh: it is of SSH.
        """
        homes = set(self.homes.values())
        if is_ssh:
            meant = {home for home in homes if _host(home) == host} or {
                home for name, home in self.homes.items() if _host(name) == host
            }
            return meant.pop() if len(meant) == 1 else self.homes.get(f"{host}:{port}")
        for home in homes:
            name = home.partition("/")[0]
            if name == f"{host}:{port}" or (name == host and port in WEB_PORTS):
                return name  # its path is part of the URL already
        return self.homes.get(f"{host}:{port}") or self.homes.get(host)


NO_ALIASES = HostAliases()


def find_faults(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Say what is wrong with pairs of a name and the home it stands for."""
    seen: dict[str, str] = {}
    faults = []
    for name, home in pairs:
        if seen.setdefault(name, home) != home:
            faults.append(f"`{name}` stands for two hosts")
        if _host(name) in CASELESS | OWN_NAMES.keys():
            faults.append(f"`{name}` is what it is, and no other name of a host")
    counting = {home.partition("/")[0] for home in seen.values()}
    faults += [
        f"`{name}` stands for {home}, so no name can stand for it"
        for name, home in seen.items()
        if name in counting and name != home.partition("/")[0]
    ]
    return faults


def _host(name: str) -> str:
    return name.partition("/")[0].partition(":")[0]
