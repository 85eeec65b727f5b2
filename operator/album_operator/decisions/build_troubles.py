"""What keeps a build from running, and how one ended that failed."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

from album_operator.decisions.build_engine import find_refusal, say_namespace
from album_operator.domain.build_parts import ARCHITECTURE, node_of
from album_operator.domain.builds import NEVER_RAN, BuildKitMode, BuildSeen, PodTrouble
from album_operator.domain.durations import in_short
from album_operator.domain.names import BUILDER, FETCH
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Failure, Record, StepName
from album_operator.domain.release import Release
from album_operator.domain.remedy import SET_RETRY
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Halt, Wait

POD_LOOK = timedelta(seconds=10)
"""How often a build's Pod is looked at for what no Job event tells, such as ImagePullBackOff."""

WAITING = {
    "Unschedulable": Reason.UNSCHEDULABLE,
    "Suspended": Reason.UNSCHEDULABLE,
    "DisruptionTarget": Reason.BUILD_EVICTED,
    "NodeLost": Reason.NODE_LOST,
    **dict.fromkeys(
        (
            "ErrImageNeverPull",
            "ErrImagePull",
            "ImageInspectError",
            "ImagePullBackOff",
            "InvalidImageName",
            "RegistryUnavailable",
            "SignatureValidationFailed",
        ),
        Reason.IMAGE_PULL_FAILED,
    ),
    **dict.fromkeys(
        (
            "CreateContainerConfigError",
            "CreateContainerError",
            "CreatePodSandboxError",
            "FailedAttachVolume",
            "FailedCreatePodSandBox",
            "FailedMapVolume",
            "FailedMount",
            "NetworkNotReady",
            "PostStartHookError",
            "PreCreateHookError",
            "PreStartHookError",
            "RunContainerError",
            *NEVER_RAN,
        ),
        Reason.POD_NOT_STARTED,
    ),
}
"""Words for what Kubernetes goes on with by itself: those of the kubelet's image manager
(`pkg/kubelet/images/types.go`), its containers and its Events, and of conditions."""

QUOTA = re.compile(r"exceeded quota: |insufficient quota ")

REFUSED = re.compile(
    r"forbidden|denied the request|denied request|calling webhook|not found|is invalid"
)
"""How an admission plugin, webhook or policy says no; other words are of an API server in need."""

KEEPS_TRYING = " Kubernetes keeps trying until "

MEND_REFUSAL = (
    " Change what its words name: the rule or the namespace, and the build goes on by itself; or "
    f"the pipeline, and {SET_RETRY}."
)

MEMORY = {
    BUILDER: "Raise build.resources.limits.memory in the pipeline",
    FETCH: "Raise build.fetchResources.limits.memory in the pipeline",
}
FOREIGN = "Raise the limit where it is added to Pods: the operator does not"
"""Who raises the limit of memory of which container."""

LOW_NODE = re.compile(r"node was low on resource|node had condition", re.IGNORECASE)
"""A kubelet's words for an eviction because its node was short of something (`pkg/kubelet/
eviction/helpers.go`); its others are for what a Pod used beyond its own limits."""

STEP = re.compile(r"line (?P<line>[1-9][0-9]{0,5})(?:, exit code (?P<code>[0-9]{1,3}))?")
"""What our script around BuildKit leaves of a step that failed; kaniko leaves nothing."""

NO_PROGRAM = re.compile(
    r"exec: .*(?:no such file or directory|executable file not found|permission denied"
    r"|is a directory)"
)
"""runc's and crun's words for a command that the image has not, or not as a program: never more
than that, for a mount that fails says `no such file or directory` too."""

IMAGES = {
    BUILDER: "the builder's (ALBUM_KANIKO_IMAGE, ALBUM_BUILDKIT_IMAGE)",
    FETCH: "the operator's (ALBUM_OPERATOR_IMAGE)",
}
"""Which image whose container runs, and where an admin names it."""

KILLED = 137
"""Exit code of a process that ended by SIGKILL."""


def wait(
    record: Record,
    resolved: Resolved,
    seen: BuildSeen,
    now: datetime,
    buildkit: BuildKitMode | None,
) -> Wait:
    """Wait for a build that runs, and say what keeps its Pod from it.

    Args:
        record: what the release achieved, with the build.
        resolved: what it does.
        seen: its build Job.
        now: the time.
        buildkit: how the admin has BuildKit run.
    """
    trouble = seen.trouble
    reason = _reason_to_wait(trouble) if trouble else None
    step = record.step(StepName.IMAGE_READY)
    if trouble is None and seen.is_ending and KEEPS_TRYING in step.message:
        # Its Pods are gone: what kept them is told until it has failed, and then why.
        return Wait(step.reason, step.message, POD_LOOK, record)
    if trouble is None or reason is None:
        message = f"Job {seen.job} builds {resolved.build.image} with {resolved.build.type}."
        return Wait(Reason.BUILDING, message, POD_LOOK, record)
    message = f"{_what_keeps(seen, trouble)}{f' ({trouble.message})' if trouble.message else ''}."
    architecture = node_of(resolved.build)
    if trouble.reason == "Unschedulable" and architecture is not None:
        message += f" It needs a node whose label {ARCHITECTURE} is {architecture}."
    if trouble.reason != "Suspended":
        deadline = (seen.started_at or now) + resolved.build.timeout
        message += f"{KEEPS_TRYING}{deadline:%H:%M:%S} UTC."
    if reason is Reason.POD_REFUSED:
        message += MEND_REFUSAL
    if trouble.reason == "FailedCreatePodSandBox":
        message += say_namespace(resolved, buildkit)
    return Wait(reason, message, POD_LOOK, record)


