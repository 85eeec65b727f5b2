"""What the dashboard shows, row by row."""

from __future__ import annotations

from dataclasses import dataclass

from distribution.dora import Window, figures

OF_RELEASE = 'namespace=~"$namespace",pipeline=~"$pipeline",app=~"$app"'
OF_NAMESPACE = 'namespace=~"$namespace"'
SHOWN = Window("$__range", "($__range_s / 86400)", OF_RELEASE)


@dataclass(frozen=True)
class Query:
    """A query of a panel, and what its series are called.

    Attributes:
        expression: In PromQL, with Grafana's variables.
        legend: With labels in double braces.
    """

    expression: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """A panel.

    Attributes:
        title: Above it.
        description: What a reader has to know of it.
        queries: What it shows.
        unit: As Grafana names it.
        kind: Of Grafana's panels.
        width: Of 24.
    """

    title: str
    description: str
    queries: tuple[Query, ...]
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 8


@dataclass(frozen=True)
class Row:
    """Panels below a heading."""

    title: str
    panels: tuple[Panel, ...]


def _figure(title: str, description: str, expression: str, unit: str = "short") -> Panel:
    return Panel(title, description, (Query(expression),), unit, "stat", 4)


def _rate(metric: str, by: str, matchers: str = "") -> Query:
    chosen = f"{{{matchers}}}" if matchers else ""
    legend = " ".join(f"{{{{{label}}}}}" for label in by.split(", "))
    return Query(f"sum by ({by}) (rate({metric}{chosen}[$__rate_interval]))", legend)


def _quantile(share: float, metric: str, by: str = "") -> Query:
    labels = f"{by}, le" if by else "le"
    legend = f"{{{{{by}}}}} " if by else ""
    buckets = f"sum by ({labels}) (rate({metric}_bucket[$__rate_interval]))"
    return Query(f"histogram_quantile({share}, {buckets})", f"{legend}{share:.1%}")


def _in_range(share: float, metric: str, by: str = "") -> Query:
    """Give a quantile of all that is shown, for what happens a few times a day."""
    labels = f"{by}, le" if by else "le"
    legend = f"{{{{{by}}}}} " if by else ""
    buckets = f"sum by ({labels}) (increase({metric}_bucket{{{OF_RELEASE}}}[$__range]))"
    return Query(f"histogram_quantile({share}, {buckets})", f"{legend}{share:.0%}")


_NOW = Row("Now", (
    _figure("At work", "Releases in flight, those apart that are suspended.",
            f'sum(album_releases{{{OF_NAMESPACE},state="Working"}}) or vector(0)'),
    _figure("Stalled", "Releases that wait for a person.",
            f'sum(album_releases{{{OF_NAMESPACE},state="Stalled"}}) or vector(0)'),
    _figure("Pipelines not ready", "Something lacks that their releases will need.",
            f'sum(album_pipelines{{{OF_NAMESPACE},ready!="True"}}) or vector(0)'),
    _figure("Namespaces refused", "Rights are missing there.",
            'max(album_namespaces{state="refused"}) or vector(0)'),
    _figure("Leaders", "One is as it should be.", "sum(album_leader) or vector(0)"),
    _figure("Last pass", "How long ago the last pass over a release or pipeline ended.",
            "time() - max(album_last_pass_timestamp_seconds)", "s"),
    Panel("In flight, by reason", "What releases wait for.",
          (Query(f"sum by (state, reason) (album_releases{{{OF_NAMESPACE}}})",
                 "{{state}} {{reason}}"),), width=12),
    Panel("Waits longest", "The oldest release of each app and reason.",
          (Query("topk(20, time() - min by (namespace, pipeline, app, reason) "
                 f"(album_waiting_since_timestamp_seconds{{{OF_RELEASE}}}))"),),
          "s", "table", 12),
))  # fmt: skip

_DORA = Row("How do we release? Of the time shown", (
    *(_figure(one.name, "docs/dora.md says what counts.", one.query, one.unit)
      for one in figures(SHOWN)),
    Panel("Released and failed",
          "Releases that ended in the time before each point, two minutes at least; by the reason "
          "of Ready.",
          (Query("sum by (reason) (increase(album_releases_finished_total"
                 f"{{{OF_RELEASE}}}[$__rate_interval]))", "{{reason}}"),), width=24),
))  # fmt: skip

