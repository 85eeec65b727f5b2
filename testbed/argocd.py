"""Argo CD, from its own manifest of an installation without its user interface."""

from __future__ import annotations

import json
import secrets

from testbed import cluster, progress
from testbed.cluster import kubectl
from testbed.engine import Engine
from testbed.offline import recipes
from testbed.settings import Settings

NAMESPACE = "argocd"
_WORKLOADS = (
    "deployment/argocd-redis",
    "deployment/argocd-repo-server",
    "deployment/argocd-commit-server",
    "deployment/argocd-applicationset-controller",
    "statefulset/argocd-application-controller",
)


def ensure(engine: Engine, settings: Settings) -> None:
    """Make sure that Argo CD is installed and runs.

    Args:
        engine: Where the cluster's node runs.
        settings: The testbed.

    Raises:
        PartError: The manifest was refused or a Pod did not become ready.
    """
    with progress.step("install Argo CD"):
        namespace = f'{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{NAMESPACE}"}}}}'
        server_side = ("apply", "--server-side", "--force-conflicts", "--filename")
        kubectl(settings, *server_side, "-", stdin=namespace)
        manifest = str(recipes.argocd_manifest(settings))
        # Some of its definitions are larger than the annotation a client-side apply writes.
        kubectl(settings, "--namespace", NAMESPACE, *server_side, manifest)
        _let_settings_change(settings)
        for workload in _WORKLOADS:
            kubectl(
                settings,
                *("--namespace", NAMESPACE, "rollout", "status", workload, "--timeout=240s"),
            )
        cluster.wait_pods(NAMESPACE, engine, settings)


def _let_settings_change(settings: Settings) -> None:
    """Write what the server of a whole Argo CD does when it starts, and is not here.

    Without it the controller takes in a changed ConfigMap `argocd-cm` when it starts, and never
    while it runs ("Unable to parse updated settings: server.secretkey is missing", 3.6.1).
    """
    secret = ("--namespace", NAMESPACE, "secret", "argocd-secret")
    if not kubectl(settings, "get", *secret, r"--output=jsonpath={.data.server\.secretkey}"):
        patch = json.dumps({"stringData": {"server.secretkey": secrets.token_urlsafe(32)}})
        kubectl(settings, "patch", *secret, "--type=merge", f"--patch={patch}")
