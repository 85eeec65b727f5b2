"""What watches of the benchmark's own tell of Applications and releases, and when."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kubernetes import client, config, watch

from testbed.access import Testbed
from testbed.deploy import NAMESPACE
from tests.e2e.world import ALBUM, ARGO

MERGED, ASKED = "merged", "asked"
REFRESH = "argocd.argoproj.io/refresh"


@dataclass(frozen=True)
class Sighting:
    """One thing that was seen.

    Attributes:
        at: when, by the monotonic clock.
        name: of the Application or release.
        what: `MERGED` in the status of a release; `ASKED` of an Application for a comparison, or
            the revision it was compared to last.
    """

    at: float
    name: str
    what: str


@dataclass
class Sightings:
    """All that was seen, in order."""

    _seen: list[Sighting] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def note(self, name: str, what: str) -> None:
        """Remember what is seen now."""
        with self._changed:
            self._seen.append(Sighting(time.monotonic(), name, what))
            self._changed.notify_all()

    def first(self, name: str, what: str, since: float, until: float) -> float | None:
        """Wait for the first sighting after a moment.

        Args:
            name: of the Application or release.
            what: to see.
            since: the moment, by the monotonic clock.
            until: it is waited, by the same clock; a moment that has passed for no wait.

        Returns:
            When it was seen; None where it was not.
        """
        with self._changed:
            while True:
                for each in self._seen:
                    if (each.name, each.what) == (name, what) and each.at >= since:
                        return each.at
                if not self._changed.wait(max(0.0, until - time.monotonic())):
                    return None


@contextmanager
def watching(testbed: Testbed) -> Iterator[Sightings]:
    """Watch the Applications and releases of a testbed."""
    sightings, watches = Sightings(), []
    for place in ((*ARGO, "argocd", "applications"), (*ALBUM, NAMESPACE, "albumreleases")):
        api = client.CustomObjectsApi(config.new_client_from_config(str(testbed.kubeconfig)))
        watches.append(watch.Watch())
        # It reads until the next event, whenever that is.
        threading.Thread(
            target=_follow, args=(watches[-1], api, place, sightings), daemon=True
        ).start()
    yield sightings
    for each in watches:
        each.stop()


def _follow(
    watched: watch.Watch,
    api: client.CustomObjectsApi,
    place: tuple[str, ...],
    sightings: Sightings,
) -> None:
    for event in watched.stream(api.list_namespaced_custom_object, *place):
        found = event["object"]
        for what in what_is_seen(found):
            sightings.note(found["metadata"]["name"], what)


def what_is_seen(found: dict[str, Any]) -> Iterator[str]:
    """Tell what an Application or a release shows."""
    status = found.get("status", {})
    if "mergedCommit" in status.get("config", {}):
        yield MERGED
    if REFRESH in found["metadata"].get("annotations", {}):
        yield ASKED
    if revision := status.get("sync", {}).get("revision"):
        yield revision
