"""Quota and LimitRange of `manifests/bounds`, and builds that keep to them."""

import json
import os
from dataclasses import replace
from typing import Any

import pytest

from album_operator.domain.release import BuildType, Resources
from album_operator.render.job import EngineSettings, render_job
from testbed.commands import wait_until
from tests.fakes.builders import RELEASE, RESOLVED
from tests.integration.apiserver import Answer, ApiServer
from tests.integration.manifests.applications import MANIFESTS

BOUNDS = MANIFESTS / "bounds"

Raw = dict[str, Any]


def _build(build_type: BuildType = BuildType.KANIKO, **limits: str) -> Raw:
    """Give the spec of the Pod that the Job controller makes for a build."""
    build = replace(RESOLVED.build, type=build_type, resources=Resources(limits=limits))
    engine = EngineSettings("album-operator:0.1.0", "kaniko:v1", "buildkit:v1")
    job = render_job(RELEASE, replace(RESOLVED, build=build), 1, engine)
    spec: Raw = job["spec"]["template"]["spec"]
    return spec


def _unbounded() -> Raw:
    """Give the spec of a build's Pod without a word of resources."""
    spec = _build()
    for container in (*spec["initContainers"], *spec["containers"]):
        del container["resources"]
    return spec


class Namespace:
    """A namespace in which a test plays the controllers this API server runs without."""

    def __init__(self, server: ApiServer, name: str) -> None:
        self._server = server
        self._path = f"/api/v1/namespaces/{server.create_namespace(name)}"
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        server.request("POST", f"{self._path}/serviceaccounts", account)

    def create(self, spec: Raw) -> Answer:
        """Ask whether a Pod may be created, through all of admission."""
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "build"}, "spec": spec}
        return self._server.request("POST", f"{self._path}/pods?dryRun=All", pod)

    def count(self, builds: int) -> None:
        """Tell in the quota's status that so many builds with the default limits run."""
        path = f"{self._path}/resourcequotas/album-builds"
        hard = self._server.request("GET", path).body["spec"]["hard"]
        used = dict.fromkeys(hard, "0") | {
            "limits.cpu": str(builds * 4),
            "limits.memory": f"{builds * 4}Gi",
            "limits.ephemeral-storage": f"{builds * 20}Gi",
        }
        status = {"status": {"hard": hard, "used": used}}
        assert self._server.request("PATCH", f"{path}/status", status).status == 200

    def await_refusal(self, spec: Raw, why: str) -> None:
        """Wait until the API server's own watches have brought it what refuses this Pod."""
        wait_until(
            lambda: why in self.create(spec).message, part="admission", what="refuse", seconds=10
        )


@pytest.fixture(scope="module")
def with_quota(api_server: ApiServer) -> Namespace:
    namespace = Namespace(api_server, "with-quota")
    quota = BOUNDS / "resourcequota.yaml"
    api_server.run_kubectl("apply", "-n", "with-quota", "-f", str(quota))
    namespace.count(0)
    namespace.await_refusal(_unbounded(), "must specify limits.cpu")
    return namespace


@pytest.fixture(scope="module")
def bounded(api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Namespace:
    """Include the folder from a kustomization with its own namespace, as users are told to."""
    namespace = Namespace(api_server, "bounded")
    folder = tmp_path_factory.mktemp("bounded")
    resources = [os.path.relpath(MANIFESTS / name, folder) for name in ("namespace", "bounds")]
    overlay = {"kind": "Kustomization", "namespace": "bounded", "resources": resources}
    (folder / "kustomization.yaml").write_text(json.dumps(overlay))
    api_server.run_kubectl("apply", "-k", str(folder))
    namespace.count(0)
    namespace.await_refusal(_build(memory="20Gi"), "maximum memory usage per Container is 16Gi")
    return namespace


@pytest.mark.parametrize("build_type", BuildType)
def test_a_build_meets_a_quota_of_every_resource_and_the_bounds_of_a_container(
    with_quota: Namespace, bounded: Namespace, build_type: BuildType
) -> None:
    for namespace in (with_quota, bounded):
        answer = namespace.create(_build(build_type))
        assert answer.status == 201, answer.message
    assert bounded.create(_build(build_type, cpu="8")).status == 201


def test_a_quota_refuses_what_does_not_say_its_needs(with_quota: Namespace) -> None:
    refused = with_quota.create(_unbounded()).message
    for resource in ("cpu", "memory"):  # a quota of disk asks for no word of it
        assert f"limits.{resource} for: build,fetch" in refused
        assert f"requests.{resource} for: build,fetch" in refused


def test_a_pipeline_cannot_take_more_than_the_admin_says(bounded: Namespace) -> None:
    for resource, amount in {"cpu": "9", "memory": "17Gi", "ephemeral-storage": "51Gi"}.items():
        refused = bounded.create(_build(BuildType.KANIKO, **{resource: amount}))
        assert refused.status == 403
        assert f"maximum {resource} usage per Container" in refused.message


def test_what_says_nothing_of_its_needs_gets_little(bounded: Namespace) -> None:
    answer = bounded.create(_unbounded())
    assert answer.status == 201, answer.message
    for container in answer.body["spec"]["containers"]:
        assert container["resources"]["limits"]["memory"] == "512Mi"


def test_five_builds_fit_and_a_sixth_does_not(with_quota: Namespace) -> None:
    with_quota.count(5)
    with_quota.await_refusal(_build(), "exceeded quota: album-builds")
    with_quota.count(4)
    wait_until(
        lambda: with_quota.create(_build()).status == 201,
        part="quota",
        what="have room for a fifth build",
        seconds=10,
    )
