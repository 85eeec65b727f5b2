"""Each way in which a build does not run, or ends badly, told in the words of whoever knows."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest
import yaml

from album_operator.settings import BUILDKIT_IMAGE
from testbed import Testbed
from testbed.deploy import DEPLOYMENT, SYSTEM, deploy, secrets
from tests.e2e.world import World, wait_for

pytestmark = pytest.mark.e2e

FULL, STRICT = "album-full", "album-strict"
"""Namespaces whose quota has no room, and which admits no privileged Pod."""

TOLD = 30.0
"""Seconds within which a person is told why a build does not run."""

COMPLAINTS = {
    "QuotaExceeded": "FailedCreate",
    "PodRefused": "FailedCreate",
    "Unschedulable": "FailedScheduling",
    "ImagePullFailed": "Failed",
    "PodNotStarted": "FailedMount",
}
"""The Event by which the cluster tells first of what each reason stands for."""

SHELL = "FROM debian:bookworm-slim\n"

DOCKERFILES = {
    "step": f"{SHELL}RUN echo 'the secret word' && exit 7\n",
    "memory": f"{SHELL}RUN head -c 2000000000 /dev/zero | tail\n",
    "disk": f"{SHELL}RUN head -c 500000000 /dev/zero >/big && sleep 300\n",
    "late": f"{SHELL}RUN sleep 300\n",
    "taken": f"{SHELL}RUN sleep 5\n",
}
"""By the case that needs one of its own."""

BUILDS: dict[str, dict[str, Any]] = {
    "step": {},
    "memory": {"limits": {"memory": "400Mi"}},
    "disk": {"limits": {"ephemeral-storage": "300Mi"}},
    "late": {"timeout": "10s"},
    "taken": {},
    "room": {"requests": {"cpu": "60"}},
    "sidecar": {},
    "image": {},
    "mount": {},
}
"""What the pipeline of each case says of its build, beside what all say."""


def _add(path: str, value: str, operation: str = "add") -> str:
    return f'JSONPatch{{op: "{operation}", path: "{path}", value: {value}}}'


MUTATIONS = {
    "sidecar": [
        _add(
            "/spec/containers/-",
            "Object.spec.containers{"
            f'name: "istio-proxy", image: "{BUILDKIT_IMAGE}", command: ["sleep", "600"]}}',
        ),
    ],
    "image": [_add("/spec/containers/0/image", '"registry.invalid/no/such:image"', "replace")],
    "mount": [
        _add(
            "/spec/volumes/-",
            'Object.spec.volumes{name: "more", '
            'secret: Object.spec.volumes.secret{secretName: "no-such-secret"}}',
        ),
        _add(
            "/spec/containers/0/volumeMounts/-",
            'Object.spec.containers.volumeMounts{name: "more", mountPath: "/more"}',
        ),
    ],
}
"""What joins the Pods of a case, as a mesh's webhook would have it."""


@dataclass(frozen=True)
class Builds:
    """Releases whose builds are in trouble, all begun at once.

    Attributes:
        world: of each case's namespace.
        names: of the release of each case.
    """

    world: dict[str, World]
    names: dict[str, str]

    def status(self, case: str) -> dict[str, Any]:
        found: dict[str, Any] = self.world[case].get(self.names[case])["status"]
        return found

    def told(self, case: str, reason: str) -> str:
        """Wait until a release says why its build does not run, soon enough; give its message."""
        world, name = self.world[case], self.names[case]
        message = str(_ready(world.await_reason(name, reason))["message"])
        assert (self._told_at(case, reason) - self._began_at(case, reason)).total_seconds() <= TOLD
        return message

    def failed(self, case: str) -> dict[str, Any]:
        """Wait until a release has stopped; give its failure."""
        self.world[case].await_finished(self.names[case])
        failure: dict[str, Any] = self.status(case)["failure"]
        return failure

    def message(self, case: str) -> str:
        return str(_ready({"status": self.status(case)})["message"])

    def _began_at(self, case: str, reason: str) -> datetime:
        """Give when the cluster first complained of a Job or its Pod."""
        world = self.world[case]
        (job,) = world.jobs(self.names[case])
        selector = f"reason={COMPLAINTS[reason]}"
        events = world.core.list_namespaced_event(world.namespace, field_selector=selector)
        times: list[datetime] = [
            event.first_timestamp or event.event_time
            for event in events.items
            if event.involved_object.name.startswith(job)
        ]
        return min(times)

    def _told_at(self, case: str, reason: str) -> datetime:
        world = self.world[case]
        selector = f"involvedObject.name={self.names[case]},reason={reason}"

        def look() -> datetime | None:
            events = world.core.list_namespaced_event(world.namespace, field_selector=selector)
            return min((event.event_time for event in events.items), default=None)

        return wait_for(f"an Event of {reason}", look, 10)


