"""Releases whose builds are in trouble: what makes them so, and a cluster in which they are."""

from __future__ import annotations

import base64
import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from album_operator.settings import BUILDKIT_IMAGE
from testbed import Testbed
from testbed.demo import condition
from testbed.deploy import NAMESPACE, secrets
from testbed.samples.applications import ROOT as APPS
from tests.e2e.bad_registry import ANSWERS, FORGETFUL, REFUSING
from tests.e2e.nodes import LOST, SLOT
from tests.e2e.world import World, wait_for

FULL, STRICT = "album-full", "album-strict"
"""Namespaces: the quota of one has no room, the other admits no Pod of a builder."""

BAD_SECRET = "bad-registry"

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

LIE = f"sha256:{'1' * 64}"
"""Digest of no image."""

DOCKERFILES = {
    "step": f"{SHELL}RUN echo 'the secret word' && exit 7\n",
    "memory": f"{SHELL}RUN head -c 2000000000 /dev/zero | tail\n",
    "disk": f"{SHELL}RUN head -c 500000000 /dev/zero >/big && sleep 300\n",
    "late": f"{SHELL}RUN sleep 300\n",
    "taken": f"{SHELL}RUN sleep 120\n",
    "urgent": f"{SHELL}RUN sleep 120\n",
    # More than the node lets a Pod have, and not for ever where it lets it.
    "forks": f"{SHELL}RUN for i in $(seq 3000); do sleep 300 & done\n",
    # In a session of its own, for kaniko ends the group of a step's processes.
    "liar": (
        f"{SHELL}RUN setsid perl -MIO::Socket::INET -e '"
        f"$s = IO::Socket::INET->new(Listen => 9, LocalPort => 8080); "
        f'while (1) {{ open(F, ">/dev/termination-log"); print F "{LIE}"; close(F); '
        "select(undef, undef, undef, 0.05) }' >/dev/null 2>&1 &\n"
    ),
    FORGETFUL: "FROM scratch\nCOPY main.go /\n",
    "base": "FROM {registry}/album/nowhere:v1\n",
    REFUSING: f"FROM {{bad_registry}}/{REFUSING}/base:v1\n",
    "noise": (
        f"{SHELL}RUN head -c 100000000 /dev/urandom; "
        "head -c 100000 /dev/urandom >/dev/termination-log; exit 3\n"
    ),
}
"""By the case that needs one of its own."""

BUILDS: dict[str, dict[str, Any]] = {
    "step": {},
    "memory": {"resources__limits": {"memory": "400Mi"}},
    "disk": {"resources__limits": {"ephemeral-storage": "300Mi"}},
    "lost": {},
    "late": {"timeout": "10s"},
    "noise": {"failureLog": True},
    "base": {},
    REFUSING: {"failureLog": True},
    "room": {"resources__requests": {"cpu": "60"}},
    "sidecar": {},
    "image": {},
    "program": {},
    "mount": {},
    "forks": {},
    "liar": {},
    **{case: {} for case in (FORGETFUL, *ANSWERS)},
    # Last, for they are looked for while they run.
    "taken": {},
    "urgent": {},
}
"""What the pipeline of each case says of its build, beside what all say."""


