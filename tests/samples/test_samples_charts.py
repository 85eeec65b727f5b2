"""The charts of the config repository, rendered by Helm as Argo CD does."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.commands import capture
from testbed.offline import gotools
from testbed.samples.applications import root_application
from testbed.samples.git import Git
from tests.samples.conftest import FORGE_URL, REGISTRY


@pytest.fixture(scope="module")
def helm() -> Path:
    return gotools.ensure(["helm"]) / "helm"


def render(helm: Path, chart: Path, name: str, *arguments: str) -> list[dict[str, Any]]:
    argv: list[str | Path] = [helm, "template", name, chart, "--namespace=album-app", *arguments]
    return [found for found in yaml.safe_load_all(capture(argv, part="helm")) if found]


def of_kind(objects: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [found for found in objects if found["kind"] == kind]


@pytest.mark.parametrize("app", ["backend", "frontend"])
def test_a_chart_makes_a_deployment_of_the_image_and_its_service(
    app: str, helm: Path, album_app_config: Git
) -> None:
    name = f"album-app-{app}"
    objects = render(helm, album_app_config.folder / app, name)
    [deployment], [service] = of_kind(objects, "Deployment"), of_kind(objects, "Service")
    assert service["metadata"]["name"] == name
    pod = deployment["spec"]["template"]
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    [container] = pod["spec"]["containers"]
    assert container["image"] == f"{REGISTRY}/album/{name}:v1.0.0"
    assert {"readinessProbe", "livenessProbe"} <= container.keys()


@pytest.mark.parametrize(
    ("app", "names"),
    [("backend", ["backend", "metrics", "debug"]), ("frontend", ["frontend", "metrics"])],
)
def test_the_other_tags_of_the_values_belong_to_containers_that_can_be_switched_on(
    app: str, names: list[str], helm: Path, album_app_config: Git
) -> None:
    switches = [f"--set={name}.enabled=true" for name in names[1:]]
    objects = render(helm, album_app_config.folder / app, "x", *switches)
    [deployment] = of_kind(objects, "Deployment")
    containers = deployment["spec"]["template"]["spec"]["containers"]
    assert [container["name"] for container in containers] == names
    values = yaml.safe_load((album_app_config.folder / app / "values.yaml").read_text())
    for container in containers[1:]:
        assert container["image"].endswith(f":{values[container['name']]['image']['tag']}")


def test_the_app_of_apps_gives_consent_and_no_sync_policy(
    helm: Path, album_app_config: Git
) -> None:
    objects = render(helm, album_app_config.folder / "apps", "album-apps")
    applications = {found["metadata"]["name"]: found for found in of_kind(objects, "Application")}
    assert sorted(applications) == ["album-app-backend", "album-app-frontend"]
    for app in ("backend", "frontend"):
        found = applications[f"album-app-{app}"]
        assert found["metadata"]["namespace"] == "argocd"
        assert found["metadata"]["annotations"] == {
            "album.dev/authorized-pipeline": "album/album-app"
        }
        assert "syncPolicy" not in found["spec"]
        assert found["spec"]["source"] == {
            "repoURL": f"{FORGE_URL}/album/album-app-config",
            "targetRevision": "HEAD",
            "path": app,
        }
    [namespace] = of_kind(objects, "Namespace")
    destinations = {found["spec"]["destination"]["namespace"] for found in applications.values()}
    assert destinations == {namespace["metadata"]["name"]}


def test_the_root_application_renders_the_app_of_apps_of_the_same_repository(
    helm: Path, album_app_config: Git
) -> None:
    root = root_application(FORGE_URL)["spec"]
    objects = render(helm, album_app_config.folder / root["source"]["path"], "album-apps")
    urls = {found["spec"]["source"]["repoURL"] for found in of_kind(objects, "Application")}
    assert urls == {root["source"]["repoURL"]}
