"""What the chart gives Prometheus and Grafana."""

import json
from pathlib import Path
from typing import Any

import yaml

from distribution.chart import CHART
from testbed.commands import capture, wait_until
from tests.integration.apiserver import ApiServer
from tests.integration.chart.conftest import (
    RELEASE,
    Helm,
    Objects,
    installing,
    objects_of,
    written,
)
from tests.integration.manifests.applications import CRD, MANIFESTS, UNKNOWN_FIELDS_STAY

PARTS = {"ServiceMonitor": "serviceMonitor", "PrometheusRule": "rules", "ConfigMap": "dashboard"}
ON = {"monitoring": {part: {"enabled": True} for part in PARTS.values()}}
KINDS = ("ServiceMonitor", "PrometheusRule")
GROUP = "monitoring.coreos.com"
PLACE = f"/apis/{GROUP}/v1/namespaces/monitored"


def _of_monitoring(objects: Objects) -> Objects:
    return {
        key: one
        for key, one in objects.items()
        if one["apiVersion"].startswith(GROUP) or key[2].endswith("-dashboard")
    }


def test_nothing_is_there_unless_it_is_asked_for(helm: Helm) -> None:
    assert _of_monitoring(objects_of(helm.template())) == {}


def test_it_is_what_the_manifests_have(helm: Helm, kubectl: Path, tmp_path: Path) -> None:
    folder = MANIFESTS / "monitoring"
    wanted = objects_of(capture([kubectl, "kustomize", folder], part="kustomize"))
    assert _of_monitoring(objects_of(helm.template(written(tmp_path, ON)))) == wanted


def test_labels_interval_and_links_are_those_of_the_values(helm: Helm, tmp_path: Path) -> None:
    home = "https://git.example.org/album/src/docs/runbooks.md"
    values: dict[str, Any] = {
        "fullnameOverride": "team-album-operator",
        "monitoring": {
            "labels": {"release": "kube-prometheus-stack"},
            "serviceMonitor": {"enabled": True, "interval": "1m30s"},
            "rules": {"enabled": True, "runbooks": home},
        },
    }
    found = objects_of(helm.template(written(tmp_path, values), namespace="tools"))
    monitor = found["ServiceMonitor", "tools", "team-album-operator"]
    rule = found["PrometheusRule", "tools", "team-album-operator"]
    for one in (monitor, rule):
        assert one["metadata"]["labels"]["release"] == "kube-prometheus-stack"
        assert one["metadata"]["labels"]["app.kubernetes.io/name"] == "album-operator"
    assert monitor["spec"]["endpoints"][0]["interval"] == "1m30s"
    links = [it["annotations"]["runbook_url"] for it in rule["spec"]["groups"][0]["rules"]]
    assert all(link.startswith(f"{home}#album") for link in links)


def _rules_of(helm: Helm, folder: Path, alerts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Give the rules by their alerts, with what values say of single ones."""
    values = {"monitoring": {"rules": {"enabled": True, "alerts": alerts}}}
    (found,) = _of_monitoring(objects_of(helm.template(written(folder, values)))).values()
    (group,) = found["spec"]["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def test_bounds_labels_and_absence_of_single_alerts_are_those_of_the_values(
    helm: Helm, tmp_path: Path
) -> None:
    shipped = _rules_of(helm, tmp_path, {})
    found = _rules_of(
        helm,
        tmp_path,
        {
            "AlbumReviewWaitsLong": {"threshold": 259200, "labels": {"team": "web"}},
            "AlbumRateLimitNear": {"threshold": 0.25},
            "AlbumReleaseStalled": {"for": "1h", "labels": {"severity": "critical"}},
            "AlbumBuildsFail": {"enabled": False},
            "AlbumNoLeader": {"enabled": True},
        },
    )
    del shipped["AlbumBuildsFail"]
    review, limit, stalled = (
        shipped[f"Album{name}"] for name in ("ReviewWaitsLong", "RateLimitNear", "ReleaseStalled")
    )
    for rule, old, new in ((review, "> 86400", "> 259200"), (limit, "< 0.1", "< 0.25")):
        assert rule["expr"].count(old) == 1
        rule["expr"] = rule["expr"].replace(old, new)
    review["labels"]["team"] = "web"
    stalled["labels"]["severity"], stalled["for"] = "critical", "1h"
    assert found == shipped


def test_values_know_each_alert_and_no_other() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    rules = schema["properties"]["monitoring"]["properties"]["rules"]["properties"]
    source = yaml.safe_load((MANIFESTS / "monitoring/rules.yaml").read_text())
    shipped = [rule["alert"] for rule in source["groups"][0]["rules"]]
    assert list(rules["alerts"]["properties"]) == shipped


def test_without_the_prometheus_operator_it_is_refused_and_with_it_installed(
    helm: Helm, chart_server: ApiServer, tmp_path: Path
) -> None:
    with installing(helm, chart_server) as cluster:
        install = ("install", RELEASE, str(CHART), "-n", "monitored", "--create-namespace")
        served = "--set=namespaces[0].name=monitored-builds"
        for kind in KINDS:
            on = f"--set=monitoring.{PARTS[kind]}.enabled=true"
            said = cluster.refusal(*install, served, on)
            assert f"monitoring.{PARTS[kind]}.enabled: this cluster knows no {kind}: inst" in said
            assert cluster.run("list", "-A", "-q") == ""

        for kind in KINDS:
            chart_server.request("POST", CRD, _crd(kind))
        paths = [f"{PLACE}/{kind.lower()}s" for kind in KINDS]
        wait_until(
            lambda: all(chart_server.request("GET", path).status == 200 for path in paths),
            part="CRDs",
            what="become served",
            seconds=30,
        )
        cluster.run(*install, served, written(tmp_path, ON))
        for path in paths:
            assert chart_server.request("GET", f"{path}/album-operator").status == 200


def _crd(kind: str) -> dict[str, Any]:
    """Give a CRD of the Prometheus Operator that takes whatever it is given."""
    plural = f"{kind.lower()}s"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {"plural": plural, "kind": kind},
            "scope": "Namespaced",
            "versions": [UNKNOWN_FIELDS_STAY["spec"]["versions"][0] | {"name": "v1"}],
        },
    }


def test_the_rules_have_no_words_that_helm_would_take_for_its_own(helm: Helm) -> None:
    text = helm.template("--set=monitoring.rules.enabled=true")
    (rule,) = _of_monitoring(objects_of(text)).values()
    source = yaml.safe_load((MANIFESTS / "monitoring/rules.yaml").read_text())
    assert rule["spec"] == source
