"""The cluster: kind with one node, audit log on, and our registry as mirror of all others."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from testbed import network, progress
from testbed.commands import PartError, capture, run, succeeds, wait_until
from testbed.engine import Engine
from testbed.offline import gotools, node_image
from testbed.settings import Settings
from testbed.state import State

READY_SECONDS = 120

BROKEN_OFF_SECONDS = 30
"""Until the engine has ended what it began for a command that was broken off."""

_PART = "cluster"
_AUDIT = "/var/log/testbed-audit"
_POLICY = "/etc/kubernetes/testbed-audit-policy.yaml"


def kubeconfig(settings: Settings) -> Path:
    """Return the path of the cluster's kubeconfig."""
    return settings.state / "kubeconfig"


def audit_log(settings: Settings) -> Path:
    """Return the path of the API server's audit log: JSON lines, rotated at 100 MB."""
    return settings.state / "audit" / "audit.log"


def node_name(settings: Settings) -> str:
    """Return the name of the node, which is the name of its container."""
    return f"{settings.name}-control-plane"


def node_address(engine: Engine, settings: Settings) -> str:
    """Return the node's address, where its NodePorts are reached from the host."""
    return engine.docker(
        "inspect",
        "--format",
        "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
        node_name(settings),
    )


def ensure(engine: Engine, settings: Settings, state: State) -> None:
    """Make sure that the cluster exists and its API server and node are ready.

    Args:
        engine: Where the node's container runs.
        settings: The testbed.
        state: Gives the registry's address.

    Raises:
        PartError: kind failed, or the node did not become ready.
    """
    bin_folder = gotools.ensure(["kind", "kubectl"], settings)
    _write_registry_hosts(settings, state)
    config = yaml.safe_dump(_kind_config(engine, settings), sort_keys=False)
    complete = settings.state / "cluster.complete"  # holds what the cluster was made by
    if complete.exists() and complete.read_text() == config and _restart(engine, settings):
        return
    complete.unlink(missing_ok=True)
    with progress.step(f"create cluster {settings.name}"):
        _create_anew(bin_folder / "kind", config, engine, settings)
        _wait_ready(settings)
    kubeconfig(settings).chmod(0o600)
    complete.write_text(config)


def _create_anew(kind: Path, config: str, engine: Engine, settings: Settings) -> None:
    """Create the cluster in place of any other of its name.

    The engine goes on creating the node of a command that was broken off just before, and refuses
    to remove it until it is there.
    """
    deadline = time.monotonic() + BROKEN_OFF_SECONDS
    while True:
        remove(engine, settings)
        try:
            return _create(kind, config, engine, settings)
        except PartError as error:
            if "already exist" not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(0.5)


def _create(kind: Path, config: str, engine: Engine, settings: Settings) -> None:
    path = settings.state / "kind.yaml"
    path.write_text(config)
    audit_log(settings).parent.mkdir(parents=True, exist_ok=True)
    run(
        [
            kind,
            *("create", "cluster", f"--name={settings.name}", f"--config={path}"),
            *(f"--image={node_image.REFERENCE}", f"--kubeconfig={kubeconfig(settings)}"),
            "--retain",
        ],
        part=_PART,
        log=settings.logs / "kind.log",
        env={**engine.env, "KIND_EXPERIMENTAL_DOCKER_NETWORK": network.name(settings)},
    )


def remove(engine: Engine, settings: Settings) -> None:
    """Delete the cluster, whatever its state; none is fine too."""
    engine.succeeds("rm", "--force", "--volumes", node_name(settings))
    kubeconfig(settings).unlink(missing_ok=True)
    shutil.rmtree(settings.state / "audit", ignore_errors=True)


def load_image(archive: Path, engine: Engine, settings: Settings) -> None:
    """Put the images of an archive (docker or OCI format) into the node.

    Args:
        archive: A file as `docker save` writes it.
        engine: Where the node runs.
        settings: The testbed.

    Raises:
        PartError: The node refused the archive.
    """
    with archive.open("rb") as stream:
        run(
            [
                *("docker", "exec", "--interactive", node_name(settings)),
                *("ctr", "--namespace=k8s.io", "images", "import", "--local"),
                *("--snapshotter=overlayfs", "-"),
            ],
            part=f"image archive {archive}",
            log=settings.logs / "load-image.log",
            env=engine.env,
            stdin=stream,
        )


def kubectl(settings: Settings, *arguments: str, stdin: str | None = None) -> str:
    """Run kubectl against the cluster and return its output.

    Raises:
        PartError: kubectl failed.
    """
    program = gotools.bin_folder(settings) / "kubectl"
    argv: list[str | Path] = [program, f"--kubeconfig={kubeconfig(settings)}", *arguments]
    return capture(argv, part="kubectl", stdin=stdin, timeout=300)


def wait_pods(namespace: str, engine: Engine, settings: Settings) -> None:
    """Wait until all Pods of a namespace are ready, since the node's last start.

    After a restart the API server still shows what was true before the node went down, so
    readiness counts only with a container that began after the node did.

    Raises:
        PartError: They are not within the deadline.
    """
    wait_until(
        lambda: _runs_since_boot(namespace, engine, settings),
        part=_PART,
        what=f"run all Pods of namespace {namespace}",
        seconds=READY_SECONDS,
    )