def _add(path: str, value: str, operation: str = "add") -> str:
    """Render one change of a Pod, in CEL."""
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
    "program": [_add("/spec/containers/0/command", '["/no/such/program"]')],
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
    "lost": [_add("/spec/nodeName", f'"{LOST}"')],
    "urgent": [
        _add(f"/spec/containers/0/resources/{kind}/{SLOT.replace('/', '~1')}", '"1"')
        for kind in ("limits", "requests")
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
        """Read a release's status."""
        found: dict[str, Any] = self.world[case].get(self.names[case])["status"]
        return found

    def told(self, case: str, reason: str) -> str:
        """Wait until a release says why its build does not run, soon enough; give its message."""
        world, name = self.world[case], self.names[case]
        message = str(condition(world.await_reason(name, reason), "Ready")["message"])
        assert (self._told_at(case, reason) - self._began_at(case, reason)).total_seconds() <= TOLD
        return message

    def job(self, case: str) -> str:
        """Wait for a release's Job; give its name."""
        (job,) = wait_for("the Job", lambda: self.world[case].jobs(self.names[case]))
        return job

    def running(self, case: str) -> str:
        """Wait until the builder of a release has started; give its Pod."""
        world, selector = self.world[case], f"batch.kubernetes.io/job-name={self.job(case)}"

        def look() -> str | None:
            pods = world.core.list_namespaced_pod(world.namespace, label_selector=selector).items
            for pod in pods:
                if any(status.started for status in pod.status.container_statuses or []):
                    return str(pod.metadata.name)
            return None

        return wait_for("the builder", look)

    def failed(self, case: str) -> dict[str, Any]:
        """Wait until a release has stopped; give its failure."""
        self.world[case].await_finished(self.names[case])
        failure: dict[str, Any] = self.status(case)["failure"]
        return failure

    def message(self, case: str) -> str:
        """Give the message of a release's Ready."""
        return str(self.world[case].condition(self.names[case], "Ready")["message"])

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


def apply(testbed: Testbed, *objects: dict[str, Any]) -> None:
    """Apply objects as an admin."""
    everything = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    testbed.kubectl("apply", "-f", "-", stdin=json.dumps(everything))


def make_namespace(testbed: Testbed, namespace: str, level: str) -> None:
    """Make a namespace and what pipelines use there; its Role comes with the operator."""
    labels = {"pod-security.kubernetes.io/enforce": level}
    metadata = {"name": namespace, "labels": labels}
    apply(
        testbed,
        {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata},
        *secrets(testbed, namespace),
    )


def join(case: str) -> list[dict[str, Any]]:
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


def part(testbed: Testbed, case: str) -> None:
    """Take that policy away; none is fine too."""
    for kind in ("mutatingadmissionpolicybinding", "mutatingadmissionpolicy"):
        testbed.kubectl("delete", kind, f"album-e2e-{case}", "--ignore-not-found")


def consent(world: World, pipelines: list[str]) -> None:
    """Let these pipelines, and no others, release to the backend's Application."""
    await_rendered(world)
    annotations = {"album.dev/authorized-pipeline": ",".join(pipelines)}
    world.patch_application("album-app-backend", {"metadata": {"annotations": annotations}})


def await_rendered(world: World) -> None:
    """Wait until the app of apps has rendered the Applications of the base branch as it is.

    Until that moves it does so no more, and what is changed of them is not taken back.
    """
    (head, *_) = world.commits("main")
    refresh = {"argocd.argoproj.io/refresh": "normal"}
    world.patch_application(APPS, {"metadata": {"annotations": refresh}})

    def look() -> bool:
        status = world.application(APPS)["status"]
        state, sync = status.get("operationState", {}), status["sync"]
        phase = state.get("phase")
        synced = phase, state.get("syncResult", {}).get("revision")
        # Where nothing of a commit differs there is no operation of it, and there may be none yet.
        is_same = (sync["status"], sync.get("revision")) == ("Synced", head["sha"])
        return synced == ("Succeeded", head["sha"]) or (is_same and phase != "Running")

    wait_for(f"{APPS} synced", look)


def let_push(testbed: Testbed, registry: str) -> None:
    """Make the Secret by which the bad registry is pushed to."""
    secret = dict(secrets(testbed, NAMESPACE)[1])
    auths = {"auths": {registry: {"auth": base64.b64encode(b"testbed:testbed").decode()}}}
    secret |= {
        "metadata": {"name": BAD_SECRET, "namespace": NAMESPACE},
        "stringData": {".dockerconfigjson": json.dumps(auths)},
    }
    apply(testbed, secret)


def release(case: str, world: World, bad_registry: str) -> str:
    """Release a tag by a pipeline of the case's name; give the release's name."""
    target = None
    if case in DOCKERFILES:
        target = f"{case}-{uuid.uuid4().hex[:8]}"
        text = DOCKERFILES[case].replace("{registry}", world.testbed.registry)
        text = text.replace("{bad_registry}", bad_registry)
        world.branch_source("backend/Dockerfile", text, target)
    own = BUILDS.get(case, {})
    if case in (FORGETFUL, *ANSWERS):
        image = {"registry": bad_registry, "repository": f"{case}/album-app", "insecure": True}
        own = {"image": image, "pushSecretRef": {"name": BAD_SECRET}}
    world.pipeline(case, **{f"build__{key}": value for key, value in own.items()})
    tag = world.new_tag(target=target)
    return world.release(tag, f"{case}-{tag}", pipeline=case)
