"""The dashboard as Grafana reads it; what it shows is in `panels`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from distribution.panels import OF_NAMESPACE, ROWS, Panel

UID = "album-release-operator"
TITLE = "Album release operator"
SCHEMA = 39
"""Version of Grafana's schema: that of 11.0, which later ones read."""

# Which Prometheus it is asks Grafana's reader, so that no installation's own id is in the file.
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
SCRAPED = "30s"
"""How often our ServiceMonitor has the metrics scraped. Grafana makes the windows of rates of it,
and takes 15 s where nothing is said: one lost scrape would leave a gap then."""

HEIGHTS = {"stat": 4, "timeseries": 8, "table": 8}
COLUMNS = 24


def render() -> str:
    """Give the dashboard's JSON."""
    dashboard = {
        "uid": UID,
        "title": TITLE,
        "description": "Releases from a git tag to a Healthy app: docs/dora.md, docs/runbooks.md",
        "tags": ["album", "gitops"],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": {"from": "now-7d", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": []},
        "links": [],
        "templating": {"list": list(_variables())},
        "panels": list(_panels()),
    }
    return json.dumps(dashboard, indent=2) + "\n"


def _variables() -> Iterator[dict[str, Any]]:
    yield {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    seen = "album_releases_finished_total"
    for name, query in (
        ("namespace", "label_values(album_pipelines, namespace)"),
        ("pipeline", f"label_values({seen}{{{OF_NAMESPACE}}}, pipeline)"),
        ("app", f'label_values({seen}{{{OF_NAMESPACE},pipeline=~"$pipeline"}}, app)'),
    ):
        yield {
            "name": name,
            "label": name.capitalize(),
            "type": "query",
            "datasource": SOURCE,
            "query": {"query": query, "refId": name},
            "definition": query,
            # At each change of the time shown: names come and go.
            "refresh": 2,
            "sort": 1,
            "multi": True,
            "includeAll": True,
            # Of what nothing has ended yet no name is known: it is shown with all others.
            "allValue": ".*",
            "current": {"text": ["All"], "value": ["$__all"]},
        }


def _panels() -> Iterator[dict[str, Any]]:
    number, top = 0, 0
    for row in ROWS:
        number += 1
        place = {"h": 1, "w": COLUMNS, "x": 0, "y": top}
        yield {"id": number, "type": "row", "title": row.title, "gridPos": place,
               "collapsed": False, "panels": []}  # fmt: skip
        top, left, height = top + 1, 0, 0
        for panel in row.panels:
            if left + panel.width > COLUMNS:
                top, left, height = top + height, 0, 0
            number += 1
            place = {"h": HEIGHTS[panel.kind], "w": panel.width, "x": left, "y": top}
            yield _panel(number, panel, place)
            left, height = left + panel.width, max(height, HEIGHTS[panel.kind])
        top += height


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    is_now = panel.kind in {"stat", "table"}
    targets = [
        {
            "refId": chr(ord("A") + index),
            "datasource": SOURCE,
            "expr": query.expression,
            "legendFormat": query.legend or "__auto",
            "instant": is_now,
            "range": not is_now,
            "format": "table" if panel.kind == "table" else "time_series",
        }
        for index, query in enumerate(panel.queries)
    ]
    shown: dict[str, Any] = {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": SOURCE,
        "gridPos": place,
        "interval": SCRAPED,
        "targets": targets,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {},
    }
    if panel.kind == "table":
        # The one time of all rows says nothing.
        shown["transformations"] = [
            {"id": "organize", "options": {"excludeByName": {"Time": True}}}
        ]
    return shown
