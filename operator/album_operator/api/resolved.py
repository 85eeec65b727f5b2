"""The part of a release's status that says what it decided to do, by the rules of the pipeline."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from album_operator.api.argocd import ResolvedArgoCD
from album_operator.api.build import BuildTimeout, Target
from album_operator.api.build_args import ArgName, ArgValue
from album_operator.api.build_cache import ResolvedBuildCache
from album_operator.api.build_outputs import (
    ResolvedBuildSecret,
    ResolvedPlatform,
    ResolvedTag,
)
from album_operator.api.build_pod import ResolvedBuildPod
from album_operator.api.build_source import ResolvedBuildSource
from album_operator.api.edits import ResolvedEditList
from album_operator.api.feedback import EnvironmentName
from album_operator.api.model import MapList, Model, obeys
from album_operator.api.pipeline import (
    AuthorEmail,
    AuthorName,
    LabelName,
    MilestoneTitle,
    UserName,
)
from album_operator.api.places import (
    ApiURL,
    ContextDir,
    DockerfilePath,
    ImageReference,
    RemoteBranch,
    RepositoryURL,
)
from album_operator.api.policy import ResolvedPolicy
from album_operator.api.resources import Bytes, Cpu
from album_operator.api.templates import (
    BODY_LENGTH,
    BodyTemplate,
    BranchTemplate,
    CommitMessage,
    Environment,
    TitleTemplate,
)
from album_operator.api.types import (
    BuildType,
    Commit,
    DeliveryType,
    Duration,
    ExistingImage,
    ForgeType,
    MergeMethod,
    MergeMode,
    Name,
    ObjectName,
    PipelineName,
    ProofBy,
    TagName,
    Text,
    Timestamp,
    VersioningType,
    Word,
)

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
    versioning: VersioningType | None = Field(
        None, description="Form of the app's versions; SemVer if unset."
    )
    committed_at: Timestamp | None = Field(
        None, description="Committer date of the commit; the lead time counts from it."
    )


class ResolvedPipeline(Model):
    """The AlbumPipeline as it was read."""

    name: Annotated[Name, obeys(PipelineName)] = Field(description="Name of the AlbumPipeline.")
    uid: Name = Field(description="Its uid.")
    generation: Annotated[int, Field(ge=0)] = Field(
        description="Its generation: later changes of the pipeline do not touch this release."
    )
    environment: Annotated[Word, obeys(Environment)] | None = Field(
        None, description="Its word for the environment."
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
    secrets: Annotated[list[ResolvedBuildSecret], MapList("name")] = Field(
        default_factory=list, max_length=16, description="Secrets its steps may ask for."
    )
    tags: list[ResolvedTag] = Field(
        default_factory=list, max_length=8, description="Further tags it is pushed under."
    )
    platforms: list[ResolvedPlatform] = Field(
        default_factory=list, max_length=8, description="Platforms it is built for."
    )
    fetch_resources: ResolvedResources | None = Field(
        None, description="Requests and limits of the container that fetches the source."
    )
    pod: ResolvedBuildPod | None = Field(None, description="What the build's Pod is like.")
    timeout: Annotated[Duration, obeys(BuildTimeout)] = Field(
        description="How long the build may take."
    )
    push_secret_name: Object | None = Field(None, description="Secret to push with, if any.")
    cache: ResolvedBuildCache | None = Field(
        None, description="Where the layers of the app's earlier builds are, if they are used."
    )
    source: ResolvedBuildSource | None = Field(
        None, description="What goes into the build context beside the commit's own files."
    )
    failure_log: bool | None = Field(
        None, description="Whether the end of a failed build's log is shown; false if unset."
    )
    existing_image: ExistingImage | None = Field(
        None, description="What becomes of an image that is there already; Refuse if unset."
    )
    proof: ProofBy | None = Field(
        None, description="Who is asked what was pushed; Registry if unset."
    )
    read_secret_name: Object | None = Field(
        None, description="Secret to ask the registry with, if not the one to push with."
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
    branch: Annotated[Text, obeys(BranchTemplate)] | None = Field(
        None, description="Template of its branch, if not by default."
    )
    title: Annotated[Text, obeys(TitleTemplate)] | None = Field(
        None, description="Template of its title, if not by default."
    )
    body: Annotated[str, Field(max_length=BODY_LENGTH), obeys(BodyTemplate)] | None = Field(
        None, description="Template of the words its body begins with, if not by default."
    )

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
    commit_message: Annotated[Text, obeys(CommitMessage)] | None = Field(
        None, description="Template of the commit's message, if not by default."
    )
    edits: ResolvedEditList = Field(max_length=16, description="The values that are changed.")


class ResolvedFeedback(Model):
    """Where developers are told how the release went."""

    commit_status: bool = Field(description="Whether the source commit gets a commit status.")
    comment: bool = Field(description="Whether the pull request gets a comment.")
    environment: Annotated[Text, obeys(EnvironmentName)] | None = Field(
        None, description="GitHub's environment that gets a deployment, if any."
    )
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
    policy: ResolvedPolicy | None = Field(
        None,
        description="What a version needs to be released, and what becomes of one that fails.",
    )
    argocd: ResolvedArgoCD = Field(description="The Applications and how they are to sync.")