def _reason_to_wait(trouble: PodTrouble) -> Reason | None:
    if trouble.reason == "Evicted":
        # For its own limits the Job is about to fail.
        return Reason.BUILD_EVICTED if LOW_NODE.search(trouble.message) else None
    if trouble.reason != "FailedCreate":
        return WAITING.get(trouble.reason)
    if QUOTA.search(trouble.message):
        return Reason.QUOTA_EXCEEDED
    return Reason.POD_REFUSED if REFUSED.search(trouble.message) else Reason.CLUSTER_UNAVAILABLE


def _what_keeps(seen: BuildSeen, trouble: PodTrouble) -> str:
    match trouble.reason:
        case "FailedCreate":
            return f"Job {seen.job} gets no Pod from the API server"
        case "Suspended":
            return (
                f"Job {seen.job} is suspended by whoever admits Jobs here, such as Kueue, and has "
                "no Pod until they let it begin"
            )
        case "NodeLost":
            return (
                f"The node of Pod {trouble.pod} of Job {seen.job} does not answer or is gone; the "
                "build begins anew on another once Kubernetes has taken the Pod from it"
            )
        case "DisruptionTarget" | "Evicted":
            return f"Pod {trouble.pod} of Job {seen.job} was taken away, and the build begins anew"
        case word if word in NEVER_RAN:
            return (
                f"The node of Pod {trouble.pod} of Job {seen.job} could not start container "
                f"{trouble.container}, and the build begins anew"
            )
    where = f" in container {trouble.container}" if trouble.container else ""
    return f"Pod {trouble.pod} of Job {seen.job} does not run{where}: {trouble.reason}"


def fail(release: Release, record: Record, resolved: Resolved, seen: BuildSeen) -> Halt:
    """Say why a build failed, and what a person can do about it."""
    trouble = seen.trouble or PodTrouble(pod="", container=None, reason="", message="")
    refusal = find_refusal(resolved, trouble.message) if trouble.is_log else None
    if trouble.is_log and not resolved.build.failure_log:
        trouble = replace(trouble, message=_step_of(trouble.message))
    cause = refusal or _cause(record, resolved, seen, trouble)
    halt = replace(cause, ending=f", then {SET_RETRY}. {_logs(release, seen, trouble)}")
    failure = Failure(
        step=StepName.IMAGE_READY,
        reason=halt.reason,
        message=halt.sentence if refusal else trouble.message or halt.sentence,
        pod=trouble.pod or None,
        container=trouble.container,
        exit_code=trouble.exit_code,
    )
    return replace(halt, failure=failure)


def _step_of(text: str) -> str:
    """Say which step failed, where the builder left that; nothing else it left is shown."""
    step = STEP.fullmatch(text)
    if step is None:
        return ""
    how = f"ended with exit code {step['code']}" if step["code"] else "could not be done"
    return f"line {step['line']} of the Dockerfile {how}"


def _logs(release: Release, seen: BuildSeen, trouble: PodTrouble) -> str:
    if seen.failure_reason == "DeadlineExceeded" and not trouble.pod:
        return "Kubernetes deletes a Job's Pods at its deadline, and their logs with them."
    if trouble.never_ran or trouble.is_lost:
        return f"No log: kubectl describe pod -n {release.ref.namespace} {trouble.pod}"
    command = f"Logs: kubectl logs -n {release.ref.namespace}"
    if trouble.container and trouble.exit_code is not None:
        return f"{command} {trouble.pod} -c {trouble.container}"
    return f"{command} job/{seen.job} --all-containers"


def _cause(record: Record, resolved: Resolved, seen: BuildSeen, trouble: PodTrouble) -> Halt:
    if seen.failure_reason == "DeadlineExceeded":
        return _timed_out(record, resolved, seen, trouble)
    if trouble.reason in {"DisruptionTarget", "NodeLost"}:
        return _taken_away(seen, trouble)
    if trouble.reason == "Evicted":
        return _evicted(seen, trouble)
    if trouble.never_ran:
        return _not_started(seen, trouble)
    if trouble.is_lost:
        return _lost(trouble)
    said = f": {trouble.message}" if trouble.message else ""
    if trouble.reason == "OOMKilled":
        return Halt(
            Reason.BUILD_OUT_OF_MEMORY,
            f"Container {trouble.container} of the build ran out of memory{said}.",
            MEMORY.get(trouble.container or "", FOREIGN),
        )
    if trouble.container is None:
        return _without_container(seen, trouble)
    return _exited(trouble)


