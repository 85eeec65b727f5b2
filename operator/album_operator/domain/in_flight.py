"""Which releases go on or wait for somebody, and since when; read of what events told of each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from album_operator.domain.claims import ReleaseSeen
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Outcome
from album_operator.domain.release import Ref

TAKEN_BACK = frozenset({Reason.CANCELLED, Reason.SUPERSEDED, Reason.OVERWRITTEN})
"""Reasons of those that ended as somebody wished, and wait for nobody."""

_App = tuple[str, str, str]


@dataclass(frozen=True)
class InFlight:
    """A release that goes on, or is stalled and has found no successor.

    Attributes:
        app: namespace, pipeline and app; the app is empty where its tag was not taken apart.
        since: when it came to its step, or stalled.
    """

    app: _App
    state: Outcome
    reason: Reason
    since: datetime


def find_in_flight(known: Iterable[tuple[Ref, ReleaseSeen]]) -> Iterator[InFlight]:
    """Give the releases in flight, and those stalled since the last Released of their app."""
    all_known = list(known)
    released = dict[_App, datetime]()
    for ref, seen in all_known:
        if seen.outcome is Outcome.RELEASED and seen.ended is not None:
            app = _app_of(ref, seen)
            released[app] = max(seen.ended.at, released.get(app, seen.ended.at))
    for ref, seen in all_known:
        app, at = _app_of(ref, seen), seen.progress
        if at is not None:
            is_held = at.reason is Reason.SUSPENDED
            state = Outcome.SUSPENDED if is_held else Outcome.WORKING
            yield InFlight(app, state, at.reason, at.since)
        elif _is_stalled(seen) and seen.ended is not None:
            until = released.get(app)
            if until is None or seen.ended.at > until:
                yield InFlight(app, Outcome.STALLED, seen.ended.reason, seen.ended.at)


def _is_stalled(seen: ReleaseSeen) -> bool:
    is_over = seen.ended is None or seen.ended.reason in TAKEN_BACK
    return seen.outcome is Outcome.STALLED and not seen.is_plan and not is_over


def _app_of(ref: Ref, seen: ReleaseSeen) -> _App:
    return ref.namespace, seen.pipeline, seen.app or ""
