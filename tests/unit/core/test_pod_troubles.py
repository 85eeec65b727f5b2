"""What is wrong with a build's Pod, or why there is none, as the operator reads it."""

from datetime import timedelta
from typing import Any

import pytest

from album_operator.adapters.cluster.builds import ClusterBuilds
from album_operator.adapters.cluster.pod_troubles import SILENCE, trouble_of
from album_operator.domain.builds import PodTrouble
from album_operator.domain.release import Ref
from tests.fakes.builders import NAMESPACE, NOW, RELEASE
from tests.fakes.cluster import FakeCluster, raw_pod

LATER = NOW + SILENCE
JOB: dict[str, Any] = {
    "kind": "Job",
    "metadata": {
        "namespace": NAMESPACE,
        "name": "build-1",
        "uid": "job-1",
        "creationTimestamp": f"{NOW:%Y-%m-%dT%H:%M:%SZ}",
    },
}
DENIED = 'pods "build-1-x" is forbidden: exceeded quota: team'
UNMOUNTED = 'MountVolume.SetUp failed for volume "git" : secret "github" not found'


def _at(seconds: int) -> str:
    return f"{NOW + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"


def _conditions(**statuses: str) -> list[dict[str, str]]:
    return [
        {"type": kind, "status": status, "lastTransitionTime": _at(0)}
        for kind, status in statuses.items()
    ]


class _World:
    """An API server with a Job, and what others did to it."""

    def __init__(self, *pods: dict[str, Any]) -> None:
        self.cluster = FakeCluster()
        self.cluster.apply(JOB)
        for number, pod in enumerate(pods):
            pod["metadata"] |= {"name": f"pod-{number}", "uid": f"uid-{number}"}
            self.cluster.apply(pod)
        self.asked: list[str] = []
        self._get = self.cluster.get
        self.cluster.get = self._note  # type: ignore[method-assign]

    async def _note(self, path: str, **query: str) -> dict[str, Any]:
        self.asked.append(path.split("/")[-1])
        return await self._get(path, **query)

    def tell(self, uid: str, reason: str, message: str, seconds: int = 3, **more: object) -> None:
        name = f"event-{len(self.cluster.objects)}"
        event = {
            "kind": "Event",
            "metadata": {"namespace": NAMESPACE, "name": name},
            "involvedObject": {"uid": uid},
            "reason": reason,
            "message": message,
            "lastTimestamp": _at(seconds),
        }
        self.cluster.apply({**event, **more})

    async def look(self, after: timedelta = SILENCE) -> PodTrouble | None:
        builds = ClusterBuilds(self.cluster, lambda: NOW + after)
        seen = await builds.find(Ref(NAMESPACE, "build-1"), RELEASE)
        assert seen is not None
        return seen.trouble


def _given(seconds: int = 0, **status: object) -> dict[str, Any]:
    """Give a Pod that a node has and does not start."""
    conditions = _conditions(PodScheduled="True", Ready="False")
    conditions[0]["lastTransitionTime"] = _at(seconds)
    return raw_pod(JOB, phase="Pending", conditions=conditions, **status)


async def test_a_job_without_a_pod_says_what_the_api_server_said() -> None:
    world = _World()
    world.tell("job-1", "FailedCreate", f"Error creating: {DENIED}")

    assert await world.look() == PodTrouble("", None, "FailedCreate", DENIED)


async def test_of_several_refusals_the_newest_counts_and_none_of_another_object() -> None:
    world = _World()
    world.tell("job-1", "FailedCreate", "(combined from similar events): Error creating: new", 3)
    world.tell("job-1", "FailedCreate", "Error creating: old", 2)
    world.tell("job-2", "FailedCreate", "Error creating: of another Job", 4)
    world.tell("job-1", "SuccessfulCreate", "Created pod: x", 4)

    assert await world.look() == PodTrouble("", None, "FailedCreate", "new")


async def test_events_of_either_api_are_dated() -> None:
    world = _World()
    new: dict[str, Any] = {"lastTimestamp": None, "eventTime": "2026-11-20T12:00:04.000000Z"}
    world.tell("job-1", "FailedCreate", "new", **new)
    world.tell("job-1", "FailedCreate", "old")
    assert await world.look() == PodTrouble("", None, "FailedCreate", "new")

    series = {"lastObservedTime": "2026-11-20T12:00:05.000000Z"}
    world.tell("job-1", "FailedCreate", "newest", series=series, **new)
    world.tell("job-1", "FailedCreate", "at no time anybody can read", lastTimestamp="soon")
    world.tell("job-1", "FailedCreate", "at no time", lastTimestamp=None)
    assert await world.look() == PodTrouble("", None, "FailedCreate", "newest")


