"""The part of an AlbumPipeline that says what versions need, and what becomes of a failed one."""

from typing import Annotated

from pydantic import Field

from album_operator.api.history import History
from album_operator.api.model import Model, Rule, SetList, obeys
from album_operator.api.places import ApiURL
from album_operator.api.predicates import finds, matches
from album_operator.api.types import (
    Concurrency,
    ForgeType,
    Name,
    ObjectName,
    OnDelete,
    Rollback,
    Text,
)

CheckName = Annotated[
    str,
    Field(max_length=100, examples=["ci/test"]),
    Rule(
        matches(r"[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?") & ~finds("^album/"),
        "a check's name is one line without a blank at either end, as the forge shows it, and none "
        "of the operator's own, which begin with album/.",
    ),
]

CheckNames = Annotated[list[Annotated[CheckName, Field(description="A check.")]], SetList()]


class Policy(Model):
    """What versions need, how releases mind each other, and what becomes of one that fails."""

    require_checks: CheckNames = Field(
        default_factory=list,
        max_length=16,
        description=(
            "Commit statuses (by context) and check runs (by name) of the tag's commit that must "
            "have passed before its image is built or used."
        ),
    )
    rollback: Rollback = Field(
        "Report",
        description=(
            "What becomes of a version that ends as Degraded or SyncFailed: Report names the one "
            "that was Released before and how to bring it back; Revert also makes the release that "
            "does, and holds the app."
        ),
    )
    concurrency: Concurrency = Field(
        "Supersede",
        description=(
            "What becomes of two releases of one app in flight: Supersede lets the newer version "
            "go on and takes the older one back while it is not merged; Queue lets one go after "
            "the other, the lower version first; Forbid ends the second at once."
        ),
    )
    on_delete: OnDelete = Field(
        "Cancel",
        description=(
            "What becomes of the open pull request and the branch of a release that is deleted: "
            "Cancel closes and deletes them, Keep leaves them."
        ),
    )
    history: History | None = Field(
        None,
        description=(
            "Which finished releases of each app are kept; {} for the defaults. All of them unless "
            "it is set."
        ),
    )


class ResolvedPolicy(Model):
    """What must be so before a version is released, and what becomes of one that fails."""

    require_checks: list[Annotated[Text, Field(description="A check."), obeys(CheckName)]] = Field(
        default_factory=list,
        max_length=16,
        description="Checks of the commit that must have passed.",
    )
    forge_type: ForgeType | None = Field(None, description="Kind of the source's forge.")
    forge_url: Annotated[Text, obeys(ApiURL)] | None = Field(
        None, alias="forgeURL", description="Base URL of its API."
    )
    forge_secret_name: Annotated[Name, obeys(ObjectName)] | None = Field(
        None, description="Secret with the token for its API."
    )
    rollback: Rollback | None = Field(
        None, description="What becomes of a version that fails; Report if unset."
    )
    concurrency: Concurrency | None = Field(
        None, description="What becomes of two releases in flight; Supersede if unset."
    )
    on_delete: OnDelete | None = Field(
        None, description="What becomes of what a deleted release has proposed; Cancel if unset."
    )
