"""ImageReady: the image, its build Job with its Pods, and its turn among the builds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import assert_never

from album_operator.decisions import build as decision
from album_operator.decisions.build import Look
from album_operator.decisions.build_checks import find_unpassed
from album_operator.decisions.build_proof import IMPOSSIBLE, word_of
from album_operator.domain import redaction
from album_operator.domain.build_slots import BuildRunning
from album_operator.domain.builds import BuildSeen, BuildState, JobOwner
from album_operator.domain.images import label_of
from album_operator.domain.names import image_tag, job_name
from album_operator.domain.notice import Subject
from album_operator.domain.pull_requests import Checks
from album_operator.domain.record import Record, StepName
from album_operator.domain.release import BuildType, ProofBy, Ref
from album_operator.domain.verdict import BuildAction, PutTags, SubmitBuild, Verdict
from album_operator.render.job import render_job
from album_operator.steps import build_checks, image
from album_operator.steps.case import Case
from album_operator.steps.world import World

NAMES = (StepName.IMAGE_READY,)
WOKEN_BY = frozenset({Subject.JOB, Subject.IMAGE, Subject.CHECKS})


async def decide(world: World, case: Case) -> Verdict[BuildAction]:
    """Look at the Job, and at what else matters where there is none, or where it succeeded."""
    return decision.decide(
        case.release,
        case.record,
        case.resolved,
        await _look(world, case) if case.record.image is None else Look(),
        world.clock(),
        buildkit=world.settings.engine.buildkit,
        pods=world.settings.engine.pods,
        aliases=world.settings.host_aliases,
    )


async def act(world: World, case: Case, action: BuildAction) -> Record:
    """Submit the build, or put the further tags of an image that is there."""
    match action:
        case SubmitBuild():
            await _submit(world, case)
        case PutTags():
            await image.put_tags(world, case, action)
        case _:
            assert_never(action)
    return case.record


async def _submit(world: World, case: Case) -> None:
    job = render_job(case.release, case.resolved, case.record.attempt, world.settings.engine)
    counts, limit = partial(_counts, world, case.namespace), world.settings.build_limits.each
    with world.queue.claim(case.release.ref):
        await world.builds.submit(job, limit, counts)


async def _look(world: World, case: Case) -> Look:
    if case.resolved.build.type is BuildType.EXTERNAL:
        tagged = await image.take_look(world, case)
        return Look(tagged=tagged, checks=await _look_at_checks(world, case) if tagged else None)
    name = Ref(case.namespace, job_name(case.release.ref.name, case.record.attempt))
    job = await world.builds.find(name, case.release)
    if job is not None and job.owner is JobOwner.RELEASE:
        return await _look_at_own(world, case, await _clean(case, job))
    if image.is_found(case):
        tagged = await image.take_look(world, case)
        standing = await image.look_at_further_tags(world, case, tagged)
        return Look(job, tagged, standing=standing, checks=await _look_at_checks(world, case))
    return await _look_at_others(world, case, name.name) if job is None else Look(job)


async def _look_at_others(world: World, case: Case, job: str) -> Look:
    """Look at the builds that run, then at the image: what others have pushed is there by then.

    With a place in the line of those that wait for a build to end, or for one of the same image.
    """
    checks = await _look_at_checks(world, case)
    if find_unpassed(case.resolved, checks):
        return Look(checks=checks)
    wanted, others = label_of(case.resolved.build.image), list[BuildRunning]()

    async def look(namespace: str) -> Sequence[BuildRunning]:
        builds = await world.builds.list_running(namespace)
        counted = [build for build in builds if _counts(world, namespace, build)]
        if namespace == case.namespace:
            others.extend(build for build in counted if build.image == wanted)
        return counted

    # Before the look: a build that ends meanwhile wakes who is next.
    world.queue.join(case.release, job)
    world.image_waits.join(case.release.ref, wanted)
    await world.queue.look(case.namespace, world.settings.namespaces, look)
    slots = world.queue.slots(case.release.ref)
    if others:
        return Look(other=others[0], slots=slots)
    tagged = await image.look(world, case) if slots.is_free else None
    standing = await image.look_at_further_tags(world, case, tagged)
    return Look(tagged=tagged, standing=standing, slots=slots, checks=checks)


async def _look_at_checks(world: World, case: Case) -> Mapping[str, Checks] | None:
    return await build_checks.look(world, case, case.resolved.source.commit)


def _counts(world: World, namespace: str, build: BuildRunning) -> bool:
    """Tell whether a Job that runs still builds: a sidecar goes on after the builder has ended."""
    return not world.index.has_built(Ref(namespace, build.release))


async def _look_at_own(world: World, case: Case, job: BuildSeen) -> Look:
    """Ask the registry what a build that succeeded has pushed, and nothing while it runs."""
    build = case.resolved.build
    if job.state is not BuildState.SUCCEEDED or build.proof is ProofBy.BUILDER:
        return Look(job)
    tagged = await image.find(world, case, image_tag(build.image))
    word = word_of(job, tagged)
    is_told = tagged is not None and tagged.digest == word
    if word is None or word in IMPOSSIBLE or is_told:
        return Look(job, tagged)
    return Look(job, tagged, await image.find(world, case, word))


async def _clean(case: Case, seen: BuildSeen) -> BuildSeen:
    """Free what is said of a Pod of secrets before it is cut; a log whose are not known is left."""
    trouble = seen.trouble
    if trouble is None and not seen.failure_message:
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
