"""An AlbumPipeline as the operator reads it; None means "by convention"."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from album_operator.domain.argocd import ApplicationSelector, ArgoCDWish
from album_operator.domain.build_cache import CacheWish
from album_operator.domain.build_outputs import BuildSecret
from album_operator.domain.build_pod import PodWish
from album_operator.domain.build_source import SourceParts
from album_operator.domain.forges import ForgeType
from album_operator.domain.history import HistoryWish
from album_operator.domain.notifications import ReleaseEvent, SinkFormat
from album_operator.domain.release import (
    NOTHING,
    BuildArg,
    BuildType,
    Concurrency,
    Delivery,
    Edit,
    ExistingImage,
    OnDelete,
    ProofBy,
    PullRequestWish,
    Ref,
    Resources,
    Rollback,
)
from album_operator.domain.triggers import TriggersWish
from album_operator.domain.versions import Versioning


@dataclass(frozen=True)
class SecretRef:
    """A Secret in the namespace of the pipeline."""

    name: str


@dataclass(frozen=True)
class MaybeSecretRef:
    """The same, or none."""

    name: str | None = None


@dataclass(frozen=True)
class ForgeWish:
    """The forge of a repository."""

    type: ForgeType | None = None
    api_url: str | None = None
    secret_ref: SecretRef | None = None


@dataclass(frozen=True)
class SourceWish:
    """The repository that holds the apps' source."""

    repository: str
    secret_ref: SecretRef
    forge: ForgeWish = field(default_factory=ForgeWish)


@dataclass(frozen=True)
class ImageWish:
    """Where images are pushed to.

    Attributes:
        repository: path below the registry that the images of all apps begin with.
        insecure: the registry speaks plain HTTP.
    """

    registry: str
    repository: str | None = None
    insecure: bool = False


@dataclass(frozen=True)
class BuildWish:
    """How images are built.

    Attributes:
        fetch_resources: of the container that fetches the source.
        secrets: that steps of the Dockerfile may ask for.
        tags: under which the image is pushed beside the version.
        platforms: `os/architecture[/variant]`; none for that of the node.
        version_arg: build argument that is set to the version, empty for none.
        read_secret_ref: to ask the registry with, None for the one to push with.
    """

    type: BuildType
    image: ImageWish
    args: tuple[BuildArg, ...]
    target: str | None
    resources: Resources
    timeout: timedelta
    push_secret_ref: MaybeSecretRef
    failure_log: bool = False
    version_arg: str = "VERSION"
    cache: CacheWish | None = None
    fetch_resources: Resources = field(default_factory=Resources)
    pod: PodWish = field(default_factory=PodWish)
    secrets: tuple[BuildSecret, ...] = ()
    tags: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    existing_image: ExistingImage = ExistingImage.REFUSE
    proof: ProofBy = ProofBy.REGISTRY
    read_secret_ref: SecretRef | None = None
    source: SourceParts | None = None


@dataclass(frozen=True)
class Author:
    """Author of the commits in the config repository."""

    name: str
    email: str


@dataclass(frozen=True)
class ConfigWish:
    """The repository Argo CD reads, where releases are proposed.

    Attributes:
        commit_message: template of the commits' message.
    """

    repository: str | None
    branch: str | None
    secret_ref: SecretRef
    forge: ForgeWish
    author: Author
    delivery: Delivery = Delivery.PULL_REQUEST
    pull_request: PullRequestWish = field(default_factory=PullRequestWish)
    commit_message: str | None = None


@dataclass(frozen=True)
class DeploymentWish:
    """A deployment that GitHub shows beside the source, in this environment."""

    environment: str


@dataclass(frozen=True)
class FeedbackWish:
    """Where developers are told how a release went.

    Attributes:
        commit_status: on the commit of the source that is released.
        comment: on the pull request, once the release has ended.
        deployment: of that commit; None for none.
    """

    commit_status: bool = False
    comment: bool = False
    deployment: DeploymentWish | None = None


@dataclass(frozen=True)
class NotificationSink:
    """Who is told how the pipeline's releases go.

    Attributes:
        secret_ref: Secret with its URL and key.
        events: what it is told; none for those of its format.
    """

    name: str
    secret_ref: SecretRef
    format: SinkFormat
    events: tuple[ReleaseEvent, ...] = ()


@dataclass(frozen=True)
class PolicyWish:
    """What must be so before a version is released, and what becomes of one that fails.

    Attributes:
        require_checks: commit statuses and check runs of the tag's commit that must have passed.
        history: which finished releases are kept; None for all.
    """

    require_checks: tuple[str, ...] = ()
    rollback: Rollback = Rollback.REPORT
    history: HistoryWish | None = None
    concurrency: Concurrency = Concurrency.SUPERSEDE
    on_delete: OnDelete = OnDelete.CANCEL


@dataclass(frozen=True)
class App:
    """One app of a pipeline.

    Attributes:
        version_arg: as for all builds, None for what is said there.
        versioning: form of its versions, None for that of the pipeline.
        application_selector: how its Applications are found; None where they are named.
        hold: a person lets none of its releases begin, or be merged by the operator.
    """

    name: str
    tag_prefix: str | None = None
    context_dir: str | None = None
    dockerfile: str | None = None
    image: str | None = None
    edits: tuple[Edit, ...] = ()
    applications: tuple[Ref, ...] = ()
    version_arg: str | None = None
    versioning: Versioning | None = None
    hold: bool = False
    application_selector: ApplicationSelector | None = None


@dataclass(frozen=True)
class Pipeline:
    """How the apps of one source repository are released.

    Attributes:
        versioning: form of the versions of all apps that have no other.
        environment: a word of its own for the variable `${environment}` of templates.
        triggers: which tags make releases by themselves; None for none.
        notifications: whom they are told to, beside those an admin names.
        lifts: until when holds after rollbacks are lifted, by app, as people wrote it.
        newer: path of a field that is unknown, so that a newer version's CRD knows it; empty for
            none.
        refresh: value of the annotation `album.dev/refresh`, or None.
        resource_version: of the object read; a status write is refused when it is not current.
        status: the status as it was read, which only the adapter that wrote it looks into.
    """

    ref: Ref
    uid: str
    generation: int
    source: SourceWish
    build: BuildWish
    config: ConfigWish
    argocd: ArgoCDWish
    apps: tuple[App, ...]
    feedback: FeedbackWish = field(default_factory=FeedbackWish)
    policy: PolicyWish = field(default_factory=PolicyWish)
    triggers: TriggersWish | None = None
    versioning: Versioning = Versioning.SEMVER
    environment: str | None = None
    notifications: tuple[NotificationSink, ...] = ()
    lifts: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    newer: str = ""
    refresh: str | None = None
    resource_version: str = field(default="", compare=False)
    status: Mapping[str, object] = field(default_factory=lambda: NOTHING, compare=False)
