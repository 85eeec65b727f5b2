"""Applications of a test's own, beside those of the samples."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from testbed.deploy import NAMESPACE
from tests.e2e.world import CONFIG, World

APP = "album-app"
FINALIZER = "resources-finalizer.argocd.argoproj.io"


def application(world: World, name: str, pipeline: str, source: dict[str, Any]) -> dict[str, Any]:
    """Give an Application of the config repository, with its consent."""
    repository = world.application(f"{APP}-backend")["spec"]["source"]["repoURL"]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": name,
            "namespace": "argocd",
            "finalizers": [FINALIZER],
            "annotations": {"album.dev/authorized-pipeline": f"{NAMESPACE}/{pipeline}"},
        },
        "spec": {
            "project": "default",
            "source": {"repoURL": repository, "targetRevision": "HEAD", **source},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": APP},
        },
    }


def ensure_file(world: World, path: str, text: str) -> None:
    """Put a file on the base branch, unless an earlier run left it there, with a later version."""
    where = f"/repos/{CONFIG}/contents/{path}"
    if world.forge.find(where) is None:
        content = base64.b64encode(text.encode()).decode()
        body = {"branch": "main", "content": content, "message": f"Add {path} for a test"}
        world.reviewer.call("POST", where, body)


@contextmanager
def applied(world: World, *applications: dict[str, Any]) -> Iterator[None]:
    """Apply Applications; take them away in the end, with what they deployed and whom they let."""
    for one in applications:
        world.testbed.kubectl("apply", "-f", "-", stdin=json.dumps(one))
    try:
        yield
    finally:
        for one in applications:
            name = one["metadata"]["name"]
            world.testbed.kubectl("delete", "application", name, "-n", "argocd", "--wait=false")
            world.testbed.kubectl(
                "delete", "albumpipeline", name, "-n", NAMESPACE, "--ignore-not-found"
            )


def image_of(world: World, deployment: str) -> str:
    path = "jsonpath={.spec.template.spec.containers[0].image}"
    return world.testbed.kubectl("get", "deployment", deployment, "-n", APP, "-o", path)
