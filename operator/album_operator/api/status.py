"""Status of an AlbumRelease: what the operator has done and where it stands."""

from typing import Annotated, Literal

from pydantic import Field

from album_operator.api.build_outputs import Platform
from album_operator.api.conditions import Condition, MissStatus
from album_operator.api.model import AtomicList, MapList, Model, obeys
from album_operator.api.places import (
    ImageReference,
    PageURL,
    RemoteBranch,
)
from album_operator.api.plan import PlanStatus
from album_operator.api.resolved import Object, Resolved
from album_operator.api.types import (
    DIFF_LENGTH,
    AppName,
    BuildType,
    Commit,
    Digest,
    ImageOrigin,
    Label,
    Message,
    Name,
    Overhead,
    Text,
    Timestamp,
    Version,
    Word,
)
from album_operator.domain.record import MOST_MISSES

COUNT_LIMIT = 2**31 - 1
"""Highest number of an attempt or a pull request: beyond it no forge and no Job's name goes."""


class ImageStatus(Model):
    """The image that is released."""

    reference: Annotated[Text, obeys(ImageReference)] = Field(description="The image with its tag.")
    digest: Digest = Field(description="Digest of the image as the registry has it.")
    revision: Commit | None = Field(
        None,
        description="Commit of the source it was built from; unset if nothing proves one.",
    )
    origin: ImageOrigin | None = Field(
        None,
        description=(
            "Built by this release, Reused as it was there with its commit's label, Adopted as it "
            "was there (existingImage), or built elsewhere (External); Built if unset."
        ),
    )


class PlatformStatus(Model):
    """The image of one platform."""

    platform: Annotated[Text, obeys(Platform)] = Field(description="The platform.")
    job: Object | None = Field(
        None, description="Name of its Job; unset if its image was there already."
    )
    digest: Digest | None = Field(
        None, description="Digest of its image, once it is proved that it is there."
    )


class BuildStatus(Model):
    """The build of the image."""

    job: Object = Field(
        description=(
            "Name of the Job in the release's namespace; of several the one that failed, else the "
            "first that is not done, else the last."
        )
    )
    type: BuildType = Field(description="The program that builds.")
    started_at: Timestamp | None = Field(None, description="When the Job started.")
    finished_at: Timestamp | None = Field(None, description="When the Job finished.")
    platforms: Annotated[list[PlatformStatus], MapList("platform")] = Field(
        default_factory=list,
        max_length=8,
        description="What each Job builds, where each platform has its own.",
    )


class ConfigStatus(Model):
    """The change in the config repository."""

    branch: Annotated[Text, obeys(RemoteBranch)] | None = Field(
        None, description="Branch of the pull request; the base branch with delivery Commit."
    )
    commit: Commit | None = Field(
        None, description="Our commit on that branch; unset if nothing had to be changed."
    )
    diff: Annotated[str, Field(max_length=DIFF_LENGTH)] = Field(
        "", description="The change as a unified diff."
    )
    merged_commit: Commit | None = Field(
        None, description="Commit of the base branch that holds the change."
    )


class PullRequestStatus(Model):
    """The pull request."""

    number: Annotated[int, Field(ge=1, le=COUNT_LIMIT)] = Field(description="Its number.")
    url: Annotated[Text, obeys(PageURL)] = Field(description="Its page in the forge.")
    state: Literal["Open", "Merged", "Closed"] = Field(description="Whether it is open.")
    head_sha: Commit = Field(alias="headSHA", description="Commit it proposes.")
    merge_commit: Commit | None = Field(
        None, description="Commit the merge made on the base branch."
    )
    merged_at: Timestamp | None = Field(None, description="When it was merged.")
    waits_for: Word | None = Field(
        None, description="What it lacks while it is open: a reason of the condition Merged."
    )
    waits_since: Timestamp | None = Field(
        None, description="When the operator first saw it lack that."
    )
    seen_at: Timestamp | None = Field(
        None,
        description=(
            "When the operator read this; it looks again by itself, and writes what differs."
        ),
    )


class ApplicationStatus(Model):
    """One Argo CD Application as last seen."""

    namespace: Annotated[Name, obeys(Label)] = Field(description="Namespace of the Application.")
    name: Object = Field(description="Name of the Application.")
    revision: Text | None = Field(None, description="Revision of the config repository it runs.")
    accepted_because: Literal["Equal", "Descendant", "Content"] | None = Field(
        None,
        description=(
            "Why that revision proves the release: it is the merge commit (Equal), contains it "
            "(Descendant), or has its values in a history that was rewritten (Content)."
        ),
    )
    sync: Word | None = Field(None, description="Its sync status.")
    health: Word | None = Field(None, description="Its health.")
    health_since: Timestamp | None = Field(
        None,
        description="Argo CD's own stamp of when its health changed last, while the proof holds.",
    )
    settling_since: Timestamp | None = Field(
        None, description="Since when it runs the release and is Healthy without a break."
    )
    operation_started: bool | None = Field(
        None,
        description="Whether a sync of it was started for this attempt (argocd.sync: Operation).",
    )
    hard_refreshed: bool | None = Field(
        None, description="This attempt has had its manifests rendered anew (a hard refresh)."
    )
    policy_patches: Annotated[int, Field(ge=0, le=COUNT_LIMIT)] | None = Field(
        None, description="How often its sync policy was patched for this attempt."
    )


