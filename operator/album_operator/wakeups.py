"""Who is to be woken by what: events set flags, daemons wait for them."""

import asyncio
import time
from collections.abc import Iterable

from album_operator.domain.notice import Notice
from album_operator.domain.release import Ref


class _Flag:
    def __init__(self) -> None:
        self.event = asyncio.Event()
        self.noticed = 0.0
        self.wish: object = None


class Wakeups:
    """Flags of the releases in flight, and which Applications and pull requests concern them."""

    def __init__(self) -> None:
        self._flags: dict[Ref, _Flag] = {}
        self._followers: dict[Ref, set[Ref]] = {}
        self._states: dict[Ref, object] = {}
        self._pull_requests: dict[Ref, tuple[str, int | None, str | None]] = {}

    def join(self, release: Ref, wish: object) -> None:
        """Begin to receive wake-ups for a release.

        Args:
            release: the release.
            wish: what it asks for now; only another wish wakes it, see `note`.
        """
        self._flags.setdefault(release, _Flag()).wish = wish

    def leave(self, release: Ref) -> None:
        """Stop receiving wake-ups for a release."""
        self._flags.pop(release, None)
        self._pull_requests.pop(release, None)
        self.follow(release, ())

    def follow(self, release: Ref, applications: Iterable[Ref]) -> None:
        """Say which Applications concern a release from now on."""
        wanted = set(applications)
        for application in [ref for ref, known in self._followers.items() if release in known]:
            if application not in wanted:
                self._followers[application].discard(release)
                if not self._followers[application]:
                    del self._followers[application]
                    self._states.pop(application, None)
        for application in wanted:
            self._followers.setdefault(application, set()).add(release)

    def follow_pull_request(
        self, release: Ref, repository_url: str, number: int | None, branch: str | None
    ) -> None:
        """Say which pull request, by its number or head branch, concerns a release from now on."""
        self._pull_requests[release] = (repository_url, number, branch)

    def note(self, release: Ref, wish: object) -> None:
        """Wake a release if it asks for something else than before.

        Each status write of the operator comes back as an event: a pass for each would undo every
        backoff.
        """
        flag = self._flags.get(release)
        if flag is not None and flag.wish != wish:
            flag.wish = wish
            self.wake(release)

    def wake(self, release: Ref) -> None:
        """Note an event about a release; without a daemon for it nothing happens."""
        flag = self._flags.get(release)
        if flag is not None and not flag.event.is_set():
            flag.noticed = time.monotonic()
            flag.event.set()

    def wake_followers(self, application: Ref, state: object) -> None:
        """Note an event about an Application.

        Args:
            application: the Application.
            state: what a release can see of it; Argo CD writes more often than that changes, and a
                pass for each would find nothing new.
        """
        followers = self._followers.get(application, set())
        if not followers or self._states.get(application, self) == state:
            return
        self._states[application] = state
        for release in followers:
            self.wake(release)

    def notice(self, notice: Notice) -> None:
        """Note what a forge told: it wakes the releases whose pull request that concerns."""
        for release, pull_request in self._pull_requests.items():
            if notice.concerns(*pull_request):
                self.wake(release)

    async def wait(self, release: Ref) -> float:
        """Wait for the next event about a release that joined.

        Returns:
            `time.monotonic()` of the first event since the last wait.
        """
        flag = self._flags[release]
        await flag.event.wait()
        flag.event.clear()
        return flag.noticed
