"""A running operator with namespaces to serve, and what tests ask of it."""

import re
from collections.abc import Callable

import yaml

from testbed.commands import wait_until
from tests.integration.apiserver import ApiServer
from tests.integration.manifests.applications import (
    APPLICATIONS,
    CONSENT,
    MANIFESTS,
    application,
)
from tests.integration.manifests.operator_process import Running

READY_SECONDS = 60
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces"
NOBODY = "http://127.0.0.1:1"
"""A git server and forge that takes no connection: a release that needs it stays in flight."""

IN_FLIGHT = "Unavailable"

NAMESPACES = ("album", "team-b", "team-c", "rolled-back")
"""Those that are served in these tests."""


def releases_of(namespace: str) -> str:
    """Give the path of a namespace's releases."""
    return f"/apis/album.dev/v1alpha1/namespaces/{namespace}/albumreleases"


def grant(server: ApiServer, namespace: str) -> None:
    """Give the operator the shipped rights in a namespace."""
    for raw in yaml.safe_load_all((MANIFESTS / "namespace" / "rbac.yaml").read_text()):
        server.request("POST", f"{RBAC}/{namespace}/{raw['kind'].lower()}s", raw)


def revoke(server: ApiServer, namespace: str) -> None:
    """Take them away, as the deletion of a namespace may do first."""
    server.request("DELETE", f"{RBAC}/{namespace}/rolebindings/album-operator")


def fill(server: ApiServer, namespace: str) -> None:
    """Put there what a release needs until it asks the git server."""
    server.create_namespace(namespace)
    pipeline = {
        "apiVersion": "album.dev/v1alpha1",
        "kind": "AlbumPipeline",
        "metadata": {"name": "app"},
        "spec": {
            "source": {"repository": f"{NOBODY}/o/app"},
            "build": {"image": {"registry": "ghcr.io", "project": "o"}, "proof": "Builder"},
            "config": {"forge": {"type": "Gitea"}},
            "apps": [{"name": "backend"}],
        },
    }
    runs = application("app-backend")
    runs["metadata"]["annotations"][CONSENT] = ",".join(f"{each}/app" for each in NAMESPACES)
    runs["metadata"]["finalizers"] = []
    assert server.request("POST", APPLICATIONS, runs).status in {201, 409}
    path = releases_of(namespace).replace("albumreleases", "albumpipelines")
    made = server.request("POST", path, pipeline)
    assert made.status in {201, 409}, made.message
    for name, data in (
        ("album-git", {"url": NOBODY, "token": "canary-token"}),
        ("album-registry", {".dockerconfigjson": '{"auths": {"ghcr.io": {"auth": "eDp5"}}}'}),
    ):
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}
        server.request(
            "POST", f"/api/v1/namespaces/{namespace}/secrets", {**secret, "stringData": data}
        )


def make_release(server: ApiServer, namespace: str, name: str, pipeline: str = "app") -> str:
    """Apply a release and give its path."""
    release = {
        "apiVersion": "album.dev/v1alpha1",
        "kind": "AlbumRelease",
        "metadata": {"name": name},
        "spec": {"pipelineRef": {"name": pipeline}, "tag": "backend-v1.1.0"},
    }
    made = server.request("POST", releases_of(namespace), release)
    assert made.status == 201, made.message
    return f"{releases_of(namespace)}/{name}"


def reason_of(server: ApiServer, path: str) -> str:
    """Give the reason of a release's `Ready`, empty before there is one."""
    conditions = server.request("GET", path).body.get("status", {}).get("conditions", [])
    return next((item["reason"] for item in conditions if item["type"] == "Ready"), "")


class Stage:
    """A running operator and what is asked of it."""

    def __init__(self, server: ApiServer, operator: Running) -> None:
        self.server = server
        self.operator = operator
        self.until(operator.is_ready, "become ready", READY_SECONDS)
        self.pid = operator.process.pid

    def until(self, is_so: Callable[[], bool], what: str, seconds: float = 30) -> None:
        """Wait for a condition, named in words after "did not"."""
        log = self.operator.log
        wait_until(is_so, part="operator", what=what, seconds=seconds, log=log)

    def until_ready_is(self, path: str, reason: str, seconds: float = 30) -> None:
        """Wait for a reason of a release."""
        what = f"bring {path.split('/')[-1]} to {reason}"
        self.until(lambda: reason_of(self.server, path) == reason, what, seconds)

    def until_in_flight(self, path: str) -> None:
        """Wait until a release waits for the server nobody runs."""
        self.until(lambda: reason_of(self.server, path).endswith(IN_FLIGHT), "wait for the server")

    def until_served(self, words: str) -> None:
        """Wait until the readiness probe says something."""

        def is_said() -> bool:
            answer = self.operator.find_answer("/readyz")
            return answer is not None and words in answer[1]

        self.until(is_said, f"say `{words}`")

    def until_logged(self, pattern: str) -> None:
        """Wait for a line of the log."""
        self.until(
            lambda: bool(re.search(pattern, self.operator.log.read_text())), f"log `{pattern}`"
        )

    def is_the_same(self) -> bool:
        """Tell whether the first process still runs."""
        return self.operator.process.poll() is None


def clear(server: ApiServer, *namespaces: str) -> None:
    """Delete all releases of namespaces."""
    for namespace in namespaces:
        server.request("DELETE", releases_of(namespace))
