"""What a look at a build Job and its Pods found."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from album_operator.domain.names import FETCH


class BuildState(StrEnum):
    """Where a build Job stands."""

    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


class BuildKitMode(StrEnum):
    """How BuildKit's Pods run: an admin's word, never a pipeline's.

    `Privileged` as root of the node. `UserNamespace` as root of a user namespace that the kubelet
    gives the Pod, which is nobody on the node. `Rootless` as user 1000, who makes one.
    """

    PRIVILEGED = "Privileged"
    USER_NAMESPACE = "UserNamespace"
    ROOTLESS = "Rootless"


class JobOwner(StrEnum):
    """Who controls a build Job.

    `Release` is the very release that asks, `Earlier` one of the same name that was deleted since:
    its Job is about to be deleted too. `Other` is anybody else, or nobody.
    """

    RELEASE = "Release"
    EARLIER = "Earlier"
    OTHER = "Other"


NEVER_RAN = frozenset({"StartError", "ContainerCannotRun"})
"""How containerd (`internal/cri/server/container_start.go`) and cri-dockerd (`core/
container_status.go`) call a container that was made and could not be started."""


LOST_BY_NODE = frozenset({"ContainerStatusUnknown", "Unknown"})
"""How the kubelet (`pkg/kubelet/kubelet_pods.go`) and containerd (`internal/cri/server/helpers.go`)
call a container that ran and is not there any more, mostly because they were restarted."""


@dataclass(frozen=True)
class PodTrouble:
    """Why a build has no Pod, why a Pod does not run, or how its container ended.

    Attributes:
        pod: its name; empty where the Job has none.
        container: None where it is about the whole Pod.
        reason: the word of the kubelet, the scheduler or the Job controller: `ImagePullBackOff`,
            `Unschedulable`, `OOMKilled`, `Error`, `Evicted`, `DisruptionTarget`, `NodeLost`,
            `FailedMount`, `FailedCreate`, `Suspended`; or the runtime's: `StartError`.
        message: what it says besides.
    """

    pod: str
    container: str | None
    reason: str
    message: str
    exit_code: int | None = None

    @property
    def never_ran(self) -> bool:
        """Whether the runtime could not start the container: nothing of its program has run."""
        return self.reason in NEVER_RAN

    @property
    def is_lost(self) -> bool:
        """Whether its node lost the container, and nobody knows how that ended."""
        return self.container is not None and self.reason in LOST_BY_NODE

    @property
    def is_log(self) -> bool:
        """Whether `message` is the end of a log, in the words of whoever wrote the Dockerfile."""
        is_told = self.exit_code is not None and not (self.never_ran or self.is_lost)
        return is_told and self.container != FETCH


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
        is_ending: it is about to fail, and its Pods may be gone already.
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
    is_ending: bool = False
