"""Build Jobs and their Pods; the adapter of port `Builds`."""

from collections.abc import Mapping
from typing import Any

from album_operator.adapters.cluster import (
    Cluster,
    ConflictError,
    NotFoundError,
    parse_time,
    path_of,
)
from album_operator.codec import release_of
from album_operator.domain.release import Ref, Release
from album_operator.domain.seen import BuildSeen, BuildState, JobOwner, PodTrouble
from album_operator.render.engines import BUILDER

BATCH, CORE = "/apis/batch/v1", "/api/v1"

MESSAGE_LENGTH = 1024


class ClusterBuilds:
    """Reads and creates Jobs."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def find(self, job: Ref, release: Release) -> BuildSeen | None:
        """Read a Job, as this release sees it, and its newest Pod."""
        try:
            raw = await self._cluster.get(path_of(BATCH, "jobs", job.namespace, job.name))
        except NotFoundError:
            return None
        pods = await self._cluster.get(
            path_of(CORE, "pods", job.namespace),
            labelSelector=f"batch.kubernetes.io/job-name={job.name}",
        )
        newest: Mapping[str, Any] = max(
            pods.get("items", []), key=lambda pod: pod["metadata"]["creationTimestamp"], default={}
        )
        return parse_build(raw, newest, release)

    async def submit(self, job: Mapping[str, Any]) -> None:
        """Create a Job; one of the same name is left as it is."""
        namespace = job["metadata"]["namespace"]
        try:
            await self._cluster.create(path_of(BATCH, "jobs", namespace), job)
        except ConflictError:
            return


def parse_build(job: Mapping[str, Any], pod: Mapping[str, Any], release: Release) -> BuildSeen:
    """Read a Job and its newest Pod (an empty mapping for none)."""
    status = job.get("status", {})
    conditions = {
        condition["type"]: condition
        for condition in status.get("conditions", [])
        if condition.get("status") == "True"
    }
    state, ended = BuildState.RUNNING, None
    if "Complete" in conditions:
        state, ended = BuildState.SUCCEEDED, conditions["Complete"]
    elif "Failed" in conditions:
        state, ended = BuildState.FAILED, conditions["Failed"]
    return BuildSeen(
        job=job["metadata"]["name"],
        state=state,
        owner=_owner(job, release),
        started_at=parse_time(status.get("startTime")),
        finished_at=parse_time(ended.get("lastTransitionTime")) if ended else None,
        failure_reason=ended.get("reason") if ended and state is BuildState.FAILED else None,
        termination_message=_termination_message(pod) if state is BuildState.SUCCEEDED else None,
        trouble=None if state is BuildState.SUCCEEDED else _trouble(pod),
    )


def _owner(job: Mapping[str, Any], release: Release) -> JobOwner:
    owner = release_of(job["metadata"])
    if owner is None or owner.name != release.ref.name:
        return JobOwner.OTHER
    return JobOwner.RELEASE if owner.uid == release.uid else JobOwner.EARLIER


def _termination_message(pod: Mapping[str, Any]) -> str | None:
    for container in pod.get("status", {}).get("containerStatuses", []):
        if container["name"] == BUILDER:
            message: str | None = container.get("state", {}).get("terminated", {}).get("message")
            return message
    return None


def _trouble(pod: Mapping[str, Any]) -> PodTrouble | None:
    """Find what keeps a Pod from running, or how its containers ended badly."""
    status = pod.get("status", {})
    name = pod.get("metadata", {}).get("name", "")
    for container in [
        *status.get("initContainerStatuses", []),
        *status.get("containerStatuses", []),
    ]:
        ended = container.get("state", {}).get("terminated")
        if ended and ended.get("exitCode"):
            return PodTrouble(
                pod=name,
                container=container["name"],
                reason=ended.get("reason") or "Error",
                message=_tail(ended.get("message")),
                exit_code=ended["exitCode"],
            )
        waiting = container.get("state", {}).get("waiting")
        if waiting and waiting.get("reason") not in {None, "PodInitializing", "ContainerCreating"}:
            return PodTrouble(
                name, container["name"], waiting["reason"], _tail(waiting.get("message"))
            )
    for condition in status.get("conditions", []):
        kind, state = condition["type"], condition["status"]
        if kind == "PodScheduled" and state == "False":
            return PodTrouble(name, None, "Unschedulable", _tail(condition.get("message")))
        if kind == "DisruptionTarget" and state == "True":
            return PodTrouble(name, None, "DisruptionTarget", _tail(condition.get("message")))
    if status.get("phase") == "Failed":
        reason = status.get("reason") or "Error"
        return PodTrouble(name, None, reason, _tail(status.get("message")))
    return None


def _tail(text: str | None) -> str:
    """Keep the end of a message: a failed build says why in its last lines."""
    return (text or "").strip()[-MESSAGE_LENGTH:]
