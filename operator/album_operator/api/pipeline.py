"""AlbumPipeline: how the apps of one source repository are released."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from album_operator.api.argocd import ApplicationRef, ApplicationSelector, ArgoCD
from album_operator.api.build import Build
from album_operator.api.build_args import VersionArg
from album_operator.api.edits import EditList
from album_operator.api.feedback import DEPLOYMENT_ON_GITHUB, Feedback
from album_operator.api.metadata import ObjectMeta
from album_operator.api.model import MapList, Model, Rule
from album_operator.api.notifications import NotificationSinks
from album_operator.api.pipeline_status import PipelineStatus
from album_operator.api.places import (
    ApiURL,
    BranchName,
    ContextDir,
    DockerfilePath,
    ImageName,
    RepositoryURL,
)
from album_operator.api.policy import Policy
from album_operator.api.predicates import finds, matches
from album_operator.api.templates import (
    BodyTemplate,
    BranchTemplate,
    CommitMessage,
    Environment,
    TitleTemplate,
)
from album_operator.api.triggers import Triggers
from album_operator.api.types import (
    AppName,
    DeliveryType,
    ForgeType,
    MergeMethod,
    MergeMode,
    SecretRef,
    TagPrefix,
    VersioningType,
)

GIT_SECRET = "album-git"  # noqa: S105 - a Secret's name


class Forge(Model):
    """The forge of a repository."""

    type: ForgeType | None = Field(
        None,
        description=(
            "Kind of the forge: GitHub (also GitHub Enterprise) or Gitea (also Forgejo); by the "
            "repository's host by default: GitHub on github.com, else Gitea."
        ),
    )
    api_url: ApiURL | None = Field(
        None,
        alias="apiURL",
        description=(
            "Base URL of the forge's API; by default https://api.github.com for github.com, else "
            "/api/v3 (GitHub) or /api/v1 (Gitea) on the repository's host."
        ),
    )
    secret_ref: SecretRef | None = Field(
        None,
        description=(
            "Secret with the token for the API, with the same keys as for git; the secretRef of "
            "the repository by default."
        ),
    )


class Source(Model):
    """The repository that holds the apps' source."""

    repository: RepositoryURL = Field(
        description="URL of the git repository that is built: https://, http:// or ssh://."
    )
    secret_ref: SecretRef = Field(
        default_factory=lambda: SecretRef(name=GIT_SECRET),
        description=(
            "Secret with the git credential: keys url (where it may be used), token and, "
            "optionally, username; for ssh:// identity and known_hosts. album-git by default."
        ),
        json_schema_extra={"default": {"name": GIT_SECRET}},
    )
    forge: Forge | None = Field(
        None,
        description=(
            "The source repository's forge, asked only for feedback.commitStatus, "
            "feedback.deployment and policy.requireChecks."
        ),
    )


AuthorName = Annotated[
    str,
    Field(min_length=1, max_length=128),
    Rule(
        ~finds(r"[<>\x00-\x1f\x7f]") & finds(r"[^ .,:;\x22\x27]"),
        "the author's name must be one line without '<' and '>', as git writes it into commits.",
    ),
]

AuthorEmail = Annotated[
    str,
    Field(max_length=254),
    Rule(
        matches(r"[^@<>\s\x00-\x1f\x7f]+@[^@<>\s\x00-\x1f\x7f]+"),
        "the author's email must be an address such as releases@example.org.",
    ),
]


class Author(Model):
    """Author of the commits in the config repository."""

    name: AuthorName = Field("Album Release Operator", description="Name of the commits' author.")
    # RFC 2606 reserves `.invalid`: it never belongs to anybody.
    email: AuthorEmail = Field(
        "album-operator@album.invalid", description="Email address of the commits' author."
    )


LabelName = Annotated[
    str,
    Field(min_length=1, max_length=50, description="Name of a label."),
    Rule(
        matches(r"[^\s,\x00-\x1f\x7f]([^,\x00-\x1f\x7f]*[^\s,\x00-\x1f\x7f])?"),
        "a label's name has no comma, no control character and no blank at either end.",
    ),
]

UserName = Annotated[
    str,
    Field(
        max_length=64,
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$",
        description="Name of a user of the forge.",
    ),
]

MilestoneTitle = Annotated[
    str,
    Field(min_length=1, max_length=128),
    Rule(
        ~finds(r"[\x00-\x1f\x7f]"),
        "a milestone's title is one line, without control characters.",
    ),
]


