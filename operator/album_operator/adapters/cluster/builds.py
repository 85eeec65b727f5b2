"""Build Jobs and their Pods; the adapter of port `Builds`."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

from album_operator.adapters.cluster.cluster import Cluster, parse_time, path_of
from album_operator.adapters.cluster.refusals import ConflictError, NotFoundError
from album_operator.codec import FAILED, end_of, job_of, release_of
from album_operator.domain.errors import StaleError
from album_operator.domain.names import BUILDER, FETCH
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref, Release
from album_operator.domain.seen import BuildSeen, BuildState, JobOwner, LastWords, PodTrouble
from album_operator.render.job import RELEASE_LABEL

BATCH, CORE = "/apis/batch/v1", "/api/v1"

PAGE = 20
"""Jobs and Pods read at once; each has up to 1.5 MiB (etcd's own limit)."""

OURS = (FETCH, BUILDER)
"""Containers of a build, in the order they run; others are put into the Pod by somebody else."""


class ClusterBuilds:
    """Reads and creates Jobs."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._creating: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def find(self, job: Ref, release: Release) -> BuildSeen | None:
        """Read a Job, as this release sees it, and the Pods it controls."""
        try:
            raw = await self._cluster.get(path_of(BATCH, "jobs", job.namespace, job.name))
        except NotFoundError:
            return None
        selector = f"batch.kubernetes.io/job-name={job.name}"
        labelled = self._list(path_of(CORE, "pods", job.namespace), labelSelector=selector)
        pods = [pod async for pod in labelled if _is_of(raw, pod)]
        return parse_build(raw, pods, release)

    async def list_running(self, namespace: str) -> Sequence[str]:
        """Name the releases whose builds run in a namespace, one for each Job, in order."""
        jobs = self._list(
            path_of(BATCH, "jobs", namespace),
            labelSelector=RELEASE_LABEL,
            # Jobs that succeeded stay for a day.
            fieldSelector="status.successful=0",
        )
        owners = [release_of(job["metadata"]) async for job in jobs if end_of(job) is None]
        return tuple(sorted(owner.name for owner in owners if owner is not None))

    async def _list(self, path: str, **query: str) -> AsyncIterator[Mapping[str, Any]]:
        """Read a list page by page: whoever may write to the namespace says how long it is."""
        more: str | None = ""
        while more is not None:
            page = await self._cluster.get(path, limit=str(PAGE), **query)
            for item in page.get("items", []):
                yield item
            more = page.get("metadata", {}).get("continue") or None
            query["continue"] = more or ""

    async def submit(self, job: Mapping[str, Any], limit: int) -> None:
        """Create a Job, unless as many run as may; one of the same name is left as it is."""
        namespace = job["metadata"]["namespace"]
        # Nobody else of this process creates one between the count and the creation.
        async with self._creating[namespace]:
            if len(await self.list_running(namespace)) >= limit:
                raise StaleError(
                    Reason.BUILD_QUEUED, f"{limit} builds run in namespace {namespace} by now."
                )
            try:
                await self._cluster.create(path_of(BATCH, "jobs", namespace), job)
            except ConflictError:
                return


def parse_build(
    job: Mapping[str, Any], labelled: Iterable[Mapping[str, Any]], release: Release
) -> BuildSeen:
    """Read a Job and its Pods.

    Args:
        job: the Job.
        labelled: Pods with its label, which whoever may create a Pod can put on it.
        release: who asks.
    """
    pods = sorted(
        (pod for pod in labelled if _is_of(job, pod)),
        key=lambda pod: str(pod["metadata"]["creationTimestamp"]),
    )
    status, ended = job.get("status") or {}, end_of(job)
    state = BuildState.RUNNING
    if ended is not None:
        state = BuildState.FAILED if ended["type"] == FAILED else BuildState.SUCCEEDED
    return BuildSeen(
        job=job["metadata"]["name"],
        state=state,
        owner=_owner(job, release),
        started_at=parse_time(status.get("startTime")),
        finished_at=parse_time(ended.get("lastTransitionTime")) if ended else None,
        failure_reason=ended.get("reason") if ended and state is BuildState.FAILED else None,
        last_words=_last_words(pods) if state is BuildState.SUCCEEDED else (),
        trouble=None if state is BuildState.SUCCEEDED or not pods else _trouble(pods[-1]),
    )


def _owner(job: Mapping[str, Any], release: Release) -> JobOwner:
    owner = release_of(job["metadata"])
    if owner is None or owner.name != release.ref.name:
        return JobOwner.OTHER
    return JobOwner.RELEASE if owner.uid == release.uid else JobOwner.EARLIER


def _is_of(job: Mapping[str, Any], pod: Mapping[str, Any]) -> bool:
    """Tell whether this very Job controls a Pod."""
    owner = job_of(pod["metadata"])
    return owner is not None and owner.uid == job["metadata"].get("uid")


def _last_words(pods: Iterable[Mapping[str, Any]]) -> tuple[LastWords, ...]:
    """Let the builder of each Pod that succeeded speak, and no other container of it."""
    return tuple(
        LastWords(pod["metadata"]["name"], _message(container))
        for pod in pods
        if pod.get("status", {}).get("phase") == "Succeeded"
        for container in pod["status"].get("containerStatuses", [])
        if container["name"] == BUILDER
    )


def _message(container: Mapping[str, Any]) -> str:
    return container.get("state", {}).get("terminated", {}).get("message") or ""


def _trouble(pod: Mapping[str, Any]) -> PodTrouble | None:
    """Find what keeps a Pod from running, or how it or its containers ended badly."""
    status = pod.get("status", {})
    name = pod["metadata"]["name"]
    conditions = {item["type"]: item for item in status.get("conditions", [])}
    # These before its containers, which only tell that they were killed.
    disrupted = conditions.get("DisruptionTarget", {})
    if disrupted.get("status") == "True":
        return PodTrouble(name, None, "DisruptionTarget", _said(disrupted.get("message")))
    if status.get("reason") == "Evicted":
        return PodTrouble(name, None, "Evicted", _said(status.get("message")))
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


def _said(text: str | None) -> str:
    """Give a message whole: where it is cut, a secret could be cut in its middle."""
    return (text or "").strip()
