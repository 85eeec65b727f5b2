"""What registries answer: manifests, configurations, tags (OCI and Docker image specifications)."""

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from album_operator.adapters.registry.failures import garbage, mismatch, no_image
from album_operator.codec.foreign_json import ExcessiveError, parse_json
from album_operator.domain.registry import ImagePlace, ImageSeen

MOST = 4 * 1024 * 1024
"""Most bytes of a manifest (what registries take; distribution, `maxManifestBodySize`) or of a
configuration, which has some KiB."""

IMAGES = 16
"""Most images of an index that are read: more platforms than any builder makes for."""

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

INDEX, IMAGE = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
)
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_IMAGE = "application/vnd.docker.distribution.manifest.v2+json"

MANIFESTS = (INDEX, IMAGE, DOCKER_INDEX, DOCKER_IMAGE)
"""Media types of what a tag can stand for."""

CONFIGURATIONS = frozenset(
    {
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.docker.container.image.v1+json",
    }
)
"""Media types of the configuration of an image; that of an artifact has another."""

LAYERS = ("application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs.")
"""How the types of an image's layers begin; a signature has the configuration of an image."""

ATTESTATION = "vnd.docker.reference.type"
"""Annotation of what an index holds beside its images (BuildKit, "attestation-storage")."""


@dataclass(frozen=True)
class Part:
    """What a manifest is made of: an image's configuration, or an index's manifest."""

    digest: str
    platform: str = ""


@dataclass(frozen=True)
class Manifest:
    """What a tag or a digest stands for.

    Attributes:
        digest: of its bytes.
        images: of an index; None where it is an image itself.
        config: of an image; None where it is an index.
    """

    digest: str
    images: tuple[Part, ...] | None = None
    config: Part | None = None


def digest_of(data: bytes) -> str:
    """Give the digest of some bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def prove(place: ImagePlace, name: str, data: bytes) -> str:
    """Give the digest of what came, which must be the one that was asked for.

    Raises:
        TerminalError: `ImageMismatch`.
    """
    found = digest_of(data)
    if DIGEST.fullmatch(name) and name != found:
        raise mismatch(place, name, found)
    return found


def parse_manifest(place: ImagePlace, name: str, data: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        TransientError: it is none.
        TerminalError: `ImageSourceUnknown`: it is of nothing that runs; `ImageMismatch`.
    """
    digest = prove(place, name, data)
    raw = _mapping(place, data)
    is_index, config = isinstance(raw.get("manifests"), list), raw.get("config")
    if (is_index and config is not None) or str(raw.get("mediaType")) in (
        {IMAGE, DOCKER_IMAGE} if is_index else {INDEX, DOCKER_INDEX}
    ):
        # Each reader takes it for what it looks at first (CVE-2021-41190).
        raise no_image(place, name, "both an image and an index")
    if is_index:
        return Manifest(digest, images=_images(place, name, raw["manifests"]))
    if raw.get("schemaVersion") == 1:
        raise no_image(place, name, "of the manifest version 1, which has been given up in 2022")
    if not isinstance(config, dict) or not DIGEST.fullmatch(str(config.get("digest"))):
        raise garbage(place, f"no manifest of {place.repository} has no configuration")
    kind = str(config.get("mediaType"))
    if kind not in CONFIGURATIONS:
        raise no_image(place, name, f"no image but an artifact ({kind[:100]!r})")
    for layer in raw["layers"] if isinstance(raw.get("layers"), list) else ():
        of_layer = str(layer.get("mediaType")) if isinstance(layer, dict) else ""
        if not of_layer.startswith(LAYERS):
            raise no_image(place, name, f"no image but an artifact ({of_layer[:100]!r})")
    return Manifest(digest, config=Part(str(config["digest"])))


def parse_config(place: ImagePlace, part: Part, data: bytes) -> ImageSeen:
    """Read the labels of a configuration; the digest is that of the configuration itself.

    Raises:
        TransientError: it is none.
        TerminalError: `ImageMismatch`.
    """
    prove(place, part.digest, data)
    raw = _mapping(place, data)
    inner = raw.get("config")
    labels = inner.get("Labels") if isinstance(inner, dict) else None
    platform = "/".join(str(raw[key]) for key in ("os", "architecture", "variant") if raw.get(key))
    return ImageSeen(part.digest, _texts(labels), (part.platform or platform,))


