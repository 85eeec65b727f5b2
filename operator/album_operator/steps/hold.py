"""Whether an app is held, by its pipeline or since it was rolled back."""

from album_operator.decisions import hold as decision
from album_operator.domain.claims import RollbackSeen
from album_operator.steps.case import Case
from album_operator.steps.world import World


async def find(world: World, case: Case) -> str | None:
    """Say why a release's app is held and how a person lifts that; None where it is not.

    What was rolled back holds no rollback.
    """
    app = case.resolved.app
    by_hand = decision.find_by_hand(case.current, app)
    if by_hand is not None or case.release.rollback_of is not None:
        return by_hand
    others = await world.releases.list_of_app(case.pipeline, app, only_rollbacks=True)
    rollbacks = [
        RollbackSeen(one.ref.name, one.rollback_of or "", one.created_at) for one, _ in others
    ]
    return decision.find_by_rollback(case.current, app, rollbacks, world.clock())
