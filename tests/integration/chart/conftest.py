"""Helm, and an API server of its own for what it installs: guards and CRDs are cluster-wide."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from distribution.chart import CHART
from testbed.commands import PartError, capture
from testbed.offline import gotools
from tests.integration.apiserver import ApiServer, ensure_programs, running_api_server
from tests.integration.conftest import CRDS
from tests.integration.manifests.applications import CRD, UNKNOWN_FIELDS_STAY

RELEASE = "album"
SYSTEM = "album-system"
DEFAULTS = "album-operator-defaults"
HELMS_OWN = ("helm.sh/resource-policy", "argocd.argoproj.io/sync-options", "checksum/settings")

Objects = dict[tuple[str, str, str], dict[str, Any]]


@dataclass(frozen=True)
class Helm:
    """Helm with nothing of the user's own.

    Attributes:
        program: the program.
        home: where it keeps what it wants to.
        kubeconfig: of the cluster it installs into; none where it only renders.
    """

    program: Path
    home: Path
    kubeconfig: Path | None = None

    def run(self, *arguments: str) -> str:
        """Run it and give its output.

        Raises:
            PartError: it failed.
        """
        variables = {"CACHE": "cache", "CONFIG": "config", "DATA": "data"}
        env = {f"HELM_{name}_HOME": str(self.home / folder) for name, folder in variables.items()}
        env["KUBECONFIG"] = str(self.kubeconfig or self.home / "none")
        return capture([self.program, *arguments], part="helm", env=env, timeout=120)

    def template(self, *arguments: str, namespace: str = SYSTEM, chart: Path = CHART) -> str:
        """Render the chart."""
        return self.run(
            "template", RELEASE, str(chart), "-n", namespace, "--skip-tests", *arguments
        )

    def refusal(self, *arguments: str) -> str:
        """Run it, and give the words of its refusal."""
        with pytest.raises(PartError) as caught:
            self.run(*arguments)
        return str(caught.value)


@contextmanager
def installing(helm: Helm, server: ApiServer) -> Iterator[Helm]:
    """Give Helm with a cluster until the block ends, and leave nothing but namespaces in it."""
    cluster = replace(helm, kubeconfig=server.kubeconfig)
    yield cluster
    for release in json.loads(cluster.run("list", "-A", "-o", "json")):
        cluster.run("uninstall", release["name"], "-n", release["namespace"])
    server.run_kubectl("delete", "--ignore-not-found", "-f", str(CRDS))


def objects_of(text: str) -> Objects:
    """Give the objects of a stream by kind, namespace and name, none of which is there twice."""
    found: Objects = {}
    for one in yaml.safe_load_all(text):
        if one is not None:
            metadata = one["metadata"]
            key = (one["kind"], metadata.get("namespace", ""), metadata["name"])
            assert key not in found
            found[key] = one
    return found


def without_helms_own(objects: Objects) -> Objects:
    """Leave out what keeps an object, and what starts Pods when a setting changes."""
    for one in objects.values():
        annotated = [one["metadata"]]
        if one["kind"] == "Deployment":
            annotated.append(one["spec"]["template"]["metadata"])
        for metadata in annotated:
            for name in HELMS_OWN:
                metadata.get("annotations", {}).pop(name, None)
            if not metadata.get("annotations", True):
                del metadata["annotations"]
    return objects


def written(folder: Path, values: Mapping[str, Any]) -> str:
    """Write values into a file and give the option that names it."""
    path = folder / "values.json"
    path.write_text(json.dumps(values))
    return f"--values={path}"


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Give Helm without a cluster."""
    return Helm(gotools.ensure(["helm"]) / "helm", tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="session")
def chart_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Run an API server that knows Applications, and has namespace `argocd`."""
    binaries = ensure_programs()
    with running_api_server(binaries, tmp_path_factory.mktemp("chart")) as server:
        server.create_namespace("argocd")
        server.request("POST", CRD, UNKNOWN_FIELDS_STAY)
        yield server
