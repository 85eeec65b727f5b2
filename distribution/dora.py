"""The five DORA figures as queries: https://dora.dev/guides/dora-metrics (of 2026-01-05)."""

from __future__ import annotations

from dataclasses import dataclass

from album_operator.domain.figures import FAILED_DEPLOYMENTS

FAILED = "|".join(sorted(FAILED_DEPLOYMENTS))

FINISHED = "album_releases_finished_total"


@dataclass(frozen=True)
class Figure:
    """One of the five.

    Attributes:
        name: As DORA has it.
        query: In PromQL.
        unit: As Grafana names it.
    """

    name: str
    query: str
    unit: str


@dataclass(frozen=True)
class Window:
    """What figures are about.

    Attributes:
        length: As PromQL has it.
        days: The same as a number.
        matchers: Of labels, such as `namespace="album"`; empty for everything.
        by: Labels that there is a figure for each of; empty for one of all.
    """

    length: str
    days: str
    matchers: str = ""
    by: str = ""

    def total(self, metric: str, *matchers: str) -> str:
        """Give the query of how much a counter grew."""
        over = f" by ({self.by})" if self.by else ""
        return f"sum{over} ({self._increase(metric, *matchers)})"

    def median(self, metric: str) -> str:
        """Give the query of a histogram's median."""
        labels = f"{self.by}, le" if self.by else "le"
        return f"histogram_quantile(0.5, sum by ({labels}) ({self._increase(f'{metric}_bucket')}))"

    def _increase(self, metric: str, *matchers: str) -> str:
        chosen = ",".join(part for part in (self.matchers, *matchers) if part)
        return f"increase({metric}{f'{{{chosen}}}' if chosen else ''}[{self.length}])"


def figures(window: Window) -> tuple[Figure, ...]:
    """Give the five figures of a window."""
    released = window.total(FINISHED, 'reason="Released"')
    failed = window.total(FINISHED, f'reason=~"{FAILED}"')
    ended = window.total(FINISHED, f'reason=~"Released|{FAILED}"')
    rework = window.total("album_releases_rework_total")
    return (
        Figure("Change lead time", window.median("album_release_lead_time_seconds"), "s"),
        Figure("Deployment frequency", f"{released} / {window.days}", "short"),
        Figure("Failed deployment recovery time", window.median("album_recovery_seconds"), "s"),
        Figure("Change fail rate", _share(failed, ended), "percentunit"),
        Figure("Deployment rework rate", _share(rework, released), "percentunit"),
    )


def _share(part: str, whole: str) -> str:
    # What never happened has no series, and is none of all.
    return f"({part} or 0 * {whole}) / {whole}"
