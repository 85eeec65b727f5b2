"""What one namespace can throw at the operator: pipelines, repositories, servers that mean harm."""

import os
from collections.abc import Mapping
from typing import Any

from tests.contract.http_backend import Backend, commit
from tests.contract.memory_of_tree import MIB
from tests.contract.plain_git import git
from tests.integration.manifests.applications import APPLICATIONS, CONSENT
from tests.integration.manifests.neighbours.hostile_servers import HostileServer
from tests.integration.manifests.neighbours.teams import REGISTRY, Namespace

Raw = dict[str, Any]

TAG = "backend-v1.1.0"
WAITING_ON_A_SERVER = 10
"""Releases for each server that does not answer as it should."""

FLOW_FILES = tuple(f"flow/{number}.yaml" for number in range(16))
GOOD_VALUES = b"image:\n  tag: v1.0.0\n"

EXPECTED: Mapping[str, tuple[str, ...]] = {
    "zeros": ("ValuesNotEditable",),
    "flow": ("ValuesNotEditable",),
    "heavy": ("RepositoryTooLarge",),
    "nested": ("ForgeUnavailable",),
    "echo": ("BuildFailed",),
    "privileged": ("EngineNotAllowed",),
    **{f"slow-{number}": ("GitUnavailable",) for number in range(WAITING_ON_A_SERVER)},
    **{f"silent-{number}": ("GitUnavailable",) for number in range(WAITING_ON_A_SERVER)},
}
"""Reasons each hostile release may end with or wait for, by its name."""


def make_repositories(backend: Backend) -> None:
    """Make the repositories: one to build, and those to choke on."""
    shop = backend.make("mallory/shop", {"backend/Dockerfile": b"FROM scratch\n"})
    git(shop, "tag", TAG, "main")
    head = git(shop, "rev-parse", "main")
    # As `git pack-refs` writes it.
    refs = "".join(f"{head} refs/tags/t{number:06}\n" for number in range(200_000))
    (shop / "packed-refs").write_text(f"# pack-refs with: peeled fully-peeled sorted \n{refs}")
    backend.make("mallory/good", {"backend/values.yaml": GOOD_VALUES})
    backend.make("mallory/zeros", {"backend/values.yaml": b"0" * (128 * MIB)})
    flow = b"image: {tag: v1.0.0}\nx: [" + b"{a: [b, c]}, " * (MIB // 13 - 3) + b"]\n"
    backend.make("mallory/flow", dict.fromkeys(FLOW_FILES, flow))
    heavy = backend.make("mallory/heavy", {"backend/values.yaml": GOOD_VALUES})
    commit(heavy, "main", {f"more/{number}": os.urandom(8 * MIB) for number in range(3)})
    git(heavy, "config", "uploadpack.allowFilter", "false")
    # Random bytes are only slow to compress, and it is not the server that is tried.
    git(heavy, "config", "pack.compression", "0")


def attack(mallory: Namespace, backend: Backend, hostile: HostileServer) -> None:
    """Apply all of it at once."""
    mallory.registry_secret()
    mallory.secret("album-git", url=f"http://{backend.host}", token="x")
    mallory.secret("git-hostile", url=f"http://{hostile.host}", token="x")
    _make_applications(mallory, backend)
    for name, spec in _pipelines(backend, hostile).items():
        mallory.pipeline(name, spec)
        for release in [one for one in EXPECTED if one.partition("-")[0] == name]:
            mallory.release(release, name, TAG)


def _pipelines(backend: Backend, hostile: HostileServer) -> dict[str, Raw]:
    shop = {"repository": f"http://{backend.host}/mallory/shop"}

    def config(name: str) -> Raw:
        return {"repository": f"http://{backend.host}/mallory/{name}", "delivery": "Commit"}

    at_hostile = {"secretRef": {"name": "git-hostile"}}
    forge = {"type": "Gitea", "apiURL": f"http://{hostile.host}/api/v1", **at_hostile}
    nested = {"repository": f"http://{backend.host}/mallory/good", "forge": forge}
    flow_edits = [{"path": path, "key": "image.tag"} for path in FLOW_FILES]
    return {
        "zeros": _pipeline(shop, config("zeros")),
        "flow": _pipeline(shop, config("flow"), edits=flow_edits),
        "heavy": _pipeline(shop, config("heavy")),
        "nested": _pipeline(shop, nested),
        "echo": _pipeline(shop, config("good")),
        "privileged": _pipeline(shop, config("good"), type="BuildKit"),
        "slow": _pipeline(
            {"repository": f"http://{hostile.host}/slow/shop", **at_hostile}, config("good")
        ),
        "silent": _pipeline(
            {"repository": f"http://{hostile.host}/silent/shop", **at_hostile}, config("good")
        ),
    }


def _pipeline(
    source: Raw,
    config: Raw,
    *,
    edits: list[Raw] | None = None,
    type: str = "Kaniko",  # noqa: A002
) -> Raw:
    app: Raw = {
        "name": "backend",
        "applications": [{"namespace": "argocd", "name": "mallory-backend"}],
    }
    if edits is not None:
        app["edits"] = edits
    return {
        "source": source,
        "build": {"type": type, "image": {"registry": REGISTRY}, "proof": "Builder"},
        "config": config,
        "apps": [app],
    }


def _make_applications(mallory: Namespace, backend: Backend) -> None:
    """Make the Application its releases deploy to, and one that cannot be read."""
    source = {
        "repoURL": f"http://{backend.host}/mallory/good",
        "path": "backend",
        "targetRevision": "main",
    }
    # Those that are to wait for a server lack nothing else.
    consenting = ("echo", "privileged", "nested", "slow", "silent")
    consents = ",".join(f"{mallory.name}/{name}" for name in consenting)
    good: Raw = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "mallory-backend", "annotations": {CONSENT: consents}},
        "spec": {"source": source},
    }
    unreadable: Raw = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "mallory-year-0"},
        "spec": {"source": None, "sources": 5},
        "status": {"reconciledAt": "0000-00-00T00:00:00Z", "sync": 5, "health": None},
    }
    for application in (good, unreadable):
        answer = mallory.server.request("POST", APPLICATIONS, application)
        assert answer.status == 201, answer.message
