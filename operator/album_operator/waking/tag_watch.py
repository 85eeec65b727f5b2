"""Noticing new tags of source repositories, by one list for each repository and Secret.

However many pipelines and apps name it, a repository's tags are listed once in the shortest of
their intervals, and at once where its forge tells of one. The watch only says that there are other
tags than before: what comes of it the pass that is woken decides.
"""

import asyncio
import logging
import random
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from album_operator.domain.errors import OutsideError, TerminalError, TransientError
from album_operator.domain.hosts import NO_ALIASES, HostAliases
from album_operator.domain.notice import TagNotice, repository_key
from album_operator.domain.release import Ref
from album_operator.domain.triggers import TagInterest, TagsSeen
from album_operator.ports import GitTokens, Secrets, SourceRepository
from album_operator.steps.access import Access

LOG = logging.getLogger(__name__)

Clock = Callable[[], float]

Key = tuple[str, str, str]

APART_SECONDS = 0.5
"""Between two looks at a repository, however much is told of it."""

FRESH_SECONDS = 5.0
"""The same where pipelines are changed: a thousand of one repository may be applied at once."""

UNSEEN_SECONDS = (1.0, 5.0, 20.0)
"""After which it is looked again for a tag that was told of and is not listed yet: forges tell of a
push before all of their servers have it."""

MOST_UNSEEN = 100
"""Of a repository: what is told beyond that is found by polling."""

KEPT_SECONDS = 60.0
"""How long a list is kept; after that only whether the next one differs is known of it."""

FIRST_BACKOFF = 5.0

USERS = 1000
"""Of how many tags it is remembered who pushed them."""


@dataclass
class _Repository:
    """A repository as one Secret shows it; times are monotonic seconds.

    Attributes:
        due: when it is looked at next.
        followers: the pipelines that follow it.
        waiting: those of them that want to know of the next look, whatever it finds.
        prefixes: what the tags of the last look begin with.
        tags: what it found; None where it is not kept any more.
        found: stands for what it found.
        unseen: tags that were told of, each with how often it was looked for in vain.
        failures: looks in a row that were not answered.
    """

    due: float
    looked: float = float("-inf")
    is_looking: bool = False
    followers: dict[Ref, TagInterest] = field(default_factory=dict)
    waiting: set[Ref] = field(default_factory=set)
    prefixes: frozenset[str] = frozenset()
    tags: Mapping[str, str] | None = None
    found: int | None = None
    trouble: OutsideError | None = None
    unseen: dict[str, int] = field(default_factory=dict)
    failures: int = 0

    @property
    def interval(self) -> float:
        """The shortest that one of its followers has, a little less: together they spread.

        The last one may go while a look is under way: 0 then, and nothing comes of it.
        """
        intervals = (one.interval.total_seconds() for one in self.followers.values())
        shortest = min(intervals, default=0.0)
        return shortest * random.uniform(0.9, 1.0)  # noqa: S311 - spreads polls, guards nothing


