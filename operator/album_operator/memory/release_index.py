"""What the releases of the served namespaces are at, as the last events about them told.

Known in this process only, and filled while the releases are listed after a start. Of a release
that nobody told of yet nothing is known, and others go on as if it were not there.
"""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping

from album_operator.domain.claims import UNMERGED, BranchClaim, ConfigBranch, ReleaseSeen
from album_operator.domain.hosts import NO_ALIASES, HostAliases
from album_operator.domain.record import Outcome, StepName
from album_operator.domain.release import Ref
from album_operator.memory.begin_queue import BeginQueue
from album_operator.memory.in_flight import InFlightCounts

LIST_PIECE = 500
"""Releases that a list brings at once, as many as kubectl asks for."""

LIST_SECONDS, ANSWER_SECONDS = 5.0, 60.0
"""A list counts as whole when it has brought nothing for so long, for Kopf does not tell its end:
the longer time where it stands after a whole piece, which another one may follow."""

PAUSE_SECONDS = 1.0
"""One that brought nothing for so long has brought nearly all: good enough for a limit."""

Clock = Callable[[], float]


class _Namespace:
    """The releases of a namespace.

    Attributes:
        known: by name.
        unlisted: names of those that the present list has not brought yet.
        listed: how many it has brought.
    """

    def __init__(self, clock: Clock) -> None:
        self.known: dict[str, ReleaseSeen] = {}
        self.unlisted: set[str] = set()
        self.listed = 0
        self._clock = clock
        self._listed_at = -math.inf
        self._was_whole = False

    @property
    def is_whole(self) -> bool:
        """Whether the present list has brought all there is."""
        is_amid = self.listed > 0 and self.listed % LIST_PIECE == 0
        return self._clock() - self._listed_at >= (ANSWER_SECONDS if is_amid else LIST_SECONDS)

    @property
    def is_known(self) -> bool:
        """Whether a list has brought nearly all there was, since the start."""
        return self._was_whole or self._clock() - self._listed_at >= PAUSE_SECONDS

    def begin_list(self) -> None:
        """Expect all releases to be told anew."""
        self._was_whole |= self.is_known and self._listed_at > -math.inf
        self._listed_at = self._clock()
        self.unlisted = set(self.known)
        self.listed = 0

    def go_on_listing(self) -> None:
        """Take notice that a list brought a release: of one that nobody began it is the first."""
        if self.is_whole:
            self.begin_list()
        self._listed_at = self._clock()
        self.listed += 1


