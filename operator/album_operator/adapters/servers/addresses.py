"""Which URLs a credential may be sent to, asked again right before it goes out."""

import re
from collections.abc import Collection, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from album_operator.adapters.servers.dialer import Address, look_up
from album_operator.adapters.servers.networks import (
    addresses_of,
    describe_address,
    describe_host,
    describe_name,
    find_address,
)
from album_operator.domain.credential_errors import foreign_host, missing_key
from album_operator.domain.errors import TerminalError
from album_operator.domain.names import is_ssh
from album_operator.domain.places import Credential
from album_operator.domain.reasons import Reason

PORTS = {"http": 80, "https": 443, "ssh": 22}

URL = re.compile(
    r"https?://(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
    r"(?:/[A-Za-z0-9._~-]+)*/?"
)
"""HTTP(S) URLs without user, query, fragment, `%` and control characters."""

SSH_URL = re.compile(
    r"ssh://(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?"
    r"(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~-]+)+/?"
)
"""SSH URLs whose user and host cannot be taken for an option."""


def check_git_address(
    url: str, insecure_hosts: Collection[str], allowed_hosts: Collection[str] = ()
) -> None:
    """Refuse a repository's URL that is not SSH, HTTPS, or HTTP to a host an admin has listed.

    Args:
        url: of a repository.
        insecure_hosts: as of `check_address`.
        allowed_hosts: as of `check_address`.

    Raises:
        TerminalError: `HostNotAllowed`.
    """
    if SSH_URL.fullmatch(url) and ".." not in url.split("/"):
        _check_host(url, {*insecure_hosts, *allowed_hosts})
    else:
        check_address(url, insecure_hosts, allowed_hosts)


def check_address(
    url: str, insecure_hosts: Collection[str], allowed_hosts: Collection[str] = ()
) -> None:
    """Refuse a URL that is not plain HTTPS, or HTTP to a host an admin has listed.

    Args:
        url: of a repository or of a forge's API.
        insecure_hosts: `host[:port]` that may be spoken to in plain HTTP, wherever they are.
        allowed_hosts: `host[:port]` that may be at an address of the node or the cluster; without
            a port, on all of its ports.

    Raises:
        TerminalError: `HostNotAllowed`.
    """
    if not URL.fullmatch(url) or ".." in url.split("/"):
        raise TerminalError(
            Reason.HOST_NOT_ALLOWED,
            f"{url[:256]!r} is no URL the operator goes to: it must be https://host/path without "
            "user, query and fragment, or for a repository ssh://user@host/path.",
            "Correct the pipeline",
        )
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.netloc.lower() not in {
        host.lower() for host in insecure_hosts
    }:
        raise TerminalError(
            Reason.HOST_NOT_ALLOWED,
            f"{url} is plain HTTP, which would show its secrets to everyone on the way.",
            f"Use https, or have an admin add {parts.netloc} to the operator's "
            "ALBUM_INSECURE_HOSTS",
        )
    _check_host(url, {*insecure_hosts, *allowed_hosts})


def find_addresses(url: str, listed: Collection[str]) -> tuple[str, ...]:
    """Find where a URL's host is right now; nothing where an admin lets it be anywhere.

    To be asked right before connecting, and to be connected to: another look at DNS may tell
    another address.

    Args:
        url: one that was checked.
        listed: `host[:port]` that may be at an address of the node or the cluster.

    Raises:
        TerminalError: `HostNotAllowed`: it is at such an address.
        OSError: it does not resolve.
    """
    host, port = host_and_port(url)
    return () if is_listed(host, port, listed) else resolve(host, port, listed)


def resolve(host: str, port: int, listed: Collection[str]) -> tuple[str, ...]:
    """Find where a host is, and refuse it as `check_found` does."""
    found = look_up(host, port)
    check_found(host, port, found, listed)
    return addresses_of(found)


def check_found(host: str, port: int, found: Sequence[Address], listed: Collection[str]) -> None:
    """Refuse a host that is at an address of the node or the cluster.

    Args:
        host: as a pipeline names it.
        port: of the server.
        found: what the resolver says of it.
        listed: `host[:port]` that may be at such an address.

    Raises:
        TerminalError: `HostNotAllowed`.
    """
    belongs_to = describe_host(host, found)
    if belongs_to is not None and not is_listed(host, port, listed):
        raise _too_near(host, port, belongs_to)


def check_peer(host: str, port: int, address: str, listed: Collection[str]) -> None:
    """Refuse a connection that was made to an address of the node or the cluster.

    Raises:
        TerminalError: `HostNotAllowed`.
    """
    belongs_to = describe_address(ip_address(address.partition("%")[0]))
    if belongs_to is not None and not is_listed(host, port, listed):
        raise _too_near(host, port, belongs_to)


def _check_host(url: str, listed: Collection[str]) -> None:
    """Refuse a host that by its name or number alone is at an address of the node or cluster."""
    host, port = host_and_port(url)
    if is_listed(host, port, listed):
        return
    try:
        address = find_address(host)
    except ValueError:
        raise TerminalError(
            Reason.HOST_NOT_ALLOWED,
            f"{url} names its host by a number in a spelling the operator does not go by.",
            "Write the address in full (192.0.2.1) or a name into the pipeline",
        ) from None
    belongs_to = describe_name(host) if address is None else describe_address(address)
    if belongs_to is not None:
        raise _too_near(host, port, belongs_to)


def is_listed(host: str, port: int, listed: Collection[str]) -> bool:
    """Tell whether an admin has listed a host, with this port or without one."""
    name = f"[{host}]" if ":" in host else host
    return bool({name.lower(), f"{name}:{port}".lower()} & {one.lower() for one in listed})


def host_and_port(url: str) -> tuple[str, int]:
    """Give where a URL leads, with the default port of its scheme."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:  # beyond 65535: nothing answers there
        port = None
    return parts.hostname or "", port or PORTS[parts.scheme.lower()]


def _too_near(host: str, port: int, belongs_to: str) -> TerminalError:
    name = f"[{host}]" if ":" in host else host
    return TerminalError(
        Reason.HOST_NOT_ALLOWED,
        f"{name} leads to {belongs_to}, where the operator goes by an admin's word alone.",
        f"Correct the pipeline, or have an admin add {name}:{port} to the operator's "
        "ALBUM_ALLOWED_HOSTS",
    )


def check_git_credential(credential: Credential, url: str) -> None:
    """Refuse to use a credential at a repository its Secret does not name or has no key for.

    Raises:
        TerminalError: `HostNotAllowed` or `CredentialsMissing`.
    """
    if not credential.may_go_to(url):
        raise foreign_host(credential.secret, credential, url)
    # A repository that is for everybody is read with no credential at all, but never over SSH.
    if is_ssh(url) or not credential.is_empty:
        _check_keys(credential, url)


def check_forge_credential(credential: Credential, api_url: str, repository: str) -> None:
    """Refuse to send a token to a forge's API its Secret does not name or has no token for.

    Args:
        credential: the token.
        api_url: base of the API.
        repository: URL of the repository it is used for.

    Raises:
        TerminalError: `HostNotAllowed` or `CredentialsMissing`.
    """
    if not credential.may_serve(api_url, repository):
        raise foreign_host(credential.secret, credential, api_url)
    _check_keys(credential, api_url)


def _check_keys(credential: Credential, url: str) -> None:
    key = credential.find_missing_key(url)
    if key is not None:
        raise missing_key(credential.secret, key, url)
