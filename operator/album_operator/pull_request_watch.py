"""Noticing what happens to waiting pull requests, by a few requests for each repository.

One list tells of merges, closes and pushes however many releases wait; what lists do not show
(reviews, checks, conflicts) is looked at less often, many pull requests at a time. The watch only
says that something changed: the release that is woken looks for itself, through the same watch,
which has just read it.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from album_operator.domain.errors import OutsideError, TerminalError
from album_operator.domain.places import ForgePlace, ForgeType
from album_operator.domain.seen import PullRequestSeen, PullRequestState
from album_operator.ports import PullRequests

LOG = logging.getLogger(__name__)

Clock = Callable[[], float]

LONGEST_LOOK = timedelta(seconds=60)
"""Between two looks at reviews, checks and conflicts."""

LOOKS_APART = 10
"""Lists between two such looks, where lists come so often that this is less than a minute."""

QUICK = timedelta(minutes=10)
"""For so long after a pull request began to wait lists come as often as they may."""

SLOWER = 4
"""How much less often they come after that."""

FORGOTTEN = timedelta(hours=3)
"""After which a pull request that no release asked for is not watched any more."""

FRESH = timedelta(seconds=5)
"""How old an answer may be that a release is woken for and given."""

AT_ONCE = 50
"""Pull requests of a Gitea that are looked at in a row: each takes requests of its own there."""


def repository_of(pull_request_url: str) -> str:
    """Give the page of a pull request's repository: `…/pulls/6` and `…/pull/6` lie below it."""
    return pull_request_url.rsplit("/", 2)[0]


@dataclass
class _Waiting:
    """An open pull request that a release waits for; times are monotonic seconds."""

    seen: PullRequestSeen
    since: float
    asked: float
    looked: float
    fresh: bool = False


@dataclass
class _Repository:
    """A repository with waiting pull requests, by number.

    Attributes:
        place: as the release that asked last named it, with its credential.
        until: where the next list goes on.
        list_due: when that is, in monotonic seconds.
        look_due: when reviews, checks and conflicts are looked at again.
    """

    place: ForgePlace
    list_due: float
    look_due: float
    until: datetime | None = None
    waiting: dict[int, _Waiting] = field(default_factory=dict)

    @property
    def due(self) -> float:
        """When it is to be asked next."""
        return min(self.list_due, self.look_due)


class PullRequestWatch:
    """Reads pull requests for releases, and watches those that are open.

    Args:
        forge: the port.
        poll: shortest time between two lists of a repository.
        changed: told the page of the repository and the number of a pull request whose release is
            to look again.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        forge: PullRequests,
        poll: timedelta,
        changed: Callable[[str, int], None],
        clock: Clock = time.monotonic,
    ) -> None:
        self._forge = forge
        self._poll = poll.total_seconds()
        self._look = min(LONGEST_LOOK.total_seconds(), LOOKS_APART * self._poll)
        self._changed = changed
        self._clock = clock
        self._repositories: dict[tuple[str, str], _Repository] = {}
        self._news = asyncio.Event()

    async def get(self, place: ForgePlace, number: int) -> PullRequestSeen:
        """Read a pull request for a release, and watch it from now on while it is open."""
        key, now = (place.api_url, place.repository), self._clock()
        repository = self._repositories.get(key)
        known = repository.waiting.get(number) if repository is not None else None
        if known is not None and known.fresh and now - known.looked < FRESH.total_seconds():
            known.fresh, known.asked = False, now
            return known.seen
        seen = await self._forge.get(place, number)
        if seen.state is not PullRequestState.OPEN:
            if repository is not None:
                repository.waiting.pop(number, None)
            return seen
        if repository is None:
            repository = _Repository(place, now + self._poll, now + self._look)
            self._repositories[key] = repository
        repository.place = place
        if known is None:
            known = repository.waiting[number] = _Waiting(seen, now, now, now)
            repository.list_due = min(repository.list_due, now + self._poll)
            self._news.set()
        known.seen, known.asked, known.looked, known.fresh = seen, now, now, False
        return seen

    async def run(self) -> None:
        """Watch for ever."""
        while True:
            self._news.clear()
            await self.look_around()
            dues = [repository.due for repository in self._repositories.values()]
            left = max(0.0, min(dues) - self._clock()) if dues else None
            try:
                await asyncio.wait_for(self._news.wait(), left)
            except TimeoutError:
                continue

    async def look_around(self) -> None:
        """Ask about each repository that is due, side by side."""
        now = self._clock()
        for key, repository in list(self._repositories.items()):
            for number, known in list(repository.waiting.items()):
                if now - known.asked > FORGOTTEN.total_seconds():
                    del repository.waiting[number]
            if not repository.waiting:
                del self._repositories[key]
        due = [item for item in self._repositories.values() if item.due <= now]
        await asyncio.gather(*(self._ask(repository) for repository in due))

    async def _ask(self, repository: _Repository) -> None:
        place, now, changed = repository.place, self._clock(), set[int]()
        try:
            if repository.list_due <= now:
                repository.list_due = now + self._pause(repository)
                changed |= await self._list(repository)
            if repository.look_due <= now:
                repository.look_due = now + self._look
                changed |= await self._look_at(repository)
        except TerminalError as error:
            # Each release meets the trouble by itself, and says what a person must do.
            LOG.warning("%s in %s: %s", place.repository, place.api_url, error.message)
            changed = set(repository.waiting)
        except OutsideError as error:
            LOG.info("%s in %s: %s", place.repository, place.api_url, error.message)
            wait = getattr(error, "retry_after", None) or timedelta()
            again = self._clock() + wait.total_seconds()
            repository.list_due = max(repository.list_due, again)
            repository.look_due = max(repository.look_due, again)
        except Exception:
            LOG.exception("The watch over %s failed by a bug of the operator", place.repository)
        for number in sorted(changed):
            known = repository.waiting.get(number)
            if known is not None:
                self._changed(repository_of(known.seen.url), number)

    def _pause(self, repository: _Repository) -> float:
        """Give the time until the next list: quick in the first minutes, slower later."""
        youngest = max((known.since for known in repository.waiting.values()), default=0.0)
        is_young = self._clock() - youngest < QUICK.total_seconds()
        return self._poll if is_young else SLOWER * self._poll

    async def _list(self, repository: _Repository) -> set[int]:
        """Give the waiting pull requests that changed, by the repository's own list."""
        changes = await self._forge.list_changed(repository.place, repository.until)
        repository.until = changes.until
        changed = set()
        for number, glance in changes.glances.items():
            known = repository.waiting.get(number)
            if known is not None and glance != known.seen.glance:
                known.fresh = False
                changed.add(number)
        return changed

    async def _look_at(self, repository: _Repository) -> set[int]:
        """Give the waiting pull requests that look differently from when they were last read."""
        numbers = sorted(repository.waiting, key=lambda number: repository.waiting[number].looked)
        if repository.place.type is ForgeType.GITEA:
            numbers = numbers[:AT_ONCE]
        found = await self._forge.get_many(repository.place, numbers)
        changed = set()
        for number in numbers:
            known = repository.waiting.get(number)
            if known is None:
                continue
            known.looked = self._clock()
            seen = found.get(number)
            if seen == known.seen:
                continue
            changed.add(number)
            if seen is not None:
                known.seen, known.fresh = seen, True
        return changed