_TIME = Row("Where the time goes", (
    Panel("Machine time of each step", "Without what people took.",
          (_in_range(0.5, "album_step_duration_seconds", "step"),
           _in_range(0.9, "album_step_duration_seconds", "step")), "s"),
    Panel("Human time", "From the pull request being open until it was merged.",
          (_in_range(0.5, "album_review_wait_seconds"),
           _in_range(0.9, "album_review_wait_seconds")), "s"),
    Panel("Change lead time", "From the commit until Released.",
          (_in_range(0.5, "album_release_lead_time_seconds"),
           _in_range(0.9, "album_release_lead_time_seconds")), "s"),
))  # fmt: skip

_BUILDS = Row("Builds", (
    Panel("Running and queued", "Of all served namespaces that are chosen.",
          (Query(f"sum(album_builds_running{{{OF_NAMESPACE}}})", "running"),
           Query(f"sum(album_builds_queued{{{OF_NAMESPACE}}})", "queued"))),
    Panel("Ended", "In the time before each point, two minutes at least; by result.",
          (Query("sum by (result) (increase(album_build_duration_seconds_count"
                 f"{{{OF_RELEASE}}}[$__rate_interval]))", "{{result}}"),)),
    Panel("Duration", "From the start of the Job until its end.",
          (_in_range(0.5, "album_build_duration_seconds", "pipeline"),
           _in_range(0.9, "album_build_duration_seconds", "pipeline")), "s"),
))  # fmt: skip

_OUTSIDE = Row("Git, forges, registries, API server", (
    Panel("Requests", "By kind and result.",
          (_rate("album_outside_requests_total", "kind, result"),), "reqps"),
    Panel("Hosts in trouble", "Requests that did not go well.",
          (_rate("album_outside_requests_total", "host, result", 'result!="ok"'),), "reqps"),
    Panel("Duration", "Of the slowest hundredth.",
          (_quantile(0.99, "album_outside_request_duration_seconds", "kind"),), "s"),
    Panel("Left of the rate limit", "Of the token with fewest.",
          (Query("min by (host) (album_rate_limit_remaining / album_rate_limit_limit)",
                 "{{host}}"),), "percentunit"),
    Panel("Until the limit is reset", "At 0 it was, and nobody has asked since.",
          (Query("clamp_min(max by (host) (album_rate_limit_reset_timestamp_seconds) - time(), 0)",
                 "{{host}}"),), "s"),
    Panel("Webhooks", "By sender and what became of them.",
          (_rate("album_webhook_deliveries_total", "forge, result"),), "reqps"),
))  # fmt: skip

_OPERATOR = Row("The operator", (
    Panel("Passes", "By kind and result.", (_rate("album_passes_total", "kind, result"),), "ops"),
    Panel("A pass", "Without what it queued for.",
          (_quantile(0.5, "album_pass_duration_seconds", "kind"),
           _quantile(0.99, "album_pass_duration_seconds", "kind")), "s"),
    Panel("Lag of the event loop", "How late it woke what was due.",
          (_quantile(0.5, "album_event_loop_lag_seconds"),
           _quantile(0.999, "album_event_loop_lag_seconds")), "s"),
    Panel("Watches begun anew", "By what they watch.",
          (_rate("album_watch_restarts_total", "kind"),), "ops"),
    Panel("Objects nobody can read", "By kind; the log says which.",
          (_rate("album_unreadable_objects_total", "kind"),), "ops"),
    Panel("Versions", "Of the Pods that are there.",
          (Query("count by (version) (album_build_info)", "{{version}}"),)),
))  # fmt: skip

_NOTIFICATIONS = Row("Notifications", (
    Panel("Sent", "By sink and what became of them.",
          (_rate("album_notifications_total", "sink, result"),), "ops", width=12),
    Panel("Waiting", "By sink.",
          (Query("max by (sink) (album_notifications_queued)", "{{sink}}"),), width=12),
))  # fmt: skip

ROWS = (_NOW, _DORA, _TIME, _BUILDS, _OUTSIDE, _OPERATOR, _NOTIFICATIONS)
