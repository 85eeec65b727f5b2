"""Which releases go on or wait for somebody, and since when; read of what events told of each."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from album_operator.domain.claims import ReleaseSeen
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Outcome

TAKEN_BACK = frozenset({Reason.CANCELLED, Reason.SUPERSEDED, Reason.OVERWRITTEN})
"""Reasons of those that ended as somebody wished, and wait for nobody."""

App = tuple[str, str, str]
"""Namespace, pipeline and app; the app is empty where its tag was not taken apart."""


class Place(NamedTuple):
    """Where releases are that go on, or are stalled."""

    app: App
    state: Outcome
    reason: Reason


@dataclass(frozen=True)
class InFlight:
    """Releases of an app that are at one place; of those stalled, such that found no successor.

    Attributes:
        count: how many.
        since: when the first of them came to its step, or stalled.
    """

    place: Place
    count: int
    since: datetime


def find_place(namespace: str, seen: ReleaseSeen) -> tuple[Place, datetime] | None:
    """Give where a release is and since when; None for one that waits for nobody."""
    app, at = app_of(namespace, seen), seen.progress
    if at is not None:
        is_held = at.reason is Reason.SUSPENDED
        return Place(app, Outcome.SUSPENDED if is_held else Outcome.WORKING, at.reason), at.since
    ended = seen.ended
    if seen.outcome is not Outcome.STALLED or seen.is_plan or ended is None:
        return None
    if ended.reason in TAKEN_BACK:
        return None
    return Place(app, Outcome.STALLED, ended.reason), ended.at


def released_at(seen: ReleaseSeen) -> datetime | None:
    """Give when a release was Released; None for one that is not."""
    is_released = seen.outcome is Outcome.RELEASED and seen.ended is not None
    return seen.ended.at if is_released and seen.ended is not None else None


def app_of(namespace: str, seen: ReleaseSeen) -> App:
    """Give whose release it is."""
    return namespace, seen.pipeline, seen.app or ""