def _ready(release: dict[str, Any]) -> dict[str, Any]:
    conditions = {item["type"]: item for item in release["status"]["conditions"]}
    return dict(conditions["Ready"])


def _apply(testbed: Testbed, *objects: dict[str, Any]) -> None:
    everything = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    testbed.kubectl("apply", "-f", "-", stdin=json.dumps(everything))


def _serve(testbed: Testbed, namespace: str, level: str) -> None:
    """Make a namespace the operator may serve."""
    labels = {"pod-security.kubernetes.io/enforce": level}
    metadata = {"name": namespace, "labels": labels}
    rights = list(yaml.safe_load_all(testbed.kubectl("kustomize", "manifests/namespace")))
    for each in rights:
        each["metadata"]["namespace"] = namespace
    _apply(
        testbed,
        {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata},
        *secrets(testbed, namespace),
        *rights,
    )


def _join(case: str) -> list[dict[str, Any]]:
    """Render the policy that changes the Pods of a case, as an injecting webhook would."""
    group, name = "admissionregistration.k8s.io/v1", f"album-e2e-{case}"
    pods = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
    ours = f"object.metadata.?labels['album.dev/pipeline'].orValue('') == '{case}'"
    patch = {"expression": f"[{', '.join(MUTATIONS[case])}]"}
    spec = {
        "matchConstraints": {"resourceRules": [{**pods, "operations": ["CREATE"]}]},
        "matchConditions": [{"name": "ours", "expression": ours}],
        "reinvocationPolicy": "Never",
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": patch}],
    }
    return [
        {
            "apiVersion": group,
            "kind": "MutatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": spec,
        },
        {
            "apiVersion": group,
            "kind": "MutatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name},
        },
    ]


@pytest.fixture(scope="module")
def troubles(session_world: World) -> Iterator[dict[str, World]]:
    """The cluster in which builds are in trouble, with an operator that serves all of it."""
    testbed = session_world.testbed
    _serve(testbed, FULL, "privileged")
    _serve(testbed, STRICT, "restricted")
    _apply(testbed, *(item for case in MUTATIONS for item in _join(case)))
    deploy(testbed, ALBUM_NAMESPACES=f"album,{FULL},{STRICT}", ALBUM_BUILDS_PER_NAMESPACE="20")
    worlds = dict.fromkeys(BUILDS, session_world)
    worlds["quota"] = replace(session_world, namespace=FULL)
    worlds["strict"] = replace(session_world, namespace=STRICT)
    consents = [f"{world.namespace}/{case}" for case, world in worlds.items()]
    _consent(session_world, ["album/album-app", *consents])
    yield worlds
    _consent(session_world, ["album/album-app"])
    for case in MUTATIONS:
        for kind in ("mutatingadmissionpolicybinding", "mutatingadmissionpolicy"):
            testbed.kubectl("delete", kind, f"album-e2e-{case}", "--ignore-not-found")
    testbed.kubectl("delete", "namespace", FULL, STRICT, "--wait=false")
    deploy(testbed)


def _consent(world: World, pipelines: list[str]) -> None:
    annotations = {"album.dev/authorized-pipeline": ",".join(pipelines)}
    world.patch_application("album-app-backend", {"metadata": {"annotations": annotations}})


@pytest.fixture(scope="module")
def builds(troubles: dict[str, World], each_engine: str) -> Iterator[Builds]:
    """One release for each trouble, all at once."""
    names: dict[str, str] = {}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "spec": {"hard": {"pods": "0"}}}
    metadata = {"name": "no-room", "namespace": FULL}
    _apply(troubles["quota"].testbed, {**quota, "metadata": metadata})
    try:
        for case, world in troubles.items():
            world.engine = each_engine
            names[case] = _release(case, world)
        yield Builds(troubles, names)
    finally:
        for case, world in troubles.items():
            world.engine = "BuildKit"
            where = ("-n", world.namespace, "--ignore-not-found", "--wait=false")
            world.testbed.kubectl("delete", "albumrelease", names.get(case, case), *where)
            world.testbed.kubectl("delete", "albumpipeline", case, *where)


def _release(case: str, world: World) -> str:
    target = None
    if case in DOCKERFILES:
        target = f"{case}-{uuid.uuid4().hex[:8]}"
        world.branch_source("backend/Dockerfile", DOCKERFILES[case], target)
    own = dict(BUILDS.get(case, {}))
    resources = {key: own.pop(key) for key in ("requests", "limits") if key in own}
    changes = {f"build__{key}": value for key, value in own.items()}
    if resources:
        changes["build__resources"] = resources
    world.pipeline(case, **changes)
    tag = world.new_tag(target=target)
    return world.release(tag, f"{case}-{tag}", pipeline=case)


