"""ImageReady: the build Job, its Pods, and its turn among the builds of its namespace."""

from dataclasses import replace

from album_operator.decisions import build as decision
from album_operator.domain import redaction
from album_operator.domain.names import job_name
from album_operator.domain.notice import Subject
from album_operator.domain.record import Record, StepName
from album_operator.domain.release import Ref
from album_operator.domain.seen import BuildSeen, BuildSlots
from album_operator.domain.verdict import BuildAction, Verdict
from album_operator.render.job import render_job
from album_operator.steps.case import Case
from album_operator.steps.world import World

NAMES = (StepName.IMAGE_READY,)
WOKEN_BY = frozenset({Subject.JOB})


async def decide(world: World, case: Case) -> Verdict[BuildAction]:
    """Look at the Job, and at the namespace's builds while there is none."""
    found, slots = None, None
    if case.record.image is None:
        job = Ref(case.namespace, job_name(case.release.ref.name, case.record.attempt))
        found = await world.builds.find(job, case.release)
        slots = await _find_slots(world, case) if found is None else None
        found = await _clean(case, found)
    return decision.decide(
        case.release,
        case.record,
        case.resolved,
        found,
        world.clock(),
        privileged=world.settings.engine.allow_privileged,
        slots=slots,
    )


async def act(world: World, case: Case, _: BuildAction) -> Record:
    """Submit the build."""
    await world.builds.submit(
        render_job(case.release, case.resolved, case.record.attempt, world.settings.engine),
        world.settings.builds_per_namespace,
    )
    return case.record


async def _find_slots(world: World, case: Case) -> BuildSlots:
    """Look at the builds of a release's namespace, with a place in their queue."""
    # Before the look: a build that ends meanwhile wakes who is first.
    world.queue.join(case.release)
    running = tuple(await world.builds.list_running(case.namespace))
    before = world.queue.before(case.release.ref)
    waiting = tuple(name for name in before if name not in running)
    return BuildSlots(world.settings.builds_per_namespace, running, waiting)


async def _clean(case: Case, seen: BuildSeen | None) -> BuildSeen | None:
    """Free what is said of a Pod of secrets before it is cut; a log whose are not known is left."""
    trouble = seen.trouble if seen is not None else None
    if seen is None or (trouble is None and not seen.failure_message):
        return seen
    is_known, clean = await case.access.learn(case.resolved), case.access.clean
    seen = replace(seen, failure_message=redaction.first_words(clean(seen.failure_message)))
    if trouble is None:
        return seen
    if trouble.exit_code is None:
        said = redaction.first_words(clean(trouble.message))
    else:
        said = trouble.message if is_known or not trouble.is_log else ""
        said = redaction.last_words(clean(redaction.from_start(said)))
    return replace(seen, trouble=replace(trouble, message=said))
