"""Where sinks may be: the rules of repositories and forges, in words that name no secret path."""

from collections.abc import Collection
from pathlib import Path

from album_operator.adapters.servers.addresses import check_address
from album_operator.codec.notification_sinks import SinksError, read_sinks
from album_operator.domain.errors import TerminalError
from album_operator.domain.names import origin_of
from album_operator.domain.notifications import Sink

MOST = 1024 * 1024
"""Bytes a file with sinks may have: as many as a Secret."""


def load_sinks(
    file: Path, insecure_hosts: Collection[str], allowed_hosts: Collection[str]
) -> tuple[Sink, ...]:
    """Read the sinks of an admin's file.

    Args:
        file: as of `read_sinks`.
        insecure_hosts: `host[:port]` that may be spoken to in plain HTTP.
        allowed_hosts: those that may be at an address of the node or the cluster.

    Raises:
        SinksError: it cannot be read, or used; the message holds no value of it.
    """
    try:
        with file.open("rb") as opened:
            data = opened.read(MOST + 1)
        text = data.decode()
    except OSError as error:
        raise SinksError(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise SinksError(f"{file} is not UTF-8") from None
    if len(data) > MOST:
        raise SinksError(f"{file} has more than {MOST} bytes")
    try:
        return read_sinks(text, lambda url: find_fault(url, insecure_hosts, allowed_hosts))
    except SinksError as error:
        raise SinksError(f"{file}: {error}") from None


def find_fault(
    url: str, insecure_hosts: Collection[str], allowed_hosts: Collection[str]
) -> str | None:
    """Say by the URL alone why a sink is not gone to; None for nothing.

    Args:
        url: of the sink.
        insecure_hosts: as of `load_sinks`.
        allowed_hosts: as of `load_sinks`.
    """
    origin = origin_of(url)
    server = origin.partition("://")[2]
    try:
        check_address(origin, insecure_hosts, allowed_hosts)
    except TerminalError as error:
        setting = "ALBUM_INSECURE_HOSTS" if url.startswith("http:") else "ALBUM_ALLOWED_HOSTS"
        return f"{error.message} Name another, or add {server} to {setting}"
    return None
