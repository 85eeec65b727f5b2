"""The operator on the testbed: image, resources, rights and settings, as an admin installs it."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import yaml

from testbed import progress
from testbed.access import Testbed
from testbed.commands import wait_until
from testbed.gitea import OWNER
from testbed.github_forge import forge_of
from testbed.samples.history import SAMPLES
from testbed.state import WEBHOOK_PORT

ROOT = Path(__file__).resolve().parents[1]
IMAGE = "album-operator:testbed"
"""Image name in the testbed's overlay; the one that was built takes its place."""

NAMESPACE = "album"
SYSTEM = "album-system"
DEPLOYMENT = "deployment/album-operator"
LEASE = "album-operator"
POD_LABEL = "app.kubernetes.io/name=album-operator"


def deploy(testbed: Testbed, **settings: str) -> str:
    """Build the operator's image, install it, and wait until it is ready.

    Args:
        testbed: Where it is installed.
        settings: Further `ALBUM_*` variables, over those every testbed needs.

    Returns:
        The image's whole name.

    Raises:
        PartError: A part was refused, or the operator did not become ready.
    """
    with progress.step("operator image"):
        image = testbed.build_and_push(
            ROOT / "operator" / "Dockerfile", ROOT, f"album/album-operator:{_digest()}"
        )
    with progress.step("operator installed"):
        text = testbed.kubectl("kustomize", str(ROOT / "manifests" / "overlays" / "testbed"))
        manifests = list(yaml.safe_load_all(text.replace(IMAGE, image)))
        # What the Pod reads when it starts comes before the Pod.
        _apply(testbed, [item for item in manifests if item["kind"] == "Namespace"])
        _apply(testbed, secrets(testbed, NAMESPACE))
        webhook = {"secret": testbed.webhook_secret}
        _apply(testbed, [_secret("album-webhook", SYSTEM, "Opaque", webhook)])
        settings_now = _apply(testbed, [_settings(testbed, settings)])
        _apply(testbed, manifests)
        if settings_now.endswith("configured"):
            testbed.kubectl("-n", SYSTEM, "rollout", "restart", DEPLOYMENT)
        testbed.kubectl("-n", SYSTEM, "rollout", "status", DEPLOYMENT, "--timeout=180s")
        # The rollout does not wait for the old leader to end what it is at.
        wait_until(
            lambda: find_leader(testbed) is not None, part="operator", what="lead", seconds=60
        )
        ensure_webhooks(testbed)
    return image


def find_leader(testbed: Testbed) -> str | None:
    """Give the name of the operator's Pod that leads, None while that is none, or one that ends."""
    lease = json.loads(
        testbed.kubectl("-n", SYSTEM, "get", "lease", "--output=json", "--ignore-not-found", LEASE)
        or "{}"
    )
    pods = json.loads(
        testbed.kubectl("-n", SYSTEM, "get", "pods", "--output=json", f"--selector={POD_LABEL}")
    )
    there = {
        pod["metadata"]["name"]
        for pod in pods["items"]
        if "deletionTimestamp" not in pod["metadata"] and _is_ready(pod)
    }
    holder = lease.get("spec", {}).get("holderIdentity")
    return holder if holder in there else None


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def ensure_webhooks(testbed: Testbed) -> None:
    """Let the forge tell the operator what happens in the repositories."""
    where = f"http://{testbed.node_address}:{WEBHOOK_PORT}"
    for sample in SAMPLES:
        forge_of(testbed).of_owner(testbed).ensure_webhook(
            f"{OWNER}/{sample.name}",
            f"{where}/webhooks/{testbed.forge.type.lower()}",
            testbed.webhook_secret,
        )


def _apply(testbed: Testbed, manifests: list[dict[str, object]]) -> str:
    everything = {"apiVersion": "v1", "kind": "List", "items": manifests}
    return testbed.kubectl("apply", "-f", "-", stdin=json.dumps(everything))


def secrets(testbed: Testbed, namespace: str) -> list[dict[str, object]]:
    """Give the two Secrets a pipeline uses by convention, for the testbed's forge and registry."""
    auth = base64.b64encode(b"testbed:testbed").decode()
    docker = {"auths": {testbed.registry: {"auth": auth}}}
    git = {
        "url": testbed.forge_url,
        "username": testbed.forge_user,
        "token": testbed.forge_token,
    }
    return [
        _secret("album-git", namespace, "Opaque", git),
        _secret(
            "album-registry",
            namespace,
            "kubernetes.io/dockerconfigjson",
            {".dockerconfigjson": json.dumps(docker)},
        ),
    ]


def _secret(name: str, namespace: str, kind: str, data: dict[str, str]) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "type": kind,
        "stringData": data,
    }


def _settings(testbed: Testbed, settings: dict[str, str]) -> dict[str, object]:
    forge = testbed.forge_url.partition("://")[2]
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "album-operator-settings", "namespace": SYSTEM},
        "data": {
            "ALBUM_INSECURE_HOSTS": f"{forge},{testbed.registry}",
            "ALBUM_REGISTRY_MIRRORS": testbed.registry,
            **settings,
        },
    }


def _digest() -> str:
    """Name the image by what goes into it, so that a change is never hidden by an old image."""
    digest = hashlib.sha256()
    files = [*(ROOT / "operator").rglob("*"), *(ROOT / "requirements").glob("operator.txt")]
    for path in sorted(files):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