def test_a_build_that_is_evicted_is_told(builds: Builds) -> None:
    world, name = builds.world["taken"], builds.names["taken"]
    (job,) = wait_for("the Job", lambda: world.jobs(name))
    selector = f"batch.kubernetes.io/job-name={job}"

    def building() -> str | None:
        for pod in world.core.list_namespaced_pod(world.namespace, label_selector=selector).items:
            if any(status.started for status in pod.status.container_statuses or []):
                return str(pod.metadata.name)
        return None

    pod = wait_for("the builder", building)
    metadata = {"name": pod, "namespace": world.namespace}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
    world.core.create_namespaced_pod_eviction(pod, world.namespace, eviction)
    message = _ready(world.await_reason(name, "BuildEvicted"))["message"]
    assert f"Pod {pod} of Job {job} was taken away, and the build begins anew" in message
    assert "Eviction API" in message


def test_a_quota_without_room_is_told_in_the_api_servers_words(builds: Builds) -> None:
    message = builds.told("quota", "QuotaExceeded")
    assert "exceeded quota: no-room, requested: pods=1, used: pods=0, limited: pods=0" in message
    builds.world["quota"].testbed.kubectl("delete", "resourcequota", "no-room", "-n", FULL)


def test_pod_security_is_told_in_the_api_servers_words(builds: Builds) -> None:
    message = builds.told("strict", "PodRefused")

    assert 'violates PodSecurity "restricted:latest": ' in message


def test_a_pod_no_node_has_room_for_is_told_in_the_schedulers_words(builds: Builds) -> None:
    assert "0/1 nodes are available: 1 Insufficient cpu" in builds.told("room", "Unschedulable")


def test_an_image_that_cannot_be_pulled_is_named(builds: Builds) -> None:
    message = builds.told("image", "ImagePullFailed")

    assert "does not run in container build: " in message
    assert "registry.invalid/no/such:image" in message


def test_a_volume_that_does_not_mount_is_named(builds: Builds) -> None:
    assert 'secret "no-such-secret" not found' in builds.told("mount", "PodNotStarted")


def test_a_step_that_fails_is_told_with_its_container_and_where_its_log_is(builds: Builds) -> None:
    failure = builds.failed("step")

    assert (failure["reason"], failure["container"]) == ("BuildFailed", "build")
    assert failure["exitCode"] != 0
    assert ("line 2 of the Dockerfile ended with exit code 7" in failure["message"]) == (
        builds.world["step"].engine == "BuildKit"
    )
    command = builds.message("step").partition("Logs: kubectl ")[2]
    assert command == f"logs -n album {failure['pod']} -c build"
    assert "the secret word" in builds.world["step"].testbed.kubectl(*command.split())
    assert "the secret word" not in str(builds.status("step"))


def test_a_step_that_takes_too_much_memory_is_told(builds: Builds) -> None:
    failure = builds.failed("memory")

    assert (failure["reason"], failure["container"]) == ("BuildOutOfMemory", "build")
    assert "Raise build.resources.limits.memory in the pipeline" in builds.message("memory")


def test_a_step_that_takes_too_much_disk_is_told_in_the_kubelets_words(builds: Builds) -> None:
    failure = builds.failed("disk")

    assert failure["reason"] == "BuildOutOfDisk"
    assert "exceeds" in failure["message"]
    assert len(builds.world["disk"].jobs(builds.names["disk"])) == 1
    assert "raise build.resources.limits.ephemeral-storage" in builds.message("disk")


def test_a_build_over_its_time_is_told(builds: Builds) -> None:
    assert builds.failed("late")["reason"] == "BuildTimedOut"


def test_a_sidecar_that_goes_on_does_not_hold_up_the_digest(builds: Builds) -> None:
    world, name = builds.world["sidecar"], builds.names["sidecar"]
    status = world.await_reason(name, "AwaitingMerge")["status"]
    assert status["image"]["digest"].startswith("sha256:")
    (job,) = world.jobs(name)
    assert world.batch.read_namespaced_job(job, world.namespace).status.active == 1


@pytest.mark.parametrize("case", ["taken", "quota"])
def test_what_kubernetes_mends_by_itself_needs_nobody(case: str, builds: Builds) -> None:
    world, name = builds.world[case], builds.names[case]

    assert world.await_reason(name, "AwaitingMerge")["status"]["attempt"] == 1
    assert len(world.jobs(name)) == 1


def test_the_operator_has_met_no_bug(builds: Builds) -> None:
    log = builds.world["step"].testbed.kubectl("-n", SYSTEM, "logs", DEPLOYMENT)

    assert "failed by a bug" not in log
