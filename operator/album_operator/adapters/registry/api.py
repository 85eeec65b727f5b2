"""Requests to registries and to those that make their tokens, one at a time."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import yarl

from album_operator.adapters.foreign_words import WORDS_LENGTH
from album_operator.adapters.registry.failures import SHARES, limited, unavailable
from album_operator.adapters.servers.addresses import check_address, check_found
from album_operator.adapters.servers.gateway import Gateway
from album_operator.adapters.servers.http_times import parse_retry_after, time_of
from album_operator.adapters.servers.sessions import Sessions, read_at_most
from album_operator.adapters.servers.statuses import RETRIED
from album_operator.adapters.servers.tunnels import refused_by
from album_operator.codec.foreign_json import parse_json
from album_operator.domain.names import server_of
from album_operator.domain.reasons import Reason
from album_operator.domain.redaction import Redactor, head
from album_operator.domain.registry import ImagePlace
from album_operator.domain.secret_words import words_of

TIME_LIMIT = timedelta(seconds=20)
"""Longest a request may take in all."""


API_VERSION = "docker-distribution-api-version"
"""Header of registries (distribution); newer ones may leave it out."""


@dataclass(frozen=True)
class Request:
    """What is asked.

    Attributes:
        url: where, with its query.
        authorization: value of that header, empty for none; left out of `repr`.
        accept: media types that are wanted.
        form: sent with POST, None for nothing; left out of `repr`.
        content: sent as it is, None for nothing.
        content_type: its media type.
        limit: most bytes of the answer.
    """

    method: str
    url: str
    authorization: str = field(default="", repr=False)
    accept: str = "*/*"
    form: Mapping[str, str] | None = field(default=None, repr=False)
    content: bytes | None = field(default=None, repr=False)
    content_type: str = ""
    limit: int = 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """What came.

    Attributes:
        headers: by name in lower case.
        challenges: all `WWW-Authenticate`.
        said: the server's own words for what is wrong, or the status, without a secret.
        shown: scheme of what was shown with the request, empty for nothing.
    """

    status: int
    headers: Mapping[str, str]
    challenges: tuple[str, ...]
    data: bytes
    said: str
    shown: str = ""

    @property
    def is_of_registry(self) -> bool:
        """Whether a registry said so; any web server may answer with a page and the same status."""
        return bool(_errors(self.data)) or API_VERSION in self.headers

    @property
    def retry_after(self) -> timedelta | None:
        """How long the server wants not to be asked."""
        return parse_retry_after(self.headers.get("retry-after"), time_of(self.headers.get("date")))


@dataclass(frozen=True)
class _Target:
    """The server of one request; others than the registry make tokens and keep blobs."""

    namespace: str
    server: str


class RegistryApi:
    """Sends requests.

    Args:
        insecure_hosts: `host[:port]` that may be spoken to in plain HTTP.
        allowed_hosts: those that may be at an address of the node or the cluster.
        gateway: the way to servers; None for one of its own.
        time_limit: longest a request may take in all.
    """

    def __init__(
        self,
        insecure_hosts: Collection[str],
        allowed_hosts: Collection[str],
        gateway: Gateway | None,
        time_limit: timedelta,
    ) -> None:
        self.insecure_hosts = frozenset(host.lower() for host in insecure_hosts)
        self._allowed_hosts = frozenset(allowed_hosts)
        self._gateway = gateway or Gateway(SHARES, Reason.REGISTRY_UNAVAILABLE)
        self._check_found = partial(check_found, listed={*insecure_hosts, *allowed_hosts})
        self._sessions = Sessions(self._gateway, self._check_found, time_limit)

    async def close(self) -> None:
        """Close all connections."""
        await self._sessions.close()

    async def send(self, place: ImagePlace, request: Request) -> Answer:
        """Send a request, follow no redirect, and give what a later try would not change.

        Args:
            place: the repository it is about.
            request: the request.

        Raises:
            TransientError: `RegistryUnavailable` or `RateLimited`.
            TerminalError: `HostNotAllowed`.
        """
        origin = _origin_of(request.url)
        self._check(place, origin)
        answer = await self._gateway.run(
            _Target(place.namespace, server_of(origin)),
            lambda: self._exchange(place, request),
            check=self._check_found,
            proxy=self._gateway.proxies.find(request.url),
            find_failure=_find_failure,
        )
        if answer.status == 429:
            raise limited(place, _of_server(place, request, answer.said), answer.retry_after)
        if answer.status in RETRIED:
            said = _of_server(place, request, answer.said)
            raise unavailable(place, said, answer.retry_after)
        return answer

    def _check(self, place: ImagePlace, origin: str) -> None:
        if place.insecure and origin == place.url:
            # It is the pipeline's word how its registry is spoken to, and not where that may be.
            listed = {*self.insecure_hosts, *self._allowed_hosts}
            check_address(f"https://{server_of(origin)}", (), listed)
        else:
            check_address(origin, self.insecure_hosts, self._allowed_hosts)

    async def _exchange(self, place: ImagePlace, request: Request) -> Answer:
        headers = {"Accept": request.accept, "User-Agent": "album-operator"}
        if request.authorization:
            headers["Authorization"] = request.authorization
        if request.content_type:
            headers["Content-Type"] = request.content_type
        proxy = self._gateway.proxies.find(request.url)
        if request.content is not None:
            self._gateway.term.check()
        try:
            async with self._sessions.through(proxy).request(
                request.method,
                yarl.URL(request.url, encoded=True),
                headers=headers,
                data=request.form if request.content is None else request.content,
                # What it is shown is for this host alone.
                allow_redirects=False,
                proxy=proxy.url if proxy is not None else None,
                proxy_headers=proxy.headers if proxy is not None else None,
            ) as response:
                data = await read_at_most(response, request.limit)
                return _read(place, request, response, data)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            if proxy is not None and isinstance(error, aiohttp.ClientHttpProxyError):
                raise unavailable(place, refused_by(proxy, error.status)) from error
            said = _clean(place, request, str(error) or type(error).__name__)
            raise unavailable(place, _of_server(place, request, said)) from error


def _origin_of(url: str) -> str:
    """Give what of a URL decides who is gone to; registries and their stores choose the rest."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _of_server(place: ImagePlace, request: Request, said: str) -> str:
    """Name the server that said something, where it is not the registry itself."""
    server = server_of(_origin_of(request.url))
    return said if server == place.server else f"{server} said {said}"


