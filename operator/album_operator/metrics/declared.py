"""Every metric there is: its name, kind, meaning, labels and buckets; docs/reference.md lists them.

A metric has no label with a release's name: those have no end.
"""

from dataclasses import dataclass
from enum import StrEnum

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0

RELEASE = ("namespace", "pipeline", "app")
"""Labels of whose release it is; `app` is empty where its tag was not taken apart."""


class Kind(StrEnum):
    """What Prometheus makes of a metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True)
class Declared:
    """A metric.

    Attributes:
        name: as Prometheus has it, `_total` of counters too.
        buckets: upper bounds of a histogram, without the last one, which has none.
        is_read: a gauge that is read at each scrape, and not set.
    """

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    is_read: bool = False


def _counter(name: str, meaning: str, *labels: str) -> Declared:
    return Declared(name, Kind.COUNTER, meaning, labels)


def _gauge(name: str, meaning: str, *labels: str) -> Declared:
    return Declared(name, Kind.GAUGE, meaning, labels)


def _read(name: str, meaning: str, *labels: str) -> Declared:
    return Declared(name, Kind.GAUGE, meaning, labels, is_read=True)


def _histogram(name: str, meaning: str, buckets: tuple[float, ...], *labels: str) -> Declared:
    return Declared(name, Kind.HISTOGRAM, meaning, labels, buckets)


STEP_DURATION = _histogram(
    "album_step_duration_seconds",
    "Machine time of the steps that ended, without what people took.",
    (1, 5, 15, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR),
    *RELEASE,
    "step",
    "result",
)
REVIEW_WAIT = _histogram(
    "album_review_wait_seconds",
    "Human time: from the pull request being open until it was merged.",
    (MINUTE, 5 * MINUTE, 30 * MINUTE, HOUR, 4 * HOUR, DAY, 3 * DAY, 7 * DAY),
    *RELEASE,
)
LEAD_TIME = _histogram(
    "album_release_lead_time_seconds",
    "From the committer date of the tag's commit until Released.",
    (5 * MINUTE, 30 * MINUTE, HOUR, 4 * HOUR, DAY, 3 * DAY, 7 * DAY, 30 * DAY),
    *RELEASE,
)
RELEASES_FINISHED = _counter(
    "album_releases_finished_total",
    "Releases that ended, by the reason of their condition Ready.",
    *RELEASE,
    "reason",
)
RELEASES = _read(
    "album_releases",
    "Releases in flight or stalled.",
    "namespace",
    "state",
    "reason",
)
WAITING_SINCE = _read(
    "album_waiting_since_timestamp_seconds",
    "Since when the release that is there for longest is at this reason.",
    *RELEASE,
    "state",
    "reason",
)
RECOVERY = _histogram(
    "album_recovery_seconds",
    "From the failure of a release after its merge until the next Released of its app.",
    (5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, DAY, 7 * DAY),
    *RELEASE,
)
RELEASES_REWORK = _counter(
    "album_releases_rework_total",
    "Released releases that took one back, or came after one that had failed.",
    *RELEASE,
)
BUILD_DURATION = _histogram(
    "album_build_duration_seconds",
    "From the start of a build's Job until its end.",
    (15, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR),
    *RELEASE,
    "result",
)
BUILDS_RUNNING = _read("album_builds_running", "Builds that run.", "namespace")
BUILDS_QUEUED = _read("album_builds_queued", "Releases that wait to build.", "namespace")
OUTSIDE_REQUESTS = _counter(
    "album_outside_requests_total",
    "Requests to git servers, forges, registries and the API server.",
    "kind",
    "host",
    "result",
)
OUTSIDE_DURATION = _histogram(
    "album_outside_request_duration_seconds",
    "How long they took.",
    (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
    "kind",
)
RATE_LIMIT_REMAINING = _read(
    "album_rate_limit_remaining",
    "Requests that a forge still takes until its limit is reset, of the token with fewest.",
    "host",
)
RATE_LIMIT_LIMIT = _read(
    "album_rate_limit_limit",
    "Requests that the forge takes of that token in a window.",
    "host",
)
RATE_LIMIT_RESET = _read(
    "album_rate_limit_reset_timestamp_seconds",
    "When that limit is reset.",
    "host",
)
WEBHOOK_DELIVERIES = _counter(
    "album_webhook_deliveries_total",
    "Requests to the webhook receiver, by forge and by what became of them.",
    "forge",
    "result",
)
UNREADABLE_OBJECTS = _counter(
    "album_unreadable_objects_total",
    "Events that were skipped because their object cannot be read, by its kind.",
    "kind",
)
PASSES = _counter(
    "album_passes_total",
    "Passes over releases and pipelines.",
    "kind",
    "result",
)
PASS_DURATION = _histogram(
    "album_pass_duration_seconds",
    "How long passes worked, without what they queued for.",
    (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
    "kind",
)
LAST_PASS = _gauge("album_last_pass_timestamp_seconds", "When a pass ended last.", "kind")
EVENT_LOOP_LAG = _histogram(
    "album_event_loop_lag_seconds",
    "How late the event loop woke what was due.",
    (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
LEADER = _read("album_leader", "Whether this Pod leads: 1 or 0.")
WATCH_RESTARTS = _counter(
    "album_watch_restarts_total",
    "Watches of the API server that were begun anew, by the kind they watch.",
    "kind",
)
NAMESPACES = _read("album_namespaces", "Namespaces that are served, or refused.", "state")
PIPELINES = _read("album_pipelines", "Pipelines, by their condition Ready.", "namespace", "ready")
NOTIFICATIONS = _counter(
    "album_notifications_total",
    "Notifications to sinks, by what became of them.",
    "sink",
    "result",
)
NOTIFICATIONS_QUEUED = _read("album_notifications_queued", "Those that wait to be sent.", "sink")
BUILD_INFO = _read("album_build_info", "1, with the operator's version.", "version")

ALL = tuple(value for value in list(globals().values()) if isinstance(value, Declared))
