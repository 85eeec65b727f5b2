"""Taking back what deleted releases have proposed, with nobody waiting for it.

No finalizer holds a release for that: it goes at once, and its last event says all that is needed.
What an operator that is killed or away misses is found by the sweep of branches.
"""

import asyncio
import logging
from datetime import timedelta

from album_operator.decisions import take_back as decision
from album_operator.domain.errors import OutsideError, TransientError
from album_operator.domain.record import Record
from album_operator.domain.release import Ref, Release
from album_operator.domain.resolved import Resolved
from album_operator.steps import take_back
from album_operator.steps.access import Access
from album_operator.steps.case import Case
from album_operator.steps.world import World

LOG = logging.getLogger(__name__)

GIVE_UP = timedelta(minutes=5)
"""How long forge and repository are tried; an Event says then what stays behind."""

PAUSE_SECONDS = 10.0
"""Between two tries."""

LEFT_BEHIND = "LeftBehind"
"""Reason of that Event."""


class GoneReleases:
    """Begins to take back what a deleted release has left.

    Args:
        world: the outside.
        pause: seconds between two tries.
    """

    def __init__(self, world: World, pause: float = PAUSE_SECONDS) -> None:
        self._world = world
        self._pause = pause
        self._working: set[str] = set()

    def take_back(self, release: Release, record: Record) -> None:
        """Begin it for a release, as it was last seen; several events tell of one deletion."""
        resolved = record.resolved
        is_due = resolved is not None and decision.leaves_proposal(release, record)
        if resolved is None or not is_due or release.uid in self._working:
            return
        self._working.add(release.uid)
        task = asyncio.create_task(self._take_back(release, record, resolved))
        self._world.errands.add(task)
        task.add_done_callback(self._world.errands.discard)

    async def _take_back(self, release: Release, record: Record, resolved: Resolved) -> None:
        until = self._world.clock() + GIVE_UP
        try:
            while (error := await self._try(release, record, resolved)) is not None:
                if not isinstance(error, TransientError) or self._world.clock() >= until:
                    await self._tell(release, record, resolved, error)
                    return
                await asyncio.sleep(self._pause)
        except Exception:
            LOG.exception("Taking AlbumRelease %s back failed by a bug of ours", release.ref)
        finally:
            self._working.discard(release.uid)

    async def _try(
        self, release: Release, record: Record, resolved: Resolved
    ) -> OutsideError | None:
        """Take it back; give what kept us from it, None for nothing."""
        world = self._world
        access = Access(world.secrets, world.pull_requests, release.ref.namespace)
        try:
            await take_back.of_gone(world, Case(release, record, resolved, access))
        except OutsideError as error:
            LOG.info("AlbumRelease %s is gone and not taken back yet: %s", release.ref, error)
            return error
        return None

    async def _tell(
        self, release: Release, record: Record, resolved: Resolved, error: OutsideError
    ) -> None:
        """Say what stays behind, on the pipeline if it is there, else on the release itself."""
        world, namespace = self._world, release.ref.namespace
        said = decision.left_behind(release, resolved, record, error.sentence)
        said = world.secrets.clean(namespace, said)
        LOG.warning("%s", said)
        about = ("Warning", LEFT_BEHIND, said)
        pipeline = await world.releases.find_pipeline(Ref(namespace, release.pipeline))
        if pipeline is not None:
            await world.pipelines.post_event(pipeline, *about)
        else:
            await world.releases.post_event(release, *about)
