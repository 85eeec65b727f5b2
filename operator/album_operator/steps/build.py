"""ImageReady: the build Job, its Pods, and its turn among the builds of its namespace."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from album_operator.decisions import build as decision
from album_operator.domain import redaction
from album_operator.domain.build_slots import BuildRunning, BuildSlots
from album_operator.domain.names import job_name
from album_operator.domain.notice import Subject
from album_operator.domain.record import Record, StepName
from album_operator.domain.release import Ref
from album_operator.domain.seen import BuildSeen
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
        slots = await _find_slots(world, case, job.name) if found is None else None
        found = await _clean(case, found)
    return decision.decide(
        case.release,
        case.record,
        case.resolved,
        found,
        world.clock(),
        privileged=world.settings.engine.allow_privileged,
        pods=world.settings.engine.pods,
        slots=slots,
    )


async def act(world: World, case: Case, _: BuildAction) -> Record:
    """Submit the build."""
    job = render_job(case.release, case.resolved, case.record.attempt, world.settings.engine)
    counts, limit = partial(_counts, world, case.namespace), world.settings.build_limits.each
    with world.queue.claim(case.release.ref):
        await world.builds.submit(job, limit, counts)
    return case.record


async def _find_slots(world: World, case: Case, job: str) -> BuildSlots:
    """Look at the builds that run, with a place in the line of those that wait for one to end."""

    async def look(namespace: str) -> Sequence[BuildRunning]:
        builds = await world.builds.list_running(namespace)
        return [build for build in builds if _counts(world, namespace, build)]

    # Before the look: a build that ends meanwhile wakes who is next.
    world.queue.join(case.release, job)
    await world.queue.look(case.namespace, world.settings.namespaces, look)
    return world.queue.slots(case.release.ref)


def _counts(world: World, namespace: str, build: BuildRunning) -> bool:
    """Tell whether a Job that runs still builds: a sidecar goes on after the builder has ended."""
    return not world.index.has_built(Ref(namespace, build.release))


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
