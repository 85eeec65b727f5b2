"""Which metrics and labels queries ask for, and which there are; the dashboard's queries."""

import json
import re
from collections.abc import Iterator
from typing import Any

from album_operator.metrics import declared
from album_operator.metrics.declared import Kind
from distribution.monitoring import PLACE, ROOT

DASHBOARD: dict[str, Any] = json.loads((ROOT / PLACE / "dashboard.json").read_text())
PANELS = [one for one in DASHBOARD["panels"] if one["type"] != "row"]

SUFFIXES = {Kind.HISTOGRAM: ("_bucket", "_count", "_sum")}

METRICS = {
    f"{one.name}{suffix}": one for one in declared.ALL for suffix in SUFFIXES.get(one.kind, ("",))
}
"""What is declared, by the names of its series."""

OF_TARGETS = frozenset({"namespace", "job", "instance", "pod"})
"""Labels that Prometheus gives each series of a scrape, unless it has them."""

VARIABLES = {
    "$__rate_interval": "5m", "$__range_s": "604800", "$__range": "7d",
    "$namespace": ".*", "$pipeline": ".*", "$app": ".*",
}  # fmt: skip
"""What Grafana puts in; a longer name comes before one that it begins with."""

_SELECTOR = re.compile(r"\b(album_\w+)(?:\{([^}]*)\})?")
_LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_VALUES = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')
_GROUPING = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)")


def metrics_of(query: str) -> set[str]:
    """Give the names of the series that a query asks for."""
    return {found[1] for found in _SELECTOR.finditer(query)}


def values_in(query: str) -> Iterator[tuple[str, str, str]]:
    """Give each value that a query wants or does not want: metric, label and value."""
    for name, matchers in _SELECTOR.findall(query):
        for label, words in _VALUES.findall(matchers):
            yield from ((name, label, word) for word in words.split("|") if word != ".*")


def unknown_in(query: str) -> list[str]:
    """Name the metrics, and labels of them, that a query asks for and that do not exist."""
    return sorted(_unknown_in(query))


def _unknown_in(query: str) -> Iterator[str]:
    known = set(OF_TARGETS)
    for name, matchers in _SELECTOR.findall(query):
        if name not in METRICS:
            yield name
            continue
        labels = {*METRICS[name].labels, *OF_TARGETS, "le"}
        known |= labels
        yield from (f"{name}{{{one}}}" for one in _LABEL.findall(matchers) if one not in labels)
    for grouping in _GROUPING.findall(query):
        yield from (one for one in re.findall(r"\w+", grouping) if one not in known)


def queries() -> Iterator[tuple[str, str]]:
    """Give each query of a panel, by the panel's title, as Prometheus gets it."""
    for panel in PANELS:
        for target in panel["targets"]:
            query = target["expr"]
            for name, value in VARIABLES.items():
                query = query.replace(name, value)
            yield panel["title"], query
