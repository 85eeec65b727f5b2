"""The part of an AlbumRelease's status that tells what it would do."""

from typing import Annotated

from pydantic import Field

from album_operator.api.model import MapList, Model
from album_operator.api.types import PATCH_LENGTH, PLAN_DIFF_LENGTH, Commit, Name, Text


class PlannedApplication(Model):
    """An Argo CD Application that would be patched."""

    namespace: Name = Field(description="Namespace of the Application.")
    name: Name = Field(description="Name of the Application.")
    patch: Annotated[str, Field(max_length=PATCH_LENGTH)] = Field(
        description="The JSON merge patch it would get."
    )


class PlanStatus(Model):
    """What a release in mode Plan would do."""

    image: Text = Field(description="The image that would be built and pushed.")
    branch: Text = Field(description="The branch that would be proposed.")
    base_commit: Commit = Field(description="Commit of the base branch the diff is against.")
    diff: Annotated[str, Field(max_length=PLAN_DIFF_LENGTH)] = Field(
        "", description="The change as a unified diff; unset if nothing would change."
    )
    applications: Annotated[list[PlannedApplication], MapList("namespace", "name")] = Field(
        default_factory=list, max_length=16, description="The Applications that would be patched."
    )
