"""What of an image one Job builds: all of it, or with kaniko that of one of several platforms."""

from dataclasses import dataclass, field, fields, replace

from album_operator.domain.names import image_repository, image_tag, job_name, shorten
from album_operator.domain.release import BuildType
from album_operator.domain.resolved import Resolved, ResolvedBuild

ARCHITECTURE = "kubernetes.io/arch"
"""Label every node has (Kubernetes, "Well-Known Labels, Annotations and Taints")."""

TAG_LENGTH = 128
"""Longest tag (distribution specification, "Pulling manifests")."""

WHOLE = ""
"""In place of a platform, where one Job builds the whole image."""


@dataclass(frozen=True)
class PartBuild(ResolvedBuild):
    """How one platform's image of several is built; the tags of the release are its index's.

    Attributes:
        whole: the build it is a part of, whose label it bears.
    """

    whole: ResolvedBuild = field(kw_only=True)


def parts_of(resolved: Resolved) -> dict[str, Resolved]:
    """Give what each Job of a release builds, by platform; one builds all where it can.

    kaniko runs the steps of a Dockerfile as they are, so each platform needs a node of its own.
    """
    build = resolved.build
    if build.type is not BuildType.KANIKO or len(build.platforms) < 2:
        return {WHOLE: resolved}
    return {
        platform: replace(resolved, build=_part(build, platform)) for platform in build.platforms
    }


def platform_of(build: ResolvedBuild) -> str:
    """Give the platform a part is for."""
    return build.platforms[0] if isinstance(build, PartBuild) else WHOLE


def node_of(build: ResolvedBuild) -> str | None:
    """Give the architecture of the node that a part needs, None where any will do."""
    if build.type is not BuildType.KANIKO or not build.platforms:
        return None
    return build.platforms[0].split("/")[1]


def job_of(release: str, part: Resolved, attempt: int) -> str:
    """Name the Job that builds a part for one attempt of a release."""
    return job_name(release, attempt, _word(platform_of(part.build)))


def _part(build: ResolvedBuild, platform: str) -> PartBuild:
    word, cache = _word(platform), build.cache
    tag = shorten(image_tag(build.image), TAG_LENGTH - len(word) - 1)
    if cache is not None:
        # kaniko's key of a step begins with the base image, and `scratch` is one for all.
        cache = replace(cache, repository=f"{cache.repository}-{word}")
    own = {
        "image": f"{image_repository(build.image)}:{tag}-{word}",
        "tags": (),
        "platforms": (platform,),
        "cache": cache,
        "whole": build,
    }
    return PartBuild(**{each.name: getattr(build, each.name) for each in fields(build)} | own)


def _word(platform: str) -> str:
    """Give a platform as part of a name: `arm-v7` of `linux/arm/v7`."""
    return platform.removeprefix("linux/").replace("/", "-")
