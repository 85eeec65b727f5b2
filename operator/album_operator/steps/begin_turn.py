"""Whether a release may begin, or waits until fewer of its namespace are in flight."""

from album_operator.decisions import begin_turn as decision
from album_operator.domain.release import Mode
from album_operator.domain.verdict import Wait
from album_operator.steps.case import Case
from album_operator.steps.world import World


def find(world: World, case: Case) -> Wait | None:
    """Let a release wait for its turn; None where it may begin.

    A plan ends at once, and what takes back a version that fails waits for nobody.
    """
    release, resolved = case.release, case.resolved
    if release.mode is Mode.PLAN or release.rollback_of is not None:
        return None
    if not world.index.is_known(case.namespace):
        return decision.wait_for_list(case.namespace)
    known = world.index.of_app(case.namespace, resolved.pipeline.name, resolved.app)
    others = [seen for name, seen in known.items() if name != release.ref.name]
    is_next = decision.takes_over(resolved.version, others, resolved.source.versioning)
    place = world.index.begins.ask(release, goes_first=is_next)
    return decision.wait(release.ref, place) if place is not None else None
