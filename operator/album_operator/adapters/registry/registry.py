"""Images in their registries; the adapter of port `Registry`."""

import asyncio
import re
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from album_operator.adapters.registry.api import TIME_LIMIT, RegistryApi
from album_operator.adapters.registry.asking import Asking
from album_operator.adapters.registry.failures import (
    garbage,
    no_image,
    no_reference,
    not_pushed,
    not_there,
    other_registry,
    reference,
    tag_taken,
    unavailable,
)
from album_operator.adapters.registry.manifests import (
    DIGEST,
    MANIFESTS,
    Part,
    digest_of,
    join,
    kind_of,
    make_index,
    parse_config,
    parse_manifest,
    parse_tags,
)
from album_operator.adapters.servers.gateway import Gateway
from album_operator.domain.registry import ImagePlace, ImageSeen

PATH = re.compile(
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
)
"""Name of a repository (distribution specification, "Pulling manifests")."""

TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")

ANY_TAG = "latest"
"""In place of the tag where the repository as a whole is meant."""

REMEMBERED = 1024
"""Images whose labels are remembered: what a digest stands for never changes."""

LENGTH = 16 * 1024
"""Longest labels that are remembered, in characters; those of an image have hundreds."""

WHOLE_LIMIT = timedelta(seconds=60)
"""Longest all requests about one image may take."""

ACCEPT = ", ".join(MANIFESTS)


