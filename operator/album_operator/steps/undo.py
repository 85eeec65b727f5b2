"""What becomes of a version that failed: which one ran before, and how that comes back."""

from album_operator.decisions import rollback as decision
from album_operator.domain.verdict import Halt
from album_operator.render.rollback import command
from album_operator.steps.case import Case
from album_operator.steps.world import World


async def decide(world: World, case: Case, halt: Halt) -> Halt:
    """Say with a failure how it is undone.

    Args:
        world: the outside.
        case: the release that failed.
        halt: how.
    """
    resolved = case.resolved
    if case.release.rollback_of is not None:
        return decision.not_again(halt)
    others = await world.releases.list_of_app(case.pipeline, resolved.app)
    target = decision.find_target(case.release, resolved, others)
    if target is None:
        return decision.nothing_before(halt, resolved)
    wish = decision.wish(case.release, case.record.attempt, target.version, resolved.app)
    return decision.report(halt, target, command(wish))
