"""Whether a build left anything in its layer cache, which its engine tells in its log alone."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from album_operator.decisions import build_cache as decision
from album_operator.domain.errors import OutsideError
from album_operator.domain.verdict import Done
from album_operator.steps.case import Case
from album_operator.steps.world import World

LOOK_LIMIT = timedelta(seconds=5)
"""Longest that an image which is there is held up by the question."""


async def look(world: World, case: Case, done: Done) -> Done:
    """Ask once, after the build; what the registry does not tell is not said."""
    empty = [
        each for each in decision.kept_in(done, case.resolved) if await _is_empty(world, case, each)
    ]
    return decision.tell(done, case.resolved, empty)


async def _is_empty(world: World, case: Case, repository: str) -> bool:
    try:
        async with asyncio.timeout(LOOK_LIMIT.total_seconds()):
            place = await case.access.to_push(case.resolved)
            return await world.registry.is_empty(replace(place, repository=repository))
    except (OutsideError, TimeoutError):
        return False
