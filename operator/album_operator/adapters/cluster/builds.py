"""Build Jobs and their Pods; the adapter of port `Builds`."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from album_operator.adapters.cluster.cluster import PAGE, Cluster, parse_time, path_of
from album_operator.adapters.cluster.pod_troubles import (
    ENDED,
    FAILED_CREATE,
    begins_anew,
    find_silent,
    trouble_in,
    trouble_of,
)
from album_operator.adapters.cluster.refusals import ConflictError, NotFoundError
from album_operator.codec import FAILED, end_of, is_ending, job_of, release_of, running_build
from album_operator.domain.build_slots import BuildRunning
from album_operator.domain.builds import BuildSeen, BuildState, JobOwner, LastWords, PodTrouble
from album_operator.domain.errors import StaleError
from album_operator.domain.marks import IMAGE_LABEL
from album_operator.domain.names import BUILDER, shorten
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref, Release
from album_operator.render.job import RELEASE_LABEL

BATCH, CORE = "/apis/batch/v1", "/api/v1"


class ClusterBuilds:
    """Reads, creates and deletes Jobs.

    Args:
        cluster: the API server.
        clock: its time.
    """

    def __init__(self, cluster: Cluster, clock: Callable[[], datetime]) -> None:
        self._cluster = cluster
        self._clock = clock
        self._creating: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def find(self, job: Ref, release: Release) -> BuildSeen | None:
        """Read a Job, as this release sees it, and the Pods it controls."""
        try:
            raw = await self._cluster.get(path_of(BATCH, "jobs", job.namespace, job.name))
        except NotFoundError:
            return None
        selector = f"batch.kubernetes.io/job-name={job.name}"
        labelled = self._cluster.list_all(
            path_of(CORE, "pods", job.namespace), labelSelector=selector
        )
        pods = _of_job(raw, [pod async for pod in labelled])
        seen = parse_build(raw, pods, release)
        if seen.state is BuildState.SUCCEEDED:
            return seen
        silent = find_silent(raw, pods, self._clock())
        if silent is None or (silent is not raw and seen.trouble is not None):
            return seen
        return replace(seen, trouble=await self._ask_events(raw, pods, silent) or seen.trouble)

    async def _ask_events(
        self,
        job: Mapping[str, Any],
        pods: Sequence[Mapping[str, Any]],
        silent: Mapping[str, Any],
    ) -> PodTrouble | None:
        """Look at the Events of a Job without a Pod, or of a Pod that does not start.

        One page of them, for whoever may create Events says how many there are.
        """
        selector = f"involvedObject.uid={silent['metadata']['uid']}"
        if silent is job:
            selector += f",reason={FAILED_CREATE}"
        path = path_of(CORE, "events", job["metadata"]["namespace"])
        page = await self._cluster.get(path, limit=str(PAGE), fieldSelector=selector)
        if silent is not job:
            return trouble_in(page.get("items", []), silent["metadata"]["name"], None)
        since = parse_time(pods[-1]["metadata"]["creationTimestamp"]) if pods else None
        return trouble_in(page.get("items", []), "", since)

    async def list_running(self, namespace: str) -> Sequence[BuildRunning]:
        """List the build Jobs of a namespace that have not ended."""
        jobs = self._cluster.list_all(
            path_of(BATCH, "jobs", namespace),
            labelSelector=RELEASE_LABEL,
            # Jobs that succeeded stay for a day.
            fieldSelector="status.successful=0",
        )
        builds = [running_build(job) async for job in jobs]
        return [build for build in builds if build is not None]

    async def stop(self, release: Release) -> None:
        """Delete all Jobs of this very release, with their Pods."""
        path = path_of(BATCH, "jobs", release.ref.namespace)
        selector = f"{RELEASE_LABEL}={shorten(release.ref.name)}"
        listed = self._cluster.list_all(path, labelSelector=selector)
        for job in [job async for job in listed]:
            metadata = job["metadata"]
            is_going = "deletionTimestamp" in metadata
            if _owner(job, release) is JobOwner.RELEASE and not is_going:
                # Gone, or another one by now: either way it is stopped.
                with suppress(NotFoundError, ConflictError):
                    own = {"uid": metadata["uid"]}
                    await self._cluster.delete(f"{path}/{metadata['name']}", own)

    async def submit(
        self, job: Mapping[str, Any], limit: int, counts: Callable[[BuildRunning], bool]
    ) -> None:
        """Create a Job, unless as many run as may or one that pushes its image.

        One of the same name is left as it is.
        """
        namespace, labels = job["metadata"]["namespace"], job["metadata"].get("labels", {})
        # Nobody else of this process creates one between the count and the creation.
        async with self._creating[namespace]:
            running = [build for build in await self.list_running(namespace) if counts(build)]
            if any(build.image and build.image == labels.get(IMAGE_LABEL) for build in running):
                raise StaleError(Reason.BUILDING, "Another build of the same image runs by now.")
            if len(running) >= limit:
                raise StaleError(
                    Reason.QUEUED, f"{limit} builds run in namespace {namespace} by now."
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
    pods = _of_job(job, labelled)
    status, end = job.get("status") or {}, end_of(job) or {}
    builder = _ended_builder(pods)
    state = _state(end, pods, builder)
    finished_at = end.get("lastTransitionTime") or builder.get("finishedAt")
    has_failed = state is BuildState.FAILED
    return BuildSeen(
        job=job["metadata"]["name"],
        state=state,
        owner=_owner(job, release),
        started_at=parse_time(status.get("startTime")),
        finished_at=None if state is BuildState.RUNNING else parse_time(finished_at),
        failure_reason=end.get("reason") if has_failed else None,
        failure_message=end.get("message") or "" if has_failed else "",
        failed_pods=status.get("failed") or 0,
        last_words=_last_words(pods) if state is BuildState.SUCCEEDED else (),
        trouble=_trouble(job, pods) if state is not BuildState.SUCCEEDED else None,
        is_ending=is_ending(job),
    )


def _state(
    end: Mapping[str, Any], pods: Sequence[Mapping[str, Any]], builder: Mapping[str, Any]
) -> BuildState:
    """Tell how a build stands: it has ended with its builder, whatever joined its Pod goes on.

    Args:
        end: the condition by which the Job has ended; empty while it has not.
        pods: of the Job.
        builder: how the builder ended in a Pod that goes on; empty where there is none.
    """
    if end.get("type") == FAILED:
        # Only another container of its Pod has failed where no builder has.
        is_built = bool(pods) and all(_ended(pod).get("exitCode") == 0 for pod in pods)
        return BuildState.SUCCEEDED if is_built else BuildState.FAILED
    if end or builder.get("exitCode") == 0:
        return BuildState.SUCCEEDED
    return BuildState.FAILED if builder else BuildState.RUNNING


def _trouble(job: Mapping[str, Any], pods: Sequence[Mapping[str, Any]]) -> PodTrouble | None:
    if pods:
        return trouble_of(pods[-1])
    for condition in (job.get("status") or {}).get("conditions") or ():
        if condition["type"] == "Suspended" and condition.get("status") == "True":
            return PodTrouble("", None, "Suspended", condition.get("message") or "")
    return None


def _owner(job: Mapping[str, Any], release: Release) -> JobOwner:
    owner = release_of(job["metadata"])
    if owner is None or owner.name != release.ref.name:
        return JobOwner.OTHER
    return JobOwner.RELEASE if owner.uid == release.uid else JobOwner.EARLIER


def _is_of(job: Mapping[str, Any], pod: Mapping[str, Any]) -> bool:
    """Tell whether this very Job controls a Pod."""
    owner = job_of(pod["metadata"])
    return owner is not None and owner.uid == job["metadata"].get("uid")


def _of_job(
    job: Mapping[str, Any], labelled: Iterable[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Give the Pods this very Job controls, the newest last."""
    return sorted(
        (pod for pod in labelled if _is_of(job, pod)),
        key=lambda pod: str(pod["metadata"]["creationTimestamp"]),
    )


