"""Which releases of a namespace are in flight, and which wait until fewer are.

Known in this process only, and filled by the events about releases: after a restart those that have
begun are known again, and those that wait ask again.

Pipelines take turns: who has fewer in flight comes first, and of equals who is older. So a pipeline
with a hundred new tags holds up another one's release by one, not by a hundred.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter

from album_operator.domain.begin_places import BeginPlace
from album_operator.domain.claims import ReleaseSeen
from album_operator.domain.record import Outcome
from album_operator.domain.release import Ref, Release
from album_operator.domain.turns import in_turns


@dataclass
class _Namespace:
    """The releases of a namespace that have begun, by name, with their pipeline; and the others.

    Attributes:
        waiting: pipeline and creation of those that have asked, and wait.
    """

    begun: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, tuple[str, datetime]] = field(default_factory=dict)


class BeginQueue:
    """Releases that are in flight, and those that wait to begin, by namespace.

    Args:
        limit: most of a namespace that are in flight at once, suspended ones apart; None for any
            number.
        wake: lets a release look again; None where time alone does.
    """

    def __init__(self, limit: int | None, wake: Callable[[Ref], None] | None = None) -> None:
        self._limit = limit
        self._wake = wake
        self._namespaces = defaultdict[str, _Namespace](_Namespace)

    def ask(self, release: Release, *, goes_first: bool = False) -> BeginPlace | None:
        """Let a release begin, which then counts as in flight, or give its place in the line.

        Args:
            release: the release.
            goes_first: it need not wait, however many are in flight.
        """
        place, name = self._namespaces[release.ref.namespace], release.ref.name
        if name in place.begun:
            return None
        place.waiting[name] = (release.pipeline, release.created_at)
        line = self._line(place)
        before = line.index(name)
        running, limit = len(place.begun), self._limit
        if limit is not None and running + before >= limit and not goes_first:
            return BeginPlace(limit, running, tuple(line[:before]), len(line))
        del place.waiting[name]
        place.begun[name] = release.pipeline
        self._wake_next(release.ref.namespace)
        return None

    def leave(self, release: Ref) -> None:
        """Count a release no more: it neither is in flight nor waits for that now."""
        place = self._namespaces[release.namespace]
        was_there = [place.begun.pop(release.name, None), place.waiting.pop(release.name, None)]
        if any(was_there):
            self._wake_next(release.namespace)

    def note(self, release: Ref, seen: ReleaseSeen) -> None:
        """Take what an event told of a release.

        One that was let begin counts before its status says so.
        """
        if seen.step is None or seen.outcome is Outcome.SUSPENDED:
            self.leave(release)
        elif seen.has_begun:
            self._namespaces[release.namespace].begun[release.name] = seen.pipeline

    def forget(self, namespace: str) -> None:
        """Forget the releases of a namespace that is not served any more."""
        self._namespaces.pop(namespace, None)

    def _line(self, place: _Namespace) -> list[str]:
        """Give the names of those that wait in the order of their turns."""
        waiting = [(at, name, pipeline) for name, (pipeline, at) in place.waiting.items()]
        running = Counter(place.begun.values())
        return [name for _, name, _ in in_turns(sorted(waiting), itemgetter(2), running)]

    def _wake_next(self, namespace: str) -> None:
        """Let the next one look again; if it begins, it wakes the one after it."""
        line = self._line(self._namespaces[namespace])
        if line and self._wake is not None:
            self._wake(Ref(namespace, line[0]))
