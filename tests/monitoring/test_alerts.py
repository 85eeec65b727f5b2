"""The alerts fire for what they are for, and each leads to its runbook."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from album_operator.domain.reasons import Reason
from distribution import monitoring
from tests.monitoring.conftest import Promtool
from tests.monitoring.queries import METRICS, unknown_in, values_in
from tests.unit.docs.documents import ROOT, read, rows, section

RULES = ROOT / "manifests/monitoring/rules.yaml"
SERIES = Path(__file__).with_name("alerts.yaml")
(GROUP,) = yaml.safe_load(RULES.read_text())["groups"]
ALERTS: dict[str, dict[str, Any]] = {rule["alert"]: rule for rule in GROUP["rules"]}
REFERENCE = read("docs/reference.md")
RUNBOOKS = read("docs/runbooks.md")

each_alert = pytest.mark.parametrize("name", ALERTS)


def test_they_fire_for_what_they_are_for_and_for_nothing_else(promtool: Promtool) -> None:
    assert "SUCCESS" in promtool("test", "rules", SERIES)


def test_each_is_tried_where_it_fires_and_where_it_does_not() -> None:
    tried = [
        (one["alertname"], bool(one.get("exp_alerts")))
        for case in yaml.safe_load(SERIES.read_text())["tests"]
        for one in case["alert_rule_test"]
    ]
    assert {name for name, fires in tried if fires} == ALERTS.keys()
    # Of these the same moment has series that it is silent about.
    assert ALERTS.keys() - {name for name, fires in tried if not fires} == {"AlbumBuildsFail"}


@each_alert
def test_what_it_asks_for_exists(name: str) -> None:
    assert unknown_in(ALERTS[name]["expr"]) == []


@each_alert
def test_its_runbook_says_what_it_means_where_to_look_and_what_to_do(name: str) -> None:
    assert ALERTS[name]["annotations"]["runbook_url"] == f"docs/runbooks.md#{name.lower()}"
    text = section(RUNBOOKS, name)
    assert [word in text for word in ("**It means**", "**Look here**", "**Do this**")] == [True] * 3


@each_alert
def test_it_says_how_bad_it_is_in_one_line_and_in_a_few(name: str) -> None:
    rule = ALERTS[name]
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert all(text.endswith((".", "}")) for text in list(rule["annotations"].values())[:2])


@each_alert
def test_the_values_it_tells_apart_are_those_of_the_reference(name: str) -> None:
    told = {row[0].strip("`"): row[-1] for row in rows(section(REFERENCE, "Metrics"))}
    for metric, label, value in values_in(ALERTS[name]["expr"]):
        if label == "reason":
            assert value in set(Reason)
        else:
            assert f"`{value}`" in told[METRICS[metric].name]


def test_there_is_no_runbook_without_an_alert() -> None:
    headings = [line[3:] for line in RUNBOOKS.splitlines() if line.startswith("## ")]
    assert sorted(headings) == sorted(ALERTS)


def test_the_prometheus_operator_gets_the_same_rules() -> None:
    text = (ROOT / monitoring.PLACE / "prometheusrule.yaml").read_text()
    assert yaml.safe_load(text)["spec"] == yaml.safe_load(RULES.read_text())
