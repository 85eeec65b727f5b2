"""How many releases are where, kept by what changes: a scrape goes through no finished ones."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import TypeVar

from album_operator.domain.claims import ReleaseSeen
from album_operator.domain.in_flight import App, InFlight, Place, app_of, find_place, released_at
from album_operator.domain.record import Outcome

K = TypeVar("K", Place, App)

Times = dict[str, datetime]
"""By the release's name, which is of the namespace of whatever these belong to."""


class InFlightCounts:
    """The releases at each place, and when those of each app were Released."""

    def __init__(self) -> None:
        self._places: dict[Place, Times] = {}
        self._released: dict[App, Times] = {}

    def change(
        self, namespace: str, name: str, before: ReleaseSeen | None, now: ReleaseSeen | None
    ) -> None:
        """Take what a release was and is; None for one that was not known, or is gone."""
        if before is not None:
            self._take_out(namespace, name, before)
        if now is not None:
            self._put_in(namespace, name, now)

    def read(self) -> Iterator[InFlight]:
        """Give the places where releases are, but of those stalled before a Released none."""
        for place, times in self._places.items():
            at: Collection[datetime] = times.values()
            if place.state is Outcome.STALLED:
                released = self._released.get(place.app)
                if released:
                    until = max(released.values())
                    at = [since for since in at if since > until]
            if at:
                yield InFlight(place, len(at), min(at))

    def _put_in(self, namespace: str, name: str, seen: ReleaseSeen) -> None:
        if (found := find_place(namespace, seen)) is not None:
            place, since = found
            self._places.setdefault(place, {})[name] = since
        if (at := released_at(seen)) is not None:
            self._released.setdefault(app_of(namespace, seen), {})[name] = at

    def _take_out(self, namespace: str, name: str, seen: ReleaseSeen) -> None:
        if (found := find_place(namespace, seen)) is not None:
            _pop(self._places, found[0], name)
        if released_at(seen) is not None:
            _pop(self._released, app_of(namespace, seen), name)


def _pop(times: dict[K, Times], key: K, name: str) -> None:
    del times[key][name]
    if not times[key]:
        del times[key]
