"""Which containers of Pods crash, by their status."""

from typing import Any

import pytest

from album_operator.adapters.cluster.crashes import ClusterCrashes, crashes_in
from album_operator.domain.builds import PodTrouble
from tests.fakes.cluster import FakeCluster

OURS = "ghcr.io/acme/shop:v1"
BACK_OFF = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting"}}
RUNS = {"running": {"startedAt": "2026-11-20T12:00:00Z"}}


def _ended(code: int, reason: str = "Error", said: str = "no database") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason, "message": said}}


def _pod(
    state: dict[str, Any],
    before: dict[str, Any] | None = None,
    image: str = OURS,
    policy: str = "File",
    kind: str = "container",
    name: str = "shop-1",
    at: str = "2026-11-20T12:00:00Z",
    *,
    ready: bool = False,
) -> dict[str, Any]:
    status = {"name": "shop", "state": state, "lastState": before or {}, "ready": ready}
    container = {"name": "shop", "image": image, "terminationMessagePolicy": policy}
    unseen = {"name": "later", "image": image}
    return {
        "kind": "Pod",
        "metadata": {"namespace": "shop", "name": name, "creationTimestamp": at},
        "spec": {f"{kind}s": [container, unseen]},
        "status": {f"{kind}Statuses": [status]},
    }


def _find(pod: dict[str, Any]) -> list[PodTrouble]:
    return list(crashes_in(pod, lambda image: image == OURS))


@pytest.mark.parametrize(
    ("pod", "reason", "said", "code"),
    [
        (_pod(BACK_OFF, _ended(1)), "CrashLoopBackOff", "no database", 1),
        (_pod(BACK_OFF, _ended(0, "Completed")), "CrashLoopBackOff", "no database", 0),
        (_pod(BACK_OFF, _ended(137, "OOMKilled")), "OOMKilled", "no database", 137),
        (_pod(BACK_OFF), "CrashLoopBackOff", "back-off 5m0s restarting", None),
        (_pod(RUNS, _ended(2)), "Error", "no database", 2),
        (_pod(_ended(3)), "Error", "no database", 3),
        (_pod(_ended(3), kind="initContainer"), "Error", "no database", 3),
        (
            _pod(BACK_OFF, _ended(1), policy="FallbackToLogsOnError"),
            "CrashLoopBackOff",
            "",
            1,
        ),
        (
            _pod({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling"}}),
            "ImagePullBackOff",
            "Back-off pulling",
            None,
        ),
        (
            _pod({"waiting": {"reason": "CreateContainerConfigError"}}, _ended(1)),
            "CreateContainerConfigError",
            "",
            None,
        ),
    ],
)
def test_a_crash_is_read_with_the_words_the_app_wrote_and_never_its_log(
    pod: dict[str, Any], reason: str, said: str, code: int | None
) -> None:
    assert _find(pod) == [PodTrouble("shop-1", "shop", reason, said, code)]


@pytest.mark.parametrize(
    "pod",
    [
        _pod(RUNS),
        _pod(RUNS, _ended(1), ready=True),
        _pod(_ended(0, "Completed")),
        _pod({"waiting": {"reason": "ContainerCreating"}}),
        _pod({"waiting": {}}),
        _pod({}),
        _pod(BACK_OFF, _ended(1), image="ghcr.io/acme/other:v1"),
        {"metadata": {"name": "new"}, "spec": {"containers": [{"name": "shop", "image": OURS}]}},
    ],
)
def test_what_runs_or_begins_or_is_not_ours_is_no_crash(pod: dict[str, Any]) -> None:
    assert _find(pod) == []


def test_a_pod_that_is_being_deleted_tells_nothing() -> None:
    pod = _pod(BACK_OFF, _ended(1))
    pod["metadata"]["deletionTimestamp"] = "2026-11-20T12:00:00Z"

    assert _find(pod) == []


async def test_of_several_the_newest_pod_that_crashed_is_told_on_whatever_page() -> None:
    cluster = FakeCluster()
    waits = {"waiting": {"reason": "ImagePullBackOff"}}
    for number in range(30):
        cluster.apply(_pod(BACK_OFF, _ended(1), name=f"a-{number}", at="2026-11-20T12:00:00Z"))
    cluster.apply(_pod(BACK_OFF, _ended(2), name="newest", at="2026-11-20T12:30:00Z"))
    cluster.apply(_pod(waits, name="waits", at="2026-11-20T12:40:00Z"))
    found = await ClusterCrashes(cluster).find("shop", lambda image: image == OURS)

    assert found is not None
    assert (found.pod, found.exit_code) == ("newest", 2)
    assert await ClusterCrashes(cluster).find("empty", bool) is None


async def test_the_right_to_list_pods_is_asked_for() -> None:
    cluster = FakeCluster()
    assert await ClusterCrashes(cluster).may_look("shop")
    cluster.denied.add("list pods")
    assert not await ClusterCrashes(cluster).may_look("shop")
