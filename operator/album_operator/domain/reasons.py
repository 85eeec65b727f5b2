"""The CamelCase reasons of conditions, steps and Events; docs/reference.md explains each."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a condition is as it is. The set is closed: docs and tests list the same words."""

    @classmethod
    def _missing_(cls, value: object) -> "Reason":
        """Read an older operator's word; one of a newer operator means "not known yet"."""
        return cls.QUEUED if value == "BuildQueued" else cls.PENDING

    # Progress.
    PENDING = "Pending"
    HELD = "Held"
    QUEUED = "Queued"
    BUILDING = "Building"
    AWAITING_CHECKS = "AwaitingChecks"
    TAGGING = "Tagging"
    AWAITING_IMAGE = "AwaitingImage"
    AWAITING_COMMIT = "AwaitingCommit"
    PROPOSING = "Proposing"
    AWAITING_MERGE = "AwaitingMerge"
    REVIEW_REQUIRED = "ReviewRequired"
    CHANGES_REQUESTED = "ChangesRequested"
    CHECKS_RUNNING = "ChecksRunning"
    CHECKS_FAILING = "ChecksFailing"
    BEHIND = "Behind"
    MERGE_CONFLICT = "MergeConflict"
    DRAFT = "Draft"
    MERGING = "Merging"
    SYNCING = "Syncing"
    SETTLING = "Settling"
    RELEASED = "Released"
    PLANNED = "Planned"
    NO_CHANGE = "NoChange"
    SUSPENDED = "Suspended"
    SUCCEEDED = "Succeeded"
    CHECKED = "Checked"

    # A person must act.
    PIPELINE_NOT_FOUND = "PipelineNotFound"
    TAG_INVALID = "TagInvalid"
    TRIGGER_INVALID = "TriggerInvalid"
    TAG_NOT_FOUND = "TagNotFound"
    DOCKERFILE_NOT_FOUND = "DockerfileNotFound"
    ENGINE_NOT_ALLOWED = "EngineNotAllowed"
    POD_NOT_ALLOWED = "PodNotAllowed"
    CREDENTIALS_MISSING = "CredentialsMissing"
    CREDENTIALS_REFUSED = "CredentialsRefused"
    HOST_NOT_ALLOWED = "HostNotAllowed"
    HOST_KEY_CHANGED = "HostKeyChanged"
    REPOSITORY_NOT_FOUND = "RepositoryNotFound"
    REPOSITORY_ARCHIVED = "RepositoryArchived"
    REPOSITORY_TOO_LARGE = "RepositoryTooLarge"
    BASE_BRANCH_NOT_FOUND = "BaseBranchNotFound"
    BRANCH_TAKEN = "BranchTaken"
    VALUES_FILE_NOT_FOUND = "ValuesFileNotFound"
    VALUES_KEY_NOT_FOUND = "ValuesKeyNotFound"
    VALUES_NOT_EDITABLE = "ValuesNotEditable"
    VERSIONS_NOT_COMPARABLE = "VersionsNotComparable"
    BUILD_FAILED = "BuildFailed"
    BUILD_OUT_OF_DISK = "BuildOutOfDisk"
    BUILD_OUT_OF_MEMORY = "BuildOutOfMemory"
    BUILD_TIMED_OUT = "BuildTimedOut"
    NODE_UNSUITABLE = "NodeUnsuitable"
    IMAGE_EXISTS_FROM_OTHER_COMMIT = "ImageExistsFromOtherCommit"
    IMAGE_EXISTS_FROM_OTHER_BUILD = "ImageExistsFromOtherBuild"
    IMAGE_SOURCE_UNKNOWN = "ImageSourceUnknown"
    IMAGE_MISMATCH = "ImageMismatch"
    PUSH_REFUSED = "PushRefused"
    PULL_REQUEST_CLOSED = "PullRequestClosed"
    HEAD_CHANGED = "HeadChanged"
    BRANCH_DELETED = "BranchDeleted"
    BASE_CHANGED = "BaseChanged"
    APPLICATION_NOT_FOUND = "ApplicationNotFound"
    APPLICATION_MISMATCH = "ApplicationMismatch"
    APPLICATION_INVALID = "ApplicationInvalid"
    OVERRIDDEN_ELSEWHERE = "OverriddenElsewhere"
    NOT_AUTHORIZED = "NotAuthorized"
    MANAGED_ELSEWHERE = "ManagedElsewhere"
    AUTO_SYNC_DISABLED = "AutoSyncDisabled"
    SYNC_FAILED = "SyncFailed"
    DEGRADED = "Degraded"
    ROLLBACK_REFUSED = "RollbackRefused"
    OUT_OF_SYNC = "OutOfSync"
    PAUSED = "Paused"
    SYNC_HELD_UP = "SyncHeldUp"
    SYNC_WINDOW = "SyncWindow"
    SYNC_TIMED_OUT = "SyncTimedOut"
    IMAGE_NOT_OBSERVED = "ImageNotObserved"
    NAME_NOT_ALLOWED = "NameNotAllowed"
    REJECTED = "Rejected"
    STATUS_INVALID = "StatusInvalid"
    ANOTHER_IN_FLIGHT = "AnotherInFlight"

    # Transient: retried by itself.
    BUILD_EVICTED = "BuildEvicted"
    NODE_LOST = "NodeLost"
    QUOTA_EXCEEDED = "QuotaExceeded"
    POD_REFUSED = "PodRefused"
    POD_NOT_STARTED = "PodNotStarted"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    UNSCHEDULABLE = "Unschedulable"
    FORGE_UNAVAILABLE = "ForgeUnavailable"
    GIT_UNAVAILABLE = "GitUnavailable"
    REGISTRY_UNAVAILABLE = "RegistryUnavailable"
    CLUSTER_UNAVAILABLE = "ClusterUnavailable"
    FORBIDDEN = "Forbidden"
    ADMISSION_DENIED = "AdmissionDenied"
    GUARD_MISSING = "GuardMissing"
    OPERATOR_TOO_OLD = "OperatorTooOld"
    APPLICATION_UNREADABLE = "ApplicationUnreadable"
    RATE_LIMITED = "RateLimited"

    # Ended without a release.
    ROLLED_BACK = "RolledBack"
    SUPERSEDED = "Superseded"
    CANCELLED = "Cancelled"
    OVERWRITTEN = "Overwritten"

    # A bug of ours.
    INTERNAL_ERROR = "InternalError"


TRANSIENT = frozenset(
    {
        Reason.BUILD_EVICTED,
        Reason.NODE_LOST,
        Reason.QUOTA_EXCEEDED,
        Reason.POD_REFUSED,
        Reason.POD_NOT_STARTED,
        Reason.IMAGE_PULL_FAILED,
        Reason.UNSCHEDULABLE,
        Reason.FORGE_UNAVAILABLE,
        Reason.GIT_UNAVAILABLE,
        Reason.REGISTRY_UNAVAILABLE,
        Reason.CLUSTER_UNAVAILABLE,
        Reason.FORBIDDEN,
        Reason.ADMISSION_DENIED,
        Reason.GUARD_MISSING,
        Reason.OPERATOR_TOO_OLD,
        Reason.APPLICATION_UNREADABLE,
        Reason.RATE_LIMITED,
        Reason.INTERNAL_ERROR,
    }
)
"""Reasons of troubles that are retried by themselves."""