class StepStatus(Model):
    """One step of the release."""

    name: Word = Field(description="Name of the step; a condition has the same name.")
    state: Literal["Pending", "Running", "Waiting", "Succeeded", "Failed"] = Field(
        description="Where the step stands."
    )
    reason: Word | None = Field(None, description="Why, in one word.")
    message: Message = Field("", description="Why, in a sentence.")
    started_at: Timestamp | None = Field(None, description="When the step started.")
    finished_at: Timestamp | None = Field(None, description="When the step finished.")
    overhead: Overhead | None = Field(
        None, description="Time the operator itself took for the step, in seconds."
    )


class FailureStatus(Model):
    """Why the release stopped."""

    step: Word = Field(description="The step that failed.")
    reason: Word = Field(description="Why, in one word.")
    message: Message = Field(description="Why, and what to do.")
    pod: Name | None = Field(None, description="Pod of the build that failed.")
    container: Name | None = Field(None, description="Container of that Pod.")
    exit_code: int | None = Field(None, description="Its exit code.")
    platform: Annotated[Text, obeys(Platform)] | None = Field(
        None, description="Platform whose build failed, where each has its own Job."
    )


class SupersededByStatus(Model):
    """What took the place of the release."""

    version: Text | None = Field(None, description="The version that is there now.")
    release: Text | None = Field(
        None, description="Namespace and name of the AlbumRelease that put it there."
    )
    commit: Commit | None = Field(None, description="Commit of the base branch that did.")


class QueueStatus(Model):
    """Where the release waits, as those of its app go one after another."""

    position: Annotated[int, Field(ge=1, le=COUNT_LIMIT)] = Field(
        description="Its place among those that have not begun, from 1."
    )
    behind: Object = Field(description="Name of the AlbumRelease right before it.")


class RollbackStatus(Model):
    """The release that takes this one back."""

    release: Object = Field(description="Name of the AlbumRelease.")
    version: Annotated[Text, obeys(Version)] = Field(description="The version it brings back.")
    uid: Word | None = Field(None, description="Its uid, once it was seen.")


class AttemptStatus(Model):
    """How an earlier attempt ended."""

    number: Annotated[int, Field(ge=1, le=COUNT_LIMIT)] = Field(description="Its number.")
    step: Word = Field(description="The step it was at.")
    reason: Word = Field(description="Why it ended, or what it was doing, in one word.")
    message: Message = Field("", description="The same in a sentence.")
    job: Object | None = Field(None, description="Its build Job, if it had one.")
    finished_at: Timestamp | None = Field(None, description="When that step failed, if it had.")


class ReleaseStatus(Model):
    """What the operator has done so far and where it stands."""

    observed_generation: int | None = Field(
        None, description="Generation of the spec the status is about; -1 before the first look."
    )
    app: Annotated[Name, obeys(AppName)] | None = Field(None, description="App that is released.")
    version: Annotated[Text, obeys(Version)] | None = Field(
        None, description="Version that is released."
    )
    attempt: Annotated[int, Field(ge=1, le=COUNT_LIMIT)] | None = Field(
        None,
        description="Number of the attempt; the annotation album.dev/retry starts the next one.",
    )
    attempts: Annotated[list[AttemptStatus], MapList("number")] = Field(
        default_factory=list, max_length=8, description="The last attempts before this one."
    )
    resolved: Resolved | None = Field(
        None, description="What the release decided to do when it started; it does only this."
    )
    image: ImageStatus | None = Field(None, description="The image that is released.")
    build: BuildStatus | None = Field(None, description="The build of the image.")
    config: ConfigStatus | None = Field(None, description="The change in the config repository.")
    pull_request: PullRequestStatus | None = Field(None, description="The pull request.")
    applications: Annotated[list[ApplicationStatus], MapList("namespace", "name")] = Field(
        default_factory=list, max_length=16, description="The Applications as last seen."
    )
    steps: Annotated[list[StepStatus], MapList("name")] = Field(
        default_factory=list, max_length=8, description="The steps in their order."
    )
    failure: FailureStatus | None = Field(None, description="Why the release stopped.")
    misses: Annotated[list[MissStatus], AtomicList()] = Field(
        default_factory=list,
        max_length=MOST_MISSES,
        description="Each of the things that stopped the release, as far as they are told.",
    )
    rollback: RollbackStatus | None = Field(
        None, description="The release that takes this one back, as it failed."
    )
    plan: PlanStatus | None = Field(
        None, description="What a release in mode Plan would do; nothing of it is done."
    )
    superseded_by: SupersededByStatus | None = Field(
        None, description="What took the place of the release, as far as it is known."
    )
    queue: QueueStatus | None = Field(
        None, description="Where the release waits for others of its app (policy.concurrency)."
    )
    conditions: Annotated[list[Condition], MapList("type")] = Field(
        default_factory=list,
        max_length=16,
        description=(
            "Ready, Reconciling and Stalled as kstatus has them; Finished, True once nothing "
            "changes by itself any more; ReadyToRelease of a plan; and one for each step."
        ),
    )
    overhead: Overhead | None = Field(
        None,
        description=(
            "Time the operator itself took for all steps, in seconds; waiting for builds, merges "
            "and Argo CD is not counted."
        ),
    )
    requested_by: Text | None = Field(
        None, description="Who asked for the release, as whoever created it says."
    )
    last_handled_retry: Text | None = Field(
        None, description="Value of the annotation album.dev/retry that was last obeyed."
    )
    last_handled_refresh: Text | None = Field(
        None, description="Value of the annotation album.dev/refresh that was last obeyed."
    )
