"""What a registry wants to be shown.

Sources: RFC 9110, section 11.6.1; distribution's "token" and "oauth".
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from album_operator.adapters.registry.failures import foreign_realm, garbage, plain_realm
from album_operator.codec.challenges import parse_challenges
from album_operator.domain.images import registry_named
from album_operator.domain.realms import is_own_realm
from album_operator.domain.registry import ImagePlace

REALM = re.compile(
    r"https?://[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]*)?"
    r"(?:\?[A-Za-z0-9._~/:&=%+-]{0,1024})?"
)


@dataclass(frozen=True)
class Challenge:
    """How a registry wants to know who asks.

    Attributes:
        realm: URL that makes tokens, with any query; empty where it wants name and password itself.
        service: its own name there.
    """

    realm: str = ""
    service: str = ""


def parse_challenge(place: ImagePlace, headers: Sequence[str]) -> Challenge:
    """Read all `WWW-Authenticate` headers; a token is preferred to name and password.

    Raises:
        TransientError: they ask for nothing that registries ask for.
    """
    try:
        found = {each.scheme: each.parameters for each in reversed(parse_challenges(headers))}
    except ValueError as error:
        raise garbage(place, str(error)) from error
    if "bearer" not in found:
        if "basic" in found:
            return Challenge()
        raise garbage(place, "it wants neither a name and password nor a token")
    realm = found["bearer"].get("realm", "")
    if not REALM.fullmatch(realm):
        raise garbage(place, "it does not say where its tokens are made")
    return Challenge(realm, found["bearer"].get("service", ""))


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
    if not (registry_named(host) in known or is_own_realm(urlsplit(place.url).netloc, host)):
        raise foreign_realm(place, host)
