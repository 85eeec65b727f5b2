"""A node without a kubelet, which stops to report and goes, and room that one Pod alone has."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from tests.e2e.world import World, wait_for

LOST = "album-e2e-lost"
SLOT = "album.dev/slot"
URGENT = "album-e2e-urgent"
PAUSE = "registry.k8s.io/pause:3.10"


def add_lost_node(world: World) -> None:
    """Make a node that reports once; the control plane waits for its second word in vain."""
    remove_lost_node(world)
    taints = [{"key": LOST, "effect": "NoSchedule"}]
    node = {"metadata": {"name": LOST}, "spec": {"taints": taints}}
    now = datetime.now(UTC).isoformat()
    condition = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "once"}
    times = {"lastHeartbeatTime": now, "lastTransitionTime": now}
    world.core.create_node(node)
    world.core.patch_node_status(LOST, {"status": {"conditions": [{**condition, **times}]}})


def give_up_lost_node(world: World) -> None:
    """Say that it will not come back (Kubernetes, "Non-graceful node shutdown handling")."""
    taint = "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"
    world.testbed.kubectl("taint", "node", LOST, taint)


def remove_lost_node(world: World) -> None:
    """Remove it; none is fine too."""
    world.testbed.kubectl("delete", "node", LOST, "--ignore-not-found")


def run_on_lost_node(world: World, job: str) -> None:
    """Say of a Job's Pod what its kubelet would, that it runs."""
    selector = f"batch.kubernetes.io/job-name={job}"

    def look() -> str | None:
        pods = world.core.list_namespaced_pod(world.namespace, label_selector=selector).items
        return pods[0].metadata.name if pods else None

    pod = wait_for(f"a Pod of {job}", look)
    kinds = ("Initialized", "ContainersReady", "Ready", "PodScheduled")
    conditions = [{"type": kind, "status": "True"} for kind in kinds]
    status = {"phase": "Running", "conditions": conditions}
    world.core.patch_namespaced_pod_status(pod, world.namespace, {"status": status})


def give_slot(world: World) -> None:
    """Let the node have one slot, as a device plugin would: who needs it, needs it alone."""
    node = f"{world.testbed.settings.name}-control-plane"
    amounts = {"capacity": {SLOT: "1"}, "allocatable": {SLOT: "1"}}
    world.core.patch_node_status(node, {"status": amounts})


def take_slot(world: World, namespace: str) -> None:
    """Let a Pod have the slot that may take it from others."""
    group = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass"}
    urgent = {**group, "metadata": {"name": URGENT}, "value": 1000}
    world.testbed.kubectl("apply", "-f", "-", stdin=json.dumps(urgent))
    wants = {kind: {SLOT: "1"} for kind in ("limits", "requests")}
    held = {"name": "held", "image": PAUSE, "resources": wants}
    spec = {"priorityClassName": URGENT, "containers": [held], "terminationGracePeriodSeconds": 0}
    metadata = {"name": URGENT, "namespace": namespace}
    world.core.create_namespaced_pod(namespace, {"metadata": metadata, "spec": spec})


def give_slot_back(world: World, namespace: str) -> None:
    """Take away who has the slot by right of its class, and the class; none is fine too."""
    world.testbed.kubectl("delete", "pod", URGENT, "-n", namespace, "--ignore-not-found")
    world.testbed.kubectl("delete", "priorityclass", URGENT, "--ignore-not-found")
