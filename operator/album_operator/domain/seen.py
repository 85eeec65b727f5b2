"""What a look at the outside world found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from album_operator.domain.hosts import NO_ALIASES, HostAliases
from album_operator.domain.names import FETCH, is_same_repository
from album_operator.domain.record import Outcome, StepName
from album_operator.domain.release import Edit, Ref

CONSENT = "album.dev/authorized-pipeline"
"""Annotation of an Application: the pipelines its owner lets change it."""


@dataclass(frozen=True)
class SourceSeen:
    """A tag of the source repository.

    Attributes:
        commit: the commit the tag stands for (annotated tags peeled), or None: no such tag.
        has_dockerfile: whether the Dockerfile is a file of that commit.
        is_no_commit: there is such a tag, and it stands for a tree or a file.
    """

    commit: str | None
    has_dockerfile: bool = False
    is_no_commit: bool = False


@dataclass(frozen=True)
class SourceCommit:
    """A commit of the source, as a reviewer wants to see it."""

    sha: str
    author: str
    subject: str


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
        obstacle: a branch beside which git cannot make the release branch, None where none is.
    """

    base_branch: str
    base_commit: str | None
    files: Mapping[str, bytes]
    not_files: Mapping[str, str]
    branch: BranchSeen | None = None
    obstacle: str | None = None


@dataclass(frozen=True)
class Edited:
    """What some edits found and made.

    Attributes:
        current: the value at each edit's key, before it.
        files: new bytes of each file that changes, by path.
        notes: what else changes with them, as sentences.
    """

    current: Mapping[Edit, str]
    files: Mapping[str, bytes]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SigningRule:
    """A rule of a forge that wants commits signed.

    Attributes:
        name: of the rule, with what kind of rule it is.
        way_out: what can be done about it, as a clause.
    """

    name: str
    way_out: str


@dataclass(frozen=True)
class RepositorySeen:
    """A repository as its forge shows it to the user of our token.

    Attributes:
        is_archived: nobody can push or open pull requests any more.
        may_push: the user may push branches.
        signing_rule: binds this user's pushes to the branch that was asked about; None where none
            does, or the forge does not tell.
    """

    is_archived: bool
    may_push: bool
    signing_rule: SigningRule | None = None


class PullRequestState(StrEnum):
    """State of a pull request."""

    OPEN = "Open"
    MERGED = "Merged"
    CLOSED = "Closed"


class Review(StrEnum):
    """What all reviews of a pull request come to."""

    NOT_REQUIRED = "NotRequired"
    REQUIRED = "Required"
    CHANGES_REQUESTED = "ChangesRequested"
    APPROVED = "Approved"


class Checks(StrEnum):
    """What all checks of a commit come to."""

    NONE = "None"
    RUNNING = "Running"
    FAILING = "Failing"
    PASSING = "Passing"


class Fit(StrEnum):
    """How a pull request's branch fits its base as it is now."""

    UNKNOWN = "Unknown"
    CLEAN = "Clean"
    BEHIND = "Behind"
    CONFLICT = "Conflict"


@dataclass(frozen=True)
class Gate:
    """What stands between an open pull request and its merge.

    Attributes:
        fit: `Behind` only where a rule wants the branch up to date.
        failing: names of the checks that failed, as far as the forge tells.
        is_blocked: the forge would refuse to merge now, whatever the cause.
        is_armed: the forge merges by itself as soon as nothing blocks.
        may_be_armed: it might, but the forge does not tell.
        queue_position: place in the merge queue, from 1; None outside of one.
    """

    fit: Fit = Fit.CLEAN
    review: Review = Review.NOT_REQUIRED
    checks: Checks = Checks.NONE
    failing: tuple[str, ...] = ()
    is_blocked: bool = False
    is_armed: bool = False
    may_be_armed: bool = False
    queue_position: int | None = None


