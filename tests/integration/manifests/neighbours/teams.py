"""A team with ten apps on a forge of its own, and the namespace of another that means no good."""

import base64
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from testbed.commands import PartError, wait_until
from testbed.github.server import GitHubServer, running_github
from tests.contract.http_backend import commit
from tests.contract.plain_git import git
from tests.integration.apiserver import ApiServer
from tests.integration.manifests.applications import APPLICATIONS, CONSENT, MANIFESTS
from tests.integration.manifests.neighbours.controllers import Controllers

Raw = dict[str, Any]

OWNER = "octo"
REGISTRY = "registry.example.org"
PASSWORD = "canary-0f7a1c52-of-the-registry"
APPS = tuple(f"app{number}" for number in range(10))
FINISHED_SECONDS = 120

VALUES = 'image:\n  repository: {registry}/octo/album-app-{app}\n  tag: "v1.0.0" # the release\n'


@dataclass(frozen=True)
class Namespace:
    """A served namespace, used as its tenants and an admin use it.

    Attributes:
        server: used as the admin.
        name: of the namespace.
    """

    server: ApiServer
    name: str

    def serve(self) -> None:
        """Let the operator serve it, as docs/install.md tells an admin to."""
        if self.server.request("GET", f"/api/v1/namespaces/{self.name}").status == 404:
            self.server.create_namespace(self.name)
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        self.server.request("POST", f"/api/v1/namespaces/{self.name}/serviceaccounts", account)
        self.server.run_kubectl("apply", "-f", "-", stdin=json.dumps(self._rights()))

    def toggle_rights(self, *, are_there: bool) -> None:
        """Take the operator's RoleBinding away, or give it back."""
        binding = next(item for item in self._rights()["items"] if item["kind"] == "RoleBinding")
        path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{self.name}/rolebindings"
        if are_there:
            self.server.request("POST", path, binding)
        else:
            self.server.request("DELETE", f"{path}/{binding['metadata']['name']}")

    def secret(self, name: str, **data: str) -> None:
        """Create a Secret."""
        self._create("/api/v1", {"kind": "Secret", "metadata": {"name": name}, "stringData": data})

    def registry_secret(self) -> None:
        """Create the push Secret that pipelines use by convention."""
        auth = base64.b64encode(f"bot:{PASSWORD}".encode()).decode()
        self.secret(
            "album-registry",
            **{".dockerconfigjson": json.dumps({"auths": {REGISTRY: {"auth": auth}}})},
        )

    def pipeline(self, name: str, spec: Raw) -> None:
        """Create an AlbumPipeline."""
        self._create(
            "/apis/album.dev/v1alpha1",
            {"kind": "AlbumPipeline", "metadata": {"name": name}, "spec": spec},
        )

    def release(self, name: str, pipeline: str, tag: str, **more: object) -> None:
        """Create an AlbumRelease."""
        spec = {"pipelineRef": {"name": pipeline}, "tag": tag, **more}
        self._create(
            "/apis/album.dev/v1alpha1",
            {"kind": "AlbumRelease", "metadata": {"name": name}, "spec": spec},
        )

    def releases(self) -> dict[str, Raw]:
        """Give all AlbumReleases by name."""
        path = f"/apis/album.dev/v1alpha1/namespaces/{self.name}/albumreleases"
        items = self.server.request("GET", path).body["items"]
        return {item["metadata"]["name"]: item for item in items}

    def reasons(self) -> dict[str, str]:
        """Give the reason of Ready of each AlbumRelease."""
        return {name: ready(raw).get("reason", "") for name, raw in self.releases().items()}

    def _create(self, api: str, body: Raw) -> None:
        plural = f"{body['kind'].lower()}s"
        whole = {"apiVersion": api.removeprefix("/apis/").removeprefix("/api/"), **body}
        path = f"{api}/namespaces/{self.name}/{plural}"
        answer = self.server.request("POST", path, whole)
        assert answer.status == 201, answer.message

    def _rights(self) -> Raw:
        text = (MANIFESTS / "namespace" / "rbac.yaml").read_text()
        items = [item for item in yaml.safe_load_all(text) if item]
        for item in items:
            item["metadata"]["namespace"] = self.name
        return {"apiVersion": "v1", "kind": "List", "items": items}


def ready(release: Raw) -> Raw:
    """Give the condition Ready of a release, empty for none."""
    conditions = release.get("status", {}).get("conditions", [])
    return next((item for item in conditions if item["type"] == "Ready"), {})


