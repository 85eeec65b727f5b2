"""Who is to be woken by what: events set flags, daemons wait for them."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import assert_never

from album_operator.domain.build_slots import BuildLimits
from album_operator.domain.claims import UNMERGED
from album_operator.domain.hosts import NO_ALIASES, HostAliases
from album_operator.domain.notice import (
    CommitNotice,
    ImageNotice,
    Notice,
    ReleaseNotice,
    Subject,
)
from album_operator.domain.release import Ref
from album_operator.memory.build_queue import BuildQueue
from album_operator.memory.image_waits import ImageWaits
from album_operator.memory.lately import Lately
from album_operator.memory.release_index import ReleaseIndex

Subjects = frozenset[Subject]


@dataclass(frozen=True)
class _Missed:
    """Any Application of a namespace may have changed."""

    namespace: str


_Told = ReleaseNotice | Ref | _Missed
"""What may concern releases that do not follow it yet; an Application by its name."""


class _Flag:
    """What happened to a release since its last wait.

    Attributes:
        since: how much had been told when its pass began.
        waits_for: what the step that waits looks at; None while a pass runs, which may end in any.
        noticed: `time.monotonic()` of the first event about each subject; None for the release.
    """

    def __init__(self, since: int) -> None:
        self.since = since
        self.event = asyncio.Event()
        self.waits_for: Subjects | None = None
        self.noticed: dict[Subject | None, float] = {}
        self.wish: object = None

    def wait_for(self, subjects: Subjects | None) -> None:
        """Forget what a step does not look at, and be set by the rest only."""
        self.waits_for = subjects
        self.noticed = {about: at for about, at in self.noticed.items() if self.matters(about)}
        if not self.noticed:
            self.event.clear()

    def matters(self, about: Subject | None) -> bool:
        """Tell whether an event is one to wake for; one about the release itself always is."""
        return about is None or self.waits_for is None or about in self.waits_for


class Wakeups:
    """Flags of the releases in flight, and which Applications and pull requests concern them.

    An event about something that the step a release waits in does not look at wakes nobody: a
    release that awaits its merge for a week shall not pass at each sync of its Application.

    A pass looks first, and what it found to follow is said when it has ended: what was told while
    it ran wakes its release then.

    Args:
        aliases: which hosts are one, as an admin tells.
        limits: how many builds may run at once.
        most_in_flight: how many releases of a namespace may be in flight at once; None for any
            number.

    Attributes:
        queue: which builds run, and the releases that wait until one has ended.
        image_waits: those that wait for another's build of their own image.
        index: what all releases are at, and who waits for a branch of another.
    """

    def __init__(
        self,
        aliases: HostAliases = NO_ALIASES,
        limits: BuildLimits | None = None,
        most_in_flight: int | None = None,
    ) -> None:
        self.queue = BuildQueue(lambda release: self.wake(release, Subject.JOB), limits)
        self.image_waits = ImageWaits(lambda release: self.wake(release, Subject.JOB))
        self.index = ReleaseIndex(self.wake, aliases=aliases, most_in_flight=most_in_flight)
        self._aliases = aliases
        self._flags: dict[Ref, _Flag] = {}
        self._followers: dict[Ref, set[Ref]] = {}
        self._states: dict[Ref, object] = {}
        self._images: dict[Ref, str] = {}
        self._commits: dict[Ref, str] = {}
        self._lately = Lately[_Told]()
        self._pull_requests: dict[Ref, tuple[str, int | None, str | None]] = {}

    def join(self, release: Ref, wish: object) -> None:
        """Begin to receive wake-ups for a release.

        Args:
            release: the release.
            wish: what it asks for now; only another wish wakes it, see `note`.
        """
        self._flags.setdefault(release, _Flag(self._lately.count)).wish = wish

    def leave(self, release: Ref) -> None:
        """Stop receiving wake-ups for a release."""
        self._flags.pop(release, None)
        self._pull_requests.pop(release, None)
        self._images.pop(release, None)
        self._commits.pop(release, None)
        self.queue.leave(release)
        self.image_waits.leave(release)
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
        told = {*wanted, *(_Missed(application.namespace) for application in wanted)}
        self._catch_up(release, Subject.APPLICATION, told.__contains__)

    def follow_pull_request(
        self, release: Ref, page: str, number: int | None, branch: str | None
    ) -> None:
        """Say which pull request concerns a release from now on, as `Notice.concerns` takes it."""
        self._pull_requests[release] = (page, number, branch)
        self._catch_up(
            release,
            Subject.PULL_REQUEST,
            lambda told: (
                isinstance(told, Notice) and told.concerns(page, number, branch, self._aliases)
            ),
        )

    def follow_image(self, release: Ref, image: str | None) -> None:
        """Say for which image that is built elsewhere a release waits; None for none."""
        if image is None:
            self._images.pop(release, None)
        else:
            self._images[release] = image
            self._catch_up(
                release,
                Subject.IMAGE,
                lambda told: isinstance(told, ImageNotice) and told.concerns(image),
            )

    def follow_checks(self, release: Ref, commit: str | None) -> None:
        """Say for which commit's checks a release waits; None for none."""
        if commit is None:
            self._commits.pop(release, None)
        else:
            self._commits[release] = commit
            awaited = CommitNotice(commit)
            self._catch_up(release, Subject.CHECKS, lambda told: told == awaited)

    def _catch_up(self, release: Ref, about: Subject, concerns: Callable[[_Told], bool]) -> None:
        """Wake a release for what was told while its pass ran, if something concerns it."""
        flag = self._flags.get(release)
        if flag is not None and any(map(concerns, self._lately.since(flag.since))):
            self.wake(release, about)

    def note(self, release: Ref, wish: object) -> None:
        """Wake a release if it asks for something else than before.

        Each status write of the operator comes back as an event: a pass for each would undo every
        backoff.
        """
        flag = self._flags.get(release)
        if flag is not None and flag.wish != wish:
            flag.wish = wish
            self.wake(release)

    def wake(self, release: Ref, about: Subject | None = None) -> None:
        """Note an event about a release; without a daemon for it nothing happens.

        Args:
            release: the release.
            about: what it is about; None for the release itself.
        """
        flag = self._flags.get(release)
        if flag is not None and flag.matters(about):
            flag.noticed.setdefault(about, time.monotonic())
            flag.event.set()

    def wake_of_pipeline(self, pipeline: Ref) -> None:
        """Note that a pipeline has changed: the releases that it may hold look again."""
        for name, seen in self.index.of_pipeline(pipeline.namespace, pipeline.name).items():
            if seen.step in UNMERGED:
                self.wake(Ref(pipeline.namespace, name))

    def has_news(self, release: Ref) -> bool:
        """Tell whether something happened to a release since its last wait."""
        flag = self._flags.get(release)
        return flag is not None and bool(flag.noticed)

    def wake_followers(self, application: Ref, state: object) -> None:
        """Note an event about an Application.

        Args:
            application: the Application.
            state: what a release can see of it; Argo CD writes more often than that changes, and a
                pass for each would find nothing new.
        """
        followers = self._followers.get(application, set())
        if followers and self._states.get(application, self) == state:
            return
        self._lately.tell(application)
        if not followers:
            return
        self._states[application] = state
        for release in followers:
            self.wake(release, Subject.APPLICATION)

    def wake_all_followers(self, namespace: str) -> None:
        """Wake the releases that follow Applications of a namespace: changes may be missed."""
        self._lately.tell(_Missed(namespace))
        for application, followers in self._followers.items():
            if application.namespace == namespace:
                self._states.pop(application, None)
                for release in followers:
                    self.wake(release, Subject.APPLICATION)

    def notice(self, notice: ReleaseNotice) -> None:
        """Note what was told: it wakes the releases that what it is about concerns."""
        self._lately.tell(notice)
        match notice:
            case ImageNotice():
                for release, image in self._images.items():
                    if notice.concerns(image):
                        self.wake(release, Subject.IMAGE)
            case CommitNotice(commit):
                for release, awaited in self._commits.items():
                    if commit == awaited:
                        self.wake(release, Subject.CHECKS)
            case Notice():
                for release, pull_request in self._pull_requests.items():
                    if notice.concerns(*pull_request, self._aliases):
                        self.wake(release, Subject.PULL_REQUEST)
            case _:
                assert_never(notice)

    async def wait(self, release: Ref, subjects: Subjects | None = None) -> float:
        """Wait for the next event about a release that joined.

        Args:
            release: the release.
            subjects: what matters beside the release itself; None where all does.

        Returns:
            `time.monotonic()` of the first such event since the last wait.
        """
        flag = self._flags[release]
        flag.wait_for(subjects)
        try:
            await flag.event.wait()
        finally:
            flag.waits_for, flag.since = None, self._lately.count
        first = min(flag.noticed.values())
        flag.noticed.clear()
        flag.event.clear()
        return first
