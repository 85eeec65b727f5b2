"""What is wrong with a build's Pod, or why there is none: by its status, and by Events."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from album_operator.adapters.cluster.cluster import parse_time
from album_operator.domain.builds import PodTrouble
from album_operator.domain.names import BUILDER, FETCH

FAILED_CREATE = "FailedCreate"
"""Reason of the Job controller's Event about a Pod it could not create."""

NOT_STARTED = frozenset(
    {
        "FailedAttachVolume",
        "FailedCreatePodSandBox",
        "FailedMapVolume",
        "FailedMount",
        "NetworkNotReady",
    }
)
"""Reasons of Events about a Pod that a node has and does not start; no status tells of these."""

AGGREGATED = "(combined from similar events): "
"""How a message begins that stands for several (client-go, `tools/record/events_cache.go`)."""

SILENCE = timedelta(seconds=5)
"""How long nothing need be wrong with a Job without a Pod, or with a Pod that does not start."""

OURS = (FETCH, BUILDER)
"""Containers of a build, in the order they run; others are put into the Pod by somebody else."""

ENDED = frozenset({"Succeeded", "Failed"})


def trouble_of(pod: Mapping[str, Any]) -> PodTrouble | None:
    """Find what keeps a Pod from running, or how it or its containers ended badly."""
    status, name = pod.get("status", {}), pod["metadata"]["name"]
    conditions = {item["type"]: item for item in status.get("conditions", [])}
    # These before its containers, which only tell that they were killed.
    taken = _taken_away(pod, conditions)
    if taken is not None:
        return taken
    found = [_trouble_of(name, container) for container in _containers(status)]
    troubles = [trouble for trouble in found if trouble is not None]
    if troubles:
        return troubles[0]
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return PodTrouble(name, None, "Unschedulable", _said(scheduled.get("message")))
    if status.get("phase") == "Failed":
        reason = status.get("reason") or "Error"
        return PodTrouble(name, None, reason, _said(status.get("message")))
    return None


def _taken_away(
    pod: Mapping[str, Any], conditions: Mapping[str, Mapping[str, Any]]
) -> PodTrouble | None:
    """Tell of a Pod that its node, or somebody in the cluster, took away or lost."""
    status, name = pod.get("status", {}), pod["metadata"]["name"]
    disrupted = conditions.get("DisruptionTarget", {})
    is_disrupted = disrupted.get("status") == "True"
    said = _said(disrupted.get("message")) if is_disrupted else _said(status.get("message"))
    is_gone = is_disrupted and disrupted.get("reason") == "DeletionByPodGC"
    if is_gone or status.get("reason") == "NodeLost" or _is_node_silent(pod, conditions):
        return PodTrouble(name, None, "NodeLost", said)
    if is_disrupted:
        return PodTrouble(name, None, "DisruptionTarget", said)
    if status.get("reason") == "Evicted":
        return PodTrouble(name, None, "Evicted", said)
    return None


def _is_node_silent(pod: Mapping[str, Any], conditions: Mapping[str, Mapping[str, Any]]) -> bool:
    """Tell whether a Pod's node has stopped to report.

    Then the control plane takes `Ready` from its Pods, and `Ready` alone, where a kubelet would
    take `ContainersReady` too (kubernetes `pkg/controller/util/node`, `MarkPodsNotReady`).
    """
    both = [conditions.get(kind, {}).get("status") for kind in ("Ready", "ContainersReady")]
    return (
        pod.get("status", {}).get("phase") == "Running"
        and both == ["False", "True"]
        and not pod.get("spec", {}).get("readinessGates")
    )


def _containers(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Give a Pod's containers, ours first: a sidecar is stopped when the build has ended."""
    containers = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    return sorted(containers, key=lambda container: container["name"] not in OURS)


def _trouble_of(pod: str, container: Mapping[str, Any]) -> PodTrouble | None:
    """Tell how a container ended badly, or what it waits for."""
    ended = container.get("state", {}).get("terminated")
    if ended and ended.get("exitCode"):
        return PodTrouble(
            pod=pod,
            container=container["name"],
            reason=ended.get("reason") or "Error",
            message=_said(ended.get("message")),
            exit_code=ended["exitCode"],
        )
    waiting = container.get("state", {}).get("waiting")
    if waiting and waiting.get("reason") not in {None, "PodInitializing", "ContainerCreating"}:
        return PodTrouble(pod, container["name"], waiting["reason"], _said(waiting.get("message")))
    return None


def find_silent(
    job: Mapping[str, Any], pods: Sequence[Mapping[str, Any]], now: datetime
) -> Mapping[str, Any] | None:
    """Give the object of which only Events tell what is wrong: the Job, or its newest Pod.

    Args:
        job: the Job, which has not ended well.
        pods: its Pods, the newest last.
        now: the time.

    Returns:
        None where nothing need be wrong.
    """
    newest = pods[-1] if pods else None
    status = newest.get("status", {}) if newest is not None else {}
    if newest is None or status.get("phase") in ENDED:
        since = parse_time(job["metadata"].get("creationTimestamp"))
        return job if since is not None and now - since >= SILENCE else None
    if status.get("phase") != "Pending" or any(map(_runs, _containers(status))):
        return None
    conditions = {item["type"]: item for item in status.get("conditions", [])}
    scheduled = conditions.get("PodScheduled", {})
    since = parse_time(scheduled.get("lastTransitionTime"))
    if scheduled.get("status") != "True" or since is None or now - since < SILENCE:
        return None
    return newest


def begins_anew(pod: Mapping[str, Any], trouble: PodTrouble) -> bool:
    """Tell whether a Job may begin anew after the trouble of a Pod of it that has not ended yet.

    So it does where the Pod is taken away, and where nothing of it could be started: the kubelet
    tells of the container first, and of the whole Pod later.
    """
    is_over = not any(map(_runs, _containers(pod.get("status", {}))))
    return trouble.container is None or (trouble.never_ran and is_over)


def _runs(container: Mapping[str, Any]) -> bool:
    return "running" in container.get("state", {})


def trouble_in(
    events: Iterable[Mapping[str, Any]], pod: str, since: datetime | None
) -> PodTrouble | None:
    """Find what the newest of an object's Events says is wrong with it.

    Whoever may create Events in the namespace can make one; so they only explain a wait.

    Args:
        events: of the Job, or of its Pod.
        pod: the Pod's name, empty where they are of the Job.
        since: those before that are of an earlier Pod; None for all.
    """
    timed = [(moment, event) for event in events if (moment := _time_of(event)) is not None]
    newest = max(timed, key=lambda item: item[0], default=None)
    if newest is None or (since is not None and newest[0] < since):
        return None
    reason = str(newest[1].get("reason"))
    if reason not in (NOT_STARTED if pod else {FAILED_CREATE}):
        return None
    said = str(newest[1].get("message") or "").removeprefix(AGGREGATED)
    return PodTrouble(pod, None, reason, _said(said.removeprefix("Error creating: ")))


def _time_of(event: Mapping[str, Any]) -> datetime | None:
    """Give when something happened last; the newer API of Events has other fields for it."""
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    return next((parse_time(str(text)) for text in times if text), None)


def _said(text: str | None) -> str:
    """Give a message whole, for where it is cut a secret could be; it ends no sentence of ours."""
    return (text or "").strip().rstrip(".")