@dataclass(frozen=True)
class PullRequestSeen:
    """A pull request as the forge shows it.

    Attributes:
        repository: URL of the repository it is in, as the forge has it: its pages lie below that.
        head_sha: head commit, 40 hex digits.
        head: branch it comes from; None where that is one of another repository.
        base: branch it goes into, or went into: people can set another while it is open.
        merge_commit: commit it made on the base branch; None until merged.
        actor: who merged or closed it, where the forge tells.
        labels: names.
        reviewers: users asked for a review who have not given one yet.
        milestone: its title.
        is_draft: it is not to be merged yet.
        has_branch: its branch exists.
        is_archived: its repository can only be read.
        gate: what is between it and its merge; None where it is not open, or was not asked.
    """

    repository: str
    number: int
    url: str
    state: PullRequestState
    head_sha: str
    title: str
    head: str | None
    base: str
    merge_commit: str | None = None
    merged_at: datetime | None = None
    actor: str | None = None
    labels: frozenset[str] = frozenset()
    reviewers: frozenset[str] = frozenset()
    assignees: frozenset[str] = frozenset()
    milestone: str | None = None
    is_draft: bool = False
    has_branch: bool = True
    is_archived: bool = False
    gate: Gate | None = None

    @property
    def glance(self) -> "Glance":
        """What a list would show of it."""
        return Glance(self.state, self.head_sha, self.is_draft, self.base)


@dataclass(frozen=True)
class Glance:
    """What a list shows of a pull request."""

    state: PullRequestState
    head_sha: str
    is_draft: bool
    base: str


@dataclass(frozen=True)
class Changes:
    """Which pull requests of a repository changed between two looks.

    Attributes:
        glances: what they look like now, by number; some may not have changed at all.
        until: where the next look goes on; the forge's own clock.
    """

    glances: Mapping[int, Glance]
    until: datetime | None


class BuildState(StrEnum):
    """Where a build Job stands."""

    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


class JobOwner(StrEnum):
    """Who controls a build Job.

    `Release` is the very release that asks, `Earlier` one of the same name that was deleted since:
    its Job is about to be deleted too. `Other` is anybody else, or nobody.
    """

    RELEASE = "Release"
    EARLIER = "Earlier"
    OTHER = "Other"


@dataclass(frozen=True)
class PodTrouble:
    """Why a build has no Pod, why its Pod does not run, or how its container ended.

    Attributes:
        pod: its name; empty where the Job has none.
        container: None where it is about the whole Pod.
        reason: the word of the kubelet, the scheduler or the Job controller: `ImagePullBackOff`,
            `Unschedulable`, `OOMKilled`, `Error`, `Evicted`, `DisruptionTarget`, `NodeLost`,
            `FailedMount`, `FailedCreate`, `Suspended`.
        message: what it says besides.
    """

    pod: str
    container: str | None
    reason: str
    message: str
    exit_code: int | None = None

    @property
    def is_log(self) -> bool:
        """Whether `message` is the end of a log, in the words of whoever wrote the Dockerfile."""
        return self.exit_code is not None and self.container != FETCH


@dataclass(frozen=True)
class LastWords:
    """What the builder of a Pod that succeeded left behind, empty where it left nothing."""

    pod: str
    text: str


@dataclass(frozen=True)
class BuildSeen:
    """A build Job and the Pods it controls.

    Attributes:
        state: as its builder ended, where it has ended: other containers of its Pod may go on.
        owner: who controls the Job, by the owner reference's kind, name and uid.
        failure_reason: reason of the Job's Failed condition, such as `DeadlineExceeded`.
        failure_message: what that condition says besides.
        failed_pods: how many of its Pods have failed, by the Job controller's count.
        last_words: of each Pod whose builder succeeded, once the build has; several where the Job
            controller made more than one, or where somebody made a Pod that claims to be the Job's.
        trouble: what is wrong with the newest Pod, None where nothing is.
    """

    job: str
    state: BuildState
    owner: JobOwner
    started_at: datetime | None = None
    finished_at: datetime | None = None
    failure_reason: str | None = None
    failure_message: str = ""
    failed_pods: int = 0
    last_words: tuple[LastWords, ...] = ()
    trouble: PodTrouble | None = None


