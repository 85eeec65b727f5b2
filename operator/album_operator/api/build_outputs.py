"""The part of an AlbumPipeline that says what a build makes, and with which secrets."""

from typing import Annotated

from pydantic import Field

from album_operator.api.model import Model, Rule, SetList, obeys
from album_operator.api.predicates import is_not, matches
from album_operator.api.types import VERSION, Name, ObjectName, Text

ImageTag = Annotated[
    str,
    Field(max_length=128, examples=["latest"]),
    Rule(
        matches("[A-Za-z0-9_][A-Za-z0-9._-]*") & ~matches(VERSION),
        "a further tag must be letters, digits, '_', '.' and '-', not beginning with '.' or '-', "
        "such as latest, and no version: each release has its own as tag already.",
    ),
]

Platform = Annotated[
    str,
    Field(max_length=32, examples=["linux/arm64"]),
    Rule(
        matches("linux/[a-z0-9]+(/v[0-9]{1,2})?"),
        "a platform must be linux/ and an architecture, such as linux/amd64, linux/arm64 or "
        "linux/arm/v7.",
    ),
]

SecretName = Annotated[
    str,
    Field(max_length=64, examples=["npmrc"]),
    Rule(
        matches("[A-Za-z0-9_][A-Za-z0-9._-]*"),
        "a build secret's name must be the id that RUN --mount=type=secret has: letters, digits, "
        "'_', '.' and '-', beginning with a letter, a digit or '_'.",
    ),
]

SecretKey = Annotated[
    str,
    Field(max_length=253, examples=[".npmrc"]),
    Rule(
        matches("[A-Za-z0-9._-]+") & is_not(".") & is_not(".."),
        "key must be a key of the Secret: letters, digits, '-', '_' and '.'.",
    ),
]

Tags = Annotated[list[Annotated[ImageTag, Field(description="A tag.")]], SetList()]
Platforms = Annotated[list[Annotated[Platform, Field(description="A platform.")]], SetList()]


class SecretKeyRef(Model):
    """One key of a Secret in the namespace of this object."""

    name: ObjectName = Field(description="Name of the Secret.")
    key: SecretKey = Field(description="Key in it.")


class BuildSecret(Model):
    """A file that a step of a Dockerfile asks for."""

    name: SecretName = Field(description="Id that RUN --mount=type=secret,id=… has.")
    secret_ref: SecretKeyRef = Field(description="Where its content is.")


class ResolvedSecretKeyRef(Model):
    """One key of a Secret."""

    name: Annotated[Name, obeys(ObjectName)] = Field(description="Name of the Secret.")
    key: Annotated[Name, obeys(SecretKey)] = Field(description="Key in it.")


class ResolvedBuildSecret(Model):
    """A file that a step of a Dockerfile may ask for."""

    name: Annotated[Text, obeys(SecretName)] = Field(description="Its id.")
    secret_ref: ResolvedSecretKeyRef = Field(description="Where its content is.")


ResolvedTag = Annotated[Text, obeys(ImageTag), Field(description="A tag.")]
ResolvedPlatform = Annotated[Text, obeys(Platform), Field(description="A platform.")]
