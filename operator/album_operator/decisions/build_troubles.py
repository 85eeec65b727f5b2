"""What keeps a build from running, and how one ended that failed."""

from dataclasses import replace
from datetime import datetime, timedelta

from album_operator.domain.names import BUILDER, FETCH
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Failure, Record, StepName
from album_operator.domain.release import Release
from album_operator.domain.remedy import SET_RETRY
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import BuildSeen, PodTrouble
from album_operator.domain.verdict import Halt, Wait

POD_LOOK = timedelta(seconds=15)
"""How often a build's Pod is looked at for what no Job event tells, such as ImagePullBackOff."""

WAITING = {
    "ImagePullBackOff": Reason.IMAGE_PULL_FAILED,
    "ErrImagePull": Reason.IMAGE_PULL_FAILED,
    "InvalidImageName": Reason.IMAGE_PULL_FAILED,
    "Unschedulable": Reason.UNSCHEDULABLE,
    "DisruptionTarget": Reason.BUILD_EVICTED,
}


MEMORY = {
    BUILDER: "Raise build.resources.limits.memory in the pipeline",
    FETCH: "Ask an admin to raise ALBUM_FETCH_LIMITS in the operator's settings",
}
FOREIGN = "Raise the limit where it is added to Pods: the operator does not"
"""Who raises the limit of memory of which container."""


def wait(record: Record, resolved: Resolved, seen: BuildSeen, now: datetime) -> Wait:
    """Wait for a build that runs, and say what keeps its Pod from it.

    Args:
        record: what the release achieved, with the build.
        resolved: what it does.
        seen: its build Job.
        now: the time.
    """
    trouble = seen.trouble
    reason = WAITING.get(trouble.reason) if trouble else None
    if trouble and reason:
        deadline = (seen.started_at or now) + resolved.build.timeout
        message = (
            f"Pod {trouble.pod} of Job {seen.job} does not run: {trouble.reason}"
            f"{f' ({trouble.message})' if trouble.message else ''}. Kubernetes keeps trying until "
            f"{deadline:%H:%M:%S} UTC."
        )
        return Wait(reason, message, POD_LOOK, record)
    return Wait(
        Reason.BUILDING,
        f"Job {seen.job} builds {resolved.build.image} with {resolved.build.type}.",
        POD_LOOK,
        record,
    )


def fail(release: Release, resolved: Resolved, seen: BuildSeen) -> Halt:
    """Say why a build failed, and what a person can do about it."""
    logs = f"kubectl logs -n {release.ref.namespace} job/{seen.job} --all-containers"
    trouble = seen.trouble or PodTrouble(pod="", container=None, reason="", message="")
    if trouble.is_log and not resolved.build.failure_log:
        trouble = replace(trouble, message="")
    cause = _cause(resolved, seen, trouble)
    halt = replace(cause, ending=f", then {SET_RETRY}. Logs: {logs}")
    failure = Failure(
        step=StepName.IMAGE_READY,
        reason=halt.reason,
        message=trouble.message or halt.sentence,
        pod=trouble.pod or None,
        container=trouble.container,
        exit_code=trouble.exit_code,
    )
    return replace(halt, failure=failure)


def _cause(resolved: Resolved, seen: BuildSeen, trouble: PodTrouble) -> Halt:
    if seen.failure_reason == "DeadlineExceeded":
        return Halt(
            Reason.BUILD_TIMED_OUT,
            f"The build took longer than build.timeout ({resolved.build.timeout}).",
            "Raise it in the pipeline or make the build faster",
        )
    if trouble.reason == "Evicted":
        return Halt(
            Reason.BUILD_FAILED,
            f"Pod {trouble.pod} was evicted: {trouble.message or 'no reason is told'}.",
            "If it used too much disk, raise build.resources.limits.ephemeral-storage in the "
            "pipeline",
        )
    if trouble.reason == "OOMKilled":
        return Halt(
            Reason.BUILD_OUT_OF_MEMORY,
            f"Container {trouble.container} of the build ran out of memory.",
            MEMORY.get(trouble.container or "", FOREIGN),
        )
    code = f" with exit code {trouble.exit_code}" if trouble.exit_code is not None else ""
    why = f" ({trouble.reason})" if trouble.reason not in {"", "Error"} else ""
    said = f"Container {trouble.container or 'build'} of the build failed{code}{why}"
    said += f": {trouble.message}" if trouble.message else ""
    return Halt(Reason.BUILD_FAILED, f"{said}.", "Mend the cause")
