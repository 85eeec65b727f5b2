"""The part of an AlbumPipeline that says whether builds use the layers of earlier ones."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from album_operator.api.model import Model, obeys
from album_operator.api.places import CacheReference, ImageRepository
from album_operator.api.types import Between, Duration, Text

CacheTtl = Annotated[Duration, Between("1h", "8760h", "336h")]


class BuildCache(Model):
    """Layers of earlier builds, kept in the image's registry."""

    repository: ImageRepository | None = Field(
        None,
        description=(
            "Path below the image's registry that the caches of all apps begin with; '-' and the "
            "app's name follow. The app's image with -cache by default."
        ),
    )
    ttl: CacheTtl = Field(
        timedelta(hours=336),
        description="How old a layer that is used may be; 336h by default.",
        json_schema_extra={"default": "336h"},
    )


class ResolvedBuildCache(Model):
    """Where the layers of the app's earlier builds are."""

    repository: Annotated[Text, obeys(CacheReference)] = Field(
        description="Registry and repository of the cache."
    )
    ttl: Annotated[Duration, obeys(CacheTtl)] = Field(
        description="How old a layer that is used may be."
    )
