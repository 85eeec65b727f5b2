"""The dashboard shows what there is, in queries that Prometheus takes."""

import shutil
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from album_operator.metrics import declared
from distribution import monitoring
from distribution.monitoring import PLACE, ROOT, main
from tests.monitoring.conftest import Promtool
from tests.monitoring.queries import DASHBOARD, METRICS, PANELS, metrics_of, queries, unknown_in


def test_what_its_queries_ask_for_exists() -> None:
    of_variables = [one["query"]["query"] for one in DASHBOARD["templating"]["list"][1:]]
    asked = [query for _, query in queries()] + of_variables
    assert {query: unknown_in(query) for query in asked if unknown_in(query)} == {}


def test_every_metric_is_shown() -> None:
    shown = {METRICS[name].name for _, query in queries() for name in metrics_of(query)}
    assert shown == {one.name for one in declared.ALL}


def test_prometheus_takes_its_queries(promtool: Promtool, tmp_path: Path) -> None:
    rules = [
        {"record": f"query_{number}", "expr": query} for number, (_, query) in enumerate(queries())
    ]
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", path)


def test_each_window_of_a_query_has_the_scrapes_it_needs() -> None:
    monitor = yaml.safe_load((ROOT / PLACE / "servicemonitor.yaml").read_text())
    (endpoint,) = monitor["spec"]["endpoints"]
    assert {panel["interval"] for panel in PANELS} == {endpoint["interval"]}
    # Two points of a panel may be nearer than two scrapes: such a window has nothing to compare.
    written = [target["expr"] for panel in PANELS for target in panel["targets"]]
    assert not [query for query in written if "[$__interval]" in query]
    assert any("[$__rate_interval]" in query for query in written)


def test_no_installations_own_data_source_is_in_it() -> None:
    asked = [one for panel in PANELS for one in (panel, *panel["targets"])]
    asked += DASHBOARD["templating"]["list"][1:]
    assert {one["datasource"]["uid"] for one in asked} == {"${datasource}"}
    assert DASHBOARD["templating"]["list"][0]["name"] == "datasource"


def test_no_panel_covers_another() -> None:
    def cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
        x, y, w, h = (panel["gridPos"][key] for key in "xywh")
        assert x + w <= 24
        return {(column, row) for column in range(x, x + w) for row in range(y, y + h)}

    for one, other in combinations(DASHBOARD["panels"], 2):
        assert one["id"] != other["id"]
        assert not cells(one) & cells(other), (one["title"], other["title"])


def test_what_is_old_is_named_and_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ROOT / PLACE, tmp_path / PLACE)
    monkeypatch.setattr(monitoring, "ROOT", tmp_path)
    (tmp_path / PLACE / "dashboard.json").unlink()
    rules = tmp_path / PLACE / "rules.yaml"
    rules.write_text(rules.read_text().replace("for: 5m", "for: 6m"))

    assert main(["--check"]) == 1
    said = "manifests/monitoring: prometheusrule.yaml, dashboard.json are old; run `make manifests`"
    assert said in capsys.readouterr().err
    assert main([]) == 0
    assert main(["--check"]) == 0
