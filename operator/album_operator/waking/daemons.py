"""One daemon per release in flight: an asyncio task that passes over it when it is woken or due.

They are tasks of the operator's own, not Kopf's daemons: those put a finalizer on each release, and
a finalizer outlives the right to take it away, and then the release and its namespace stay for
ever.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from album_operator.domain.errors import OutsideError
from album_operator.domain.release import Ref
from album_operator.logs import about
from album_operator.metrics.metrics import Metrics
from album_operator.metrics.passes import PassResult, count_pass
from album_operator.passes import Memory, Next
from album_operator.reconcile import Reconciler
from album_operator.serving.health import Health
from album_operator.stopwatch import Stopwatch
from album_operator.waking.wakeups import Wakeups

LOG = logging.getLogger(__name__)

API_DOWN = timedelta(seconds=5)
"""Pause after a pass that could not even read its release or write its status."""

AFTER_A_BUG = timedelta(seconds=60)

STOP_SECONDS = 20.0
"""How long a running pass may take to end when its daemon is stopped."""

END_SECONDS = 5.0
"""How long one may take that was cancelled then."""

Serve = Callable[[Ref, asyncio.Event], Awaitable[None]]


@dataclass
class _Daemon:
    """A task that serves a release.

    Attributes:
        stopped: set to end it after the pass that runs.
        successor: what the release asked for when it came into flight again since; another daemon
            begins with that once this one has ended. None where it did not.
        then: called once it has ended, for the release is gone.
    """

    task: asyncio.Task[None]
    stopped: asyncio.Event
    successor: tuple[object] | None = None
    then: Callable[[], None] | None = None

    @property
    def is_ending(self) -> bool:
        return self.stopped.is_set() or self.task.done()


class Daemons:
    """Begins and ends daemons by what is told of releases; never two for one release."""

    def __init__(self, serve: Serve, wakeups: Wakeups) -> None:
        self._serve = serve
        self._wakeups = wakeups
        self._daemons: dict[Ref, _Daemon] = {}
        self._is_closed = False

    def keep(self, release: Ref, wish: object) -> None:
        """Serve a release that is in flight, and wake it if it asks for something new.

        Args:
            release: the release.
            wish: what it asks for, as `wish_of` gives it.
        """
        known = self._daemons.get(release)
        if self._is_closed:
            return
        if known is None:
            self._begin(release, wish)
        elif known.is_ending:
            known.successor = (wish,)
        else:
            self._wakeups.note(release, wish)

    def end(self, release: Ref, then: Callable[[], None] | None = None) -> None:
        """Serve a release no more, after the pass that runs; one that takes long is cancelled.

        Args:
            release: the release.
            then: called once nothing works on it any more; None for nothing.
        """
        known = self._daemons.get(release)
        if known is None:
            if then is not None and not self._is_closed:
                then()
            return
        known.successor, known.then = None, then or known.then
        if not known.is_ending:
            known.stopped.set()
            asyncio.get_running_loop().call_later(STOP_SECONDS, known.task.cancel)

    async def stop(self, namespace: str) -> None:
        """End all daemons of a namespace, and wait for that; nothing is known of it then."""
        await self._end_all([ref for ref in self._daemons if ref.namespace == namespace])
        self._wakeups.index.forget(namespace)
        self._wakeups.queue.forget(namespace)

    async def close(self) -> None:
        """End all daemons and begin none any more."""
        self._is_closed = True
        await self._end_all(list(self._daemons))

    async def _end_all(self, releases: list[Ref]) -> None:
        tasks = [self._daemons[release].task for release in releases]
        for release in releases:
            self.end(release)
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_SECONDS + END_SECONDS)

    def _begin(self, release: Ref, wish: object) -> None:
        self._wakeups.join(release, wish)
        stopped = asyncio.Event()
        task = asyncio.ensure_future(self._serve(release, stopped))
        self._daemons[release] = _Daemon(task, stopped)
        task.add_done_callback(lambda _: self._ended(release))

    def _ended(self, release: Ref) -> None:
        known = self._daemons.pop(release)
        if not known.task.cancelled() and known.task.exception() is not None:
            LOG.error("AlbumRelease %s: its daemon ended", release, exc_info=known.task.exception())
        if known.then is not None and not self._is_closed:
            known.then()
        if known.successor is not None:
            self._begin(release, *known.successor)


async def serve_release(
    ref: Ref,
    stopped: asyncio.Event,
    reconciler: Reconciler,
    wakeups: Wakeups,
    health: Health,
    metrics: Metrics,
) -> None:
    """Pass over a release that joined the wake-ups whenever something happened or is due.

    It ends when it is stopped, and when the release is gone. One that has nothing left to do waits
    to be stopped: the event of its last write is still to come.
    """
    memory = Memory()
    polled, noticed = False, time.monotonic()
    try:
        while not stopped.is_set():
            with about("release", ref), _told_to(health, ref) as watch:
                working = reconciler.run_pass(ref, memory, noticed, polled=polled)
                due, result = await _try(ref, working)
            count_pass(metrics, "AlbumRelease", result, watch.seconds)
            if due.is_gone and not wakeups.has_news(ref):
                return
            ended = time.monotonic()
            wakeups.follow(ref, due.applications)
            wakeups.follow_image(ref, due.image)
            wakeups.follow_checks(ref, due.commit)
            if due.pull_request is not None:
                page, number = due.pull_request.url, due.pull_request.number
                wakeups.follow_pull_request(ref, page, number, due.branch)
            elif due.repository is not None:
                wakeups.follow_pull_request(ref, due.repository, None, due.branch)
            woken = await _wait(ref, stopped, wakeups, due)
            polled = woken is None and due.is_poll
            # An event seen while a pass ran has waited only since that pass ended.
            noticed = max(woken, ended) if woken is not None else time.monotonic()
    finally:
        wakeups.leave(ref)


@contextmanager
def _told_to(health: Health, ref: Ref) -> Iterator[Stopwatch]:
    """Let the probes know how long a pass works."""
    health.passes[str(ref)] = stopwatch = Stopwatch()
    try:
        with stopwatch.measuring():
            yield stopwatch
    finally:
        del health.passes[str(ref)]


async def _try(ref: Ref, working: Awaitable[Next]) -> tuple[Next, PassResult]:
    """Come again later where a pass could not even read its release, or write its status."""
    try:
        return await working, PassResult.OK
    except OutsideError as error:
        LOG.warning("AlbumRelease %s: %s", ref, error)
        after = max(API_DOWN, getattr(error, "retry_after", None) or API_DOWN)
        return Next(after), PassResult.TRANSIENT
    except Exception:
        LOG.exception("AlbumRelease %s: a pass failed by a bug of the operator", ref)
        return Next(AFTER_A_BUG), PassResult.BUG


async def _wait(ref: Ref, stopped: asyncio.Event, wakeups: Wakeups, due: Next) -> float | None:
    """Wait for an event, the due time, or the end; give when the event was seen, None for none."""
    woken = asyncio.ensure_future(wakeups.wait(ref, due.woken_by))
    ending = asyncio.ensure_future(stopped.wait())
    try:
        await asyncio.wait(
            {woken, ending},
            timeout=due.after.total_seconds() if due.after is not None else None,
            return_when=asyncio.FIRST_COMPLETED,
        )
        return woken.result() if woken.done() else None
    finally:
        woken.cancel()
        ending.cancel()
