"""How many releases triggers make: so many an hour in each namespace, whatever a forge tells.

Known in this process only; what was made before a restart is told again by the releases themselves.
"""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta

from album_operator.domain.release import Ref

WINDOW = timedelta(hours=1)


class CreationLimit:
    """Releases that triggers have made within the last hour, by namespace.

    One that is deleted counts on: who deletes what a trigger makes has no larger share.

    Args:
        most: how many may be made in a namespace within an hour.
        clock: the API server's time, which `creationTimestamp` is of.
    """

    def __init__(self, most: int, clock: Callable[[], datetime]) -> None:
        self.most = most
        self._clock = clock
        self._made: defaultdict[str, dict[str, datetime]] = defaultdict(dict)

    def note(self, release: Ref, created_at: datetime) -> None:
        """Take what an event told: a trigger made this release then."""
        if created_at > self._clock() - WINDOW:
            self._made[release.namespace][release.name] = created_at

    def claim(self, release: Ref) -> datetime | None:
        """Count a release that a trigger is about to make; one that counts already may be tried on.

        Returns:
            None where it may be made now, else when the namespace may have its next one.
        """
        made, now = self._made[release.namespace], self._clock()
        for name, at in list(made.items()):
            if at <= now - WINDOW:
                del made[name]
        if release.name in made:
            return None
        if len(made) >= self.most:
            # A limit that was lowered since leaves more of them than it lets.
            return sorted(made.values())[len(made) - self.most] + WINDOW
        made[release.name] = now
        return None