def _last_words(pods: Sequence[Mapping[str, Any]]) -> tuple[LastWords, ...]:
    """Let the builder of each Pod that succeeded speak, and no other container of it.

    Where none has succeeded, those of whose Pod only another container failed, or goes on.
    """
    ended = [(pod, ended) for pod in pods if (ended := _ended(pod)).get("exitCode") == 0]
    good = [item for item in ended if item[0]["status"].get("phase") == "Succeeded"]
    return tuple(
        LastWords(pod["metadata"]["name"], builder.get("message") or "")
        for pod, builder in good or ended
    )


def _ended_builder(pods: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Give how the builder ended in the one Pod that goes on; empty where there is not just one.

    Then the Job's own end is waited for: it is about to end, or somebody made a Pod for it. So it
    is where the Job may begin anew.
    """
    going = [pod for pod in pods if pod.get("status", {}).get("phase") not in ENDED]
    if len(going) != 1:
        return {}
    trouble = trouble_of(going[0])
    return {} if trouble is not None and begins_anew(going[0], trouble) else _ended(going[0])


def _ended(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give how a Pod's builder ended; empty where it has not."""
    for container in pod.get("status", {}).get("containerStatuses", []):
        if container["name"] == BUILDER:
            ended: Mapping[str, Any] = container.get("state", {}).get("terminated") or {}
            return ended
    return {}
