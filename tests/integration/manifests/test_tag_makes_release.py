"""The operator as a process, with its own rights: a tag that is pushed makes a release."""

import hashlib
import hmac
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.gitea_server import free_port
from tests.contract.http_backend import Backend, running_backend
from tests.contract.plain_git import git
from tests.integration.apiserver import Answer
from tests.integration.manifests.applications import Raw
from tests.integration.manifests.conftest import Installed
from tests.integration.manifests.operator_process import running_operator
from tests.integration.manifests.operator_stage import Stage, clear, grant, releases_of

SECRET = "a-secret-of-this-test-alone"
# Of its own: what other tests left in a shared one may have the name of a tag.
NAMESPACE = "tagged"
RELEASES = releases_of(NAMESPACE)
PIPELINES = RELEASES.replace("albumreleases", "albumpipelines")
PIPELINE, GIT_SECRET = "tagged", "tagged-git"


class Desk(Stage):
    """An operator that serves a pipeline with triggers, and the source repository."""

    backend: Backend
    webhooks: str

    def push(self, tag: str) -> None:
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
        request = urllib.request.Request(self.webhooks, body, headers)  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            status: int = answer.status
            return status

    def find(self, name: str) -> Answer:
        return self.server.request("GET", f"{RELEASES}/{name}")

    def until_made(self, name: str) -> Raw:
        self.until(lambda: self.find(name).status == 200, f"make {name}")
        made: Raw = self.find(name).body
        return made

    def trigger(self) -> Raw:
        status = self.server.request("GET", f"{PIPELINES}/{PIPELINE}").body.get("status", {})
        of_apps = {app["name"]: app.get("trigger", {}) for app in status.get("apps", [])}
        found: Raw = of_apps.get("backend", {})
        return found


def _fill(installed: Installed, host: str) -> None:
    installed.server.create_namespace(NAMESPACE)
    grant(installed.server, NAMESPACE)
    secret = {"secretRef": {"name": GIT_SECRET}}
    spec = {
        "source": {"repository": f"http://{host}/o/app", **secret},
        "build": {"image": {"registry": "ghcr.io", "repository": "o/app"}, "proof": "Builder"},
        "config": {"repository": f"http://{host}/o/config", "delivery": "Commit", **secret},
        "triggers": {},
        "apps": [{"name": "backend"}],
    }
    for path, raw in (
        (PIPELINES, {"kind": "AlbumPipeline", "metadata": {"name": PIPELINE}, "spec": spec}),
        (
            f"/api/v1/namespaces/{NAMESPACE}/secrets",
            {
                "kind": "Secret",
                "metadata": {"name": GIT_SECRET},
                "stringData": {"url": f"http://{host}", "token": "canary-token"},
            },
        ),
    ):
        version = "v1" if raw["kind"] == "Secret" else "album.dev/v1alpha1"
        made = installed.server.request("POST", path, {"apiVersion": version, **raw})
        assert made.status == 201, made.message


@pytest.fixture
def desk(installed: Installed, tmp_path: Path) -> Iterator[Desk]:
    (tmp_path / "webhook-secret").write_text(SECRET)
    port = free_port()
    with running_backend(tmp_path / "served") as backend:
        backend.make("o/app", {"backend/Dockerfile": b"FROM scratch\n"})
        backend.make("o/config", {"backend/values.yaml": b"image:\n  tag: v1.0.0\n"})
        git(backend.folder / "o" / "app.git", "tag", "backend-v1.1.0", "main")
        _fill(installed, backend.host)
        with running_operator(
            installed,
            tmp_path,
            NAMESPACE,
            ALBUM_INSECURE_HOSTS=backend.host,
            ALBUM_ALLOWED_HOSTS=backend.host,
            ALBUM_WEBHOOK_SECRET_FILE=str(tmp_path / "webhook-secret"),
            ALBUM_WEBHOOK_PORT=str(port),
        ) as operator:
            desk = Desk(installed.server, operator)
            desk.backend, desk.webhooks = backend, f"http://127.0.0.1:{port}/webhooks/gitea"
            yield desk
    installed.server.request("DELETE", f"{PIPELINES}/{PIPELINE}")
    installed.server.request("DELETE", f"/api/v1/namespaces/{NAMESPACE}/secrets/{GIT_SECRET}")
    clear(installed.server, NAMESPACE)


def test_a_pushed_tag_makes_its_release_once_and_one_that_is_deleted_stays_deleted(
    desk: Desk,
) -> None:
    made = desk.until_made("backend-v1.1.0")
    assert made["spec"]["tag"] == "backend-v1.1.0"
    assert made["metadata"]["labels"]["album.dev/trigger"] == "Tag"
    assert made["metadata"]["annotations"]["album.dev/requested-by"] == f"AlbumPipeline {PIPELINE}"

    desk.push("backend-v1.2.0")
    assert desk.deliver("backend-v1.2.0") == 204
    desk.until_made("backend-v1.2.0")
    told = {"tag": "backend-v1.2.0", "version": "v1.2.0", "release": "backend-v1.2.0"}
    desk.until(
        lambda: told.items() <= desk.trigger().get("decided", {}).items(), "say what it decided"
    )
    desk.until(
        lambda: desk.find("backend-v1.2.0").body.get("status", {}).get("requestedBy") == "ada",
        "say who asked",
    )

    desk.server.request("DELETE", f"{RELEASES}/backend-v1.2.0")
    desk.push("backend-v1.2.1")
    desk.deliver("backend-v1.2.1")
    desk.until_made("backend-v1.2.1")
    assert desk.find("backend-v1.2.0").status == 404
    said = desk.operator.log.read_text()
    assert [word for word in ("Traceback", "canary-token", "is lost") if word in said] == []