class PullRequest(Model):
    """How pull requests are opened, and who merges them."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.merge) || self.merge != 'Auto' || !has(self.draft) || !self.draft",
            "a draft is not merged: with merge Auto leave draft out.",
            ".draft",
        ),
    )

    merge: MergeMode = Field(
        "Manual",
        description=(
            "Who merges: people (Manual), or the operator as soon as the forge lets it, by the "
            "forge's own auto-merge or merge queue where something blocks (Auto)."
        ),
    )
    method: MergeMethod = Field("Merge", description="How merge Auto merges.")
    labels: list[LabelName] = Field(
        default_factory=list,
        max_length=10,
        description="Labels of the pull request; one the repository does not have is made.",
    )
    reviewers: list[UserName] = Field(
        default_factory=list, max_length=10, description="Users who are asked for a review."
    )
    assignees: list[UserName] = Field(
        default_factory=list, max_length=10, description="Users it is assigned to."
    )
    milestone: MilestoneTitle | None = Field(None, description="Title of an open milestone.")
    draft: bool = Field(False, description="Open it as a draft, for a person to mark as ready.")
    branch: BranchTemplate | None = Field(
        None,
        description=(
            "Template of the branch it comes from, each release's own; release/${app}_${version} "
            "by default."
        ),
    )
    title: TitleTemplate | None = Field(
        None, description="Template of its title; 'release: ${app} ${version}' by default."
    )
    body: BodyTemplate | None = Field(
        None,
        description=(
            "Template of the words its body begins with; image, source commit, tag, release and "
            "diff follow in any case."
        ),
    )


class Config(Model):
    """The repository Argo CD reads, where releases are proposed."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.delivery) || self.delivery != 'Commit' || !has(self.pullRequest)",
            "with delivery Commit there is no pull request: leave pullRequest out.",
            ".pullRequest",
        ),
        Rule(
            # The API server tries rules on the schema's own default, which it does not fill up.
            "!has(self.delivery) || self.delivery != 'Commit' || !has(self.forge) || "
            "!(has(self.forge.apiURL) || has(self.forge.secretRef))",
            "with delivery Commit no forge is asked: leave apiURL and secretRef out.",
            ".forge",
        ),
    )

    repository: RepositoryURL | None = Field(
        None,
        description=(
            "URL of the git repository with the Helm values; the source repository's URL with "
            "-config at the end by default."
        ),
    )
    branch: BranchName | None = Field(
        None,
        description=(
            "Branch Argo CD reads, which pull requests are merged into; the repository's default "
            "branch by default."
        ),
    )
    delivery: DeliveryType = Field(
        "PullRequest",
        description=(
            "How a change gets to that branch: by a pull request that a person merges, or by a "
            "commit that is pushed to the branch itself."
        ),
    )
    secret_ref: SecretRef = Field(
        default_factory=lambda: SecretRef(name=GIT_SECRET),
        description="Secret with the git credential to push with; album-git by default.",
        json_schema_extra={"default": {"name": GIT_SECRET}},
    )
    forge: Forge = Field(
        default_factory=Forge,
        description="Where pull requests are opened.",
        json_schema_extra={"default": {}},
    )
    pull_request: PullRequest | None = Field(
        None, description="How pull requests are opened, and who merges them."
    )
    author: Author = Field(
        default_factory=Author,
        description="Author of the commits.",
        json_schema_extra={"default": {}},
    )
    commit_message: CommitMessage | None = Field(
        None,
        description=(
            "Template of the message of the commits, 'release: ${app} ${version}' by default; "
            "image, tag, release and the trailers Argo CD reads follow in any case."
        ),
    )


