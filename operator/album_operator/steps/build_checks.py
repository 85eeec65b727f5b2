"""The checks of the source commit, asked of its forge where a pipeline requires some."""

from collections.abc import Mapping

from album_operator.domain.pull_requests import Checks
from album_operator.steps.case import Case
from album_operator.steps.world import World


async def look(world: World, case: Case, commit: str) -> Mapping[str, Checks] | None:
    """Give the state of each check of a commit; None where none is required."""
    if not case.resolved.policy.require_checks:
        return None
    place = await case.access.to_source_forge(case.resolved)
    return await world.pull_requests.list_checks(place, commit)
