"""The proxy of a company network: what stands in HTTPS_PROXY and NO_PROXY, and what it is for.

These variables have no specification. Read is what curl, git, Go and Python agree on; what they
read differently has one meaning here, and Jobs are told it in words that all read alike.
"""

import re
from base64 import b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import quote, unquote, urlsplit

from album_operator.domain.secret_words import Words, words_of

HTTPS_PROXY, NO_PROXY = "HTTPS_PROXY", "NO_PROXY"

VARIABLES = tuple(
    spelling
    for name in (HTTPS_PROXY, NO_PROXY, "HTTP_PROXY", "ALL_PROXY")
    for spelling in (name, name.lower())
)
"""Variables by which libraries and programs go through a proxy by themselves."""

EVERYTHING = "*"

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_BRACKETED = r"\[[0-9A-Fa-f:.]+\]"
_USER = r"[A-Za-z0-9._~!$&'()*+,;=%-]"

URL = re.compile(
    rf"(?:http://)?(?:({_USER}+)(?::({_USER}*))?@)?({_NAME}|{_BRACKETED}):([0-9]{{1,5}})/?"
)
"""URL of a proxy. Without a port, each program takes another.

Not over TLS: git with libcurl 7.88 and GnuTLS was seen to wait for ever for an answer through TLS
in TLS.
"""

DIRECT = re.compile(rf"(?:\*?\.)?{_NAME}(?::[0-9]{{1,5}})?|{_BRACKETED}(?::[0-9]{{1,5}})?")
"""A host of NO_PROXY, or a domain with all that is below it."""


class ProxyVariablesError(Exception):
    """Variables of proxies cannot be used; the message lists why, without a password."""


@dataclass(frozen=True)
class Proxy:
    """A proxy that connects to servers (CONNECT; RFC 9110, section 9.3.6), and sees TLS alone.

    Attributes:
        server: `host:port`.
        username: empty where it wants none.
        password: beside it; left out of `repr`.
    """

    server: str
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        """URL without user and password."""
        return f"http://{self.server}"

    @property
    def secret_url(self) -> str:
        """URL with both, for programs that take nothing else."""
        if not self.username:
            return self.url
        # Without the colon, git would ask for the password.
        user = f"{quote(self.username, safe='')}:{quote(self.password, safe='')}"
        return f"http://{user}@{self.server}"

    @property
    def words(self) -> Words:
        """What must not be said."""
        pair = {"username": self.username.encode(), "password": self.password.encode()}
        return words_of(pair)

    @property
    def headers(self) -> dict[str, str]:
        """What proves to the proxy who asks (RFC 7617)."""
        if not self.username:
            return {}
        pair = b64encode(f"{self.username}:{self.password}".encode()).decode()
        return {"Proxy-Authorization": f"Basic {pair}"}


@dataclass(frozen=True)
class Proxies:
    """Which URLs are gone to through a proxy.

    Attributes:
        proxy: for HTTPS; None: everything is gone to directly.
        direct: hosts that are, in the normal form of `_direct`.
    """

    proxy: Proxy | None = None
    direct: tuple[str, ...] = ()

    def find(self, url: str) -> Proxy | None:
        """Find the proxy for a URL; None where it is gone to directly.

        Plain HTTP is, for a proxy would see the token; and so is SSH.
        """
        if self.proxy is None or not url.startswith("https://"):
            return None
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), str(parts.port or 443)
        is_direct = _is_loopback(host) or any(_is_for(one, host, port) for one in self.direct)
        return None if is_direct else self.proxy

    def no_proxy(self, more: Collection[str] = ()) -> str:
        """Give what NO_PROXY is to be for another program, with further `host[:port]`."""
        return ",".join(dict.fromkeys((*self.direct, *more)))


DIRECTLY = Proxies()


def read_proxies(environment: Mapping[str, str]) -> Proxies:
    """Read the variables in either spelling; an empty one is none.

    Raises:
        ProxyVariablesError: naming each that is wrong.
    """
    faults: list[str] = []
    url, hosts = (_either(environment, name, faults) for name in (HTTPS_PROXY, NO_PROXY))
    proxy = parse_proxy(url)
    if url and proxy is None:
        # What is there is not quoted: it may hold a password.
        faults.append(
            f"{HTTPS_PROXY} is not of the form http://host:port, with user:password@ before the "
            "host where the proxy wants it, percent-encoded"
        )
    entries = [entry.strip() for entry in hosts.split(",") if entry.strip()]
    direct = [_direct(entry) for entry in entries]
    faults += [
        f"{NO_PROXY}: `{entry}` is no host, domain, address or network, and no *"
        for entry, normal in zip(entries, direct, strict=True)
        if normal is None
    ]
    if faults:
        raise ProxyVariablesError("; ".join(faults))
    return Proxies(proxy, tuple(dict.fromkeys(filter(None, direct))))


def parse_proxy(text: str) -> Proxy | None:
    """Read the URL of a proxy; None where it is none."""
    found = URL.fullmatch(text)
    if found is None or not 0 < int(found[4]) < 65536:
        return None
    username, password, host, port = found.groups()
    return Proxy(f"{host.lower()}:{port}", unquote(username or ""), unquote(password or ""))


def _either(environment: Mapping[str, str], name: str, faults: list[str]) -> str:
    """Read a variable: which spelling counts where they differ, no two programs agree on."""
    values = {environment.get(one, "").strip() for one in (name, name.lower())} - {""}
    if len(values) > 1:
        faults.append(f"{name} and {name.lower()} differ: set one of them")
    return min(values, default="")


def _direct(entry: str) -> str | None:
    """Give the form of an entry of NO_PROXY that all read alike; None where it is none.

    A leading dot or `*.` is left out: for curl and Python a domain then is the same with or without
    it, for Go only without it.
    """
    bare = entry[1:-1] if entry.startswith("[") and entry.endswith("]") else entry
    try:
        return str(ip_network(entry, strict=False)) if "/" in entry else str(ip_address(bare))
    except ValueError:
        is_host = entry == EVERYTHING or DIRECT.fullmatch(entry) is not None
        return entry.removeprefix("*.").removeprefix(".").lower() if is_host else None


def _is_for(entry: str, host: str, port: str) -> bool:
    """Tell whether an entry in that form is for a server, its host in lower case."""
    if entry == EVERYTHING:
        return True
    number = _number(host)
    if "/" in entry:
        return number is not None and number in ip_network(entry)
    name, only = _split(entry)
    if only not in {"", port}:
        return False
    listed = _number(name)
    if number is not None or listed is not None:
        return number == listed
    return host == name or host.endswith(f".{name}")


def _split(entry: str) -> tuple[str, str]:
    """Split a port off, where there is one."""
    if ":" not in entry or _number(entry) is not None:
        return entry, ""
    name, _, port = entry.rpartition(":")
    return name.strip("[]"), port


def _number(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    """Tell whether a host is the machine itself, which is another one for a proxy (as in Go)."""
    number = _number(host)
    return host == "localhost" if number is None else number.is_loopback
