"""Whose turn it is among the releases of an app, where they do not go side by side."""

from album_operator.decisions import concurrency
from album_operator.domain.claims import ReleaseSeen
from album_operator.domain.record import Outcome, StepName
from album_operator.domain.verdict import Halt, Wait
from album_operator.steps.case import Case
from album_operator.steps.world import World


def take(world: World, case: Case) -> Wait | Halt | None:
    """Let a release begin; from then on the others know that it has.

    Nothing is awaited between the look and that, so no other release of the process comes between.
    """
    release, resolved, index = case.release, case.resolved, world.index
    known = index.of_app(case.namespace, case.pipeline.name, resolved.app)
    is_certain = index.is_whole(case.namespace)
    verdict = concurrency.take_turn(release, case.record, resolved, known, is_certain=is_certain)
    if verdict is None and concurrency.takes_turns(release, resolved):
        seen = ReleaseSeen(
            pipeline=case.pipeline.name,
            app=resolved.app,
            version=resolved.version,
            step=StepName.IMAGE_READY,
            outcome=Outcome.WORKING,
            has_begun=True,
            minds_others=concurrency.minds_others(release),
            created_at=release.created_at,
        )
        index.begin(release.ref, seen)
    return verdict
