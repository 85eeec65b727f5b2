"""The operator on the testbed: image, resources, rights and settings, as an admin installs it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
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
CHART = ROOT / "charts" / "album-release-operator"
VALUES = Path(__file__).with_name("chart-values.yaml")
RELEASE = "album"
"""Name that Helm knows the installation by."""

NAMESPACE = "album"
SYSTEM = "album-system"
DEPLOYMENT = "deployment/album-operator"
INSTALL = (
    *("upgrade", "--install", RELEASE, str(CHART)),
    *(f"--namespace={SYSTEM}", f"--values={VALUES}"),
)
"""Arguments of Helm; image, and addresses that are found out at run time, come as values too."""

LEASE = "album-operator"
POD_LABEL = "app.kubernetes.io/name=album-operator"


def deploy(testbed: Testbed, namespaces: Sequence[str] = (), **settings: str) -> str:
    """Build the operator's image, install it, and wait until it is ready.

    Args:
        testbed: Where it is installed.
        namespaces: That are there and are served beside `album`.
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
        # What the Pods read when they start comes before them.
        testbed.kubectl("apply", "-f", str(ROOT / "manifests" / "base" / "namespace.yaml"))
        webhook = {"secret": testbed.webhook_secret}
        _apply(testbed, [_secret("album-webhook", SYSTEM, "Opaque", webhook)])
        values = json.dumps(_values(testbed, image, namespaces, settings))
        testbed.helm(*INSTALL, "--values=-", stdin=values)
        _apply(testbed, secrets(testbed, NAMESPACE))
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


def _apply(testbed: Testbed, manifests: list[dict[str, object]]) -> None:
    everything = {"apiVersion": "v1", "kind": "List", "items": manifests}
    testbed.kubectl("apply", "-f", "-", stdin=json.dumps(everything))


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


def _values(
    testbed: Testbed, image: str, namespaces: Sequence[str], settings: dict[str, str]
) -> dict[str, object]:
    repository, _, tag = image.rpartition(":")
    forge = testbed.forge_url.partition("://")[2]
    found_out = {
        "ALBUM_INSECURE_HOSTS": f"{forge},{testbed.registry}",
        "ALBUM_REGISTRY_MIRRORS": testbed.registry,
    }
    (own,) = yaml.safe_load(VALUES.read_text())["namespaces"]
    others = [{"name": name, "create": False} for name in namespaces]
    return {
        "image": {"repository": repository, "tag": tag},
        "namespaces": [own, *others],
        "settings": found_out | settings,
    }


def _digest() -> str:
    """Name the image by what goes into it, so that a change is never hidden by an old image."""
    digest = hashlib.sha256()
    files = [*(ROOT / "operator").rglob("*"), *(ROOT / "requirements").glob("operator.txt")]
    for path in sorted(files):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
