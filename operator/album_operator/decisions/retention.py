"""Retention: which finished releases of a pipeline are not kept."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice

from album_operator.domain.claims import ReleaseSeen
from album_operator.domain.history import Ended, HistoryWish
from album_operator.domain.record import Outcome
from album_operator.domain.versions import Versioning, is_newer

Known = Mapping[str, ReleaseSeen]
"""Releases by name."""


def find_expendable(
    history: HistoryWish, known: Known, versioning: Callable[[str], Versioning], now: datetime
) -> list[str]:
    """Give the names of a pipeline's releases that are not to be kept, the longest ended first.

    None of them is in flight, is kept by a person, or had its pull request open at its end; and
    none is what somebody may go back to: the last of each app that was Released, the one of another
    version before it, and what a release in flight brings back or would be rolled back to. The last
    rollback of an app stays with what it takes back, for it holds the app.

    Args:
        history: what the pipeline keeps.
        known: all its releases.
        versioning: form of an app's versions.
        now: the present time.
    """
    if any(seen.rollback_of and not (seen.ended or seen.version) for seen in known.values()):
        return []  # What that rollback brings back is not known yet.
    needed = {seen.rollback_of for seen in known.values()}
    expendable: list[_Past] = []
    for app, its in _by_app(known).items():
        past = sorted(_ended(its), key=_by_end, reverse=True)
        needed |= _find_needed(past, _versions_in_flight(its), versioning(app or ""))
        free = [one for one in past if not one.ended.is_kept]
        released = [one for one in free if one.is_released]
        others = [one for one in free if not one.is_released]
        since = now - history.age
        expendable += _beyond(released, history.released, since)
        expendable += _beyond(others, history.others, since)
    return [one.name for one in sorted(expendable, key=_by_end) if one.name not in needed]


@dataclass(frozen=True, slots=True)
class _Past:
    """A release that has ended."""

    name: str
    seen: ReleaseSeen
    ended: Ended

    @property
    def version(self) -> str:
        return self.seen.version or ""

    @property
    def is_released(self) -> bool:
        return self.seen.outcome is Outcome.RELEASED


def _by_app(known: Known) -> Mapping[str | None, Known]:
    by_app: defaultdict[str | None, dict[str, ReleaseSeen]] = defaultdict(dict)
    for name, seen in known.items():
        by_app[seen.app][name] = seen
    return by_app


def _ended(known: Known) -> Iterator[_Past]:
    return (_Past(name, seen, seen.ended) for name, seen in known.items() if seen.ended is not None)


def _by_end(past: _Past) -> tuple[datetime, str]:
    return past.ended.at, past.name


def _versions_in_flight(known: Known) -> Iterator[str]:
    return (seen.version for seen in known.values() if seen.ended is None and seen.version)


def _beyond(past: Sequence[_Past], most: int, since: datetime) -> Sequence[_Past]:
    return [*past[most:], *(one for one in past[:most] if one.ended.at < since)]


def _find_needed(
    past: Sequence[_Past], in_flight: Iterable[str], versioning: Versioning
) -> set[str | None]:
    """Give the names of an app's releases that somebody may go back to (`decisions.rollback`).

    Args:
        past: those that have ended, the last first.
        in_flight: versions of the others.
        versioning: their form.
    """
    released = [one for one in past if one.is_released]
    needed = _first(past, lambda one: one.seen.rollback_of is not None)
    for last in released[:1]:
        needed |= {last.name}
        needed |= _first(released, lambda one: one.version != released[0].version)
    for ours in in_flight:
        needed |= _first(released, partial(_is_of, ours))
        needed |= _first(released, partial(_is_below, ours, versioning))
    return {*needed}


def _first(past: Iterable[_Past], is_wanted: Callable[[_Past], bool]) -> set[str]:
    return {one.name for one in islice(filter(is_wanted, past), 1)}


def _is_of(version: str, past: _Past) -> bool:
    return past.version == version


def _is_below(version: str, versioning: Versioning, past: _Past) -> bool:
    return past.version != version and not is_newer(past.version, version, versioning)