def _timed_out(record: Record, resolved: Resolved, seen: BuildSeen, trouble: PodTrouble) -> Halt:
    """Say what a build waited for when its time was over: its Pod is gone by then."""
    timeout = f"build.timeout ({in_short(resolved.build.timeout)})"
    step = record.step(StepName.IMAGE_READY)
    kept = step.message.partition(KEEPS_TRYING)[0]
    if trouble.reason == "FailedCreate":
        said = f" ({trouble.message})" if trouble.message else ""
        kept = f"{_what_keeps(seen, trouble)}{said}."
    elif step.reason not in {*WAITING.values(), Reason.QUOTA_EXCEEDED, Reason.POD_REFUSED}:
        return Halt(
            Reason.BUILD_TIMED_OUT,
            f"The build took longer than {timeout}.",
            "Raise it in the pipeline or make the build faster",
        )
    return Halt(
        Reason.BUILD_TIMED_OUT,
        f"The build was not done within {timeout}. What was last seen to keep it: {kept}",
        "Mend that",
    )


def _taken_away(seen: BuildSeen, trouble: PodTrouble) -> Halt:
    """Stop after Kubernetes began the build anew as often as it may."""
    times = f"{seen.failed_pods} times" if seen.failed_pods > 1 else "once"
    if trouble.reason == "NodeLost":
        said = f": {trouble.message}" if trouble.message else ""
        return Halt(
            Reason.NODE_LOST,
            f"The build's Pod was lost or taken away {times}, at last Pod {trouble.pod} with its "
            f"node{said}.",
            "Look at the nodes",
        )
    return Halt(
        Reason.BUILD_EVICTED,
        f"The build's Pod was taken away {times}, at last Pod {trouble.pod}: "
        f"{trouble.message or 'no reason is told'}.",
        "If the node was short of something, raise build.resources.requests in the pipeline, so "
        "that the build gets a node with room for it",
    )


def _evicted(seen: BuildSeen, trouble: PodTrouble) -> Halt:
    if LOW_NODE.search(trouble.message):
        return _taken_away(seen, trouble)
    return Halt(
        Reason.BUILD_OUT_OF_DISK,
        f"Pod {trouble.pod} was evicted: {trouble.message or 'no reason is told'}.",
        "If it used too much disk, raise build.resources.limits.ephemeral-storage in the pipeline",
    )


def _not_started(seen: BuildSeen, trouble: PodTrouble) -> Halt:
    """Stop where no node could start a container, as often as Kubernetes may try."""
    said = f"Container {trouble.container} of the build could not be started"
    said += f", at {seen.failed_pods} tries" if seen.failed_pods > 1 else ""
    said += f": {trouble.message}" if trouble.message else f" ({trouble.reason})"
    remedy = f"Look at the node of Pod {trouble.pod}"
    if NO_PROGRAM.search(trouble.message):
        image = IMAGES.get(trouble.container or "", "that of whoever adds it to Pods")
        remedy = f"The image has no such program: correct which image it is, {image}"
    return Halt(Reason.POD_NOT_STARTED, f"{said}.", remedy)


def _lost(trouble: PodTrouble) -> Halt:
    said = f": {trouble.message}" if trouble.message else ""
    return Halt(
        Reason.NODE_LOST,
        f"The node of Pod {trouble.pod} lost container {trouble.container} of the build, as where "
        f"it or its container runtime is restarted, and nobody knows how that ended{said}.",
        "Look whether the node is well",
    )


def _without_container(seen: BuildSeen, trouble: PodTrouble) -> Halt:
    """Say what is known where no container of a Pod tells how it ended."""
    if trouble.pod:
        said = f"Pod {trouble.pod} of the build failed ({trouble.reason})"
        said += f": {trouble.message}" if trouble.message else ""
        return Halt(Reason.BUILD_FAILED, f"{said}.", "Mend the cause")
    words = seen.failure_message or seen.failure_reason or "no reason is told"
    return Halt(
        Reason.BUILD_FAILED,
        f"Job {seen.job} failed and no Pod of it is left, as where somebody deletes it: {words}.",
        "Find out who did",
    )


def _exited(trouble: PodTrouble) -> Halt:
    why = f" ({trouble.reason})" if trouble.reason != "Error" else ""
    said = f"Container {trouble.container} of the build failed"
    said += f" with exit code {trouble.exit_code}" if trouble.exit_code is not None else ""
    said += why + (f": {trouble.message}" if trouble.message else "")
    if trouble.exit_code != KILLED:
        return Halt(Reason.BUILD_FAILED, f"{said}.", "Mend the cause")
    return Halt(
        Reason.BUILD_FAILED,
        f"{said}. That code is SIGKILL's, and nobody tells who sent it: mostly a process in the "
        "container was out of memory, or somebody deleted the Pod.",
        MEMORY.get(trouble.container or "", FOREIGN),
    )
