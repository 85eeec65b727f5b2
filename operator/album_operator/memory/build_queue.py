"""Which builds run, and which releases wait until one has ended.

Known in this process only. After a restart each release that waits asks again, and finds the builds
that run in the cluster: what is lost is at most the order of those that start at that moment.

Turns are fair between the pipelines of a namespace, and between namespaces: who runs fewer builds
comes first, and of equals who is older. So a team that releases forty apps at once holds up another
one's release by one build, not by forty.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from album_operator.domain.build_slots import BuildLimits, BuildRunning, BuildSlots, OverallSlots
from album_operator.domain.errors import OutsideError, StaleError
from album_operator.domain.names import shorten
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref, Release
from album_operator.domain.turns import in_turns

FRESH = 60.0
"""Seconds for which the builds of another namespace count as known: events tell of most changes,
and a look at it of what no event told."""

Look = Callable[[str], Coroutine[Any, Any, Sequence[BuildRunning]]]


@dataclass(frozen=True, slots=True)
class _Place:
    """What a release waits for, and by what its turn comes.

    Attributes:
        job: name of the Job it waits to create.
        pipeline: as the label of Jobs has it.
    """

    job: str
    pipeline: str
    created_at: datetime


class BuildQueue:
    """Builds that run, and releases that wait for theirs, by namespace.

    Args:
        wake: lets a release look again; None where time alone does.
        limits: how many builds may run at once.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        wake: Callable[[Ref], None] | None = None,
        limits: BuildLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wake = wake
        self._limits = limits or BuildLimits()
        self._clock = clock
        self._waiting: defaultdict[str, dict[str, _Place]] = defaultdict(dict)
        self._running: defaultdict[str, dict[str, BuildRunning]] = defaultdict(dict)
        self._seen_at: dict[str, float] = {}

    def join(self, release: Release, job: str) -> None:
        """Take a place, by the release's creation; one that has its place keeps it.

        Args:
            release: the release.
            job: name of the Job it waits to create.
        """
        place = _Place(job, shorten(release.pipeline), release.created_at)
        self._waiting[release.ref.namespace][release.ref.name] = place

    def leave(self, release: Ref) -> None:
        """Give up a place, if there is one: whoever is first now may have room."""
        if self._waiting[release.namespace].pop(release.name, None) is not None:
            self.wake_next(release.namespace)

    async def look(self, namespace: str, namespaces: Sequence[str], look: Look) -> None:
        """Look at the builds that run where it matters.

        Args:
            namespace: of the release that asks: always looked at.
            namespaces: all that are served; looked at where all builds together are limited and
                nobody has for a while, however many ask.
            look: lists the builds of a namespace.
        """
        if self._limits.overall is not None:
            for other in namespaces:
                now = self._clock()
                if other != namespace and now - self._seen_at.get(other, -FRESH) >= FRESH:
                    self._seen_at[other] = now
                    with suppress(OutsideError):  # Where nobody may look, no build is begun.
                        self.see(other, await look(other))
        self.see(namespace, await look(namespace))

    def see(self, namespace: str, builds: Sequence[BuildRunning]) -> None:
        """Take what a list told: these builds run in a namespace, and no others."""
        self._seen_at[namespace] = self._clock()
        self._running[namespace] = {build.job: build for build in builds}

    def note(self, namespace: str, build: BuildRunning) -> None:
        """Take what an event told: a build runs."""
        self._running[namespace][build.job] = build

    def end(self, namespace: str, job: str) -> None:
        """Take what an event told: a build has ended. Whoever is next looks again."""
        self._running[namespace].pop(job, None)
        self.wake_next(namespace)

    def forget(self, namespace: str) -> None:
        """Forget the builds of a namespace that is not served any more."""
        self._running.pop(namespace, None)
        self._seen_at.pop(namespace, None)

    def counts(self) -> Mapping[str, tuple[int, int]]:
        """Give how many builds run, and how many releases wait for theirs, by namespace."""
        namespaces = sorted({*self._running, *self._waiting})
        return {
            one: (len(self._running.get(one, ())), len(self._waiting.get(one, ())))
            for one in namespaces
        }

    @contextmanager
    def claim(self, release: Ref) -> Iterator[None]:
        """Count the build that a release waits for as one that runs, while its Job is created.

        Raises:
            StaleError: as many run in all namespaces together by now.
        """
        place = self._waiting[release.namespace].get(release.name)
        running, overall = self._running[release.namespace], self._limits.overall
        if place is None or place.job in running:
            yield
            return
        if overall is not None and self._count() >= overall:
            raise StaleError(Reason.QUEUED, f"{overall} builds run in all namespaces by now.")
        self.note(release.namespace, BuildRunning(place.job, release.name, place.pipeline))
        try:
            yield
        except BaseException:
            self._running[release.namespace].pop(place.job, None)
            raise

    def slots(self, release: Ref) -> BuildSlots:
        """Give the builds that run, and the place of a release that waits."""
        namespace = release.namespace
        running = self._running[namespace].values()
        line = self._line(namespace)
        return BuildSlots(
            limit=self._limits.each,
            running=tuple(sorted(build.release for build in running)),
            waiting=tuple(line[: _place_in(line, release.name)]),
            line=len(line),
            overall=self._overall(release),
        )

    def wake_next(self, namespace: str) -> None:
        """Let the next one look again: a build has ended, or somebody left the line.

        If it begins its own it leaves, and the next one looks. So each that begins costs one look
        of the next, however many wait.

        Args:
            namespace: where that was.
        """
        if self._limits.overall is None:
            line = [Ref(namespace, name) for name in self._line(namespace)]
        else:
            line = self._overall_line()
        if line and self._wake is not None:
            self._wake(line[0])

    def _count(self) -> int:
        return sum(map(len, self._running.values()))

    def _line(self, namespace: str) -> list[str]:
        """Give the names of those that wait in a namespace, in the order of their turns."""
        running = self._running[namespace]
        waiting = [
            (place.created_at, name, place.pipeline)
            for name, place in self._waiting[namespace].items()
            if place.job not in running  # another process has created it
        ]
        turns = Counter(build.pipeline for build in running.values())
        return [name for _, name, _ in in_turns(sorted(waiting), itemgetter(2), turns)]

    def _overall_line(self) -> list[Ref]:
        """Give those that wait and whose namespace lets them, in the order of their turns."""
        line = []
        for namespace, places in self._waiting.items():
            count = len(self._running[namespace])
            for turn, name in enumerate(self._line(namespace)[: self._limits.each - count], count):
                line.append((turn, places[name].created_at, Ref(namespace, name)))
        return [ref for _, _, ref in sorted(line, key=_turn)]

    def _overall(self, release: Ref) -> OverallSlots | None:
        if self._limits.overall is None:
            return None
        line = self._overall_line()
        before = _place_in(line, release)
        return OverallSlots(self._limits.overall, self._count(), before, len(line))


def _turn(item: tuple[int, datetime, Ref]) -> tuple[int, datetime, str, str]:
    turn, created_at, ref = item
    return turn, created_at, ref.namespace, ref.name


def _place_in(line: Sequence[object], who: object) -> int:
    """Give how many are before somebody in a line; all of it where they are not in it."""
    return line.index(who) if who in line else len(line)
