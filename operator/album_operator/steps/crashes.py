"""What crashes where a release is Degraded: looked for once, when the failure is told."""

import asyncio
import logging
from dataclasses import replace

from album_operator.decisions import crash_words
from album_operator.decisions.proof import Seen
from album_operator.domain import redaction
from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.builds import PodTrouble
from album_operator.domain.errors import OutsideError
from album_operator.steps.case import Case
from album_operator.steps.world import World

LOG = logging.getLogger(__name__)

SECONDS = 5.0
"""How long a failure waits for it to be found out."""


async def find(world: World, case: Case, seen: Seen) -> str:
    """Tell of a container of the release's image that crashes, or which right would tell.

    Returns:
        One sentence; empty where nothing is found, or cannot be now.
    """
    consent, lack = world.settings.require_consent, ""
    places = crash_words.places(seen, case.pipeline, consent=consent)
    try:
        async with asyncio.timeout(SECONDS):
            for namespace, app in places.items():
                if not await world.crashes.may_look(namespace):
                    lack = lack or crash_words.lack(namespace)
                    continue
                crash = await _look(world, case, namespace, app)
                if crash is not None:
                    return crash_words.say(await _clean(case, crash))
    except (OutsideError, TimeoutError) as error:
        LOG.info("AlbumRelease %s: what crashes? %r", case.release.ref, error)
    return lack


async def _look(
    world: World, case: Case, namespace: str, app: ApplicationSeen
) -> PodTrouble | None:
    return await world.crashes.find(
        namespace, lambda image: crash_words.is_ours(image, app, case.record, case.resolved)
    )


async def _clean(case: Case, crash: PodTrouble) -> PodTrouble:
    """Free its words of secrets before they are cut; where these are not known, leave them out."""
    is_known = await case.access.learn(case.resolved)
    said = case.access.clean(crash.message) if is_known else ""
    return replace(crash, message=redaction.first_words(said))
