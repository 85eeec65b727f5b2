"""Noticing what happens to waiting pull requests, by a few requests for each repository and Secret.

One list tells of merges, closes and pushes however many releases wait; what lists do not show
(reviews, checks, conflicts) is looked at less often, many pull requests at a time. The watch only
says that something changed: the release that is woken looks for itself, through the same watch,
which has just read it.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from album_operator.domain.errors import TerminalError, TransientError
from album_operator.domain.forges import forge_of
from album_operator.domain.places import ForgePlace
from album_operator.domain.pull_requests import PullRequestSeen, PullRequestState
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


@dataclass
class _Waiting:
    """An open pull request that a release waits for; times are monotonic seconds.

    Attributes:
        good_until: until when the next question is answered by `seen`; any later one is not.
        has_news: a list tells of a change that is not in `seen`.
    """

    seen: PullRequestSeen
    since: float
    asked: float
    looked: float
    good_until: float = 0.0
    has_news: bool = False


@dataclass
class _Question:
    """What a repository is asked again and again; times are monotonic seconds.

    Attributes:
        due: when it is asked next.
        is_failing: it was not answered the last time.
        trouble: why it is not answered, once the releases were told.
    """

    due: float
    is_failing: bool = False
    trouble: TransientError | None = None


@dataclass
class _Repository:
    """A repository as one Secret shows it, with waiting pull requests by number.

    Attributes:
        place: as the release that asked last named it, with the credential as its Secret has it.
        changes: the list of what changed.
        looks: at reviews, checks and conflicts.
        until: where the next list goes on.
        lists: how many were answered.
        is_asked: questions are on their way.
    """

    place: ForgePlace
    changes: _Question
    looks: _Question
    until: datetime | None = None
    lists: int = 0
    is_asked: bool = False
    waiting: dict[int, _Waiting] = field(default_factory=dict)

    @property
    def questions(self) -> tuple[_Question, _Question]:
        """Both questions."""
        return self.changes, self.looks

    @property
    def is_in_trouble(self) -> bool:
        """Tell whether its releases were told that it does not answer."""
        return any(question.trouble is not None for question in self.questions)

    @property
    def due(self) -> float:
        """When it is to be asked next."""
        return min(question.due for question in self.questions)


class PullRequestWatch:
    """Reads pull requests for releases, and watches those that are open.

    Args:
        forge: the port.
        poll: shortest time between two lists of a repository.
        changed: told the URL of the repository and the number of a pull request whose release is
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
        self._repositories: dict[tuple[str, ...], _Repository] = {}
        self._asking: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()

    async def get(self, place: ForgePlace, number: int) -> PullRequestSeen:
        """Read a pull request for a release, and watch it from now on while it is open.

        Raises:
            OutsideError: the forge's, or the trouble the watch has with it for a while already.
        """
        known = self._recall(place, number)
        if known is not None:
            return known
        repository = self._repositories.get(_key_of(place))
        lists = repository.lists if repository is not None else 0
        seen = await self._forge.get(place, number)
        if seen.state is PullRequestState.OPEN:
            self._keep(place, seen, lists)
        elif (repository := self._repositories.get(_key_of(place))) is not None:
            repository.waiting.pop(number, None)
        return seen

    def _recall(self, place: ForgePlace, number: int) -> PullRequestSeen | None:
        """Give what has just been read for whoever asks next; None where the forge is to be asked.

        Raises:
            TransientError: the trouble the watch has with the forge.
        """
        repository, now = self._repositories.get(_key_of(place)), self._clock()
        known = repository.waiting.get(number) if repository is not None else None
        if repository is None or known is None:
            return None
        known.asked = now
        if now < known.good_until:
            known.good_until = 0.0
            return known.seen
        if not known.has_news and place == repository.place:
            _raise_trouble(repository, now)
        return None

    def _keep(self, place: ForgePlace, seen: PullRequestSeen, lists: int) -> None:
        """Watch an open pull request that was read just now.

        Args:
            place: where.
            seen: what was read.
            lists: how many had been answered before it was asked for.
        """
        now = self._clock()
        # Others may have begun or ended to watch it while the forge was asked.
        repository = self._repositories.setdefault(
            _key_of(place),
            _Repository(place, _Question(now + self._poll), _Question(now + self._look)),
        )
        repository.place = place
        for question in repository.questions:
            if question.trouble is not None:
                # It answers again, or answers to this credential.
                question.due = now
                self._news.set()
        known = repository.waiting.get(seen.number)
        if known is None:
            repository.changes.due = min(repository.changes.due, now + self._poll)
            self._news.set()
        looked = now
        if repository.lists != lists:
            # One may have told of a change that is not in `seen`, and the next tells of later ones.
            looked, repository.looks.due = -math.inf, now
            self._news.set()
        since = known.since if known is not None else now
        repository.waiting[seen.number] = _Waiting(seen, since, asked=now, looked=looked)

    async def run(self) -> None:
        """Watch for ever."""
        try:
            while True:
                self._news.clear()
                self._begin_to_ask()
                dues = [one.due for one in self._repositories.values() if not one.is_asked]
                left = max(0.0, min(dues) - self._clock()) if dues else None
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), left)
        finally:
            for task in self._asking:
                task.cancel()

    async def ask_due(self) -> None:
        """Ask about each repository that is due, and wait for all answers."""
        await asyncio.gather(*self._begin_to_ask())

    def _begin_to_ask(self) -> list[asyncio.Task[None]]:
        """Begin to ask about each repository that is due: none waits for another's forge."""
        now = self._clock()
        for key, repository in list(self._repositories.items()):
            for number, known in list(repository.waiting.items()):
                if now - known.asked > FORGOTTEN.total_seconds():
                    del repository.waiting[number]
            if not repository.waiting:
                del self._repositories[key]
        due = [one for one in self._repositories.values() if one.due <= now and not one.is_asked]
        tasks = [asyncio.create_task(self._ask(repository)) for repository in due]
        for task, repository in zip(tasks, due, strict=True):
            repository.is_asked = True
            self._asking.add(task)
            task.add_done_callback(self._end_asking)
        return tasks

    def _end_asking(self, task: asyncio.Task[None]) -> None:
        self._asking.discard(task)
        self._news.set()

    async def _ask(self, repository: _Repository) -> None:
        try:
            await self._ask_both(repository)
        finally:
            repository.is_asked = False

    async def _ask_both(self, repository: _Repository) -> None:
        changes, looks, changed = repository.changes, repository.looks, set[int]()
        if changes.due <= self._clock():
            pause = self._pause(repository)
            changed |= await self._try(changes, pause, self._find_listed, repository)
        if looks.due <= self._clock():
            changed |= await self._try(looks, self._look, self._find_different, repository)
        for number in sorted(changed):
            known = repository.waiting.get(number)
            if known is not None:
                self._changed(known.seen.repository, number)

    async def _try(
        self,
        question: _Question,
        pause: float,
        ask: Callable[[_Repository], Awaitable[set[int]]],
        repository: _Repository,
    ) -> set[int]:
        """Ask, and give the pull requests whose releases are to look for themselves."""
        place, now = repository.place, self._clock()
        question.due = now + pause
        try:
            changed = await ask(repository)
        except TerminalError as error:
            # Each release meets the trouble by itself, and says what a person must do.
            LOG.warning("%s in %s: %s", place.repository, place.api_url, error)
            question.is_failing, question.trouble = False, None
            return set(repository.waiting)
        except TransientError as error:
            LOG.info("%s in %s: %s", place.repository, place.api_url, error)
            wait = (error.retry_after or timedelta()).total_seconds()
            question.due = self._clock() + max(wait, min(pause, self._poll))
            is_told, was_failing = repository.is_in_trouble, question.is_failing
            question.is_failing = True
            if not (is_told or was_failing or wait > pause):
                return set()
            question.trouble = error
            return set() if is_told else set(repository.waiting)
        except Exception:
            LOG.exception("The watch over %s failed by a bug of the operator", place.repository)
            return set()
        was_in_trouble = repository.is_in_trouble
        question.is_failing, question.trouble = False, None
        if repository.is_in_trouble or not was_in_trouble:
            return changed
        # All have to show that it is over: what is known is good enough for that.
        for number in repository.waiting.keys() - changed:
            repository.waiting[number].good_until = now + self._look
        return set(repository.waiting)

    def _pause(self, repository: _Repository) -> float:
        """Give the time until the next list: quick in the first minutes, slower later."""
        youngest = max((known.since for known in repository.waiting.values()), default=0.0)
        is_young = self._clock() - youngest < QUICK.total_seconds()
        return self._poll if is_young else SLOWER * self._poll

    async def _find_listed(self, repository: _Repository) -> set[int]:
        """Give the waiting pull requests that changed, by the repository's own list."""
        changes = await self._forge.list_changed(repository.place, repository.until)
        repository.until = changes.until
        repository.lists += 1
        changed = set()
        for number, glance in changes.glances.items():
            known = repository.waiting.get(number)
            if known is not None and glance != known.seen.glance:
                known.good_until, known.has_news = 0.0, True
                changed.add(number)
        return changed

    async def _find_different(self, repository: _Repository) -> set[int]:
        """Give the waiting pull requests that look differently from when they were last read."""
        numbers = sorted(repository.waiting, key=lambda number: repository.waiting[number].looked)
        numbers = numbers[: forge_of(repository.place.type).looks]
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
                known.seen, known.has_news = seen, False
                known.good_until = self._clock() + FRESH.total_seconds()
        return changed


def _key_of(place: ForgePlace) -> tuple[str, ...]:
    """Tell lists apart: what is read with one Secret is for the releases that use it.

    A token that is replaced in its Secret goes on with the list of the one before.
    """
    return (place.namespace, place.credential.secret, place.api_url, place.repository)


def _raise_trouble(repository: _Repository, now: float) -> None:
    """Spare a forge in trouble the same question from each release: the watch asks for all."""
    for question in repository.questions:
        if question.trouble is not None:
            wait = timedelta(seconds=max(0.0, question.due - now)) + FRESH
            raise TransientError(question.trouble.reason, question.trouble.message, wait)
