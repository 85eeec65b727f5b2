"""A registry in memory; the port `Registry`."""

import hashlib
import json
from collections.abc import Collection, Mapping

from album_operator.domain.errors import OutsideError, StaleError, TerminalError
from album_operator.domain.reasons import Reason
from album_operator.domain.registry import ImagePlace, ImageSeen
from tests.fakes.faults import Faults


class FakeRegistry:
    """Images by repository and by tag or digest.

    Attributes:
        asked: every question, as `repository:tag` or `repository@digest`.
        trouble: raised by every question while set.
        immutable: tags that the registry does not let us put.
    """

    def __init__(self, faults: Faults | None = None) -> None:
        self._faults = faults or Faults()
        self.immutable: set[str] = set()
        self.asked: list[str] = []
        self.trouble: OutsideError | None = None
        self._images: dict[str, dict[str, ImageSeen]] = {}

    def push(
        self,
        repository: str,
        tag: str,
        labels: Mapping[str, str],
        platforms: tuple[str, ...] = ("linux/amd64",),
        digest: str | None = None,
    ) -> str:
        """Push an image as a builder does; the tag moves if it is there.

        Args:
            repository: in full.
            tag: a tag.
            labels: of its configuration.
            platforms: of its images.
            digest: of its manifest; None for one that follows from all the rest.

        Returns:
            Its digest.
        """
        content = json.dumps([repository, sorted(labels.items()), platforms])
        digest = digest or f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"
        image = ImageSeen(digest, dict(labels), platforms)
        self._images.setdefault(repository, {}).update({tag: image, digest: image})
        return digest

    def delete(self, repository: str, tag: str) -> None:
        """Take a tag away; its image stays."""
        del self._images[repository][tag]

    def digest_of(self, repository: str, tag: str) -> str | None:
        """Give what a tag stands for, without asking."""
        image = self._images.get(repository, {}).get(tag)
        return image.digest if image is not None else None

    def labels_of(self, repository: str, tag: str) -> Mapping[str, str]:
        """Give the labels of what a tag stands for, without asking."""
        return self._images[repository][tag].labels

    async def find(self, place: ImagePlace, name: str) -> ImageSeen | None:
        """Read what a tag or a digest stands for."""
        separator = "@" if ":" in name else ":"
        self.asked.append(f"{place.repository}{separator}{name}")
        if self.trouble is not None:
            raise self.trouble
        return self._images.get(place.repository, {}).get(name)

    async def is_empty(self, place: ImagePlace) -> bool:
        """Tell whether a repository has no tag, or is not there."""
        self.asked.append(place.repository)
        if self.trouble is not None:
            raise self.trouble
        return not self._images.get(place.repository)

    async def tag(
        self, place: ImagePlace, digest: str, tag: str, instead_of: str | None = None
    ) -> None:
        """Let a tag stand for an image that is there."""
        with self._faults.write("tag image"):
            if self.trouble is not None:
                raise self.trouble
            if tag in self.immutable:
                raise TerminalError(Reason.PUSH_REFUSED, f"{tag} is immutable.", "Let it be moved")
            self._stand(place, tag, self._image(place, digest), instead_of)

    async def put_index(self, place: ImagePlace, images: Collection[str], tag: str) -> str:
        """Let a tag stand for an index of images that are there."""
        with self._faults.write("put index"):
            if self.trouble is not None:
                raise self.trouble
            found = [self._image(place, digest) for digest in sorted(set(images))]
            if not found:
                raise TerminalError(Reason.IMAGE_SOURCE_UNKNOWN, "It is an index without an image.")
            shared = set.intersection(*(set(image.labels.items()) for image in found))
            digest = (
                f"sha256:{hashlib.sha256(repr([one.digest for one in found]).encode()).hexdigest()}"
            )
            platforms = tuple(platform for image in found for platform in image.platforms)
            listed = tuple(image.digest for image in found)
            self._stand(place, tag, ImageSeen(digest, dict(shared), platforms, listed))
            return digest

    def _image(self, place: ImagePlace, digest: str) -> ImageSeen:
        try:
            return self._images[place.repository][digest]
        except KeyError:
            raise StaleError(Reason.BUILDING, f"There is no {digest}.") from None

    def _stand(
        self, place: ImagePlace, tag: str, image: ImageSeen, instead_of: str | None = None
    ) -> None:
        known = self._images.setdefault(place.repository, {})
        if tag in known and known[tag].digest not in {image.digest, instead_of}:
            raise StaleError(Reason.BUILDING, f"{tag} stands for {known[tag].digest}.")
        known.update({tag: image, image.digest: image})
