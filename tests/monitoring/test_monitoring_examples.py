"""The examples are taken by what they are for."""

import shutil
from pathlib import Path

import pytest
import yaml

from testbed.commands import capture
from testbed.offline import gotools
from tests.monitoring.conftest import Promtool
from tests.unit.docs.documents import ROOT

EXAMPLES = ROOT / "examples"
SCRAPES = yaml.safe_load((EXAMPLES / "prometheus/prometheus.yml").read_text())["scrape_configs"]


def test_prometheus_takes_its_configuration_with_the_rules_beside_it(
    promtool: Promtool, tmp_path: Path
) -> None:
    shutil.copy(EXAMPLES / "prometheus/prometheus.yml", tmp_path)
    shutil.copy(ROOT / "manifests/monitoring/rules.yaml", tmp_path)
    said = promtool("check", "config", tmp_path / "prometheus.yml")
    assert "1 rule files found" in said
    assert "is valid prometheus config file syntax" in said


def test_the_collector_scrapes_as_prometheus_does() -> None:
    collector = yaml.safe_load((EXAMPLES / "otel-collector/collector.yaml").read_text())
    (scrape,) = collector["receivers"]["prometheus"]["config"]["scrape_configs"]
    assert [{"scrape_interval": "30s", **one} for one in SCRAPES] == [scrape]
    for pipeline in collector["service"]["pipelines"].values():
        for part in ("receivers", "processors", "exporters"):
            assert set(pipeline[part]) <= collector[part].keys()


def test_all_scrape_with_the_labels_of_releases() -> None:
    monitor = yaml.safe_load((ROOT / "manifests/monitoring/servicemonitor.yaml").read_text())
    assert [one["honorLabels"] for one in monitor["spec"]["endpoints"]] == [True]
    assert [one["honor_labels"] for one in SCRAPES] == [True]


@pytest.mark.parametrize("kind", ["ServiceMonitor", "PrometheusRule", "ConfigMap"])
def test_the_prometheus_operator_finds_what_is_for_it_by_its_label(kind: str) -> None:
    kubectl = gotools.ensure(["kubectl"]) / "kubectl"
    folder = EXAMPLES / "prometheus-operator"
    rendered = list(yaml.safe_load_all(capture([kubectl, "kustomize", folder], part="kustomize")))
    (found,) = (one for one in rendered if one["kind"] == kind)
    assert found["metadata"]["labels"]["release"] == "kube-prometheus-stack"
    assert found["metadata"]["namespace"] == "album-system"
