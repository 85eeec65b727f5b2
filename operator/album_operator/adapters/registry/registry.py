"""Images in their registries; the adapter of port `Registry`."""

import asyncio
import re
from collections.abc import Collection
from datetime import timedelta
from urllib.parse import urljoin, urlsplit

from album_operator.adapters.registry.api import TIME_LIMIT, Answer, RegistryApi, Request
from album_operator.adapters.registry.challenge import parse_challenge
from album_operator.adapters.registry.failures import (
    garbage,
    other_registry,
    redirected,
    refused,
    unavailable,
)
from album_operator.adapters.registry.manifests import (
    DIGEST,
    MANIFESTS,
    MOST,
    Part,
    join,
    parse_config,
    parse_manifest,
)
from album_operator.adapters.registry.tokens import Tokens
from album_operator.adapters.servers.gateway import Gateway
from album_operator.domain.errors import TerminalError
from album_operator.domain.reasons import Reason
from album_operator.domain.registry import ImagePlace, ImageSeen

PATH = re.compile(
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
)
"""Name of a repository (distribution specification, "Pulling manifests")."""

TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")

REMEMBERED = 1024
"""Images whose labels are remembered: what a digest stands for never changes."""

LENGTH = 16 * 1024
"""Longest labels that are remembered, in characters; those of an image have hundreds."""

REDIRECTS = 3
"""How often a blob may be elsewhere: registries keep them in stores of others."""

WHOLE_LIMIT = timedelta(seconds=60)
"""Longest all requests about one image may take."""

ACCEPT = ", ".join(MANIFESTS)

DENIED = "requested access to the resource is denied"
"""Of a repository that is not there, too (distribution, `ErrorCodeDenied`; ghcr.io)."""

ELSEWHERE = frozenset({301, 302, 303, 307, 308})


