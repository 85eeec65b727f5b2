"""Containers of apps that crash, or do not start; the adapter of port `Crashes`."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from album_operator.adapters.cluster.cluster import Cluster, path_of
from album_operator.adapters.cluster.refusals import Right
from album_operator.domain.builds import PodTrouble

BACK_OFF = "CrashLoopBackOff"

STARTING = frozenset({None, "ContainerCreating", "PodInitializing"})
"""What a container waits for without any trouble."""

ANY = frozenset({"", "Completed", "Error"})
"""Words for the end of a container that say no more than its exit code."""

OWN_WORDS = "File"
"""Policy by which a termination message is what the app wrote there, and never its log's end."""


class ClusterCrashes:
    """Reads the Pods of a namespace."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def may_look(self, namespace: str) -> bool:
        """Ask for the right to list Pods, which a namespace of apps need not give."""
        return await self._cluster.is_allowed(Right(namespace, "list", "", "pods"))

    async def find(self, namespace: str, runs: Callable[[str], bool]) -> PodTrouble | None:
        """Find a container that crashes: one that has ended before others, of the newest Pod."""
        best, rank = None, (False, "")
        async for pod in self._cluster.list_all(path_of("/api/v1", "pods", namespace)):
            for crash in crashes_in(pod, runs):
                its = crash.exit_code is not None, str(pod["metadata"]["creationTimestamp"])
                if its > rank:
                    best, rank = crash, its
        return best


def crashes_in(pod: Mapping[str, Any], runs: Callable[[str], bool]) -> Iterator[PodTrouble]:
    """Give the containers of a Pod that crash or do not start; of one being deleted, none.

    Args:
        pod: as the API server has it.
        runs: tells whether a container of this image counts.
    """
    if "deletionTimestamp" in pod["metadata"]:
        return
    for kind in ("initContainer", "container"):
        statuses = {
            each["name"]: each for each in pod.get("status", {}).get(f"{kind}Statuses") or ()
        }
        for container in pod["spec"].get(f"{kind}s") or ():
            status = statuses.get(container["name"])
            if status is not None and runs(container.get("image") or ""):
                crash = _crash_of(pod["metadata"]["name"], container, status)
                if crash is not None:
                    yield crash


def _crash_of(
    pod: str, container: Mapping[str, Any], status: Mapping[str, Any]
) -> PodTrouble | None:
    state, name = status.get("state") or {}, container["name"]
    waiting, ended = state.get("waiting"), state.get("terminated")
    before = (status.get("lastState") or {}).get("terminated")
    if waiting is not None:
        reason = waiting.get("reason")
        if reason in STARTING:
            return None
        if reason != BACK_OFF or before is None:
            return PodTrouble(pod, name, reason, waiting.get("message") or "")
        return _ended(pod, container, before, BACK_OFF)
    if ended is None and not status.get("ready"):
        ended = before  # It was started again, and has not crashed yet.
    if ended is None or not ended.get("exitCode"):
        return None
    return _ended(pod, container, ended, "Error")


def _ended(
    pod: str, container: Mapping[str, Any], ended: Mapping[str, Any], else_reason: str
) -> PodTrouble:
    reason = ended.get("reason") or ""
    is_own = container.get("terminationMessagePolicy") == OWN_WORDS
    return PodTrouble(
        pod=pod,
        container=container["name"],
        reason=else_reason if reason in ANY else reason,
        message=(ended.get("message") or "") if is_own else "",
        exit_code=ended["exitCode"],
    )
