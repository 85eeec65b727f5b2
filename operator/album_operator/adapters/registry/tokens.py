"""Tokens of registries: made where the registry says, kept until they expire."""

import base64
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from album_operator.adapters.registry.api import Answer, RegistryApi, Request
from album_operator.adapters.registry.challenge import Challenge, check_realm
from album_operator.adapters.registry.failures import garbage, refused
from album_operator.codec.foreign_json import parse_json
from album_operator.domain.registry import ImagePlace, RegistryCredential

MOST = 256
"""Most tokens that are kept, for as many repositories."""

SHORTEST = 60
"""Seconds a token is good for where nothing is said (distribution, "token")."""

MARGIN = 10
"""Seconds before its end at which a token is not used any more."""

TOKEN = re.compile(r"[!-~]{1,32768}")
"""What can be shown in a header; those of Azure and Google have a few thousand characters."""

PULL, PUSH = "pull", "pull,push"
"""Actions a token is for (distribution, "Token Scope Documentation")."""

CLIENT = "album-operator"


@dataclass(frozen=True)
class _Kept:
    header: str
    until: float


class Tokens:
    """Makes what a registry is shown.

    Args:
        api: sends requests.
        now: seconds of a clock that is never set.
    """

    def __init__(self, api: RegistryApi, now: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._now = now
        self._kept: dict[tuple[ImagePlace, str], _Kept] = {}

    def find(self, place: ImagePlace, actions: str) -> str:
        """Give the header for a repository that is known to be good; empty where none is.

        Args:
            place: the repository.
            actions: what is to be done there, `PULL` or `PUSH`.
        """
        credential = place.credential
        if credential is not None and credential.registry_token:
            return f"Bearer {credential.registry_token}"
        kept = self._kept.get((place, actions))
        return kept.header if kept is not None and kept.until > self._now() else ""

    def forget(self, place: ImagePlace, actions: str) -> None:
        """Make the next one anew."""
        self._kept.pop((place, actions), None)

    async def make(self, place: ImagePlace, actions: str, challenge: Challenge) -> str:
        """Give the header that a registry asks for.

        Raises:
            TransientError: none could be made now.
            TerminalError: `CredentialsRefused` or `HostNotAllowed`.
        """
        if not challenge.realm:
            return self._keep((place, actions), _basic(place.credential), SHORTEST)
        if place.credential is not None:
            check_realm(place, challenge.realm, self._api.insecure_hosts)
        answer = await self._api.send(place, _request(place, actions, challenge))
        if answer.status in {400, 401, 403, 404}:
            raise refused(place, answer.said)
        token, seconds = _parse(place, answer)
        return self._keep((place, actions), f"Bearer {token}", seconds)

    def _keep(self, key: tuple[ImagePlace, str], header: str, seconds: float) -> str:
        while len(self._kept) >= MOST:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = _Kept(header, self._now() + seconds - MARGIN)
        return header


def _basic(credential: RegistryCredential | None) -> str:
    if credential is None or not credential.password:
        return ""
    pair = f"{credential.username}:{credential.password}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _request(place: ImagePlace, actions: str, challenge: Challenge) -> Request:
    wish = {"scope": f"repository:{place.path}:{actions}"}
    if challenge.service:
        wish["service"] = challenge.service
    credential = place.credential
    if credential is not None and credential.identity_token:
        form = {
            "grant_type": "refresh_token",
            "client_id": CLIENT,
            "refresh_token": credential.identity_token,
        }
        return Request("POST", challenge.realm, form={**form, **wish})
    more = "&" if "?" in challenge.realm else "?"
    return Request("GET", f"{challenge.realm}{more}{urlencode(wish)}", _basic(credential))


def _parse(place: ImagePlace, answer: Answer) -> tuple[str, float]:
    """Read a token and for how many seconds it is good."""
    try:
        raw = parse_json(answer.data)
        token = raw.get("token") or raw["access_token"]
        seconds = float(raw.get("expires_in") or SHORTEST)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        raise garbage(place, "no token is in what makes its tokens") from None
    if not (isinstance(token, str) and TOKEN.fullmatch(token)):
        raise garbage(place, "its token is none")
    return token, min(max(seconds, SHORTEST), 3600)
