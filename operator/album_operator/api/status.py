"""Status of an AlbumRelease: what the operator has done and where it stands."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from album_operator.api.build import ArgName, ArgValue, BuildTimeout, Target
from album_operator.api.edits import ResolvedEditList
from album_operator.api.model import MapList, Model, obeys
from album_operator.api.pipeline import (
    AuthorEmail,
    AuthorName,
    LabelName,
    MilestoneTitle,
    Settle,
    Timeout,
    UserName,
)
from album_operator.api.places import (
    ApiURL,
    ContextDir,
    DockerfilePath,
    ImageReference,
    PageURL,
    RemoteBranch,
    RepositoryURL,
)
from album_operator.api.plan import PlanStatus
from album_operator.api.resources import Bytes, Cpu
from album_operator.api.types import (
    DIFF_LENGTH,
    AppName,
    BuildType,
    Commit,
    DeliveryType,
    Digest,
    Duration,
    ForgeType,
    Label,
    MergeMethod,
    MergeMode,
    Message,
    Name,
    ObjectName,
    Overhead,
    PipelineName,
    TagName,
    Text,
    Timestamp,
    Version,
    Word,
)

COUNT_LIMIT = 2**31 - 1
"""Highest number of an attempt or a pull request: beyond it no forge and no Job's name goes."""

Repository = Annotated[Text, obeys(RepositoryURL)]
Object = Annotated[Name, obeys(ObjectName)]
Api = Annotated[Text, obeys(ApiURL)]


class ResolvedSource(Model):
    """Where the source comes from."""

    repository: Repository = Field(description="URL of the source repository.")
    tag: Annotated[Text, obeys(TagName)] = Field(description="The git tag that is released.")
    commit: Commit = Field(
        description="Commit the tag pointed to; a tag that is moved later changes nothing."
    )
    secret_name: Object = Field(description="Secret with the git credential.")


class ResolvedPipeline(Model):
    """The AlbumPipeline as it was read."""

    name: Annotated[Name, obeys(PipelineName)] = Field(description="Name of the AlbumPipeline.")
    uid: Name = Field(description="Its uid.")
    generation: Annotated[int, Field(ge=0)] = Field(
        description="Its generation: later changes of the pipeline do not touch this release."
    )


class ResolvedArg(Model):
    """One build argument."""

    name: Annotated[Name, obeys(ArgName)] = Field(description="Name of the ARG.")
    value: Annotated[str, Field(max_length=1024), obeys(ArgValue)] = Field(description="Its value.")


class ResolvedQuantities(Model):
    """Amounts of resources."""

    cpu: Annotated[Word, obeys(Cpu)] | None = Field(None, description="CPU.")
    memory: Annotated[Word, obeys(Bytes)] | None = Field(None, description="Memory.")
    ephemeral_storage: Annotated[Word, obeys(Bytes)] | None = Field(
        None, alias="ephemeral-storage", description="Disk of the node."
    )


class ResolvedResources(Model):
    """Requests and limits of a container."""

    requests: ResolvedQuantities | None = Field(None, description="Requests.")
    limits: ResolvedQuantities | None = Field(None, description="Limits.")


class ResolvedBuild(Model):
    """How the image is built."""

    type: BuildType = Field(description="The program that builds.")
    image: Annotated[Text, obeys(ImageReference)] = Field(
        description="The image that is pushed, with its tag."
    )
    insecure: bool = Field(description="Whether the registry speaks plain HTTP.")
    context_dir: Annotated[Text, obeys(ContextDir)] = Field(
        description="Directory of the source that is built."
    )
    dockerfile: Annotated[Text, obeys(DockerfilePath)] = Field(
        description="Path of the Dockerfile below contextDir."
    )
    args: Annotated[list[ResolvedArg], MapList("name")] = Field(
        default_factory=list, max_length=33, description="Build arguments."
    )
    target: Annotated[Text, obeys(Target)] | None = Field(
        None, description="Stage of the Dockerfile that is built."
    )
    resources: ResolvedResources | None = Field(
        None, description="Requests and limits of the container that builds."
    )
    timeout: Annotated[Duration, obeys(BuildTimeout)] = Field(
        description="How long the build may take."
    )
    push_secret_name: Object = Field(description="Secret to push with.")
    failure_log: bool | None = Field(
        None, description="Whether the end of a failed build's log is shown; false if unset."
    )


class ResolvedPullRequest(Model):
    """How the pull request is opened and who merges it."""

    merge: MergeMode = Field(description="Who merges.")
    method: MergeMethod = Field(description="How merge Auto merges.")
    labels: list[Annotated[Text, Field(description="Name of a label."), obeys(LabelName)]] = Field(
        default_factory=list, max_length=10, description="Its labels."
    )
    reviewers: list[UserName] = Field(
        default_factory=list, max_length=10, description="Users who are asked for a review."
    )
    assignees: list[UserName] = Field(
        default_factory=list, max_length=10, description="Users it is assigned to."
    )
    milestone: Annotated[Text, obeys(MilestoneTitle)] | None = Field(
        None, description="Title of its milestone."
    )
    draft: bool = Field(False, description="Whether it is opened as a draft.")

    @model_validator(mode="after")
    def _check_draft(self) -> Self:
        if self.draft and self.merge == "Auto":
            raise ValueError("a draft is not merged, and merge is Auto.")
        return self


