"""Where traces are sent, by the variables that OpenTelemetry has for it.

"OpenTelemetry Protocol Exporter" of its specification; of them what one collector needs.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from album_operator.domain.secret_words import Words, words_of

ENDPOINT, HEADERS = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS"
PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"

KNOWN_PROTOCOL = "http/protobuf"

HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
VALUE = re.compile(r"[ -~]*")


class CollectorVariablesError(Exception):
    """Variables of traces cannot be used; the message lists why, without a header's value."""


@dataclass(frozen=True)
class Collector:
    """What takes traces.

    Attributes:
        url: to which `/v1/traces` is added.
        headers: sent with each request; left out of `repr`.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def words(self) -> Words:
        """What must not be said: the headers' values, and what stands behind a scheme."""
        values = {*self.headers.values()}
        values |= {value.rpartition(" ")[2] for value in values}
        return words_of({f"header {value}": value.encode() for value in values})


def read_collector(environment: Mapping[str, str]) -> Collector | None:
    """Read the variables; None where none is named, and nothing is sent.

    Raises:
        CollectorVariablesError: naming each that is wrong.
    """
    url, protocol, entries = (
        environment.get(name, "").strip() for name in (ENDPOINT, PROTOCOL, HEADERS)
    )
    if not url:
        return None
    faults = []
    if not _is_endpoint(url):
        # What is there is not quoted: it may hold a password.
        faults.append(f"{ENDPOINT} is not of the form http://host:4318 or https://host[/path]")
    if protocol not in {"", KNOWN_PROTOCOL}:
        faults.append(f"{PROTOCOL}: `{protocol}` is not {KNOWN_PROTOCOL}, all that is spoken here")
    headers: dict[str, str] = {}
    for number, entry in enumerate(filter(None, entries.split(",")), 1):
        name, equals, value = entry.partition("=")
        name, value = name.strip(), unquote(value.strip())
        if equals and HEADER.fullmatch(name) and VALUE.fullmatch(value):
            headers[name.lower()] = value
        else:
            faults.append(f"{HEADERS}: entry {number} is not of the form name=value")
    if faults:
        raise CollectorVariablesError("; ".join(faults))
    return Collector(url, headers)


def _is_endpoint(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False
    is_web = parts.scheme in {"http", "https"} and not set(url) & set(" \t\"'<>\\")
    return is_whole and is_web and not (parts.username or parts.query or parts.fragment)
