"""What a release has achieved so far: the facts of its status, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from album_operator.domain.names import AppVersion
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.domain.resolved import Resolved


class StepName(StrEnum):
    """The steps of a release in their order; each is a condition of the same name."""

    IMAGE_READY = "ImageReady"
    PROPOSED = "Proposed"
    MERGED = "Merged"
    SYNC_POLICY_APPLIED = "SyncPolicyApplied"
    DEPLOYED = "Deployed"


class StepState(StrEnum):
    """Where a step stands."""

    PENDING = "Pending"
    RUNNING = "Running"
    WAITING = "Waiting"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True)
class StepRecord:
    """One step of the status.

    Attributes:
        overhead: time the operator itself took in this step: from seeing an event to beginning the
            pass, plus the pass; waits for others, polls of the merge and the settle time excluded.
    """

    name: StepName
    state: StepState = StepState.PENDING
    reason: Reason = Reason.PENDING
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    overhead: timedelta = timedelta()


class ImageOrigin(StrEnum):
    """How a release came by its image.

    `Built` by its own Job; `Reused`, for it was there with our commit's label; `Adopted`, for it
    was there and the pipeline takes what is there; `External`, built elsewhere from our commit.
    """

    BUILT = "Built"
    REUSED = "Reused"
    ADOPTED = "Adopted"
    EXTERNAL = "External"


@dataclass(frozen=True)
class ImageRecord:
    """The image that is released.

    Attributes:
        reference: full reference with tag.
        digest: `sha256:` and 64 hex digits.
        revision: commit of the source it was built from, 40 hex digits; None where nothing proves
            one, of an image that was adopted.
    """

    reference: str
    digest: str
    revision: str | None
    origin: ImageOrigin = ImageOrigin.BUILT


@dataclass(frozen=True)
class PlatformRecord:
    """The image of one platform, where each is built by a Job of its own.

    Attributes:
        job: None where its image was there already, or another release builds it.
        digest: `sha256:` and 64 hex digits, once it is proved that it is there.
    """

    platform: str
    job: str | None = None
    digest: str | None = None


@dataclass(frozen=True)
class BuildRecord:
    """The build that made the image.

    Attributes:
        job: of several the one that failed, else the first that is not done, else the last.
        platforms: of an image whose platforms are built by Jobs of their own.
    """

    job: str
    type: str
    started_at: datetime | None = None
    finished_at: datetime | None = None
    platforms: tuple[PlatformRecord, ...] = ()


@dataclass(frozen=True)
class ProposalRecord:
    """The change in the config repository.

    Attributes:
        branch: the release branch; the base branch where delivery is `Commit`.
        commit: our commit on it, 40 hex digits; None where nothing had to change.
        diff: unified diff of the change, at most 4 KiB.
    """

    branch: str
    commit: str | None
    diff: str


@dataclass(frozen=True)
class PullRequestRecord:
    """The pull request as last seen; merge fields are None until it is merged.

    Attributes:
        waits_for: what it lacks while it is open: the reason of step Merged, which a transient
            trouble there does not change here.
        waits_since: when it was first seen to lack that.
        seen_at: when the forge was last asked for this release.
    """

    number: int
    url: str
    state: str
    head_sha: str
    merge_commit: str | None = None
    merged_at: datetime | None = None
    waits_for: Reason | None = None
    waits_since: datetime | None = None
    # Not compared: that it was seen once more is not worth a write of its own.
    seen_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True)
class ApplicationRecord:
    """One Application as last seen in the Deployed step.

    Attributes:
        accepted_because: `Equal` or `Descendant`: how `revision` relates to the merge commit.
        health_since: Argo CD's stamp of when its health changed last, while all parts of the proof
            hold: of its controller's clock, so good only to see that it is another one.
        settling_since: since when all parts of the proof hold, None while one is missing.
        operation_started: a sync of it was started for this attempt.
        hard_refreshed: its manifests were rendered anew for this attempt.
        policy_patches: how often its sync policy was patched for this attempt.
    """

    namespace: str
    name: str
    revision: str | None = None
    accepted_because: str | None = None
    sync: str | None = None
    health: str | None = None
    health_since: datetime | None = None
    settling_since: datetime | None = None
    operation_started: bool = False
    hard_refreshed: bool = False
    policy_patches: int | None = None


@dataclass(frozen=True)
class Failure:
    """Why a release stopped; pod, container and exit code only where a build failed.

    Attributes:
        platform: of the Job that failed, where each platform has its own.
    """

    step: str
    reason: Reason
    message: str
    pod: str | None = None
    container: str | None = None
    exit_code: int | None = None
    platform: str | None = None


@dataclass(frozen=True)
class SupersededBy:
    """What took the place of a release, as far as it is known.

    Attributes:
        version: that is there now.
        release: `<namespace>/<name>` of the AlbumRelease that put it there.
        commit: of the base branch that did, 40 hex digits.
    """

    version: str | None = None
    release: str | None = None
    commit: str | None = None


@dataclass(frozen=True)
class QueueRecord:
    """Where a release waits that has not begun, as its app's go one after another.

    Attributes:
        position: from 1 for the next; those that have begun are not counted.
        behind: name of the release right before it.
    """

    position: int
    behind: str


@dataclass(frozen=True)
class RollbackRecord:
    """The release that takes back one that failed.

    Attributes:
        release: its name.
        version: what it brings back.
        uid: of it; None until it was seen.
    """

    release: str
    version: str
    uid: str | None = None


MOST_MISSES = 20
"""Of the things that a release lacks, so many are listed in its status."""


@dataclass(frozen=True)
class Miss:
    """One of the things that a release lacks.

    Attributes:
        message: what is so, in whole sentences.
        remedy: what a person does about it, without the end of its sentence; empty for nothing.
    """

    reason: Reason
    message: str
    remedy: str = ""


@dataclass(frozen=True)
class AttemptRecord:
    """How an earlier attempt ended, or where it stood when a retry ended it.

    Attributes:
        number: of the attempt.
        step: the step it was at.
        job: its build Job, None where it had none.
        finished_at: when that step failed; None where it had not.
    """

    number: int
    step: str
    reason: Reason
    message: str
    job: str | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True)
class PlannedPatch:
    """What an Application would be patched with: a JSON merge patch as text."""

    namespace: str
    name: str
    patch: str


@dataclass(frozen=True)
class PlanRecord:
    """What a release in mode Plan would do.

    Attributes:
        image: full reference with tag.
        base_commit: head of the base branch the diff is against, 40 hex digits.
        diff: unified diff of the change, at most 8 KiB; empty where nothing would change.
    """

    image: str
    branch: str
    base_commit: str
    diff: str
    applications: tuple[PlannedPatch, ...]


class Outcome(StrEnum):
    """How a release stands as a whole."""

    WORKING = "Working"
    SUSPENDED = "Suspended"
    RELEASED = "Released"
    PLANNED = "Planned"
    STALLED = "Stalled"


@dataclass(frozen=True)
class Record:
    """All facts of a release's status.

    Attributes:
        attempt: counts from 1; `album.dev/retry` makes the next one.
        attempts: the last ones before it that had begun, the oldest first.
        image: known when it is ready; a retry that builds the same keeps it.
        merged_commit: commit of the base branch that holds the change: the merge commit, our own
            where delivery is `Commit`, or the base's head where nothing had to change.
        reason: reason of the condition Ready.
        message: message of the condition Ready.
        misses: each thing that stopped it, as far as they are told.
        rollback: what takes it back, where it failed and that is wanted; `failure` says why.
        plan: of a release in mode Plan.
        queue: where it waits for others of its app; None once it has begun.
        last_handled_retry: value of `album.dev/retry` that `attempt` answers.
        last_handled_refresh: value of `album.dev/refresh` that was last obeyed.
        requested_by: who asked for it, as it was said when the release began.
        chosen: app and version as the conventions give them, known before `resolved`.
        since: status of each condition and when it came to that, by condition type, as last read.
        fault: what the status it was read from holds that no operator writes, as a sentence with
            the field's path; nothing to act upon was taken from it then. None where nothing is
            wrong.
    """

    attempt: int = 1
    attempts: tuple[AttemptRecord, ...] = ()
    resolved: Resolved | None = None
    image: ImageRecord | None = None
    build: BuildRecord | None = None
    proposal: ProposalRecord | None = None
    pull_request: PullRequestRecord | None = None
    merged_commit: str | None = None
    applications: tuple[ApplicationRecord, ...] = ()
    steps: tuple[StepRecord, ...] = field(
        default_factory=lambda: tuple(StepRecord(name) for name in StepName)
    )
    outcome: Outcome = Outcome.WORKING
    reason: Reason = Reason.PENDING
    message: str = ""
    failure: Failure | None = None
    misses: tuple[Miss, ...] = ()
    rollback: RollbackRecord | None = None
    plan: PlanRecord | None = None
    superseded_by: SupersededBy | None = None
    queue: QueueRecord | None = None
    last_handled_retry: str | None = None
    last_handled_refresh: str | None = None
    requested_by: str | None = None
    chosen: AppVersion | None = field(default=None, compare=False)
    since: Mapping[str, tuple[str, datetime]] = field(default_factory=dict, compare=False)
    fault: str | None = field(default=None, compare=False)

    @property
    def is_finished(self) -> bool:
        """Tell whether nothing will change by itself any more."""
        return self.outcome in {Outcome.RELEASED, Outcome.PLANNED, Outcome.STALLED}

    @property
    def steps_begun(self) -> bool:
        """Tell whether any step has begun, so that a retry must count as another attempt."""
        return any(step.started_at is not None for step in self.steps)

    def application(self, ref: Ref) -> ApplicationRecord:
        """Give the record of one Application."""
        known = {Ref(app.namespace, app.name): app for app in self.applications}
        return known.get(ref, ApplicationRecord(ref.namespace, ref.name))

    def with_application(self, app: ApplicationRecord) -> "Record":
        """Give the record with that of one Application as it is now."""
        known = {Ref(one.namespace, one.name): one for one in self.applications}
        known[Ref(app.namespace, app.name)] = app
        return replace(self, applications=tuple(known.values()))

    def step(self, name: StepName) -> StepRecord:
        """Give the record of one step."""
        return next(step for step in self.steps if step.name is name)

    @property
    def next_step(self) -> StepName | None:
        """Give the first step that has not succeeded; None when all have."""
        for step in self.steps:
            if step.state is not StepState.SUCCEEDED:
                return step.name
        return None