class ResolvedConfig(Model):
    """What is changed in the config repository and who proposes it."""

    repository: Repository = Field(description="URL of the config repository.")
    base_branch: Annotated[Text, obeys(RemoteBranch)] = Field(description="Branch Argo CD reads.")
    branch: Annotated[Text, obeys(RemoteBranch)] = Field(
        description="Branch that is pushed: that of the pull request, or the base branch itself."
    )
    delivery: DeliveryType | None = Field(
        None, description="How the change gets to the base branch; PullRequest if unset."
    )
    secret_name: Object = Field(description="Secret with the git credential.")
    forge_type: ForgeType | None = Field(None, description="Kind of the forge, if one is asked.")
    forge_url: Api | None = Field(None, alias="forgeURL", description="Base URL of its API.")
    forge_secret_name: Object | None = Field(None, description="Secret with the token for its API.")
    pull_request: ResolvedPullRequest | None = Field(
        None, description="How the pull request is opened and who merges it, if not by default."
    )
    author_name: Annotated[Text, obeys(AuthorName)] = Field(
        description="Name of the commit's author."
    )
    author_email: Annotated[Text, obeys(AuthorEmail)] = Field(
        description="Email address of the commit's author."
    )
    edits: ResolvedEditList = Field(max_length=16, description="The values that are changed.")


class ResolvedApplication(Model):
    """An Argo CD Application."""

    namespace: Annotated[Name, obeys(Label)] = Field(description="Namespace of the Application.")
    name: Object = Field(description="Name of the Application.")


class ResolvedArgoCD(Model):
    """The Applications and how they are to sync."""

    self_heal: bool | None = Field(None, description="automated.selfHeal; unset leaves it alone.")
    apply_out_of_sync_only: bool | None = Field(
        None, description="Sync option ApplyOutOfSyncOnly; unset leaves it alone."
    )
    prune: bool | None = Field(None, description="automated.prune; unset leaves it alone.")
    settle: Annotated[Duration, obeys(Settle)] = Field(
        description="How long the app must stay Healthy."
    )
    timeout: Annotated[Duration, obeys(Timeout)] = Field(
        description="How long after the merge the app may take."
    )
    applications: Annotated[list[ResolvedApplication], MapList("namespace", "name")] = Field(
        max_length=16, description="The Applications that run the app."
    )


class ResolvedFeedback(Model):
    """Where developers are told how the release went."""

    commit_status: bool = Field(description="Whether the source commit gets a commit status.")
    comment: bool = Field(description="Whether the pull request gets a comment.")
    forge_type: ForgeType | None = Field(None, description="Kind of the source's forge.")
    forge_url: Api | None = Field(None, alias="forgeURL", description="Base URL of its API.")
    forge_secret_name: Object | None = Field(None, description="Secret with the token for its API.")


class Resolved(Model):
    """What the release decided to do when it started; it does only this."""

    source: ResolvedSource = Field(description="Where the source comes from.")
    pipeline: ResolvedPipeline = Field(description="The AlbumPipeline as it was read.")
    build: ResolvedBuild = Field(description="How the image is built.")
    config: ResolvedConfig = Field(description="What is changed in the config repository.")
    feedback: ResolvedFeedback | None = Field(
        None, description="Where developers are told how the release went, if anywhere."
    )
    argocd: ResolvedArgoCD = Field(description="The Applications and how they are to sync.")


class ImageStatus(Model):
    """The image that was built."""

    reference: Annotated[Text, obeys(ImageReference)] = Field(description="The image with its tag.")
    digest: Digest = Field(description="Digest of the image as the registry has it.")
    revision: Commit = Field(description="Commit of the source it was built from.")


class BuildStatus(Model):
    """The build of the image."""

    job: Object = Field(description="Name of the Job in the release's namespace.")
    type: BuildType = Field(description="The program that builds.")
    started_at: Timestamp | None = Field(None, description="When the Job started.")
    finished_at: Timestamp | None = Field(None, description="When the Job finished.")


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
    accepted_because: Literal["Equal", "Descendant"] | None = Field(
        None,
        description=(
            "Why that revision proves the release: it is the merge commit (Equal) or contains it "
            "(Descendant)."
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


class StepStatus(Model):
    """One step of the release."""

    name: Word = Field(description="Name of the step; a condition has the same name.")
    state: Literal["Pending", "Running", "Waiting", "Succeeded", "Failed"] = Field(
        description="Where the step stands."
    )
    reason: Word = Field("", description="Why, in one word.")
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


class Condition(Model):
    """One aspect of where the release stands."""

    type: Word = Field(description="Name of the condition, such as Ready.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it holds.")
    reason: Word = Field(description="Why, in one word.")
    message: Message = Field("", description="Why, and what happens or has to be done next.")
    observed_generation: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Generation of the spec it is about."
    )
    last_transition_time: Timestamp = Field(description="When status last changed.")


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
    resolved: Resolved | None = Field(
        None, description="What the release decided to do when it started; it does only this."
    )
    image: ImageStatus | None = Field(None, description="The image that was built.")
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
    plan: PlanStatus | None = Field(
        None, description="What a release in mode Plan would do; nothing of it is done."
    )
    superseded_by: Text | None = Field(
        None, description="The newer version that was there already."
    )
    conditions: Annotated[list[Condition], MapList("type")] = Field(
        default_factory=list,
        max_length=16,
        description=(
            "Ready, Reconciling and Stalled as kstatus has them; Finished, True once nothing "
            "changes by itself any more; and one for each step."
        ),
    )
    overhead: Overhead | None = Field(
        None,
        description=(
            "Time the operator itself took for all steps, in seconds; waiting for builds, merges "
            "and Argo CD is not counted."
        ),
    )
    last_handled_retry: Text | None = Field(
        None, description="Value of the annotation album.dev/retry that was last obeyed."
    )
    last_handled_refresh: Text | None = Field(
        None, description="Value of the annotation album.dev/refresh that was last obeyed."
    )