@contextmanager
def running_forge(folder: Path) -> Iterator[GitHubServer]:
    """Run a forge with the owner of a team's repositories, and limits that no test reaches."""
    with running_github(folder) as forge:
        forge.make_user(OWNER)
        for limit in vars(forge.limits):
            setattr(forge.limits, limit, 1_000_000)
        yield forge


def set_up_team(team: Namespace, forge: GitHubServer) -> None:
    """Give a team its repositories with ten apps, a pipeline, and Applications that run them."""
    source = forge.make_repository(f"{OWNER}/album-app")
    config = forge.make_repository(f"{OWNER}/album-app-config")
    commit(source, "main", {f"{app}/Dockerfile": b"FROM scratch\n" for app in APPS})
    values = {
        f"{app}/values.yaml": VALUES.format(registry=REGISTRY, app=app).encode() for app in APPS
    }
    commit(config, "main", values)
    for app in APPS:
        for version in ("v1.1.0", "v1.2.0"):
            git(source, "tag", f"{app}-{version}", "main")
        application = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {
                "name": f"album-app-{app}",
                "annotations": {
                    CONSENT: f"{team.name}/album-app",
                    "argocd.argoproj.io/refresh": "normal",
                },
            },
            "spec": {
                "source": {
                    "repoURL": f"{forge.url}/{OWNER}/album-app-config",
                    "path": app,
                    "targetRevision": "main",
                }
            },
        }
        assert team.server.request("POST", APPLICATIONS, application).status == 201
    team.registry_secret()
    team.secret("album-git", url=forge.url, token=forge.make_token(OWNER))
    team.pipeline(
        "album-app",
        {
            "source": {"repository": f"{forge.url}/{OWNER}/album-app"},
            "build": {"image": {"registry": REGISTRY}, "proof": "Builder"},
            "config": {"forge": {"type": "GitHub"}, "pullRequest": {"merge": "Auto"}},
            "argocd": {"settle": "1s"},
            "apps": [{"name": app} for app in APPS],
        },
    )


def delete_applications(server: ApiServer) -> None:
    """Delete the Applications of a team and of who means no good."""
    names = [*(f"album-app-{app}" for app in APPS), "mallory-backend", "mallory-year-0"]
    for name in names:
        server.request("DELETE", f"{APPLICATIONS}/{name}")


@contextmanager
def working_team(
    server: ApiServer, name: str, folder: Path, last_words: Mapping[str, str] | None = None
) -> Iterator[tuple[Namespace, GitHubServer]]:
    """Give a team's namespace and its forge, beside builds and an Argo CD that are stood in for.

    Args:
        server: the API server.
        name: of the namespace.
        folder: for the forge's repositories, below it.
        last_words: as of `Controllers`.
    """
    team = Namespace(server, name)
    with running_forge(folder / "forge") as forge, ExitStack() as stack:
        team.serve()
        # Other tests on the same server watch Argo CD's namespace too.
        stack.callback(delete_applications, server)
        set_up_team(team, forge)
        config = forge.git_dir(f"{OWNER}/album-app-config")
        stack.enter_context(
            Controllers(server, [name], config, {} if last_words is None else last_words).running()
        )
        yield team, forge


def release_all(team: Namespace, version: str) -> Mapping[str, float]:
    """Release all ten apps at once, and wait until all are Released.

    Returns:
        Seconds each took, by app.
    """
    begun = {}
    for app in APPS:
        begun[app] = time.monotonic()
        team.release(f"{app}-{version}", "album-app", f"{app}-{version}")
    took: dict[str, float] = {}

    def are_released() -> bool:
        found = team.releases()
        for app in APPS:
            condition = ready(found[f"{app}-{version}"])
            assert condition.get("status") != "False", condition
            if condition.get("reason") == "Released":
                took.setdefault(app, time.monotonic() - begun[app])
        return len(took) == len(APPS)

    wait_until(
        are_released, part=team.name, what="have ten apps released", seconds=FINISHED_SECONDS
    )
    return took


def await_reasons(namespace: Namespace, expected: Mapping[str, Sequence[str]]) -> None:
    """Wait until each release shows one of the reasons that are expected of it."""

    def are_shown() -> bool:
        shown = namespace.reasons()
        return all(shown[name] in reasons for name, reasons in expected.items())

    try:
        wait_until(
            are_shown, part=namespace.name, what="show its reasons", seconds=FINISHED_SECONDS
        )
    except PartError as error:
        shown = {name: ready(raw) for name, raw in namespace.releases().items()}
        others = {
            name: (condition.get("reason"), condition.get("message"))
            for name, condition in shown.items()
            if condition.get("reason") not in expected[name]
        }
        raise AssertionError(f"{others} instead of {expected}") from error
