"""Whom pipelines have their releases told to: read when there is something to tell."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from album_operator.domain.errors import OutsideError, TerminalError, TransientError
from album_operator.domain.notifications import TOLD, Notification
from album_operator.domain.pipeline import NotificationSink
from album_operator.domain.release import Ref
from album_operator.notifications.line import Result
from album_operator.notifications.lines import Lines
from album_operator.slots import Shares, Slots
from album_operator.steps.sinks import read_sink
from album_operator.steps.world import World

LOG = logging.getLogger(__name__)

T = TypeVar("T")

MOST_OF_NAMESPACE = 1000
"""Changes of a namespace that wait until it is read whom they are told to: some milliseconds."""

READS = Shares(total=32, namespace=8, host=32, pair=8, own=1)
"""Pipelines and Secrets that are read at once: of a namespace with a thousand pipelines all may
have something to tell at one moment."""

PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds after each try to read that failed; after the last there is no other."""


class OfPipelines:
    """Passes notifications on to the sinks that their pipelines name.

    Those of each pipeline go one after another, and beside those of the others: one whose Secret
    cannot be read holds nobody else up.

    Args:
        world: with the API server.
        lines: of sinks.
        pause: waits for so many seconds.
    """

    def __init__(
        self,
        world: World,
        lines: Lines,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._world = world
        self._lines = lines
        self._pause = pause
        self._reads = Slots(READS)
        self._waiting: dict[Ref, deque[Sequence[Notification]]] = {}
        self._tasks: dict[Ref, asyncio.Task[None]] = {}

    def note(self, pipeline: Ref, told: Sequence[Notification]) -> None:
        """Let what happened to a release be told; without hosts no pipeline may name a sink."""
        if not self._world.settings.notification_hosts:
            return
        if self._waiting_of(pipeline.namespace) >= MOST_OF_NAMESPACE:
            why = (
                f"{MOST_OF_NAMESPACE} changes of its namespace wait until the API server has said "
                "whom its pipelines name. Look why that takes so long, or have an admin name the "
                "sink in ALBUM_NOTIFICATIONS_FILE: of those it is asked nothing."
            )
            self._lose(pipeline, told, Result.DROPPED, why)
            return
        self._waiting.setdefault(pipeline, deque()).append(told)
        if pipeline not in self._tasks:
            self._tasks[pipeline] = asyncio.ensure_future(self._work(pipeline))

    async def run(self) -> None:
        """Let what is noted be passed on until cancelled."""
        try:
            await asyncio.Event().wait()
        finally:
            left = list(self._tasks.values())
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _work(self, pipeline: Ref) -> None:
        waiting = self._waiting[pipeline]
        try:
            while waiting:
                await self._try(pipeline, waiting.popleft())
        finally:
            del self._waiting[pipeline], self._tasks[pipeline]

    async def _try(self, pipeline: Ref, told: Sequence[Notification]) -> None:
        try:
            await self._pass_on(pipeline, told)
        except OutsideError as error:
            self._lose(pipeline, told, Result.EXPIRED, error.sentence)
        except Exception:
            LOG.exception("Notifications of AlbumPipeline %s failed by a bug", pipeline)
            self._lines.count(str(pipeline), Result.REFUSED, len(told))

    def _lose(self, pipeline: Ref, told: Sequence[Notification], result: Result, why: str) -> None:
        """Count and log what nobody is told, of sinks that are not known."""
        self._lines.count(str(pipeline), result, len(told))
        LOG.warning("AlbumPipeline %s: notifications are lost: %s", pipeline, why)

    def _waiting_of(self, namespace: str) -> int:
        return sum(len(its) for ref, its in self._waiting.items() if ref.namespace == namespace)

    async def _pass_on(self, pipeline: Ref, told: Sequence[Notification]) -> None:
        found = await self._patiently(
            pipeline, lambda: self._world.releases.find_pipeline(pipeline)
        )
        for wish in found.notifications if found is not None else ():
            events = frozenset(wish.events) or TOLD[wish.format]
            wanted = [one for one in told if one.event in events]
            if wanted:
                await self._tell(pipeline, wish, wanted)

    async def _tell(
        self, pipeline: Ref, wish: NotificationSink, told: Sequence[Notification]
    ) -> None:
        world, name = self._world, f"{pipeline}/{wish.name}"
        hosts = world.settings.notification_hosts
        try:
            sink = await self._patiently(
                pipeline, lambda: read_sink(world.secrets, pipeline, wish, hosts)
            )
        except TerminalError as error:
            LOG.warning("Sink %s: a notification is lost: %s", name, error.message)
            self._lines.count(name, Result.REFUSED, len(told))
            return
        for one in told:
            self._lines.put(sink, one)

    async def _patiently(self, pipeline: Ref, ask: Callable[[], Awaitable[T]]) -> T:
        for pause in PAUSES:
            try:
                async with self._reads.hold(pipeline.namespace):
                    return await ask()
            except TransientError:
                await self._pause(pause)
        async with self._reads.hold(pipeline.namespace):
            return await ask()
