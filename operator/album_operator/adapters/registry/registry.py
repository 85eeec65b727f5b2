"""Images in their registries; the adapter of port `Registry`."""

import asyncio
import re
from collections.abc import Collection
from datetime import timedelta
from urllib.parse import urljoin, urlsplit

from album_operator.adapters.registry.api import TIME_LIMIT, Answer, RegistryApi, Request
from album_operator.adapters.registry.challenge import parse_challenge
from album_operator.adapters.registry.failures import garbage, redirected, refused
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

REDIRECTS = 3
"""How often a blob may be elsewhere: registries keep them in stores of others."""

ELSEWHERE = frozenset({301, 302, 303, 307, 308})


class HttpRegistry:
    """Reads manifests and configurations.

    Args:
        insecure_hosts: `host[:port]` that may be spoken to in plain HTTP.
        allowed_hosts: those that may be at an address of the node or the cluster.
        gateway: the way to servers; None for one of its own.
        time_limit: longest a request may take in all.
    """

    def __init__(
        self,
        insecure_hosts: Collection[str] = (),
        *,
        allowed_hosts: Collection[str] = (),
        gateway: Gateway | None = None,
        time_limit: timedelta = TIME_LIMIT,
    ) -> None:
        self._api = RegistryApi(insecure_hosts, allowed_hosts, gateway, time_limit)
        self._tokens = Tokens(self._api)
        self._known: dict[tuple[str, str], ImageSeen] = {}

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()

    async def find(self, place: ImagePlace, name: str) -> ImageSeen | None:
        """Read what a tag or a digest stands for."""
        _check_names(place, name)
        # Docker Hub counts no HEAD among the pulls it limits.
        answer = await self._ask(place, "HEAD", f"manifests/{name}", ", ".join(MANIFESTS))
        if answer is None:
            return None
        told = answer.headers.get("docker-content-digest", "")
        wanted = told if DIGEST.fullmatch(told) and ":" not in name else name
        return self._known.get((place.repository, wanted)) or await self._read(place, wanted)

    async def _read(self, place: ImagePlace, name: str) -> ImageSeen | None:
        """Read a manifest and the labels of all its images."""
        answer = await self._ask(place, "GET", f"manifests/{name}", ", ".join(MANIFESTS))
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
        answer = await self._ask(place, "GET", f"manifests/{part.digest}", ", ".join(MANIFESTS))
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
        self._known[place.repository, seen.digest] = seen
        return seen

    async def _ask(self, place: ImagePlace, method: str, path: str, accept: str) -> Answer | None:
        """Ask the registry, with what it wants to be shown; None where there is nothing."""
        url = f"{place.url}/v2/{place.path}/{path}"
        shown = self._tokens.find(place)
        answer = await self._send(place, method, url, accept, shown)
        if answer.status == 401:
            self._tokens.forget(place)
            challenge = parse_challenge(place, answer.headers.get("www-authenticate", ""))
            wanted = await self._tokens.make(place, challenge)
            if wanted:
                answer = await self._send(place, method, url, accept, wanted)
        if answer.status == 404:
            return None
        if answer.status in ELSEWHERE:
            return await self._follow(place, method, url, answer)
        if answer.status in {401, 403}:
            self._tokens.forget(place)
            raise refused(place, answer.said)
        if answer.status != 200:
            raise garbage(place, answer.said)
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
            host = urlsplit(urljoin(url, answer.headers.get("location", ""))).netloc
            raise redirected(place, host)
        for _ in range(REDIRECTS):
            url = urljoin(url, answer.headers.get("location", ""))
            answer = await self._send(place, method, url, "*/*", "")
            if answer.status not in ELSEWHERE:
                break
        if answer.status == 200:
            return answer
        if answer.status == 404:
            return None
        raise garbage(place, f"where it keeps its blobs, {answer.said} came")


def _check_names(place: ImagePlace, name: str) -> None:
    """Refuse what cannot be part of a URL, although the API server has checked it."""
    if PATH.fullmatch(place.path) and (TAG.fullmatch(name) or DIGEST.fullmatch(name)):
        return
    raise TerminalError(
        Reason.NAME_NOT_ALLOWED,
        f"{place.repository[:128]!r} with {name[:128]!r} is no image in a registry.",
        "Correct spec.build.image of the pipeline",
    )
