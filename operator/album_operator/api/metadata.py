"""The part of an object's metadata the operator reads."""

from pydantic import AwareDatetime, Field

from album_operator.api.model import Model


class ObjectMeta(Model):
    """Standard object metadata; the API server itself validates it."""

    name: str
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: AwareDatetime | None = None
    deletion_timestamp: AwareDatetime | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
