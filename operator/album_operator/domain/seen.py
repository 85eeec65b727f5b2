"""What a look at the outside world found."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True)
class SourceSeen:
    """A tag of the source repository.

    Attributes:
        commit: the commit the tag stands for (annotated tags peeled), or None: no such tag.
        has_dockerfile: whether the Dockerfile is a file of that commit.
    """

    commit: str | None
    has_dockerfile: bool = False


@dataclass(frozen=True)
class BranchSeen:
    """The release branch as it stands.

    Attributes:
        commit: its head, 40 hex digits.
        parent_files: bytes by path at the head's only parent; None where it has not one parent.
        files: bytes by path at the head.
        changed_paths: paths that differ between head and parent; a folder, with `/` at its end,
            where more differs than is looked at.
        diff: unified diff, as git makes it, from `parent_files` to `files`; empty without parent.
    """

    commit: str
    message: str
    author_name: str
    author_email: str
    files: Mapping[str, bytes]
    parent_files: Mapping[str, bytes] | None
    changed_paths: frozenset[str]
    diff: str = ""


@dataclass(frozen=True)
class ConfigSeen:
    """The config repository as it stands.

    Attributes:
        base_branch: the base branch's name (the remote's default branch where none was asked).
        base_commit: its head; None where there is no such branch.
        files: bytes by path of each asked regular file at the base; a missing file is left out.
        not_files: for asked paths that are no regular file, what they are: `symlink`, `submodule`
            or `directory`.
        branch: the release branch, None where it does not exist or was not asked for.
    """

    base_branch: str
    base_commit: str | None
    files: Mapping[str, bytes]
    not_files: Mapping[str, str]
    branch: BranchSeen | None = None


@dataclass(frozen=True)
class RepositorySeen:
    """A repository as its forge shows it to the user of our token.

    Attributes:
        is_archived: nobody can push or open pull requests any more.
        may_push: the user may push branches.
    """

    is_archived: bool
    may_push: bool


class PullRequestState(StrEnum):
    """State of a pull request."""

    OPEN = "Open"
    MERGED = "Merged"
    CLOSED = "Closed"


@dataclass(frozen=True)
class PullRequestSeen:
    """A pull request as the forge shows it.

    Attributes:
        head_sha: head commit, 40 hex digits.
        merge_commit: commit it made on the base branch; None until merged.
        actor: who merged it, where the forge tells.
    """

    number: int
    url: str
    state: PullRequestState
    head_sha: str
    title: str
    merge_commit: str | None = None
    merged_at: datetime | None = None
    actor: str | None = None


class BuildState(StrEnum):
    """Where a build Job stands."""

    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True)
class PodTrouble:
    """Why a build's Pod does not run, or how its container ended.

    Attributes:
        reason: the kubelet's or scheduler's word: `ImagePullBackOff`, `Unschedulable`,
            `OOMKilled`, `Error`, `Evicted`.
        message: what it says besides.
    """

    pod: str
    container: str | None
    reason: str
    message: str
    exit_code: int | None = None


@dataclass(frozen=True)
class BuildSeen:
    """A build Job and its newest Pod.

    Attributes:
        owned: whether the Job belongs to this very release (owner reference by uid).
        failure_reason: reason of the Job's Failed condition, such as `DeadlineExceeded`.
        termination_message: what the builder container left behind when it succeeded.
        trouble: what is wrong with the newest Pod, None where nothing is.
    """

    job: str
    state: BuildState
    owned: bool
    started_at: datetime | None = None
    finished_at: datetime | None = None
    failure_reason: str | None = None
    termination_message: str | None = None
    trouble: PodTrouble | None = None


@dataclass(frozen=True)
class ApplicationSource:
    """Where an Application takes its manifests from."""

    repository: str
    path: str
    target_revision: str
    revision: str | None = None


@dataclass(frozen=True)
class OperationSeen:
    """The last or running sync operation of an Application.

    Attributes:
        phase: `Running`, `Terminating`, `Succeeded`, `Failed` or `Error`.
        revisions: revisions it synced to, one per source.
    """

    phase: str
    revisions: tuple[str, ...]
    message: str
    finished_at: datetime | None = None


@dataclass(frozen=True)
class ApplicationSeen:
    """An Argo CD Application.

    Attributes:
        sources: its sources with the revision each was last *compared to*.
        consents: pipelines, `<namespace>/<name>`, that its owner lets change its sync policy.
        previous_policy: JSON text of the policy it had before we came, None where never kept.
        sync_policy: `spec.syncPolicy` as it is, None where absent.
        refresh_requested: a refresh is asked for and not yet done.
        images: images in the Pod specs of its resources, old and new while a rollout runs.
        health_since: when its health last changed, where Argo CD tells.
        reconciled_at: when it was last compared.
        operation: the last or running operation.
        operation_requested: an operation is asked for and not yet begun.
        conditions: messages of its error conditions by type, such as `ComparisonError`.
    """

    namespace: str
    name: str
    resource_version: str
    sources: tuple[ApplicationSource, ...]
    consents: frozenset[str]
    previous_policy: str | None
    sync_policy: Mapping[str, object] | None
    refresh_requested: bool
    sync_status: str
    health: str
    images: tuple[str, ...]
    health_since: datetime | None
    reconciled_at: datetime | None
    operation: OperationSeen | None
    operation_requested: bool
    conditions: Mapping[str, str]
