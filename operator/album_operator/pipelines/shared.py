"""Questions to the outside that many pipelines have in common: each is asked once for all of them.

A thousand pipelines name few Secrets, repositories and registries, and a look at one that nothing
happened to must cost next to nothing.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Hashable
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

from album_operator.domain.places import GitPlace
from album_operator.domain.release import Ref
from album_operator.domain.seen import ConfigSeen
from album_operator.ports import ConfigRepository
from album_operator.steps.world import World

T = TypeVar("T")

KEPT_SECONDS = 4 * 3600.0
"""After which an answer that nobody has asked for is forgotten."""

QUESTIONS = {
    "secrets": {
        "find_credential",
        "find_registry_access",
        "find_registry_credential",
        "find_keys",
        "find_sink_secret",
    },
    "applications": {"find", "select"},
    "source": {"look"},
    "registry": {"find"},
    "pull_requests": {"get_repository"},
}
"""What a look at a pipeline asks, by port; it can do nothing else there, and writes nothing."""

PLAIN = {"learn", "learn_token", "clean", "git_token"}
"""What only concerns this process, and tokens, which the adapter has until they run out."""


@dataclass
class _Answer:
    """What was answered, or is being asked.

    Attributes:
        of: what it is about; the answer never changes while that is the same. None: it may.
        asked: monotonic time it was asked at.
        used: monotonic time somebody wanted it last.
    """

    of: Hashable
    asked: float
    used: float
    task: "asyncio.Task[Any]"

    def is_good(self, of: Hashable, since: float) -> bool:
        """Tell whether nobody needs to ask again."""
        if self.asked >= since:
            return self.of == of
        is_told = self.task.done() and not self.task.cancelled() and self.task.exception() is None
        return of is not None and self.of == of and is_told


class SharedLooks:
    """Answers of the outside, each with the time it was asked for.

    Args:
        clock: monotonic seconds.

    Attributes:
        asked: how many questions have gone out.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.asked = 0
        self._clock = clock
        self._known: dict[Hashable, _Answer] = {}

    def world(self, world: World, since: float) -> World:
        """Give the world as a look sees it that is content with answers since a time."""
        ports = {port: _Questions(self, getattr(world, port), port, since) for port in QUESTIONS}
        config = _Config(self, world.config, since)
        return replace(world, config=cast("ConfigRepository", config), **cast("Any", ports))

    async def ask(
        self,
        question: Hashable,
        since: float,
        ask: Callable[[], Awaitable[T]],
        of: Hashable = None,
    ) -> T:
        """Ask, unless that has been asked since.

        Args:
            question: what is asked; equal ones have one answer.
            since: monotonic time before which an answer is too old.
            ask: asks.
            of: what the answer is about, where it never changes while that is the same.

        Raises:
            Exception: what asking raised, also where that was somebody else's.
        """
        now = self._clock()
        known = self._known.pop(question, None)
        if known is None or not known.is_good(of, since):
            known = _Answer(of, now, now, asyncio.ensure_future(_await(ask)))
            known.task.add_done_callback(_see)
            self.asked += 1
        known.used = now
        self._known[question] = known
        self._forget_unused(now)
        return cast("T", await asyncio.shield(known.task))

    def forget_application(self, application: Ref) -> None:
        """Forget what is known of an Application: it has changed."""
        self._known.pop(("applications", "find", application), None)

    def _forget_unused(self, now: float) -> None:
        while (oldest := next(iter(self._known))) and (
            self._known[oldest].used < now - KEPT_SECONDS
        ):
            del self._known[oldest]


class _Questions:
    """A port of which only questions are asked, each shared."""

    def __init__(self, looks: SharedLooks, port: object, name: str, since: float) -> None:
        self._looks = looks
        self._port = port
        self._name = name
        self._since = since

    def __getattr__(self, method: str) -> Callable[..., Any]:
        call: Callable[..., Any] = getattr(self._port, method)
        if method in PLAIN:
            return call
        if method not in QUESTIONS[self._name]:
            raise AttributeError(f"a look at a pipeline does no {method}")

        def ask(*words: Any) -> Awaitable[Any]:  # noqa: ANN401 - as the port has them
            question = (self._name, method, *map(_hashable, words))
            return self._looks.ask(question, self._since, lambda: call(*words))

        return ask


class _Config:
    """The config repository: where its branches are is asked once, whatever is read of them."""

    def __init__(self, looks: SharedLooks, config: ConfigRepository, since: float) -> None:
        self._looks = looks
        self._config = config
        self._since = since

    async def look(
        self, place: GitPlace, base: str | None, paths: Collection[str], branch: str | None
    ) -> ConfigSeen:
        """Read files at the head of the base branch, as the port does."""
        if branch is not None:
            raise AssertionError("a look at a pipeline is at no release branch")
        question = ("config", place, base)
        seen = await self._looks.ask(
            question, self._since, lambda: self._config.look(place, base, (), None)
        )
        commit = seen.base_commit
        if commit is None:
            return seen
        asked = frozenset(paths)
        read = await self._looks.ask(
            (*question, asked),
            self._since,
            lambda: self._config.look_at(place, commit, asked),
            of=commit,
        )
        return replace(seen, files=read.files, not_files=read.not_files)


async def _await(ask: Callable[[], Awaitable[T]]) -> T:
    return await ask()


def _see(task: "asyncio.Task[Any]") -> None:
    """Have seen what it raised, which nobody may wait for any more."""
    if not task.cancelled():
        task.exception()


def _hashable(word: object) -> Hashable:
    """Give what stands for an argument; one with mappings in it by all that it says."""
    try:
        hash(word)
    except TypeError:
        return repr(word)
    return word
