"""examples/otel-collector, run by a real collector beside a real operator.

What it would send to a server of somebody's is sent to one on loopback that keeps it.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from testbed.commands import wait_until
from tests.collector.conftest import RunCollector
from tests.contract.gitea_server import free_port
from tests.fakes.collector import FakeCollector, listening
from tests.integration.manifests.conftest import Installed
from tests.integration.manifests.neighbours.served import SECONDS, Served
from tests.integration.manifests.neighbours.teams import APPS, working_team
from tests.integration.manifests.operator_process import (
    running_operator,
    write_kubeconfig,
)
from tests.unit.docs.documents import ROOT

NAMESPACE = "traced"
STEPS = {"ImageReady", "Proposed", "Merged", "SyncPolicyApplied", "Deployed"}


@dataclass(frozen=True)
class Scene(Served):
    """An operator that sends its traces to a port of this machine.

    Attributes:
        port: where a collector may listen.
        token: of the ServiceAccount that the example's Role is for.
    """

    port: int
    token: str

    def release(self, app: str) -> str:
        """Release an app, and wait until it is out."""
        name = super().release(app)
        self.until_reason(name, "Released")
        return name


@contextmanager
def _scene(installed: Installed, folder: Path) -> Iterator[Scene]:
    server, port = installed.server, free_port()
    with ExitStack() as stack:
        team, forge = stack.enter_context(working_team(server, NAMESPACE, folder))
        operator = stack.enter_context(
            running_operator(
                installed,
                folder,
                NAMESPACE,
                ALBUM_INSECURE_HOSTS=forge.host,
                ALBUM_MERGE_POLL_SECONDS="0.3",
                OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}",
                # Of the SDK: spans leave it after so many milliseconds, in place of five seconds.
                OTEL_BSP_SCHEDULE_DELAY="200",
            )
        )
        wait_until(operator.is_ready, part="operator", what="be ready", seconds=SECONDS)
        server.create_namespace("monitoring")
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "prometheus"}}
        server.request("POST", "/api/v1/namespaces/monitoring/serviceaccounts", account)
        server.run_kubectl("apply", "-f", str(ROOT / "examples/prometheus/rbac.yaml"))
        token = server.issue_token("monitoring", "prometheus")
        yield Scene(team, operator, port, token)


@pytest.fixture(scope="module")
def scene(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with _scene(installed, tmp_path_factory.mktemp("traced")) as made:
        yield made


def _example(scene: Scene, behind: FakeCollector, folder: Path) -> dict[str, Any]:
    """Give the example with addresses of this machine, with the rights that it names."""
    found: dict[str, Any] = yaml.safe_load(
        (ROOT / "examples/otel-collector/collector.yaml").read_text()
    )
    found["receivers"]["otlp"]["protocols"]["http"]["endpoint"] = f"127.0.0.1:{scene.port}"
    (scrape,) = found["receivers"]["prometheus"]["config"]["scrape_configs"]
    scrape["scrape_interval"] = "1s"
    kubeconfig = write_kubeconfig(Installed(scene.team.server, scene.token), folder)
    scrape["kubernetes_sd_configs"][0]["kubeconfig_file"] = str(kubeconfig)
    found["exporters"]["otlphttp"]["endpoint"] = behind.url
    return found


def _show_pod(scene: Scene) -> None:
    """Let the API server have the Pod of the shipped Deployment, as it would be on this machine."""
    pods = "/api/v1/namespaces/album-system/pods"
    deployments = "/apis/apps/v1/namespaces/album-system/deployments"
    found = scene.team.server.request("GET", f"{deployments}/album-operator").body
    pod = found["spec"]["template"]
    pod["metadata"]["name"] = "operator"
    (container,) = pod["spec"]["containers"]
    (port,) = [one for one in container["ports"] if one["name"] == "metrics"]
    port["containerPort"] = scene.operator.metrics_port
    made = scene.team.server.request("POST", pods, pod)
    assert made.status == 201, made.message
    status = {"status": {"phase": "Running", "podIP": "127.0.0.1", "podIPs": [{"ip": "127.0.0.1"}]}}
    shown = scene.team.server.request("PATCH", f"{pods}/operator/status", status)
    assert shown.status == 200, shown.message


def _attributes(found: Span) -> dict[str, str]:
    return {each.key: each.value.string_value for each in found.attributes}


def _values(attributes: list[KeyValue]) -> dict[str, str]:
    return {each.key: each.value.string_value for each in attributes}


def test_a_release_arrives_as_one_trace_and_the_figures_with_it(
    scene: Scene, collector: RunCollector, tmp_path: Path
) -> None:
    with listening() as behind, collector(_example(scene, behind, tmp_path), tmp_path) as log:
        _show_pod(scene)
        scene.until(lambda: "Everything is ready" in log.read_text(), "start a collector")
        name = scene.release(APPS[0])

        scene.until(lambda: len(behind.spans) > len(STEPS) + 1, "hand a trace on")
        spans = behind.spans
        (root,) = [one for one in spans if not one.parent_span_id]
        assert root.name == f"RUN album-app/{APPS[0]}"
        assert root.kind == Span.SPAN_KIND_SERVER
        told = _attributes(root)
        assert told["album.release"] == f"{NAMESPACE}/{name}"
        assert told["k8s.namespace.name"] == NAMESPACE
        assert told["cicd.pipeline.result"] == "success"
        assert {one.trace_id for one in spans} == {root.trace_id}
        below = {one.name for one in spans if one.parent_span_id == root.span_id}
        assert below == STEPS
        (build,) = [one for one in spans if one.name == "build"]
        (image,) = [one for one in spans if one.name == "ImageReady"]
        assert build.parent_span_id == image.span_id

        def released() -> list[float]:
            return [value for labels, value in _finished(behind) if labels["app"] == APPS[0]]

        scene.until(lambda: 1.0 in released(), "hand the figures on")
        assert "\terror\t" not in log.read_text()


def _finished(behind: FakeCollector) -> list[tuple[dict[str, str], float]]:
    """Give labels and value of the releases that were Released, each time that it was told."""
    got = [
        ExportMetricsServiceRequest.FromString(body)
        for path, _, body in behind.got
        if path == "/v1/metrics"
    ]
    points = [
        point
        for request in got
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == "album_releases_finished_total"
        for point in metric.sum.data_points
    ]
    told = [(_values(list(point.attributes)), point.as_double) for point in points]
    return [one for one in told if one[0]["reason"] == "Released"]


def test_no_release_waits_for_a_collector_that_is_gone_and_the_log_says_what_is_lost(
    scene: Scene, collector: RunCollector, tmp_path: Path
) -> None:
    name = scene.release(APPS[1])
    scene.until(lambda: _has_lost(scene), "say that spans are lost")

    with listening() as behind, collector(_example(scene, behind, tmp_path), tmp_path) as log:
        scene.until(lambda: "Everything is ready" in log.read_text(), "start a collector")
        later = scene.release(APPS[2])

        def told() -> set[str]:
            roots = [one for one in behind.spans if not one.parent_span_id]
            return {_attributes(one)["album.release"] for one in roots}

        scene.until(lambda: f"{NAMESPACE}/{later}" in told(), "hand a trace on again")
        assert f"{NAMESPACE}/{name}" not in told()


def _has_lost(scene: Scene) -> bool:
    lines = scene.operator.log.read_text().splitlines()
    return any("batch due to timeout, max retries" in line for line in lines)
