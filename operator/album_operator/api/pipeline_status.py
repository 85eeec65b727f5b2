"""Status of an AlbumPipeline: whether its releases can work, and where each of its apps stands."""

from typing import Annotated

from pydantic import Field

from album_operator.api.conditions import Condition, MissStatus
from album_operator.api.model import AtomicList, MapList, Model
from album_operator.api.triggers import TriggerStatus
from album_operator.api.types import Commit, Digest, Message, Name, Text, Timestamp, Word
from album_operator.domain.record import MOST_MISSES

COUNT = Field(ge=0, le=2**31 - 1)


class BaseStatus(Model):
    """What the base branch of the config repository says that runs."""

    version: Text = Field(description="The version.")
    commit: Commit = Field(description="Head of the branch it was read at.")


class LastReleasedStatus(Model):
    """The version of the app that was Released last."""

    version: Text = Field(description="The version.")
    release: Name = Field(description="Name of its AlbumRelease.")
    at: Timestamp = Field(description="When it was Released.")
    digest: Digest | None = Field(None, description="Digest of its image.")


class InFlightStatus(Model):
    """A release of the app that has not finished."""

    release: Name = Field(description="Name of the AlbumRelease.")
    version: Text | None = Field(None, description="Its version, once that is known.")
    step: Word | None = Field(None, description="The step it is at; unset before the first.")
    reason: Word = Field(description="What it does there, or waits for.")
    since: Timestamp = Field(description="When it came to that.")
    others: Annotated[int, COUNT] = Field(
        0, description="How many releases of the app are in flight beside it."
    )


class HeldStatus(Model):
    """That no release of the app begins."""

    because: Message = Field(description="Why, and how that is ended.")


class NewestTagStatus(Model):
    """The newest tag of the app that was seen in the source repository."""

    name: Text = Field(description="Name of the tag.")
    version: Text = Field(description="The version it is for.")
    commit: Commit = Field(description="The commit it stands for.")


class PipelineAppStatus(Model):
    """Where an app stands."""

    name: Name = Field(description="Name of the app.")
    base: BaseStatus | None = Field(
        None, description="What the base branch of the config repository says that runs."
    )
    released: LastReleasedStatus | None = Field(
        None, description="The version that was Released last."
    )
    in_flight: InFlightStatus | None = Field(None, description="The release that is in flight.")
    held: HeldStatus | None = Field(None, description="Set while no release of it begins.")
    newest_tag: NewestTagStatus | None = Field(
        None, description="The newest tag of it in the source repository."
    )
    trigger: TriggerStatus | None = Field(
        None, description="What became of its tags, where spec.triggers is set."
    )


class SummaryStatus(Model):
    """Counts for the columns of kubectl."""

    apps: Annotated[int, COUNT] = Field(description="How many apps the pipeline has.")
    in_flight: Annotated[int, COUNT] = Field(
        description="How many releases of them have not finished."
    )


class PipelineStatus(Model):
    """Whether releases of the pipeline can work, and where each of its apps stands."""

    observed_generation: int | None = Field(
        None, description="Generation of the spec the status is about; -1 before the first look."
    )
    checked_at: Timestamp | None = Field(
        None, description="When it was last looked whether releases would lack something."
    )
    misses: Annotated[list[MissStatus], AtomicList()] = Field(
        default_factory=list,
        max_length=MOST_MISSES,
        description="Each of the things that releases would lack, as far as they are told.",
    )
    summary: SummaryStatus | None = Field(None, description="Counts.")
    apps: Annotated[list[PipelineAppStatus], MapList("name")] = Field(
        default_factory=list, max_length=64, description="The apps, in the order of the spec."
    )
    conditions: Annotated[list[Condition], MapList("type")] = Field(
        default_factory=list,
        max_length=16,
        description=(
            "Ready, Reconciling and Stalled as kstatus has them: Ready is True while releases can "
            "be expected to work."
        ),
    )
    last_handled_refresh: Text | None = Field(
        None, description="Value of the annotation album.dev/refresh that was last obeyed."
    )