class App(Model):
    """One app of the source repository."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.applicationSelector) || !has(self.applications) || "
            "self.applications.size() == 0",
            "an app's Applications are named or found by labels: leave applications or "
            "applicationSelector out.",
            ".applicationSelector",
        ),
    )

    name: AppName = Field(description="Name of the app.")
    tag_prefix: TagPrefix | None = Field(
        None,
        description=(
            "What the app's git tags have before the version; the app's name and '-' by default."
        ),
    )
    versioning: VersioningType | None = Field(
        None, description="Form of the app's versions; the pipeline's versioning by default."
    )
    context_dir: ContextDir | None = Field(
        None,
        description="Directory of the source that is built; the app's name by default, '.' is all.",
    )
    dockerfile: DockerfilePath | None = Field(
        None, description="Path of the Dockerfile below contextDir; Dockerfile by default."
    )
    version_arg: VersionArg | None = Field(
        None,
        description=(
            "Name of the build argument that is set to the release's version, empty for none; "
            "build.versionArg by default."
        ),
    )
    image: ImageName | None = Field(
        None,
        description=(
            "Image of the app with its registry and without a tag; "
            "<build.image.registry>/<build.image.repository>-<app> by default."
        ),
    )
    edits: EditList = Field(
        default_factory=list,
        max_length=16,
        description=(
            "Values a release of the app changes; image.tag in <app>/values.yaml by default."
        ),
    )
    applications: Annotated[list[ApplicationRef], MapList("namespace", "name")] = Field(
        default_factory=list,
        max_length=16,
        description=(
            "Argo CD Applications that run the app; <source repository's name>-<app> in "
            "argocd.namespace by default."
        ),
    )
    application_selector: ApplicationSelector | None = Field(
        None,
        description=(
            "In place of applications, labels of those in argocd.namespace that run the app: each "
            "release takes the ones that are there when it begins."
        ),
    )
    hold: bool = Field(
        False,
        description=(
            "Hold the app: its releases wait as Held before anything is begun, and the operator "
            "merges and commits nothing for those that have begun, until this is false again."
        ),
    )


_BRANCH = "self.config.pullRequest.branch"
_HAS_BRANCH = (
    "(has(self.config) && has(self.config.pullRequest) && has(self.config.pullRequest.branch))"
)
_NAMES_ENVIRONMENT = " || ".join(
    [
        "has(self.config.commitMessage) && self.config.commitMessage.contains('${environment}')",
        *(
            f"has(self.config.pullRequest) && has(self.config.pullRequest.{field}) && "
            f"self.config.pullRequest.{field}.contains('${{environment}}')"
            for field in ("branch", "title", "body")
        ),
    ]
)


class PipelineSpec(Model):
    """How the apps of one source repository are released."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.feedback) || !has(self.feedback.comment) || !self.feedback.comment || "
            "!has(self.config) || !has(self.config.delivery) || self.config.delivery != 'Commit'",
            "with delivery Commit there is no pull request to comment on: leave comment out.",
            ".feedback",
        ),
        DEPLOYMENT_ON_GITHUB,
        Rule(
            "self.apps.all(a, self.apps.exists_one(b, "
            "(has(a.tagPrefix) ? a.tagPrefix : a.name + '-') == "
            "(has(b.tagPrefix) ? b.tagPrefix : b.name + '-')))",
            "two apps have the same tagPrefix (by default the app's name and '-'), so a tag would "
            "not say which to release: give each app another one.",
            ".apps",
        ),
        Rule(
            "!has(self.build) || !has(self.build.type) || self.build.type != 'External' || "
            "self.apps.all(a, !has(a.contextDir) && !has(a.dockerfile) && !has(a.versionArg))",
            "images of type External are built elsewhere: leave contextDir, dockerfile and "
            "versionArg out.",
            ".apps",
        ),
        Rule(
            f"!{_HAS_BRANCH} || self.apps.size() == 1 || "
            f"{_BRANCH}.contains('${{app}}') || {_BRANCH}.contains('${{tag}}')",
            "two apps would have the same branch at the same version: the name of the branch needs "
            "${app} or ${tag}.",
            ".config.pullRequest.branch",
        ),
        Rule(
            f"has(self.environment) || !has(self.config) || !({_NAMES_ENVIRONMENT})",
            "${environment} stands for spec.environment, which is not there: set it.",
            ".environment",
        ),
    )

    environment: Environment | None = Field(
        None,
        description=(
            "Where the apps are released to, such as staging: a word of yours for the variable "
            "${environment} of templates, and nothing else."
        ),
    )
    source: Source = Field(description="The repository that holds the apps' source.")
    build: Build = Field(
        default_factory=Build,
        description="How images are built.",
        json_schema_extra={"default": {}},
    )
    config: Config = Field(
        default_factory=Config,
        description="The repository Argo CD reads, where releases are proposed.",
        json_schema_extra={"default": {}},
    )
    argocd: ArgoCD = Field(
        default_factory=ArgoCD,
        description="The Applications and how they are to sync.",
        json_schema_extra={"default": {}},
    )
    versioning: VersioningType = Field(
        "SemVer",
        description=(
            "Form of the apps' versions, and with it their order: SemVer, such as v1.2.3-rc.1 "
            "(default), or Numeric, numbers with '.' or '-' between them, such as 2024.11.03."
        ),
    )
    feedback: Feedback | None = Field(
        None, description="Where developers are told how a release went."
    )
    notifications: NotificationSinks = Field(
        default_factory=list,
        max_length=8,
        description="Who is told how releases go, beside those an admin names.",
    )
    policy: Policy | None = Field(
        None,
        description=(
            "What must be so before a version is released, and what becomes of one that fails."
        ),
    )
    triggers: Triggers | None = Field(
        None, description="Which git tags make releases by themselves; none if unset."
    )
    apps: Annotated[list[App], MapList("name")] = Field(
        min_length=1, max_length=64, description="The apps of the source repository."
    )


class AlbumPipeline(Model):
    """How the apps of one source repository are released."""

    rules: ClassVar[tuple[Rule, ...]] = (
        # The operator labels releases with their pipeline; a label's value has at most 63.
        Rule(
            "self.metadata.name.size() <= 63",
            "metadata.name must have at most 63 characters: it becomes the value of a label.",
        ),
    )

    api_version: Literal["album.dev/v1alpha1"] = "album.dev/v1alpha1"
    kind: Literal["AlbumPipeline"] = "AlbumPipeline"
    metadata: ObjectMeta
    spec: PipelineSpec = Field(description="How to release.")
    status: PipelineStatus = Field(
        default_factory=lambda: PipelineStatus(observed_generation=-1),
        description="Whether its releases can work, and where each of its apps stands.",
        json_schema_extra={"default": {"observedGeneration": -1}},
    )
