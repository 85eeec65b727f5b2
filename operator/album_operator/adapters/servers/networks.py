"""Where hosts are: which addresses belong to the node or the cluster, however they are written.

A pipeline names hosts, and the operator goes to them from inside of the cluster. So what only it
can reach (its own Pod and node, the cloud's metadata, the API server, Services) is refused to
pipelines, by name and by what a name resolves to. Private ranges as such are not: forges live
there.
"""

import os
import re
from collections.abc import Iterator, Sequence
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

from album_operator.adapters.servers.dialer import Address

Number = IPv4Address | IPv6Address

METADATA = frozenset(
    map(
        ip_address,
        # AWS and Google over IPv6, Alibaba, Azure and Oracle; all others are link-local.
        ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
    )
)

THIS_NETWORK = ip_network("0.0.0.0/8")

TRANSLATED = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
"""Prefixes of NAT64 (RFC 6052, RFC 8215): the last 32 bits are an address of IPv4."""

COMPATIBLE = ip_network("::/96")
"""IPv4 in IPv6 as it was once written (RFC 4291, section 2.5.5.1)."""

IN_CLUSTER = (".svc", ".cluster.local")
"""Ends of names of Services and Pods (Kubernetes, "DNS for Services and Pods")."""

API_SERVER = "KUBERNETES_SERVICE_HOST"
"""Variable every Pod has."""

RESOLV_CONF = Path("/etc/resolv.conf")

NUMBERS = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}", re.IGNORECASE)


def find_address(host: str) -> Number | None:
    """Read a host that is an address; None where it is a name.

    Raises:
        ValueError: it is an address written in another way than the usual (`0x7f.1`, `127.1`),
            which libraries read differently.
    """
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        if NUMBERS.fullmatch(host):
            raise
        return None


def describe_address(address: Number) -> str | None:
    """Say what an address belongs to that pipelines are not let to; None for all others."""
    for form in _forms(address):
        if form in METADATA:
            return "the metadata of the cloud"
        if str(form) == os.environ.get(API_SERVER):
            return "the API server"
        if form.is_loopback or form.is_unspecified or form in THIS_NETWORK:
            return "the operator's own Pod"
        if form.is_link_local:
            return "the node's own network (link-local)"
        if form.is_multicast or (isinstance(form, IPv4Address) and form.is_reserved):
            return "no single host"
    return None


def describe_name(host: str) -> str | None:
    """Say what a name belongs to that pipelines are not let to; None for all others."""
    name = host.lower().rstrip(".")
    if name == os.environ.get(API_SERVER, "").lower():
        return "the API server"
    return "a Service or Pod of the cluster" if name.endswith((*IN_CLUSTER, *_domains())) else None


def addresses_of(found: Sequence[Address]) -> tuple[str, ...]:
    """Give the addresses that were found, the best to connect to first."""
    return tuple(dict.fromkeys(str(where[0]) for *_, where in found))


def describe_host(host: str, found: Sequence[Address]) -> str | None:
    """Say what a host belongs to that pipelines are not let to; None for all others.

    Args:
        host: as a pipeline names it.
        found: what the resolver says of it.
    """
    # The resolver completes a short name (`argocd-server.argocd`) to one of the cluster.
    names = {str(canonical) for _, _, _, canonical, _ in found if canonical}
    told = [describe_name(name) for name in (host, *names)]
    told += [describe_address(ip_address(text.partition("%")[0])) for text in addresses_of(found)]
    return next(filter(None, told), None)


def _forms(address: Number) -> Iterator[Number]:
    """Give an address, and those of IPv4 that it leads to."""
    yield address
    if isinstance(address, IPv6Address):
        embedded = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        yield from filter(None, embedded)
        if address in COMPATIBLE or any(address in prefix for prefix in TRANSLATED):
            yield IPv4Address(int(address) & 0xFFFFFFFF)


@cache
def _domains() -> tuple[str, ...]:
    """Give the end of the cluster's own names, where it is not `cluster.local`."""
    try:
        lines = RESOLV_CONF.read_text().splitlines()
    except OSError:
        return ()
    searched = [word for line in lines if line.startswith("search") for word in line.split()[1:]]
    return tuple(
        f".{word.removeprefix('svc.').rstrip('.')}" for word in searched if word.startswith("svc.")
    )
