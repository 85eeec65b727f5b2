"""Applications of the tests, and a definition of their kind that keeps whatever it is given.

Argo CD's own definition drops fields it does not know; a guard that holds without that help also
holds against the fields of Argo CD's next version.
"""

from pathlib import Path
from typing import Any

Raw = dict[str, Any]

MANIFESTS = Path(__file__).parents[3] / "manifests"
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
APPLICATIONS = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications"
CONSENT = "album.dev/authorized-pipeline"
PREVIOUS_POLICY = "album.dev/previous-sync-policy"
REFRESH = "argocd.argoproj.io/refresh"

UNKNOWN_FIELDS_STAY: Raw = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {
        "name": "applications.argoproj.io",
        # The API server asks for it where a group is not a community's own.
        "annotations": {"api-approved.kubernetes.io": "unapproved, a test"},
    },
    "spec": {
        "group": "argoproj.io",
        "names": {"kind": "Application", "plural": "applications"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "x-kubernetes-preserve-unknown-fields": True,
                    }
                },
            }
        ],
    },
}


def application(name: str) -> Raw:
    """Give an Application with our consent and something in every place the guard looks at."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": name,
            "namespace": "argocd",
            "labels": {"team": "music"},
            "annotations": {CONSENT: "album/album-app", "example.org/owner": "music"},
            "finalizers": ["resources-finalizer.argocd.argoproj.io"],
        },
        "spec": {
            "project": "default",
            "source": {
                "repoURL": "https://git.example.org/owner/album-app-config",
                "path": "backend",
                "targetRevision": "main",
            },
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "album-app"},
            "syncPolicy": {
                "automated": {"prune": True},
                "syncOptions": ["CreateNamespace=true"],
                "retry": {"limit": 3},
                "managedNamespaceMetadata": {"labels": {"team": "music"}},
            },
        },
        "status": {"sync": {"status": "Synced", "revision": "0" * 40}, "sourceType": "Helm"},
    }
