"""An operator as a process, with its own rights, whose pipelines make releases of tags."""

import hashlib
import hmac
import json
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.contract.gitea_server import free_port
from tests.contract.http_backend import Backend, running_backend
from tests.contract.plain_git import git
from tests.integration.apiserver import Answer
from tests.integration.manifests.applications import APPLICATIONS, CONSENT, Raw, application
from tests.integration.manifests.conftest import Installed
from tests.integration.manifests.operator_process import running_operator
from tests.integration.manifests.operator_stage import Stage, clear, grant, reason_of, releases_of

SECRET = "a-secret-of-this-test-alone"
PIPELINE, GIT_SECRET = "tagged", "tagged-git"


@dataclass
class Desk:
    """A pipeline with triggers in a namespace of its own, and who works on it.

    Attributes:
        installed: the API server.
        namespace: that is served.
        backend: serves the source and the config repository.
        folder: for files of operators.
    """

    installed: Installed
    namespace: str
    backend: Backend
    folder: Path
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.server = self.installed.server
        self.releases = releases_of(self.namespace)
        self.pipelines = self.releases.replace("albumreleases", "albumpipelines")

    @contextmanager
    def operator(self, *also_insecure: str, sinks_file: str = "") -> Iterator[Stage]:
        """Run an operator until the block ends, which kills it."""
        with ExitStack() as stack:
            (folder := self.folder / f"operator-{free_port()}").mkdir()
            running = running_operator(
                self.installed,
                folder,
                self.namespace,
                ALBUM_INSECURE_HOSTS=",".join((self.backend.host, *also_insecure)),
                ALBUM_ALLOWED_HOSTS=self.backend.host,
                ALBUM_WEBHOOK_SECRET_FILE=str(self.folder / "webhook-secret"),
                ALBUM_WEBHOOK_PORT=str(self.port),
                ALBUM_NOTIFICATIONS_FILE=sinks_file,
            )
            yield Stage(self.server, stack.enter_context(running))

    def push(self, *tags: str) -> None:
        """Push tags of the one commit."""
        for tag in tags:
            git(self.backend.folder / "o" / "app.git", "tag", tag, "main")

    def deliver(self, tag: str) -> int:
        """Tell the operator of a tag, as a Gitea does."""
        repository = {"html_url": f"http://{self.backend.host}/o/app"}
        told = {"ref": tag, "ref_type": "tag", "repository": repository, "sender": {"login": "ada"}}
        body = json.dumps(told).encode()
        headers = {
            "X-Gitea-Signature": hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest(),
            "X-Gitea-Event": "create",
            "X-Gitea-Delivery": tag,
        }
        url = f"http://127.0.0.1:{self.port}/webhooks/gitea"
        request = urllib.request.Request(url, body, headers)
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            status: int = answer.status
            return status

    def find(self, name: str) -> Answer:
        """Ask for a release."""
        return self.server.request("GET", f"{self.releases}/{name}")

    def reason(self, name: str) -> str:
        """Give the reason of a release's `Ready`, empty before there is one."""
        if self.find(name).status != 200:
            return ""
        return reason_of(self.server, f"{self.releases}/{name}")

    def jobs(self) -> set[str]:
        """Give the releases that have a Job."""
        path = f"/apis/batch/v1/namespaces/{self.namespace}/jobs"
        jobs = self.server.request("GET", path).body["items"]
        return {owner["name"] for job in jobs for owner in job["metadata"]["ownerReferences"]}

    def trigger(self) -> Raw:
        """Give what the pipeline's status says of the trigger of the app."""
        status = self.server.request("GET", f"{self.pipelines}/{PIPELINE}").body.get("status", {})
        of_apps = {app["name"]: app.get("trigger", {}) for app in status.get("apps", [])}
        found: Raw = of_apps.get("backend", {})
        return found

    def fill(self, **spec: object) -> None:
        """Make the namespace, the pipeline and what it names."""
        self.server.create_namespace(self.namespace)
        grant(self.server, self.namespace)
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        below = f"/api/v1/namespaces/{self.namespace}"
        self.server.request("POST", f"{below}/serviceaccounts", account)
        git_secret = {"url": f"http://{self.backend.host}", "token": "canary-token"}
        docker = {".dockerconfigjson": '{"auths": {"ghcr.io": {"auth": "eDp5"}}}'}
        self._secret(GIT_SECRET, "Opaque", git_secret)
        self._secret("album-registry", "kubernetes.io/dockerconfigjson", docker)
        runs = application(f"{self.namespace}-backend")
        runs["metadata"]["annotations"][CONSENT] = f"{self.namespace}/{PIPELINE}"
        runs["metadata"]["finalizers"] = []
        runs["spec"]["source"]["repoURL"] = f"http://{self.backend.host}/o/config"
        assert self.server.request("POST", APPLICATIONS, runs).status == 201
        made = self.server.request("POST", self.pipelines, self._pipeline(spec))
        assert made.status == 201, made.message

    def _pipeline(self, spec: Raw) -> Raw:
        secret, host = {"secretRef": {"name": GIT_SECRET}}, self.backend.host
        usual = {
            "source": {"repository": f"http://{host}/o/app", **secret},
            "build": {"image": {"registry": "ghcr.io", "repository": "o/app"}, "proof": "Builder"},
            "config": {
                "repository": f"http://{host}/o/config",
                "delivery": "Commit",
                **secret,
            },
            "triggers": {},
            "apps": [
                {
                    "name": "backend",
                    "applications": [{"namespace": "argocd", "name": f"{self.namespace}-backend"}],
                }
            ],
        }
        return {
            "apiVersion": "album.dev/v1alpha1",
            "kind": "AlbumPipeline",
            "metadata": {"name": PIPELINE},
            "spec": {**usual, **spec},
        }

    def _secret(self, name: str, kind: str, data: dict[str, str]) -> None:
        raw = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name},
            "type": kind,
            "stringData": data,
        }
        path = f"/api/v1/namespaces/{self.namespace}/secrets"
        assert self.server.request("POST", path, raw).status == 201

    def clear(self) -> None:
        """Remove what tests share the server with: names are of this namespace alone."""
        self.server.request("DELETE", f"{self.pipelines}/{PIPELINE}")
        clear(self.server, self.namespace)
        self.server.request("DELETE", f"{APPLICATIONS}/{self.namespace}-backend")


@contextmanager
def desk_in(installed: Installed, namespace: str, folder: Path, spec: Raw) -> Iterator[Desk]:
    """Make a desk in a namespace that no other test uses.

    Args:
        installed: the API server.
        namespace: its name.
        folder: an empty folder.
        spec: of the pipeline, beside what every one here has.
    """
    (folder / "webhook-secret").write_text(SECRET)
    with running_backend(folder / "served") as backend:
        backend.make("o/app", {"backend/Dockerfile": b"FROM scratch\n"})
        backend.make("o/config", {"backend/values.yaml": b"image:\n  tag: v1.0.0\n"})
        desk = Desk(installed, namespace, backend, folder)
        desk.fill(**spec)
        try:
            yield desk
        finally:
            desk.clear()