def parse_tags(place: ImagePlace, data: bytes) -> tuple[str, ...]:
    """Read a list of tags (distribution specification, "Listing Tags"); null is none.

    Raises:
        TransientError: it is none.
    """
    tags = _mapping(place, data).get("tags")
    if tags is not None and not isinstance(tags, list):
        raise garbage(place, "its tags are no list")
    return tuple(map(str, tags or ()))


def join(digest: str, parts: Sequence[Part], images: Sequence[ImageSeen]) -> ImageSeen:
    """Give an index as one image: with the labels on which all of its images agree.

    Args:
        digest: of the index.
        parts: what it names.
        images: what these are.
    """
    shared = set.intersection(*(set(image.labels.items()) for image in images)) if images else set()
    platforms = tuple(platform for image in images for platform in image.platforms)
    named = tuple(part.digest for part in parts)
    return ImageSeen(digest, dict(sorted(shared)), platforms, named)


def _images(place: ImagePlace, name: str, raw: Sequence[Any]) -> tuple[Part, ...]:
    found = []
    for each in raw:
        if isinstance(each, dict) and _is_attestation(each):
            continue
        if not isinstance(each, dict) or not DIGEST.fullmatch(str(each.get("digest"))):
            raise no_image(place, name, "an index of images that it does not name by SHA-256")
        if str(each.get("mediaType")) in {INDEX, DOCKER_INDEX}:
            raise no_image(place, name, "an index of indexes")
        found.append(Part(str(each["digest"]), _platform(each.get("platform"))))
    if not found:
        raise no_image(place, name, "an index without an image")
    if len(found) > IMAGES:
        raise no_image(place, name, f"an index of more than {IMAGES} images")
    return tuple(found)


def make_index(images: Collection[tuple[bytes, str]]) -> tuple[bytes, str]:
    """Make an index, the same of the same images in whatever order.

    Args:
        images: manifest and platform of each, such as `linux/arm64/v8`.

    Returns:
        Its bytes and its media type: Docker's where all images have Docker's, which some registries
        want alike.
    """
    listed = [_descriptor(data, platform) for data, platform in images]
    listed.sort(key=lambda each: str(each["digest"]))
    is_docker = all(each["mediaType"] == DOCKER_IMAGE for each in listed)
    kind = DOCKER_INDEX if is_docker else INDEX
    index = {"schemaVersion": 2, "mediaType": kind, "manifests": listed}
    return json.dumps(index, indent=2, sort_keys=True).encode(), kind


def _descriptor(data: bytes, platform: str) -> dict[str, Any]:
    told = {"mediaType": kind_of(data), "digest": digest_of(data), "size": len(data)}
    parts = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))
    return {**told, "platform": parts} if platform else told


def kind_of(data: bytes) -> str:
    """Give the media type of a manifest that was read; those of the OCI may leave it out."""
    raw = parse_json(data, MOST)
    return str(raw.get("mediaType") or (INDEX if "manifests" in raw else IMAGE))


def _is_attestation(raw: Mapping[str, Any]) -> bool:
    annotations = raw.get("annotations")
    is_told = isinstance(annotations, dict) and ATTESTATION in annotations
    return is_told or _platform(raw.get("platform")) == "unknown/unknown"


def _platform(raw: object) -> str:
    if not isinstance(raw, dict):
        return ""
    return "/".join(str(raw[key]) for key in ("os", "architecture", "variant") if raw.get(key))


def _texts(raw: object) -> dict[str, str]:
    return {str(key): str(value) for key, value in raw.items()} if isinstance(raw, dict) else {}


def _mapping(place: ImagePlace, data: bytes) -> Mapping[str, Any]:
    try:
        raw = parse_json(data, MOST)
    except ExcessiveError as error:
        raise garbage(place, str(error)) from error
    except ValueError as error:
        what = "a web page" if data.lstrip().startswith(b"<") else "no JSON"
        raise garbage(place, f"it is {what}") from error
    if not isinstance(raw, dict):
        raise garbage(place, "its JSON is no object")
    return raw
