"""When pipelines are passed over: soon after something happened to one, and again by time.

A task for each of a thousand pipelines would sleep most of the time; one loop with the times they
are due costs nothing while nothing is.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from album_operator.domain.errors import OutsideError
from album_operator.domain.release import Ref
from album_operator.domain.turns import in_turns
from album_operator.logs import about
from album_operator.metrics.metrics import Metrics
from album_operator.metrics.passes import PassResult, count_pass
from album_operator.pipelines.cause import Cause, Causes
from album_operator.stopwatch import Stopwatch

LOG = logging.getLogger(__name__)

AT_ONCE = 8
"""How many pipelines are passed over side by side."""

OF_ONE = 4
"""How many of them are of one namespace: where its servers hang, the others go on."""

PAUSE_SECONDS = 1.0
"""Between the end of a pass over a pipeline and its next, however much happens."""

TROUBLE_SECONDS = 30.0
"""Pause after a pass that could not read its pipeline or write its status, or met a bug."""

DELETED = 4096
"""Deleted pipelines that are remembered, the last ones; of others the API server is asked."""

RunPass = Callable[[Ref, Causes], Awaitable[timedelta | None]]


@dataclass
class _Pipeline:
    """What is known of a pipeline.

    Attributes:
        wish: what people ask of it.
        ready: status of its condition Ready, as the last event told.
        due: monotonic time of its next pass.
        causes: what happened since its last pass began.
        earliest: monotonic time before which no pass begins.
    """

    wish: object
    ready: str
    due: float
    causes: set[Cause] = field(default_factory=set)
    earliest: float = 0.0
    is_running: bool = False

    @property
    def at(self) -> float:
        # Whoever tells of tags has waited already, and a person may wait for a release of one.
        return self.due if Cause.TAGS in self.causes else max(self.due, self.earliest)


class Pipelines:
    """The pipelines of the served namespaces, and when each is passed over.

    Args:
        run_pass: passes over one, and gives the time until it does again by itself; None where it
            is gone.
        metrics: count passes.
        clock: monotonic seconds.

    Attributes:
        gone: each is told of one that is gone.
    """

    def __init__(
        self,
        run_pass: RunPass,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.gone: Collection[Callable[[Ref], None]] = ()
        self._run_pass = run_pass
        self._metrics = metrics
        self._clock = clock
        self._known: dict[Ref, _Pipeline] = {}
        self._deleted: dict[Ref, None] = {}
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def note(self, pipeline: Ref, wish: object, ready: str = "Unknown") -> bool:
        """Take what an event told of a pipeline; one that asks for nothing new is no news.

        Args:
            pipeline: the AlbumPipeline.
            wish: what people ask of it, as `pipeline_wish_of` gives it.
            ready: status of its condition Ready.

        Returns:
            Whether one that was known asks for something else.
        """
        known = self._known.get(pipeline)
        self._deleted.pop(pipeline, None)
        if known is None:
            self._known[pipeline] = _Pipeline(wish, ready, self._clock())
        else:
            known.ready = ready
            if known.wish == wish:
                return False
            known.wish = wish
        self.wake(pipeline, Cause.CHANGED)
        return known is not None

    def wake(self, pipeline: Ref, cause: Cause) -> None:
        """Pass over a pipeline soon; one that is not known is none of ours."""
        known = self._known.get(pipeline)
        if known is not None:
            known.causes.add(cause)
            known.due = min(known.due, self._clock())
            self._news.set()

    def delete(self, pipeline: Ref) -> None:
        """Take what an event told of a pipeline that is deleted."""
        self._deleted[pipeline] = None
        if len(self._deleted) > DELETED:
            del self._deleted[next(iter(self._deleted))]
        self.drop(pipeline)

    def drop(self, pipeline: Ref) -> None:
        """Forget a pipeline that is gone."""
        self._known.pop(pipeline, None)
        for tell in self.gone:
            tell(pipeline)

    def find_told(self, pipeline: Ref) -> bool | None:
        """Tell whether a pipeline is there by the last event of it; None where none has told."""
        return False if pipeline in self._deleted else pipeline in self._known or None

    def count_ready(self) -> Mapping[tuple[str, str], int]:
        """Give how many pipelines there are, by namespace and status of their condition Ready."""
        return Counter((ref.namespace, known.ready) for ref, known in self._known.items())

    def forget(self, namespace: str) -> None:
        """Forget the pipelines of a namespace that is not served any more."""
        for pipeline in [ref for ref in self._known if ref.namespace == namespace]:
            self.drop(pipeline)

    async def run(self) -> None:
        """Pass over pipelines for ever; when cancelled, end the passes that run."""
        try:
            while True:
                self._news.clear()
                for ref in self._due():
                    self._begin(ref)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), self._seconds_left())
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _due(self) -> list[Ref]:
        """Give the pipelines to begin with now: namespaces take turns, who waits longest first."""
        now, free = self._clock(), AT_ONCE - len(self._tasks)
        running = self._running()
        due = [ref for ref in self._idle(running) if self._known[ref].at <= now]
        line = sorted(due, key=lambda ref: self._known[ref].at)
        begun: list[Ref] = []
        for ref in in_turns(line, lambda ref: ref.namespace, running):
            if len(begun) < free and running[ref.namespace] < OF_ONE:
                running[ref.namespace] += 1
                begun.append(ref)
        return begun

    def _running(self) -> Counter[str]:
        return Counter(ref.namespace for ref, one in self._known.items() if one.is_running)

    def _idle(self, running: Counter[str]) -> list[Ref]:
        """Give the pipelines that are not passed over, of namespaces that have room."""
        known = self._known.items()
        return [ref for ref, one in known if not one.is_running and running[ref.namespace] < OF_ONE]

    def _seconds_left(self) -> float | None:
        """Give the time until the next is due; None where only news or the end of a pass counts."""
        if len(self._tasks) >= AT_ONCE:
            return None
        times = [self._known[ref].at for ref in self._idle(self._running())]
        return max(0.0, min(times) - self._clock()) if times else None

    def _begin(self, ref: Ref) -> None:
        known = self._known[ref]
        causes = frozenset(known.causes or {Cause.TIME})
        known.causes.clear()
        known.due = float("inf")
        known.is_running = True
        task = asyncio.ensure_future(self._pass(ref, known, causes))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._news.set()

    async def _pass(self, ref: Ref, known: _Pipeline, causes: Causes) -> None:
        watch = Stopwatch()
        with about("pipeline", ref), watch.measuring():
            result = await self._pass_over(ref, known, causes)
        count_pass(self._metrics, "AlbumPipeline", result, watch.seconds)

    async def _pass_over(self, ref: Ref, known: _Pipeline, causes: Causes) -> PassResult:
        after: float | None = TROUBLE_SECONDS
        result = PassResult.OK
        try:
            due = await self._run_pass(ref, causes)
            after = due.total_seconds() if due is not None else None
        except OutsideError as error:
            known.causes |= causes
            result = PassResult.TRANSIENT
            LOG.warning("AlbumPipeline %s: %s", ref, error)
        except Exception:
            known.causes |= causes
            result = PassResult.BUG
            LOG.exception("AlbumPipeline %s: a pass failed by a bug of the operator", ref)
        finally:
            now = self._clock()
            known.is_running = False
            known.earliest = now + PAUSE_SECONDS
            if after is not None:
                known.due = min(known.due, now + after)
            elif not known.causes and self._known.get(ref) is known:
                del self._known[ref]  # A watch that was broken did not tell that it is gone.
            if ref not in self._known:
                self.drop(ref)  # What the pass began for one that went meanwhile ends too.
        return result
