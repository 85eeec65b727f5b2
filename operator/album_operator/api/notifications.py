"""The part of an AlbumPipeline that says whom its releases are told to."""

from typing import Annotated, Literal

from pydantic import Field

from album_operator.api.model import MapList, Model, Rule, SetList
from album_operator.api.predicates import matches
from album_operator.api.types import SecretRef

SinkName = Annotated[
    str,
    Field(max_length=63, examples=["team"]),
    Rule(
        matches("[a-z0-9]([-a-z0-9]*[a-z0-9])?"),
        "a sink's name must be lower-case letters, digits and '-', beginning and ending with a "
        "letter or digit.",
    ),
]

SinkFormat = Literal["CloudEvents", "Slack"]

EventName = Literal[
    "Started", "Built", "Proposed", "Merged", "Deployed", "Released", "Failed", "Ended"
]


class NotificationSink(Model):
    """Who is told how the pipeline's releases go."""

    name: SinkName = Field(description="For the log and metrics.")
    secret_ref: SecretRef = Field(
        description=(
            "Secret with the key url, an https:// URL whose host an admin lets pipelines name "
            "(ALBUM_NOTIFICATION_HOSTS), and the key key, which is signed with."
        )
    )
    format: SinkFormat = Field(
        description="CloudEvents, with the types of CDEvents, or Slack, a text for people."
    )
    events: Annotated[list[Annotated[EventName, Field(description="An event.")]], SetList()] = (
        Field(
            default_factory=list,
            max_length=8,
            description=(
                "What is told; if empty all for CloudEvents, and Proposed, Released, Failed and "
                "Ended for Slack."
            ),
        )
    )


NotificationSinks = Annotated[list[NotificationSink], MapList("name")]
