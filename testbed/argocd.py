"""Argo CD, from its own manifest of an installation without its user interface."""

from __future__ import annotations

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
        for workload in _WORKLOADS:
            kubectl(
                settings,
                *("--namespace", NAMESPACE, "rollout", "status", workload, "--timeout=240s"),
            )
        cluster.wait_pods(NAMESPACE, engine, settings)
