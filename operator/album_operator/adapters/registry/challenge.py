"""What a registry wants to be shown.

Sources: RFC 9110, section 11.6.1; distribution's "token" and "oauth".
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from album_operator.adapters.registry.failures import foreign_realm, garbage, plain_realm
from album_operator.domain.images import registry_named
from album_operator.domain.registry import ImagePlace

TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 9110's word
PARAMETER = re.compile(rf'\s*({TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({TOKEN}))\s*(?:,|$)')
SCHEME = re.compile(rf"\s*({TOKEN})(?:\s+|$)")

REALM = re.compile(r"https?://[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]*)?")

LABELS = 3
"""A host of at least so many labels has siblings; `example.org` has none but all of `.org`."""


@dataclass(frozen=True)
class Challenge:
    """How a registry wants to know who asks.

    Attributes:
        realm: URL that makes tokens; empty where it wants name and password itself.
        service: its own name there.
    """

    realm: str = ""
    service: str = ""


def parse_challenge(place: ImagePlace, header: str) -> Challenge:
    """Read a `WWW-Authenticate` header.

    Raises:
        TransientError: it asks for nothing that registries ask for.
    """
    found = SCHEME.match(header)
    scheme = found.group(1).lower() if found is not None else ""
    if scheme == "basic":
        return Challenge()
    if found is None or scheme != "bearer":
        raise garbage(place, "it wants neither a name and password nor a token")
    values = _parameters(header[found.end() :])
    realm = values.get("realm", "")
    if not REALM.fullmatch(realm):
        raise garbage(place, "it does not say where its tokens are made")
    return Challenge(realm, values.get("service", ""))


def check_realm(place: ImagePlace, realm: str, insecure_hosts: Collection[str]) -> None:
    """Refuse to show a registry's credential to a host that is not known to be its own.

    Docker's clients show it to any. Real registries have their tokens made at their own host
    (ghcr.io, quay.io), at one beside it (auth.docker.io for registry-1.docker.io) or above it
    (gitlab.com for registry.gitlab.com), or at one their admin knows.

    Args:
        place: the repository, with the credential.
        realm: URL that makes the tokens.
        insecure_hosts: `host[:port]` that may be spoken to in plain HTTP.

    Raises:
        TerminalError: `HostNotAllowed`.
    """
    parts = urlsplit(realm)
    host = parts.netloc.lower()
    is_own = host == urlsplit(place.url).netloc.lower()
    known = place.credential.others if place.credential is not None else frozenset()
    if parts.scheme == "http" and not (
        (is_own and place.insecure) or host in {one.lower() for one in insecure_hosts}
    ):
        raise plain_realm(place, host)
    if not (is_own or registry_named(host) in known or _is_beside(place, parts.hostname or "")):
        raise foreign_realm(place, host)


def _is_beside(place: ImagePlace, realm: str) -> bool:
    """Tell whether a host is the registry's own, or right above or beside it."""
    registry = urlsplit(place.url).hostname or ""
    if realm == registry:
        return True
    _, _, above = registry.partition(".")
    is_name = not registry.replace(".", "").isdigit()
    if not is_name or registry.count(".") + 1 < LABELS:
        return False
    return realm == above or realm.partition(".")[2] == above


def _parameters(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    at = 0
    while at < len(text) and (found := PARAMETER.match(text, at)) is not None:
        quoted = found.group(2)
        value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else found.group(3)
        values.setdefault(found.group(1).lower(), value)
        at = found.end()
    return values