async def test_a_job_without_a_pod_and_events_is_in_no_trouble_yet() -> None:
    assert await _World().look() is None


async def test_a_job_that_was_just_made_is_not_asked_about() -> None:
    world = _World()
    world.tell("job-1", "FailedCreate", DENIED)

    assert await world.look(timedelta(seconds=1)) is None
    assert world.asked == ["build-1", "pods"]


async def test_a_pod_taken_away_is_told_until_its_successor_is_refused() -> None:
    taken = raw_pod(JOB, phase="Failed", conditions=_conditions(DisruptionTarget="True"))
    world = _World(taken)
    taken["metadata"]["creationTimestamp"] = _at(4)
    world.cluster.apply(taken)
    world.tell("job-1", "FailedCreate", "of the first one", 3)
    assert await world.look() == PodTrouble("pod-0", None, "DisruptionTarget", "")

    world.tell("job-1", "FailedCreate", DENIED, 9)
    assert await world.look() == PodTrouble("", None, "FailedCreate", DENIED)


@pytest.mark.parametrize(
    "reason", ["FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedCreatePodSandBox"]
)
async def test_a_pod_that_its_node_does_not_start_says_why(reason: str) -> None:
    world = _World(_given())
    world.tell("uid-0", "Scheduled", "Successfully assigned album/pod-0 to node", 1)
    world.tell("uid-0", reason, UNMOUNTED, 2)

    assert await world.look() == PodTrouble("pod-0", None, reason, UNMOUNTED)


@pytest.mark.parametrize("reason", ["Pulling", "FailedScheduling", "BackOff"])
async def test_what_a_pod_got_over_is_no_trouble(reason: str) -> None:
    world = _World(_given())
    world.tell("uid-0", "FailedMount", UNMOUNTED, 2)
    world.tell("uid-0", reason, "since", 3)

    assert await world.look() is None


@pytest.mark.parametrize(
    "pod",
    [
        _given(1),
        raw_pod(JOB, phase="Running", conditions=_conditions(PodScheduled="True")),
        raw_pod(JOB, phase="Pending", conditions=_conditions(Initialized="True")),
        raw_pod(JOB, phase="Pending"),
        _given(initContainerStatuses=[{"name": "fetch", "state": {"running": {}}}]),
        _given(containerStatuses=[{"name": "build", "state": {"waiting": {"reason": "Bad"}}}]),
    ],
    ids=["just given", "running", "nobody's", "new", "fetching", "told by its status"],
)
async def test_a_pod_that_may_just_need_a_moment_is_not_asked_about(pod: dict[str, Any]) -> None:
    world = _World(pod)
    await world.look()

    assert "events" not in world.asked


async def test_what_a_container_waits_for_counts_where_events_say_nothing() -> None:
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no"}}
    world = _World(_given(containerStatuses=[{"name": "build", "state": waiting}]))
    world.tell("uid-0", "BackOff", "Back-off pulling image", 2)

    assert await world.look() == PodTrouble("pod-0", "build", "ImagePullBackOff", "no")


LOST: dict[str, Any] = {
    "phase": "Running",
    "conditions": _conditions(Ready="False", ContainersReady="True"),
}
COLLECTED = {
    "type": "DisruptionTarget",
    "status": "True",
    "reason": "DeletionByPodGC",
    "message": "PodGC: node no longer exists",
}
NAME = "build-1-x7x7x"


@pytest.mark.parametrize(
    ("pod", "said"),
    [
        (raw_pod(JOB, phase="Failed", conditions=[COLLECTED]), "PodGC: node no longer exists"),
        (
            raw_pod(JOB, reason="NodeLost", message="Node a is unresponsive"),
            "Node a is unresponsive",
        ),
        (raw_pod(JOB, **LOST), ""),
    ],
    ids=["collected", "by its reason", "by its condition"],
)
def test_a_pod_whose_node_is_lost_is_told_apart(pod: dict[str, Any], said: str) -> None:
    assert trouble_of(pod) == PodTrouble(NAME, None, "NodeLost", said)


@pytest.mark.parametrize(
    "pod",
    [
        raw_pod(JOB, **{**LOST, "phase": "Pending"}),
        {
            **raw_pod(JOB, **LOST),
            "spec": {"readinessGates": [{"conditionType": "a.example/ready"}]},
        },
        raw_pod(
            JOB, phase="Running", conditions=_conditions(Ready="False", ContainersReady="False")
        ),
        raw_pod(JOB, phase="Running", conditions=_conditions(Ready="True", ContainersReady="True")),
    ],
    ids=["pending", "gated", "ending", "ready"],
)
def test_a_pod_that_is_just_not_ready_has_its_node(pod: dict[str, Any]) -> None:
    assert trouble_of(pod) is None