class HttpRegistry:
    """Reads manifests and configurations, and puts indexes and tags there.

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
        self._asking = Asking(self._api)
        self._whole_limit = whole_limit.total_seconds()
        self._known: dict[tuple[str, str], ImageSeen] = {}

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()

    async def tag(
        self, place: ImagePlace, digest: str, tag: str, instead_of: str | None = None
    ) -> None:
        """Let a tag stand for a manifest that is there."""
        async with self._within(place, tag) as there:
            data = await self._read_again(there, digest)
            await self._put(there, tag, data, kind_of(data), instead_of)

    async def put_index(self, place: ImagePlace, images: Collection[str], tag: str) -> str:
        """Let a tag stand for an index of images that are there, and give its digest."""
        async with self._within(place, tag) as there:
            listed = [await self._listed(there, digest) for digest in sorted(set(images))]
            index, kind = make_index(listed)
            parse_manifest(there, tag, index)
            await self._put(there, tag, index, kind)
            return digest_of(index)

    async def _listed(self, place: ImagePlace, digest: str) -> tuple[bytes, str]:
        """Read what an index says of an image."""
        data = await self._read_again(place, digest)
        seen = await self._read_image(place, Part(digest))
        return data, seen.platforms[0]

    async def _read_again(self, place: ImagePlace, digest: str) -> bytes:
        """Give the bytes of a manifest that was there."""
        if not DIGEST.fullmatch(digest):
            raise no_reference(place, digest)
        answer = await self._asking.ask(place, "GET", f"manifests/{digest}", ACCEPT)
        if answer is None:
            raise not_there(place, digest)
        parse_manifest(place, digest, answer.data)
        return answer.data

    async def _put(
        self, place: ImagePlace, tag: str, data: bytes, kind: str, instead_of: str | None = None
    ) -> None:
        """Let a tag stand for a manifest, unless it stands for another than was seen by now."""
        digest = digest_of(data)
        if await self._stands_for(place, tag, digest, instead_of):
            return
        answer = await self._asking.put(place, f"manifests/{tag}", data, kind)
        if answer.status not in {200, 201, 202, 204}:
            raise not_pushed(place, tag, answer.said)
        # Registries compare nothing before they write: of two at once the last has won.
        if not await self._stands_for(place, tag, digest, instead_of):
            raise unavailable(place, f"it took {reference(place, tag)} and has it not")

    async def _stands_for(
        self, place: ImagePlace, tag: str, digest: str, instead_of: str | None
    ) -> bool:
        """Tell whether a tag stands for a digest; False where it stands for what it may so far."""
        answer = await self._asking.ask(place, "GET", f"manifests/{tag}", ACCEPT)
        if answer is None:
            return False
        found = digest_of(answer.data)
        if found not in {digest, instead_of}:
            raise tag_taken(place, tag, found)
        return found == digest

    async def find(self, place: ImagePlace, name: str) -> ImageSeen | None:
        """Read what a tag or a digest stands for."""
        async with self._within(place, name) as there:
            return await self._find(there, name)

    async def is_empty(self, place: ImagePlace) -> bool:
        """Tell whether a repository has no tag, or is not there."""
        async with self._within(place, ANY_TAG) as there:
            # Those that know no `n` answer with all tags.
            answer = await self._asking.ask(there, "GET", "tags/list?n=1", "application/json")
            return answer is None or not parse_tags(there, answer.data)

    @asynccontextmanager
    async def _within(self, place: ImagePlace, name: str) -> AsyncIterator[ImagePlace]:
        """Work on what may be asked for, as builders do, and no longer than the limit."""
        _check(place, name)
        is_plain = place.insecure or place.registry in self._api.insecure_hosts
        try:
            async with asyncio.timeout(self._whole_limit):
                yield replace(place, insecure=is_plain)
        except TimeoutError:
            said = f"it did not tell all of an image within {self._whole_limit:g} seconds"
            raise unavailable(place, said) from None

    async def _find(self, place: ImagePlace, name: str) -> ImageSeen | None:
        # Docker Hub counts no HEAD among the pulls it limits. Whatever else one is answered with,
        # GET decides: some registries know no HEAD, or have no words for it.
        answer = await self._asking.answer(place, "HEAD", f"manifests/{name}", ACCEPT)
        told = answer.headers.get("docker-content-digest", "") if answer.status == 200 else ""
        wanted = told if DIGEST.fullmatch(told) and ":" not in name else name
        known = self._known.get((place.repository, wanted)) if answer.status == 200 else None
        seen = known or await self._read(place, wanted)
        # What HEAD told may be gone, or a mirror of the registry may not have it yet.
        return seen if seen is not None or wanted == name else await self._read(place, name)

    async def _read(self, place: ImagePlace, name: str) -> ImageSeen | None:
        """Read a manifest and the labels of all its images."""
        answer = await self._asking.ask(place, "GET", f"manifests/{name}", ACCEPT)
        if answer is None:
            return None
        manifest = parse_manifest(place, name, answer.data)
        if manifest.images is not None:
            images = await asyncio.gather(
                *(self._read_image(place, part) for part in manifest.images)
            )
            return self._remember(place, join(manifest.digest, manifest.images, images))
        if manifest.config is None:
            raise garbage(place, f"a manifest of {place.repository} is of nothing")
        image = await self._read_config(place, manifest.config)
        return self._remember(place, ImageSeen(manifest.digest, image.labels, image.platforms))

    async def _read_image(self, place: ImagePlace, part: Part) -> ImageSeen:
        answer = await self._asking.ask(place, "GET", f"manifests/{part.digest}", ACCEPT)
        if answer is None:
            raise no_image(place, part.digest, "part of an index and not there")
        manifest = parse_manifest(place, part.digest, answer.data)
        if manifest.config is None:
            raise no_image(place, part.digest, "part of an index and an index itself")
        config = Part(manifest.config.digest, part.platform)
        return await self._read_config(place, config)

    async def _read_config(self, place: ImagePlace, part: Part) -> ImageSeen:
        answer = await self._asking.ask(place, "GET", f"blobs/{part.digest}", "*/*")
        if answer is None:
            raise no_image(place, part.digest, "part of an image and not there")
        return parse_config(place, part, answer.data)

    def _remember(self, place: ImagePlace, seen: ImageSeen) -> ImageSeen:
        while len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        if sum(map(len, (*seen.labels, *seen.labels.values(), *seen.platforms))) <= LENGTH:
            self._known[place.repository, seen.digest] = seen
        return seen


def _check(place: ImagePlace, name: str) -> None:
    """Refuse what must not be asked for, although the API server and the pass have checked it."""
    if not PATH.fullmatch(place.path) or not (TAG.fullmatch(name) or DIGEST.fullmatch(name)):
        raise no_reference(place, name)
    if place.credential is not None and place.credential.registry != place.registry:
        raise other_registry(place)
