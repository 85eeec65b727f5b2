"""A release as the operator reads it, and the wishes its pipeline has and its status keeps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from album_operator.domain.keys import Item, Step, parse_key
from album_operator.domain.places import MergeMethod

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Ref:
    """Namespace and name of an object."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class BuildType(StrEnum):
    """The engine that builds the image; `External` for one that is built elsewhere."""

    KANIKO = "Kaniko"
    BUILDKIT = "BuildKit"
    EXTERNAL = "External"


class ExistingImage(StrEnum):
    """What becomes of an image that is there already and does not say that it is ours."""

    REFUSE = "Refuse"
    ADOPT = "Adopt"


class ProofBy(StrEnum):
    """Who is asked what was pushed: the registry, or the builder alone."""

    REGISTRY = "Registry"
    BUILDER = "Builder"


@dataclass(frozen=True)
class BuildArg:
    """A build argument, `ARG` of a Dockerfile."""

    name: str
    value: str


class Delivery(StrEnum):
    """How a change gets to the base branch of the config repository."""

    PULL_REQUEST = "PullRequest"
    COMMIT = "Commit"


class MergeMode(StrEnum):
    """Who merges a release's pull request."""

    MANUAL = "Manual"
    AUTO = "Auto"


class Rollback(StrEnum):
    """What becomes of a version that fails: it is told, or also taken back."""

    REPORT = "Report"
    REVERT = "Revert"


class Concurrency(StrEnum):
    """What becomes of two releases of one app in flight: the newer goes on, both wait, or one."""

    SUPERSEDE = "Supersede"
    QUEUE = "Queue"
    FORBID = "Forbid"


class OnDelete(StrEnum):
    """What becomes of a deleted release's open pull request and of its branch."""

    CANCEL = "Cancel"
    KEEP = "Keep"


class Mode(StrEnum):
    """What a release does: all of it, only tell what it would be, or prove what others do."""

    APPLY = "Apply"
    PLAN = "Plan"
    FOLLOW = "Follow"


@dataclass(frozen=True)
class Release:
    """An AlbumRelease's identity and wish.

    Attributes:
        created_at: the resource's creationTimestamp; also the date of the release's commit.
        tag: the git tag, or None where `app` and `version` are given instead.
        retry: value of the annotation `album.dev/retry`, or None.
        refresh: value of the annotation `album.dev/refresh`, or None.
        requested_by: who asked for it, as whoever created it says; None where nobody does.
        resource_version: of the object read; a status write is refused when it is not current.
        observed_generation: generation the status speaks of; None or -1 before the first.
        cancel: it is taken back while it is not merged, for good.
        allow_downgrade: an older version is released; so it is for a rollback.
        rollback_of: name of the release that this one takes back; None for none.
        marks: labels and annotations of the operator's own that it has.
        newer: path of a field that is unknown, so that a newer version's CRD knows it; empty for
            none.
        status: the status as it was read, which only the adapter that wrote it looks into.
    """

    ref: Ref
    uid: str
    generation: int
    resource_version: str
    created_at: datetime
    pipeline: str
    tag: str | None = None
    app: str | None = None
    version: str | None = None
    mode: Mode = Mode.APPLY
    suspend: bool = False
    cancel: bool = False
    allow_downgrade: bool = False
    rollback_of: str | None = None
    retry: str | None = None
    refresh: str | None = None
    requested_by: str | None = None
    deleting: bool = False
    observed_generation: int | None = None
    newer: str = ""
    marks: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    status: Mapping[str, object] = field(default_factory=lambda: NOTHING, compare=False)

    @property
    def is_observed(self) -> bool:
        """Tell whether the status speaks of the present spec."""
        return self.observed_generation == self.generation


class EditValue(StrEnum):
    """What of the image an edit writes.

    `Tag` is the version, `Digest` is `sha256:…` of the pushed image, `Repository` its name without
    a tag, `Reference` its name with the tag.
    """

    TAG = "Tag"
    DIGEST = "Digest"
    REFERENCE = "Reference"
    REPOSITORY = "Repository"


class EditFormat(StrEnum):
    """What an edit's key means: a key path of YAML, or an entry of a kustomization's images."""

    YAML = "YAML"
    KUSTOMIZE = "Kustomize"


KUSTOMIZE_FIELDS = {
    EditValue.TAG: "newTag",
    EditValue.DIGEST: "digest",
    EditValue.REPOSITORY: "newName",
}
"""Fields of an entry of `images` (kustomize, api/types/image.go)."""


@dataclass(frozen=True)
class Document:
    """A document of a file with several: by its index, or the object's kind and name.

    Attributes:
        index: counted from 0.
    """

    index: int | None = None
    kind: str | None = None
    name: str | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" if self.index is None else f"document {self.index}"


class Anchors(StrEnum):
    """What becomes of a value that an anchor shares with other places."""

    REFUSE = "Refuse"
    EDIT = "Edit"


@dataclass(frozen=True)
class Edit:
    """One value to change: a file below the config repository's root, and a place in it.

    Attributes:
        path: POSIX path of the file.
        key: the way to the scalar, such as `image.tag` (`domain/keys`); for Kustomize the `name` of
            an entry of `images`.
        create: whether a place that is missing is added.
        document: the document it is in; None for a file with one.
        anchors: whether what an anchor shares with other places is changed with all of them.
    """

    path: str
    key: str
    value: EditValue = EditValue.TAG
    format: EditFormat = EditFormat.YAML
    create: bool = False
    document: Document | None = None
    anchors: Anchors = Anchors.REFUSE

    @property
    def steps(self) -> tuple[Step, ...]:
        """The way from the document's root to the scalar.

        Raises:
            ValueError: the key is none.
        """
        if self.format is EditFormat.KUSTOMIZE:
            return ("images", Item("name", self.key), KUSTOMIZE_FIELDS[self.value])
        return parse_key(self.key)

    @property
    def field(self) -> str:
        """Name of the last key on the way; empty where there is none."""
        return next((step for step in reversed(self.steps) if isinstance(step, str)), "")

    @property
    def place(self) -> str:
        """The place in the words of messages."""
        document = f" of {self.document}" if self.document is not None else ""
        if self.format is EditFormat.KUSTOMIZE:
            return f"{self.field} of image {self.key}{document}"
        return f"{self.key}{document}"


@dataclass(frozen=True)
class PullRequestWish:
    """How a release's pull request is opened, and who merges it.

    Attributes:
        branch, title, body: templates; None for the default.
        milestone: title of an open milestone.
    """

    merge: MergeMode = MergeMode.MANUAL
    method: MergeMethod = MergeMethod.MERGE
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    milestone: str | None = None
    draft: bool = False
    branch: str | None = None
    title: str | None = None
    body: str | None = None


@dataclass(frozen=True)
class Resources:
    """Requests and limits of the build container, as Kubernetes quantities by resource name."""

    requests: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    limits: Mapping[str, str] = field(default_factory=lambda: NOTHING)