class HttpRegistry:
    """Reads manifests and configurations.

    Args:
        insecure_hosts: `host[:port]` that may be spoken to in plain HTTP.
        allowed_hosts: those that may be at an address of the node or the cluster.
        gateway: the way to servers; None for one of its own.
        time_limit: longest a request may take in all.
        whole_limit: longest all requests about an image may take.
    """

    def __init__(
        self,
        insecure_hosts: Collection[str] = (),
        *,
        allowed_hosts: Collection[str] = (),
        gateway: Gateway | None = None,
        time_limit: timedelta = TIME_LIMIT,
        whole_limit: timedelta = WHOLE_LIMIT,
    ) -> None:
        self._api = RegistryApi(insecure_hosts, allowed_hosts, gateway, time_limit)
        self._tokens = Tokens(self._api)
        self._whole_limit = whole_limit.total_seconds()
        self._known: dict[tuple[str, str], ImageSeen] = {}

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()

    async def find(self, place: ImagePlace, name: str) -> ImageSeen | None:
        """Read what a tag or a digest stands for."""
        _check(place, name)
        try:
            async with asyncio.timeout(self._whole_limit):
                return await self._find(place, name)
        except TimeoutError:
            said = f"it did not tell all of an image within {self._whole_limit:g} seconds"
            raise unavailable(place, said) from None

    async def _find(self, place: ImagePlace, name: str) -> ImageSeen | None:
        # Docker Hub counts no HEAD among the pulls it limits. Whatever else one is answered with,
        # GET decides: some registries know no HEAD, or have no words for it.
        answer = await self._answer(place, "HEAD", f"manifests/{name}", ACCEPT)
        told = answer.headers.get("docker-content-digest", "") if answer.status == 200 else ""
        wanted = told if DIGEST.fullmatch(told) and ":" not in name else name
        known = self._known.get((place.repository, wanted)) if answer.status == 200 else None
        return known or await self._read(place, wanted)

    async def _read(self, place: ImagePlace, name: str) -> ImageSeen | None:
        """Read a manifest and the labels of all its images."""
        answer = await self._ask(place, "GET", f"manifests/{name}", ACCEPT)
        if answer is None:
            return None
        manifest = parse_manifest(place, name, answer.data)
        if manifest.images is not None:
            images = await asyncio.gather(
                *(self._read_image(place, part) for part in manifest.images)
            )
            return self._remember(place, join(manifest.digest, images))
        if manifest.config is None:
            raise garbage(place, f"a manifest of {place.repository} is of nothing")
        image = await self._read_config(place, manifest.config)
        return self._remember(place, ImageSeen(manifest.digest, image.labels, image.platforms))

    async def _read_image(self, place: ImagePlace, part: Part) -> ImageSeen:
        answer = await self._ask(place, "GET", f"manifests/{part.digest}", ACCEPT)
        if answer is None:
            raise garbage(place, f"an index of {place.repository} lists what is not there")
        manifest = parse_manifest(place, part.digest, answer.data)
        if manifest.config is None:
            raise garbage(place, f"an index of {place.repository} lists another index")
        config = Part(manifest.config.digest, part.platform)
        return await self._read_config(place, config)

    async def _read_config(self, place: ImagePlace, part: Part) -> ImageSeen:
        answer = await self._ask(place, "GET", f"blobs/{part.digest}", "*/*")
        if answer is None:
            raise garbage(place, f"a manifest of {place.repository} lists what is not there")
        return parse_config(place, part, answer.data)

    def _remember(self, place: ImagePlace, seen: ImageSeen) -> ImageSeen:
        while len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        if sum(map(len, (*seen.labels, *seen.labels.values(), *seen.platforms))) <= LENGTH:
            self._known[place.repository, seen.digest] = seen
        return seen

    async def _ask(self, place: ImagePlace, method: str, path: str, accept: str) -> Answer | None:
        """Ask the registry; None where there is nothing."""
        answer = await self._answer(place, method, path, accept)
        if answer.status in ELSEWHERE:
            return await self._follow(place, method, f"{place.url}/v2/{place.path}/{path}", answer)
        if _is_missing(place, answer):
            return None
        if answer.status in {401, 403}:
            self._tokens.forget(place)
            raise refused(place, answer.said)
        if answer.status != 200:
            raise garbage(place, answer.said)
        return answer

    async def _answer(self, place: ImagePlace, method: str, path: str, accept: str) -> Answer:
        """Ask the registry, with what it wants to be shown."""
        url = f"{place.url}/v2/{place.path}/{path}"
        shown = self._tokens.find(place)
        answer = await self._send(place, method, url, accept, shown)
        if answer.status == 401 and shown:
            # Harbor says only to who shows nothing where its tokens are made.
            self._tokens.forget(place)
            answer = await self._send(place, method, url, accept, self._tokens.find(place))
        if answer.status == 401:
            challenge = parse_challenge(place, answer.challenges)
            wanted = await self._tokens.make(place, challenge)
            if wanted:
                answer = await self._send(place, method, url, accept, wanted)
        return answer

    async def _send(
        self, place: ImagePlace, method: str, url: str, accept: str, shown: str
    ) -> Answer:
        request = Request(method, url, shown, accept, limit=MOST)
        return await self._api.send(place, request)

    async def _follow(
        self, place: ImagePlace, method: str, url: str, answer: Answer
    ) -> Answer | None:
        """Read a blob where the registry keeps it, which is shown nothing: its bytes are proved."""
        if method != "GET" or "/blobs/" not in url:
            raise redirected(place, urlsplit(_there(place, url, answer)).netloc)
        for _ in range(REDIRECTS):
            url = _there(place, url, answer)
            answer = await self._send(place, method, url, "*/*", "")
            if answer.status not in ELSEWHERE:
                break
        if answer.status == 200:
            return answer
        if answer.status == 404:
            return None
        raise garbage(place, f"where it keeps its blobs, {answer.said} came")


def _there(place: ImagePlace, url: str, answer: Answer) -> str:
    """Give where a redirect leads."""
    try:
        there = urljoin(url, answer.headers["location"]).partition("#")[0]
        parts = urlsplit(there)
        if parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0:
            return there
    except (KeyError, ValueError):  # none, a bracket left open, a port that is no number
        pass
    raise garbage(place, "it leads to no URL")


def _is_missing(place: ImagePlace, answer: Answer) -> bool:
    """Tell whether an image is not there, or the repository that a push would make.

    Docker Hub, Quay and Harbor say of a repository that is not there yet what they say of one that
    a user must not see. Where they made a token for the credential it is good, and who may push to
    what is there may read it; so there is nothing.

    Raises:
        TransientError: no registry says that it is not there.
    """
    if answer.status == 404:
        if not answer.is_of_registry:
            raise garbage(place, f"{answer.said} came from no registry")
        return True
    login = place.credential
    is_made = answer.shown == "Bearer" and login is not None and not login.registry_token
    return is_made and (
        answer.status == 401 or (answer.status == 403 and answer.said.endswith(DENIED))
    )


def _check(place: ImagePlace, name: str) -> None:
    """Refuse what must not be asked for, although the API server and the pass have checked it."""
    if not PATH.fullmatch(place.path) or not (TAG.fullmatch(name) or DIGEST.fullmatch(name)):
        raise TerminalError(
            Reason.NAME_NOT_ALLOWED,
            f"{place.repository[:128]!r} with {name[:128]!r} is no image in a registry.",
            "Correct spec.build.image of the pipeline",
        )
    if place.credential is not None and place.credential.registry != place.registry:
        raise other_registry(place)
