"""The namespaces that are served: each for itself, while the API server grants all it takes."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection

from album_operator.domain.errors import OutsideError
from album_operator.serving.health import Health

LOG = logging.getLogger(__name__)

LOOK_SECONDS = 15.0
"""How often it is looked whether a namespace can be served."""

CONFIRM_SECONDS = 5.0
"""After which a refusal is looked at again before it counts: RBAC says no for a moment around a
restart of the API server, and a RoleBinding that is made anew is away for a moment."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds between the end of a watch and the next."""

Obstacle = Callable[[str], Awaitable[str | None]]
Watch = Callable[[str], Awaitable[None]]


class Namespaces:
    """Begins and ends the watch and the daemons of each namespace."""

    def __init__(
        self,
        names: Collection[str],
        find_obstacle: Obstacle,
        watch: Watch,
        stop: Callable[[str], Awaitable[None]],
        health: Health,
    ) -> None:
        """Prepare to serve.

        Args:
            names: of the namespaces; they need not exist.
            find_obstacle: says why one cannot be served, None where it can.
            watch: watches one until it is cancelled, or fails.
            stop: ends what is done for one, and forgets it.
            health: told what is served, and why something is not.
        """
        self._names = names
        self._find_obstacle = find_obstacle
        self._watch = watch
        self._stop = stop
        self._health = health

    async def run(self) -> None:
        """Serve for ever; when cancelled, end all watches and daemons first."""
        await asyncio.gather(*(self._serve(name) for name in self._names))

    async def _serve(self, name: str) -> None:
        pause = FIRST_PAUSE
        try:
            while True:
                begun = time.monotonic()
                try:
                    await self._until_clear(name)
                    begun = time.monotonic()
                    self._refuse(name, await self._watch_until_over(name))
                except Exception:
                    LOG.exception("Serving namespace %s failed by a bug of the operator", name)
                pause = FIRST_PAUSE if time.monotonic() - begun > LONGEST_PAUSE else pause
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, 2 * pause)
        finally:
            await self._stop(name)

    async def _until_clear(self, name: str) -> None:
        """Wait until nothing is in the way; daemons go on until that is certain."""
        refusals = 0
        while True:
            try:
                obstacle = await self._look(name)
                refusals += 1
            except OutsideError as error:
                obstacle = error.sentence
            if obstacle is None:
                return
            self._refuse(name, obstacle)
            if refusals == 2:
                await self._stop(name)
            await asyncio.sleep(CONFIRM_SECONDS if refusals == 1 else LOOK_SECONDS)

    async def _watch_until_over(self, name: str) -> str:
        """Watch until that fails or is refused for certain, and say why."""
        LOG.info("Namespace %s is served.", name)
        self._health.serve(name)
        watching = asyncio.ensure_future(self._watch(name))
        refusals = 0
        try:
            while True:
                pause = CONFIRM_SECONDS if refusals else LOOK_SECONDS
                await asyncio.wait({watching}, timeout=pause)
                if watching.done():
                    return f"its watch ended: {watching.exception() or 'nothing told why'}"
                try:
                    obstacle = await self._look(name)
                except OutsideError as error:
                    LOG.warning("%s", error)
                    continue
                refusals = 0 if obstacle is None else refusals + 1
                if obstacle is not None and refusals == 2:
                    return obstacle
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _look(self, name: str) -> str | None:
        obstacle = await self._find_obstacle(name)
        self._health.api_answered = self._health.clock()
        return obstacle

    def _refuse(self, name: str, why: str) -> None:
        if self._health.refused.get(name) != why:
            LOG.warning("Namespace %s is not served: %s", name, why)
        self._health.refuse(name, why)