@dataclass(frozen=True)
class ApplicationSource:
    """Where an Application takes its manifests from.

    Attributes:
        place: where the Application has it, such as `spec.sources[1]`.
        ref: name by which other sources take values files from it; empty for none.
        helm: what it says of values and parameters, as the Application has it.
        kustomize: what it says of images, likewise.
    """

    repository: str
    path: str
    target_revision: str
    revision: str | None = None
    place: str = "spec.source"
    ref: str = ""
    helm: Mapping[str, object] = field(default_factory=dict)
    kustomize: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConfigBranch:
    """A branch of a config repository.

    Attributes:
        repository: its URL, as `normal_url` spells it.
    """

    repository: str
    name: str

    def is_same(self, other: "ConfigBranch", aliases: HostAliases = NO_ALIASES) -> bool:
        """Tell whether two are one branch, by whichever names of their repository.

        It is in a forge, for pull requests are made of it, and no forge tells case apart.
        """
        return self.name == other.name and is_same_repository(
            self.repository, other.repository, aliases, ignores_case=True
        )


UNMERGED = frozenset({StepName.IMAGE_READY, StepName.PROPOSED, StepName.MERGED})
"""The steps in which a release needs its branch."""


@dataclass(frozen=True, slots=True)
class ReleaseSeen:
    """A release of a served namespace, as far as others need to know it.

    Attributes:
        app: None, and `version` too, before its tag was taken apart.
        step: the first that is not done; None where the release has finished.
        branch: the release branch that is its own until its merge; None before it was resolved,
            after that merge or its end, and where it commits to the base branch.
    """

    pipeline: str
    app: str | None
    version: str | None
    step: StepName | None
    outcome: Outcome
    branch: ConfigBranch | None = None


@dataclass(frozen=True)
class BranchClaim:
    """Whose a release branch is, of the releases of all served namespaces.

    Attributes:
        holder: another release in flight that has it; None where who asked has it now.
        is_certain: all of them are known; not so while they are listed after a start.
    """

    holder: Ref | None
    is_certain: bool = True


@dataclass(frozen=True)
class OperationSeen:
    """The last or running sync operation of an Application.

    Attributes:
        phase: `Running`, `Terminating`, `Succeeded`, `Failed` or `Error`.
        revisions: revisions it synced to, one per source.
        is_of_spec: it synced the sources that the spec has now.
    """

    phase: str
    revisions: tuple[str, ...]
    message: str
    finished_at: datetime | None = None
    is_of_spec: bool = False


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
        controller_namespace: where Argo CD's controller runs, empty where it does not tell.
        is_of_spec: it was last compared with the sources that the spec has now.
        renders: the Applications among its resources, with the sync status of each.
        renders_sets: likewise the ApplicationSets.
        made_by: the ApplicationSet that makes it and keeps it, None where none does.
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
    controller_namespace: str = ""
    is_of_spec: bool = False
    renders: Mapping[Ref, str] = field(default_factory=dict)
    renders_sets: Mapping[Ref, str] = field(default_factory=dict)
    made_by: Ref | None = None

    @property
    def ref(self) -> Ref:
        """Namespace and name."""
        return Ref(self.namespace, self.name)

    def status_of(self, other: "ApplicationSeen") -> str | None:
        """Give the sync status of an Application, or of what makes it, among the resources.

        None where it is not among them.
        """
        if other.ref in self.renders:
            return self.renders[other.ref]
        return self.renders_sets.get(other.made_by) if other.made_by is not None else None

    @property
    def instance(self) -> str:
        """Its name where Argo CD tells those of several namespaces apart (`InstanceName`)."""
        if self.controller_namespace in {"", self.namespace}:
            return self.name
        return f"{self.namespace}_{self.name}"


@dataclass(frozen=True)
class ConsentedApplication:
    """An Application that may be patched as it was seen; made by `decisions.application.ask` alone.

    Consent and resource version are of the same look, and a patch names that version: where the
    owner moves the consent before it arrives, nothing is patched.
    """

    seen: ApplicationSeen