def _runs_since_boot(namespace: str, engine: Engine, settings: Settings) -> bool:
    # Both times are UTC; the API's have no fraction, so the shorter text is compared.
    boot = engine.docker("inspect", "--format", "{{.State.StartedAt}}", node_name(settings))
    try:
        text = kubectl(settings, "--namespace", namespace, "get", "pods", "--output=json")
    except PartError:
        return False
    pods = json.loads(text)["items"]
    return bool(pods) and all(is_ready_since(boot[:19], pod["status"]) for pod in pods)


def is_ready_since(boot: str, status: Mapping[str, Any]) -> bool:
    """Say whether a Pod is ready with containers that began at `boot` or later.

    Args:
        boot: UTC time to the second, `2026-01-01T10:00:00`.
        status: The Pod's status, as the API gives it.
    """
    ready = {"type": "Ready", "status": "True"}.items()
    return any(ready <= condition.items() for condition in status.get("conditions", [])) and all(
        container["state"].get("running", {}).get("startedAt", "")[:19] >= boot
        for container in status.get("containerStatuses", [])
    )


def _restart(engine: Engine, settings: Settings) -> bool:
    """Bring back a cluster whose node was stopped or killed; say whether that worked."""
    running = engine.docker(
        "ps", "--quiet", "--filter", f"name=^{node_name(settings)}$", part=_PART
    )
    if running and _is_ready(settings):
        return True
    if not engine.succeeds("container", "inspect", node_name(settings)):
        return False
    try:
        with progress.step(f"restart cluster {settings.name}"):
            if not running:
                engine.docker("start", node_name(settings), part=_PART)
            _wait_ready(settings)
            wait_pods("kube-system", engine, settings)
    except PartError as error:
        progress.note(f"{error}; it is made anew")
        return False
    return True


def _is_ready(settings: Settings) -> bool:
    program = gotools.bin_folder(settings) / "kubectl"
    options = [f"--kubeconfig={kubeconfig(settings)}", "--request-timeout=5s"]
    argv: list[str | Path] = [program, *options]
    if not succeeds([*argv, "get", "serviceaccount", "default"]):
        return False
    return succeeds([*argv, "wait", "--for=condition=Ready", "node", "--all", "--timeout=1s"])


def _wait_ready(settings: Settings) -> None:
    # The node first, then the ServiceAccount every Pod of the namespace needs.
    wait_until(
        lambda: _is_ready(settings),
        part=_PART,
        what="become ready",
        seconds=READY_SECONDS,
        log=settings.logs / "kind.log",
    )


def _write_registry_hosts(settings: Settings, state: State) -> None:
    """Write containerd's `hosts.toml` files: every registry is asked at ours first."""
    server = f"http://{state.registry}"
    mirror = f'[host."{server}"]\ncapabilities = ["pull", "resolve"]\n'
    for host, text in (("_default", mirror), (state.registry, f'server = "{server}"\n{mirror}')):
        folder = settings.state / "certs.d" / host
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hosts.toml").write_text(text)


def _kind_config(engine: Engine, settings: Settings) -> dict[str, object]:
    audit = audit_log(settings).parent
    policy = settings.state / "audit-policy.yaml"
    shutil.copy(Path(__file__).parent / "node" / "audit-policy.yaml", policy)
    mounts = [
        (settings.state / "certs.d", "/etc/containerd/certs.d", True),
        (policy, _POLICY, True),
        (audit, _AUDIT, False),
    ]
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        # The image made here brings a bridge; the published one is completed by kind.
        "networking": {"disableDefaultCNI": node_image.is_made(engine)},
        "nodes": [
            {
                "role": "control-plane",
                "extraMounts": [
                    {"hostPath": str(host), "containerPath": inside, "readOnly": read_only}
                    for host, inside, read_only in mounts
                ],
            }
        ],
        "kubeadmConfigPatches": [json.dumps(patch) for patch in _kubeadm_patches()],
    }


def _kubeadm_patches() -> list[dict[str, object]]:
    arguments = {
        "runtime-config": "",  # kind's own; a patch replaces the whole list
        "audit-policy-file": _POLICY,
        "audit-log-path": f"{_AUDIT}/audit.log",
        "audit-log-maxsize": "100",
        "audit-log-maxbackup": "3",
    }
    volumes = [
        {
            "name": "audit-policy",
            "hostPath": _POLICY,
            "mountPath": _POLICY,
            "readOnly": True,
            "pathType": "File",
        },
        {"name": "audit-log", "hostPath": _AUDIT, "mountPath": _AUDIT, "pathType": "Directory"},
    ]
    extra_args = [{"name": name, "value": value} for name, value in arguments.items()]
    return [
        {
            "kind": "ClusterConfiguration",
            "apiServer": {"extraArgs": extra_args, "extraVolumes": volumes},
        },
        {
            "kind": "KubeletConfiguration",
            "failCgroupV1": False,
            # An image that was loaded and pulled under two names would be refused.
            "imagePullCredentialsVerificationPolicy": "NeverVerify",
            # Else a build that forks for ever takes the node with it, and this machine.
            "podPidsLimit": 1024,
        },
    ]
