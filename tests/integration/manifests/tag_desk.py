"""An operator as a process, with its own rights, whose pipelines make releases of tags."""

import hashlib
import hmac
import json
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
        apps: their names.
    """

    installed: Installed
    namespace: str
    backend: Backend
    folder: Path
    apps: tuple[str, ...]
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.server = self.installed.server
        self.releases = releases_of(self.namespace)
        self.pipelines = self.releases.replace("albumreleases", "albumpipelines")

    @contextmanager
    def operator(
        self,
        *also_insecure: str,
        beside: "tuple[Desk, ...]" = (),
        **settings: Any,  # noqa: ANN401 - names of settings
    ) -> Iterator[Stage]:
        """Run an operator until the block ends, which kills it.

        Args:
            also_insecure: hosts that it may speak plain HTTP to, beside those of the desks.
            beside: others that it serves too.
            settings: `ALBUM_*` of it.
        """
        desks = (self, *beside)
        hosts = [desk.backend.host for desk in desks]
        with ExitStack() as stack:
            (folder := self.folder / f"operator-{free_port()}").mkdir()
            running = running_operator(
                self.installed,
                folder,
                ",".join(desk.namespace for desk in desks),
                ALBUM_INSECURE_HOSTS=",".join((*hosts, *also_insecure)),
                ALBUM_ALLOWED_HOSTS=",".join(hosts),
                ALBUM_WEBHOOK_SECRET_FILE=str(self.folder / "webhook-secret"),
                ALBUM_WEBHOOK_PORT=str(self.port),
                **settings,
            )
            yield Stage(self.server, stack.enter_context(running))

    def push(self, *tags: str) -> None:
        """Push tags of the one commit."""
        for tag in tags:
            git(self.backend.folder / "o" / "app.git", "tag", tag, "main")

    def deliver(
        self, tag: str, repository: str = "o/app", user: str = "ada", port: int | None = None
    ) -> int:
        """Tell an operator of a tag of a repository, as a Gitea does; its own, unless by a port."""
        of, sender = {"html_url": f"http://{self.backend.host}/{repository}"}, {"login": user}
        told = {"ref": tag, "ref_type": "tag", "repository": of, "sender": sender}
        body = json.dumps(told).encode()
        headers = {
            "X-Gitea-Signature": hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest(),
            "X-Gitea-Event": "create",
            "X-Gitea-Delivery": f"{repository} {tag}",
        }
        url = f"http://127.0.0.1:{port or self.port}/webhooks/gitea"
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

    def names(self) -> set[str]:
        """Give the releases that there are."""
        items = self.server.request("GET", self.releases).body["items"]
        return {item["metadata"]["name"] for item in items}

    def trigger(self, app: str = "backend") -> Raw:
        """Give what the pipeline's status says of the trigger of an app."""
        status = self.server.request("GET", f"{self.pipelines}/{PIPELINE}").body.get("status", {})
        of_apps = {each["name"]: each.get("trigger", {}) for each in status.get("apps", [])}
        found: Raw = of_apps.get(app, {})
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
        for app in self.apps:
            runs = application(f"{self.namespace}-{app}")
            runs["metadata"]["annotations"][CONSENT] = f"{self.namespace}/{PIPELINE}"
            runs["metadata"]["finalizers"] = []
            source = {"repoURL": f"http://{self.backend.host}/o/config", "path": app}
            runs["spec"]["source"].update(source)
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
                    "name": app,
                    "applications": [{"namespace": "argocd", "name": f"{self.namespace}-{app}"}],
                }
                for app in self.apps
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
        for app in self.apps:
            self.server.request("DELETE", f"{APPLICATIONS}/{self.namespace}-{app}")


@contextmanager
def desk_in(
    installed: Installed,
    namespace: str,
    folder: Path,
    spec: Raw,
    apps: tuple[str, ...] = ("backend",),
) -> Iterator[Desk]:
    """Make a desk in a namespace that no other test uses.

    Args:
        installed: the API server.
        namespace: its name.
        folder: an empty folder.
        spec: of the pipeline, beside what every one here has.
        apps: names of its apps.
    """
    (folder / "webhook-secret").write_text(SECRET)
    with running_backend(folder / "served") as backend:
        backend.make("o/app", {f"{app}/Dockerfile": b"FROM scratch\n" for app in apps})
        values = {f"{app}/values.yaml": b"image:\n  tag: v1.0.0\n" for app in apps}
        backend.make("o/config", values)
        desk = Desk(installed, namespace, backend, folder, apps)
        desk.fill(**spec)
        try:
            yield desk
        finally:
            desk.clear()
