"""What the operator counts, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest


class Metrics:
    """The counters of one operator, in a registry of their own.

    Attributes:
        webhook_deliveries: requests to the webhook receiver, by `forge` and `result`.
        unreadable_objects: events skipped because nobody can read their object, by `kind`.
    """

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.webhook_deliveries = Counter(
            "album_webhook_deliveries",
            "Requests to the webhook receiver, by forge and by what became of them.",
            ("forge", "result"),
            registry=self._registry,
        )
        self.unreadable_objects = Counter(
            "album_unreadable_objects",
            "Events that were skipped because their object cannot be read, by its kind.",
            ("kind",),
            registry=self._registry,
        )

    def render(self) -> bytes:
        """Give all counters in the text format of Prometheus, of type `content_type`."""
        return generate_latest(self._registry)