def _find_failure(answer: Answer) -> str | None:
    """Say what of an answer is the server's own failure (RFC 9110, section 15.6)."""
    return answer.said if answer.status >= 500 else None


def _read(
    place: ImagePlace, request: Request, response: aiohttp.ClientResponse, data: bytes
) -> Answer:
    words = (
        next((": ".join(filter(None, map(str, words))) for words in _errors(data)), "")
        if response.status >= 400
        else ""
    )
    said = ", ".join(filter(None, (f"HTTP status {response.status}", words)))
    return Answer(
        response.status,
        {name.lower(): value for name, value in response.headers.items()},
        tuple(response.headers.getall("WWW-Authenticate", ())),
        data,
        _clean(place, request, said),
        request.authorization.partition(" ")[0],
    )


def _errors(data: bytes) -> list[tuple[object, object]]:
    """Give code and message of each error (distribution specification, "Error Codes")."""
    try:
        raw: Any = parse_json(data)
        return [(error.get("code") or "", error.get("message") or "") for error in raw["errors"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def _clean(place: ImagePlace, request: Request, text: str) -> str:
    """Take what was shown to the server out of what it said."""
    credential = place.credential
    shown = {"authorization": request.authorization.partition(" ")[2]}
    if credential is not None:
        shown |= {
            "username": credential.username,
            "password": credential.password,
            "identitytoken": credential.identity_token,
            "registrytoken": credential.registry_token,
        }
    known = words_of({key: value.encode() for key, value in shown.items()})
    # What a server says may be for a terminal, or look like lines of others.
    return head(re.sub(r"[^!-~]+", " ", Redactor([known]).clean(text)), WORDS_LENGTH)
