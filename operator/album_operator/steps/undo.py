"""What becomes of a version that failed: which one ran before, and how that comes back."""

from album_operator.decisions import conventions, crash_words, rollback
from album_operator.decisions import undo as decision
from album_operator.domain.marks import labels_of
from album_operator.domain.record import Record
from album_operator.domain.release import Mode, Ref, Release, Rollback
from album_operator.domain.verdict import CreateRollback, DeployAction, Halt, Verdict, Wait
from album_operator.render.rollback import command, render_rollback
from album_operator.steps import preflight
from album_operator.steps.case import Case
from album_operator.steps.world import World

NO_RIGHT = (
    "The operator may not create albumreleases in namespace {}, which policy.rollback: Revert "
    "needs (manifests/namespace)."
)


async def decide(world: World, case: Case, failed: Halt, words: str) -> Wait | Halt:
    """Say with a failure how it is undone, or begin to undo it.

    Args:
        world: the outside.
        case: the release that failed.
        failed: how.
        words: of what crashed, empty for none.
    """
    resolved, halt = case.resolved, crash_words.add(failed, words)
    if case.release.mode is not Mode.APPLY:
        return halt  # Who released it takes it back.
    if case.release.rollback_of is not None:
        return decision.not_again(halt)
    others = await world.releases.list_of_app(case.pipeline, resolved.app)
    target = rollback.find_target(case.release, resolved, others)
    if target is None:
        return decision.nothing_before(halt, resolved)
    wish = _wish(case, target.version)
    if resolved.policy.rollback is Rollback.REPORT:
        return decision.report(failed, target, command(wish), words=words)
    if not await world.releases.may_create(case.namespace):
        why = NO_RIGHT.format(case.namespace)
        return decision.report(failed, target, command(wish), why, words)
    lacks = await _check(world, case, wish)
    if lacks is not None:
        return decision.not_possible(halt, target, lacks)
    return decision.begin(case.record, halt, wish)


async def follow(world: World, case: Case) -> Verdict[DeployAction]:
    """Look at the release that takes this one back, which failed."""
    known = case.record.rollback
    if known is None:
        raise AssertionError("it is noted how the release is taken back")
    found = await world.releases.find_release(Ref(case.namespace, known.release))
    return decision.follow(case.record, _wish(case, known.version), found, case.pipeline)


async def act(world: World, case: Case, action: CreateRollback) -> Record:
    """Create that release; its labels say from the first moment on that the app is held."""
    manifest = render_rollback(action.wish)
    manifest["metadata"]["labels"] = dict(labels_of(action.wish, case.resolved.app))
    await world.releases.create(manifest)
    return case.record


def _wish(case: Case, version: str) -> Release:
    return rollback.wish(case.release, case.record.attempt, version, case.resolved.app)


async def _check(world: World, case: Case, wish: Release) -> Halt | None:
    """Make the checks that the rollback would begin with, so that none is begun in vain."""
    resolved = conventions.resolve(wish, case.current)
    if isinstance(resolved, Halt):
        return resolved
    checked = await preflight.check(
        world, Case(wish, Record(), resolved, case.access, current=case.current)
    )
    if isinstance(checked, Halt):
        return checked
    return decision.replaced(case.resolved, checked.edited.current)
