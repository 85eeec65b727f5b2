"""What a build makes beside the version's image, and the secrets its steps may ask for."""

from collections.abc import Iterable
from dataclasses import dataclass

from album_operator.domain.names import image_repository


@dataclass(frozen=True)
class SecretKeyRef:
    """One key of a Secret in the namespace of the pipeline."""

    name: str
    key: str


@dataclass(frozen=True)
class BuildSecret:
    """A file that a step of a Dockerfile asks for by its id (`RUN --mount=type=secret`).

    Attributes:
        name: the id.
    """

    name: str
    secret_ref: SecretKeyRef


def references(image: str, tags: Iterable[str]) -> tuple[str, ...]:
    """Give an image under all its tags, the one with the version first.

    Args:
        image: reference with the version as tag.
        tags: further ones.
    """
    repository = image_repository(image)
    return (image, *(f"{repository}:{tag}" for tag in tags))