class TagWatch:
    """Lists the tags that pipelines follow.

    Args:
        source: the port.
        secrets: where the credentials are.
        tokens: makes those of GitHub Apps.
        changed: told each pipeline whose repository has other tags.
        aliases: which hosts are one, as an admin tells.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        source: SourceRepository,
        secrets: Secrets,
        tokens: GitTokens,
        changed: Callable[[Ref], None],
        aliases: HostAliases = NO_ALIASES,
        clock: Clock = time.monotonic,
    ) -> None:
        self._source = source
        self._secrets = secrets
        self._tokens = tokens
        self._changed = changed
        self._aliases = aliases
        self._clock = clock
        self._followed: dict[Ref, Key] = {}
        self._repositories: dict[Key, _Repository] = {}
        self._by_name: dict[str, set[Key]] = {}
        self._users: OrderedDict[tuple[Key, str], str] = OrderedDict()
        self._looking: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()

    def follow(self, pipeline: Ref, interest: TagInterest | None) -> None:
        """Say which tags a pipeline wants to know of from now on; None for none."""
        key = interest.key if interest is not None else None
        before = self._followed.get(pipeline)
        if before is not None and before != key:
            self._leave(pipeline, before)
        if interest is None or key is None:
            return
        known = self._repositories.get(key)
        if known is None:
            known = self._repositories[key] = _Repository(self._clock())
            self._by_name.setdefault(repository_key(interest.repository), set()).add(key)
        self._followed[pipeline] = key
        known.followers[pipeline] = interest

    def _leave(self, pipeline: Ref, key: Key) -> None:
        del self._followed[pipeline]
        known = self._repositories[key]
        del known.followers[pipeline]
        known.waiting.discard(pipeline)
        if not known.followers:
            del self._repositories[key]
            self._by_name[repository_key(key[2])].discard(key)

    def read(self, pipeline: Ref, *, anew: bool) -> TagsSeen | None:
        """Give the tags that a pipeline follows; None where it is woken once they are listed."""
        known = self._repositories[self._followed[pipeline]]
        is_told = pipeline not in known.waiting and not known.is_looking
        prefixes = known.followers[pipeline].prefixes
        if anew:
            self._look_soon(known, FRESH_SECONDS)
        if is_told and not (anew and known.due <= self._clock()):
            if known.trouble is not None:
                return TagsSeen({}, known.trouble)
            if known.tags is not None and prefixes <= known.prefixes:
                return TagsSeen(known.tags)
        known.waiting.add(pipeline)
        self._look_soon(known)
        return None

    def who(self, pipeline: Ref, tag: str) -> str:
        """Give who pushed a tag, as its forge told lately; empty where it did not."""
        key = self._followed.get(pipeline)
        return self._users.get((key, tag), "") if key is not None else ""

    def notice(self, notice: TagNotice) -> None:
        """Look at the repositories that a delivery may be about."""
        for key in self._by_name.get(notice.key, ()):
            known = self._repositories[key]
            followers = known.followers.values()
            if not any(one.hears and one.forge in {None, notice.forge} for one in followers):
                continue
            if notice.user and notice.is_of(key[2], self._aliases):
                self._users[key, notice.tag] = notice.user
                if len(self._users) > USERS:
                    self._users.popitem(last=False)
            if len(known.unseen) < MOST_UNSEEN:
                known.unseen.setdefault(notice.tag, 0)
            self._look_soon(known)

    def _look_soon(self, known: _Repository, apart: float = APART_SECONDS) -> None:
        """Look once the last look is so many seconds ago."""
        if known.failures == 0:  # What does not answer is left alone for as long as was decided.
            known.due = min(known.due, max(self._clock(), known.looked + apart))
            self._news.set()

    async def run(self) -> None:
        """Watch for ever."""
        try:
            while True:
                self._news.clear()
                self._begin_to_look()
                dues = [one.due for one in self._repositories.values() if not one.is_looking]
                left = max(0.0, min(dues) - self._clock()) if dues else None
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), left)
        finally:
            for task in self._looking:
                task.cancel()

    async def look_at_due(self) -> None:
        """Look at each repository that is due, and wait for all answers."""
        await asyncio.gather(*self._begin_to_look())

    def _begin_to_look(self) -> list[asyncio.Task[None]]:
        """Begin to look at each repository that is due: none waits for another's forge."""
        now, tasks = self._clock(), []
        for key, known in self._repositories.items():
            if known.looked < now - KEPT_SECONDS:
                known.tags = None
            if known.due <= now and not known.is_looking:
                known.is_looking, known.looked, known.due = True, now, float("inf")
                tasks.append(asyncio.create_task(self._look(key, known)))
        for task in tasks:
            self._looking.add(task)
            task.add_done_callback(self._end_looking)
        return tasks

    def _end_looking(self, task: asyncio.Task[None]) -> None:
        self._looking.discard(task)
        self._news.set()

    async def _look(self, key: Key, known: _Repository) -> None:
        waiting, known.waiting = known.waiting, set()
        had_trouble, before = known.trouble is not None, known.found
        prefixes = frozenset[str]().union(*(one.prefixes for one in known.followers.values()))
        pause = 0.0
        try:
            known.tags = await self._list(key, prefixes)
            known.prefixes, known.found = prefixes, hash(frozenset(known.tags.items()))
            known.trouble, known.failures = None, 0
        except TransientError as error:
            pause = self._note_failure(known, error)
        except TerminalError as error:
            known.trouble, known.tags = error, None
        except Exception:
            LOG.exception("The watch over tags of %s failed by a bug of the operator", key[2])
        finally:
            known.is_looking = False
        if not known.followers:
            return
        pause = pause or known.interval
        known.due = min(known.due, self._clock() + pause, self._next_try(known))
        if known.failures == 1:
            known.waiting |= waiting & known.followers.keys()
            return
        is_news = known.found != before or (known.trouble is not None) is not had_trouble
        for pipeline in list(known.followers) if is_news else waiting & known.followers.keys():
            self._changed(pipeline)

    async def _list(self, key: Key, prefixes: frozenset[str]) -> Mapping[str, str]:
        namespace, secret, repository = key
        access = Access(self._secrets, self._tokens, namespace)
        place = await access.to_git(repository, secret)
        return await self._source.list_tags(place, prefixes)

    def _note_failure(self, known: _Repository, error: TransientError) -> float:
        """Count a look that was not answered, and give the seconds until the next."""
        known.failures += 1
        LOG.info("%s", error)
        if known.failures > 1:
            known.trouble, known.tags = error, None
        wait = (error.retry_after or timedelta()).total_seconds()
        return max(wait, min(known.interval, FIRST_BACKOFF * 2.0 ** min(known.failures - 1, 10)))

    def _next_try(self, known: _Repository) -> float:
        """Give when to look again for tags that were told of and are not there yet."""
        tries = []
        for tag, count in list(known.unseen.items()):
            is_ours = tag.startswith(tuple(known.prefixes))
            if tag in (known.tags or {}) or not is_ours or count >= len(UNSEEN_SECONDS):
                del known.unseen[tag]
            else:
                tries.append(UNSEEN_SECONDS[count])
                known.unseen[tag] = count + 1
        return self._clock() + min(tries, default=float("inf"))
