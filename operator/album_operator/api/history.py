"""The part of an AlbumPipeline that says which finished releases are kept."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from album_operator.api.model import Model
from album_operator.api.types import Between, Duration

HistoryAge = Annotated[Duration, Between("1h", "87600h", "2160h")]


class History(Model):
    """Which finished releases of each app are kept; the others are deleted."""

    released: int = Field(
        10, ge=1, le=1000, description="How many of those that were Released; 10 by default."
    )
    others: int = Field(
        10, ge=1, le=1000, description="How many of those that ended otherwise; 10 by default."
    )
    age: HistoryAge = Field(
        timedelta(hours=2160),
        description="How long since their end, however few there are; 2160h by default.",
        json_schema_extra={"default": "2160h"},
    )
