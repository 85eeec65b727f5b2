"""Whose turn it is among the releases of an app, and among all of a namespace."""

from collections.abc import Mapping

from album_operator.decisions import begin_turn, concurrency
from album_operator.domain.claims import ReleaseSeen
from album_operator.domain.record import Outcome, StepName
from album_operator.domain.release import Mode
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
    if verdict is not None:
        index.begins.leave(release.ref)
        return verdict
    queued = _queue_up(world, case, known)
    if queued is not None:
        return queued
    if concurrency.takes_turns(release, resolved):
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
    return None


def _queue_up(world: World, case: Case, known: Mapping[str, ReleaseSeen]) -> Wait | None:
    """Let a release wait until fewer of its namespace are in flight; None where it may begin.

    A plan ends at once, and what takes back a version that fails waits for nobody.
    """
    release, resolved, index = case.release, case.resolved, world.index
    if release.mode is Mode.PLAN or release.rollback_of is not None:
        return None
    if not index.is_known(case.namespace):
        return begin_turn.wait_for_list(case.namespace)
    others = [seen for name, seen in known.items() if name != release.ref.name]
    is_next = begin_turn.takes_over(resolved.version, others, resolved.source.versioning)
    place = index.begins.ask(release, goes_first=is_next)
    return begin_turn.wait(release.ref, place) if place is not None else None
