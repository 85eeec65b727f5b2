"""What a release decided to do in its first pass; every later pass reads only this."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from album_operator.domain.argocd import ResolvedArgoCD
from album_operator.domain.build_cache import ResolvedCache
from album_operator.domain.build_outputs import BuildSecret
from album_operator.domain.build_pod import PodWish
from album_operator.domain.build_source import SourceParts
from album_operator.domain.forges import ForgeType
from album_operator.domain.release import (
    BuildArg,
    BuildType,
    Concurrency,
    Delivery,
    Edit,
    ExistingImage,
    OnDelete,
    ProofBy,
    PullRequestWish,
    Resources,
    Rollback,
)
from album_operator.domain.versions import Versioning


@dataclass(frozen=True)
class ResolvedSource:
    """Where the source comes from.

    Attributes:
        commit: the commit the tag pointed to, 40 hex digits; a tag moved later changes nothing.
        secret_name: Secret with the git credential.
        versioning: form of the version in the tag, and of the app's others.
        committed_at: committer date of the commit, for the lead time; None where it is not known.
    """

    repository: str
    tag: str
    commit: str
    secret_name: str
    versioning: Versioning = Versioning.SEMVER
    committed_at: datetime | None = None


@dataclass(frozen=True)
class ResolvedPipeline:
    """The AlbumPipeline as it was read.

    Attributes:
        environment: its word for the variable `${environment}`.
    """

    name: str
    uid: str
    generation: int
    environment: str | None = None


@dataclass(frozen=True)
class ResolvedBuild:
    """How the image is built.

    Attributes:
        image: full reference with tag, such as `ghcr.io/owner/repo-app:v1.0.0`.
        context_dir: POSIX path below the source's root.
        dockerfile: POSIX path below `context_dir`.
        insecure: the registry speaks plain HTTP.
        push_secret_name: empty where the builder pushes as whom its Pod runs.
        failure_log: the end of a failed build's log is shown.
        cache: layers of earlier builds, if they are used.
        fetch_resources: of the container that fetches the source.
        secrets: that steps of the Dockerfile may ask for.
        tags: under which the image is pushed beside the version.
        platforms: `os/architecture[/variant]`; none for that of the node.
        existing_image: what becomes of an image that is there and does not say that it is ours.
        proof: who is asked what was pushed.
        read_secret_name: Secret to ask the registry with, empty for the one to push with.
        source: what goes into the build context beside the commit's own files, if anything is said.
    """

    type: BuildType
    image: str
    insecure: bool
    context_dir: str
    dockerfile: str
    args: tuple[BuildArg, ...]
    target: str | None
    resources: Resources
    timeout: timedelta
    push_secret_name: str
    failure_log: bool = False
    cache: ResolvedCache | None = None
    fetch_resources: Resources = field(default_factory=Resources)
    pod: PodWish = field(default_factory=PodWish)
    secrets: tuple[BuildSecret, ...] = ()
    tags: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    existing_image: ExistingImage = ExistingImage.REFUSE
    proof: ProofBy = ProofBy.REGISTRY
    read_secret_name: str = ""
    source: SourceParts | None = None


@dataclass(frozen=True)
class ResolvedConfig:
    """What is changed where in the config repository, and who proposes it.

    Attributes:
        branch: branch that is pushed: the pull request's; the base branch where `delivery` is
            `Commit`. No forge is asked then, and its fields are empty.
        pull_request: how the pull request is opened and who merges it.
        commit_message: template of the commit's message; None for the default.
    """

    repository: str
    base_branch: str
    branch: str
    secret_name: str
    forge_type: ForgeType | None
    forge_url: str
    forge_secret_name: str
    author_name: str
    author_email: str
    edits: tuple[Edit, ...]
    delivery: Delivery = Delivery.PULL_REQUEST
    pull_request: PullRequestWish = field(default_factory=PullRequestWish)
    commit_message: str | None = None


@dataclass(frozen=True)
class ResolvedFeedback:
    """Where developers are told how the release went.

    Attributes:
        environment: GitHub's, which gets a deployment of the source commit; None for none.
        forge_type: kind of the source repository's forge; None, and its fields empty, where
            nothing is told at the source commit.
    """

    commit_status: bool = False
    comment: bool = False
    environment: str | None = None
    forge_type: ForgeType | None = None
    forge_url: str = ""
    forge_secret_name: str = ""


@dataclass(frozen=True)
class ResolvedPolicy:
    """What must be so before a version is released, and what becomes of one that fails.

    Attributes:
        require_checks: commit statuses and check runs of the commit that must have passed.
        forge_type: kind of the source repository's forge; None, and its fields empty, where no
            check is required.
    """

    require_checks: tuple[str, ...] = ()
    forge_type: ForgeType | None = None
    forge_url: str = ""
    forge_secret_name: str = ""
    rollback: Rollback = Rollback.REPORT
    concurrency: Concurrency = Concurrency.SUPERSEDE
    on_delete: OnDelete = OnDelete.CANCEL


@dataclass(frozen=True)
class Resolved:
    """Everything a release will do, with conventions and pipeline resolved once."""

    app: str
    version: str
    pipeline: ResolvedPipeline
    source: ResolvedSource
    build: ResolvedBuild
    config: ResolvedConfig
    argocd: ResolvedArgoCD
    feedback: ResolvedFeedback = field(default_factory=ResolvedFeedback)
    policy: ResolvedPolicy = field(default_factory=ResolvedPolicy)
