"""When this process first saw what it judges by how long it lasts."""

from collections.abc import Callable
from datetime import datetime, timedelta

from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.release import Release

KEPT = 10_000
"""Most releases remembered; of one that is forgotten, a refresh is asked for once more."""


class Sightings:
    """What was seen since when, by this process's clock: no other clock is compared with it.

    Losing it costs a refresh too many, and a minute.

    Args:
        clock: the operator's.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._first: dict[str, datetime] = {}
        self._compared: dict[tuple[str, str, str], tuple[datetime | None, datetime | None]] = {}

    def first_look(self, release: Release) -> datetime:
        """Give when this process first looked whether a release is deployed."""
        if release.uid not in self._first and len(self._first) >= KEPT:
            self._first.clear()
            self._compared.clear()
        return self._first.setdefault(release.uid, self._clock())

    def age_of_comparison(self, release: Release, seen: ApplicationSeen) -> timedelta | None:
        """Give how long Argo CD has compared an Application no more, nor been asked to.

        Returns:
            None where this process has seen neither a comparison nor a request for one yet.
        """
        key = (release.uid, seen.namespace, seen.name)
        stamp, since = self._compared.get(key, (seen.reconciled_at, None))
        if seen.refresh_requested or stamp != seen.reconciled_at:
            since = self._clock()
        self._compared[key] = (seen.reconciled_at, since)
        return self._clock() - since if since is not None else None