class ReleaseIndex:
    """Releases by namespace and name, and whose a branch of a config repository is for now.

    Args:
        wake: lets a release look again that waits for a branch; None where time alone does.
        clock: monotonic seconds.
        aliases: which hosts are one, as an admin tells.
        most_in_flight: most releases of a namespace that are in flight at once; None for no limit.

    Attributes:
        begins: which releases are in flight, and which wait until fewer are.
        in_flight: how many are at which reason.
    """

    def __init__(
        self,
        wake: Callable[[Ref], None] | None = None,
        clock: Clock = time.monotonic,
        aliases: HostAliases = NO_ALIASES,
        most_in_flight: int | None = None,
    ) -> None:
        self.begins = BeginQueue(most_in_flight, wake)
        self.in_flight = InFlightCounts()
        self._wake = wake
        self._aliases = aliases
        self._namespaces = defaultdict[str, _Namespace](lambda: _Namespace(clock))
        self._told: dict[Ref, ConfigBranch] = {}
        self._claims: dict[Ref, ConfigBranch] = {}
        self._waiting: dict[Ref, ConfigBranch] = {}
        self._begun: dict[Ref, ReleaseSeen] = {}

    def begin_list(self, namespace: str) -> None:
        """Expect to be told of all releases of a namespace; the others are dropped then."""
        self._namespaces[namespace].begin_list()

    def note_listed(self, release: Ref) -> None:
        """Take notice that a list brought a release, also one that nobody can read.

        A list that nobody began follows a watch that was broken, and whoever went meanwhile is not
        on it.
        """
        self._drop_unlisted(release.namespace)
        place = self._namespaces[release.namespace]
        place.go_on_listing()
        place.unlisted.discard(release.name)

    def note(self, release: Ref, seen: ReleaseSeen) -> None:
        """Take what an event told of a release.

        Args:
            release: the release.
            seen: as it is now.
        """
        place = self._namespaces[release.namespace]
        before = place.known.get(release.name)
        place.known[release.name] = seen
        place.unlisted.discard(release.name)
        self.in_flight.change(release.namespace, release.name, before, seen)
        self.begins.note(release, seen)
        if seen.has_begun or seen.step is None:
            self._begun.pop(release, None)
        self._wake_others(release, before, seen)
        # Its status does not say yet what it has claimed; a retry with its image begins later on.
        is_beginning = seen.outcome is Outcome.WORKING and seen.step in UNMERGED
        claim = self._claims.get(release) if is_beginning and seen.branch is None else None
        self._hold(release, seen.branch, claim)

    def drop(self, release: Ref) -> None:
        """Forget a release that is gone."""
        place = self._namespaces[release.namespace]
        before = place.known.pop(release.name, None)
        place.unlisted.discard(release.name)
        self.in_flight.change(release.namespace, release.name, before, None)
        self._waiting.pop(release, None)
        self.begins.leave(release)
        self._begun.pop(release, None)
        self._wake_others(release, before, None)
        self._hold(release, None, None)

    def forget(self, namespace: str) -> None:
        """Forget the releases of a namespace that is not served any more."""
        for name in list(self._namespaces[namespace].known):
            self.drop(Ref(namespace, name))
        self.begins.forget(namespace)
        del self._namespaces[namespace]

    def find(self, release: Ref) -> ReleaseSeen | None:
        """Give what is known of a release."""
        return self._namespaces[release.namespace].known.get(release.name)

    def is_known(self, namespace: str) -> bool:
        """Tell whether nearly all releases of a namespace have been listed, since the start."""
        return self._namespaces[namespace].is_known

    def by_pipeline(self, namespace: str) -> Mapping[str, Mapping[str, ReleaseSeen]] | None:
        """Give the releases of each pipeline of a namespace, by name; None while it is listed."""
        self._drop_unlisted(namespace)
        place = self._namespaces[namespace]
        if not place.is_whole:
            return None
        found: defaultdict[str, dict[str, ReleaseSeen]] = defaultdict(dict)
        for name, seen in place.known.items():
            found[seen.pipeline][name] = seen
        return found

    def is_whole(self, namespace: str) -> bool:
        """Tell whether all releases of a namespace are known; not while they are being listed."""
        return self._namespaces[namespace].is_whole

    def of_pipeline(self, namespace: str, pipeline: str) -> Mapping[str, ReleaseSeen]:
        """Give the releases of a pipeline, by name; all of their namespace are looked at."""
        self._drop_unlisted(namespace)
        known = self._namespaces[namespace].known
        return {name: seen for name, seen in known.items() if seen.pipeline == pipeline}

    def of_app(self, namespace: str, pipeline: str, app: str) -> Mapping[str, ReleaseSeen]:
        """Give the releases of an app, by name; all of their namespace are looked at."""
        self._drop_unlisted(namespace)
        begun = {ref.name: seen for ref, seen in self._begun.items() if ref.namespace == namespace}
        known = {**self._namespaces[namespace].known, **begun}
        wanted = (pipeline, app)
        return {name: seen for name, seen in known.items() if (seen.pipeline, seen.app) == wanted}

    def begin(self, release: Ref, seen: ReleaseSeen) -> None:
        """Note that a release begins, before its status says so to anybody.

        Args:
            release: the release.
            seen: as its first events will tell of it.
        """
        self._begun[release] = seen

    def has_built(self, release: Ref) -> bool:
        """Tell whether a release is known to have its image: a Job of it that runs builds none."""
        seen = self.find(release)
        if seen is None or seen.step is None:
            return seen is not None and seen.outcome is Outcome.RELEASED
        return seen.step is not StepName.IMAGE_READY

    def is_in_use(self, application: Ref) -> bool:
        """Tell whether a release in flight relies on an Application's sync policy."""
        return any(
            application in seen.applications
            for place in self._namespaces.values()
            for seen in place.known.values()
        )

    def claim(self, release: Ref, branch: ConfigBranch) -> BranchClaim:
        """Take a branch for a release, or a place among those that are woken when it is let go.

        It is the release's until an event tells that it is at something else.
        """
        for namespace in list(self._namespaces):
            self._drop_unlisted(namespace)
        self._waiting.pop(release, None)
        theirs = {**self._told, **self._claims}
        holders = [
            ref
            for ref, its in theirs.items()
            if ref != release and its.is_same(branch, self._aliases)
        ]
        if holders:
            self._waiting[release] = branch
            # One that may be named to who asks, if there is one.
            first = min(holders, key=lambda ref: (ref.namespace != release.namespace, str(ref)))
            return BranchClaim(first)
        self._claims[release] = branch
        is_certain = all(place.is_whole for place in self._namespaces.values())
        return BranchClaim(None, is_certain=is_certain)

    def _hold(self, release: Ref, told: ConfigBranch | None, claim: ConfigBranch | None) -> None:
        """Keep what is a release's now, and wake those that wait for what it lets go."""
        before = self._told.pop(release, None), self._claims.pop(release, None)
        if told is not None:
            self._told[release] = told
        if claim is not None:
            self._claims[release] = claim
        free = [branch for branch in before if branch is not None and branch not in (told, claim)]
        for waiting, wanted in list(self._waiting.items()) if free else ():
            is_let_go = any(wanted.is_same(branch, self._aliases) for branch in free)
            if self._wake is not None and is_let_go:
                self._wake(waiting)

    def _wake_others(
        self, release: Ref, before: ReleaseSeen | None, now: ReleaseSeen | None
    ) -> None:
        """Wake the releases of an app that what one of them came to concerns.

        One that takes over concerns all before their merge; one that ends, those not begun.
        """
        told = now or before
        has_ended = before is not None and before.step is not None
        has_ended = has_ended and (now is None or now.step is None)
        takes_over = _takes_over(now) and not _takes_over(before)
        if told is None or self._wake is None or not (has_ended or takes_over):
            return
        for name, seen in self._namespaces[release.namespace].known.items():
            is_of_app = (seen.pipeline, seen.app) == (told.pipeline, told.app)
            is_early = seen.step in UNMERGED and (takes_over or not seen.has_begun)
            if is_of_app and is_early and name != release.name:
                self._wake(Ref(release.namespace, name))

    def _drop_unlisted(self, namespace: str) -> None:
        """Drop the releases that a list has not brought which is whole."""
        place = self._namespaces[namespace]
        if place.is_whole:
            for name in list(place.unlisted):
                self.drop(Ref(namespace, name))


def _takes_over(seen: ReleaseSeen | None) -> bool:
    """Tell whether others of its app may have to give way to a release."""
    if seen is None or seen.outcome is not Outcome.WORKING:
        return False
    return seen.has_begun and seen.minds_others
