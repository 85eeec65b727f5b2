"""Which releases wait until another build of their namespace has ended; the oldest goes first.

Known in this process only. After a restart each release that waits asks again, and finds the builds
that run in the cluster: what is lost is at most the order of those that start at that moment.
"""

from collections.abc import Callable
from datetime import datetime

from album_operator.domain.release import Ref, Release


class BuildQueue:
    """Releases that wait for a build, by namespace.

    Args:
        wake: lets a release look again; None where time alone does.
    """

    def __init__(self, wake: Callable[[Ref], None] | None = None) -> None:
        self._wake = wake
        self._waiting: dict[str, dict[str, datetime]] = {}

    def join(self, release: Release) -> None:
        """Take a place, by the release's creation; one that has its place keeps it."""
        places = self._waiting.setdefault(release.ref.namespace, {})
        places[release.ref.name] = release.created_at

    def leave(self, release: Ref) -> None:
        """Give up a place, if there is one: whoever is first now may have room."""
        places = self._waiting.get(release.namespace, {})
        if places.pop(release.name, None) is None:
            return
        if not places:
            del self._waiting[release.namespace]
        self.wake_first(release.namespace)

    def before(self, release: Ref) -> tuple[str, ...]:
        """Give the names of those that go before a release, in their order."""
        order = self._order(release.namespace)
        return tuple(order[: order.index(release.name)]) if release.name in order else ()

    def wake_first(self, namespace: str) -> None:
        """Let the first look again: a build of the namespace has ended.

        If it begins its own it leaves, and the next one looks. So each that begins costs one look
        of the next, however many wait.
        """
        first = self._order(namespace)[:1]
        if first and self._wake is not None:
            self._wake(Ref(namespace, *first))

    def _order(self, namespace: str) -> list[str]:
        places = self._waiting.get(namespace, {})
        return sorted(places, key=lambda name: (places[name], name))
