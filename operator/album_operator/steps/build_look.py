"""What step ImageReady looks at: what each Job builds, and the image as a whole."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from album_operator.decisions import build_platforms
from album_operator.decisions.build_checks import find_unpassed
from album_operator.decisions.build_look import Look, PartLook
from album_operator.decisions.build_proof import IMPOSSIBLE, word_of
from album_operator.domain import redaction
from album_operator.domain.build_parts import WHOLE, job_of, parts_of
from album_operator.domain.build_slots import BuildRunning
from album_operator.domain.builds import BuildSeen, BuildState
from album_operator.domain.images import label_of
from album_operator.domain.names import image_tag
from album_operator.domain.pull_requests import Checks
from album_operator.domain.registry import ImageSeen
from album_operator.domain.release import BuildType, ProofBy, Ref
from album_operator.domain.resolved import Resolved
from album_operator.steps import build_checks, image
from album_operator.steps.case import Case
from album_operator.steps.world import World

Parts = dict[str, PartLook]


async def look(world: World, case: Case) -> Look:
    """Look at all that is not proved yet, and at the whole image where it may be there."""
    if case.resolved.build.type is BuildType.EXTERNAL:
        tagged = await image.take_look(world, case)
        return Look(tagged=tagged, checks=await _look_at_checks(world, case) if tagged else None)
    parts = await _find_jobs(world, case)
    is_first = not build_platforms.has_job(case.record, parts)
    is_found = is_first and image.is_found(case)
    is_due = is_first and any(part.is_due for part in parts.values())
    checks = await _look_at_checks(world, case) if is_found or is_due else None
    if is_found:
        tagged = await image.take_look(world, case)
    elif find_unpassed(case.resolved, checks):
        tagged = None
    else:
        tagged = await _look_at_parts(world, case, parts, is_first=is_first)
    return Look(parts, tagged, await image.look_at_further_tags(world, case, tagged), checks)


async def _look_at_checks(world: World, case: Case) -> Mapping[str, Checks] | None:
    return await build_checks.look(world, case, case.resolved.source.commit)


def counts(world: World, case: Case, namespace: str, build: BuildRunning) -> bool:
    """Tell whether a Job that runs still builds: a sidecar goes on after the builder has ended."""
    done = {each.job for each in build_platforms.proved(case.record).values()}
    is_built = world.index.has_built(Ref(namespace, build.release))
    return not is_built and (namespace != case.namespace or build.job not in done)


async def _find_jobs(world: World, case: Case) -> Parts:
    """Find the Jobs of all that is not proved yet."""
    done, found = build_platforms.proved(case.record), Parts()
    for platform, part in parts_of(case.resolved).items():
        if platform not in done:
            name = Ref(case.namespace, _job(case, part))
            found[platform] = PartLook(await world.builds.find(name, case.release))
    return found


def _job(case: Case, part: Resolved) -> str:
    return job_of(case.release.ref.name, part, case.record.attempt)


async def _look_at_parts(
    world: World, case: Case, parts: Parts, *, is_first: bool
) -> ImageSeen | None:
    """Fill in what matters of each part, and give the whole image if that is to be known.

    Args:
        world: where.
        case: the release.
        parts: those whose image is not proved, with their Jobs; without those that wait for another
            one to begin, afterwards.
        is_first: no Job is there yet, so that the whole image may be.
    """
    for platform, seen in parts.items():
        if seen.own is not None:
            own = await _clean(case, seen.own)
            parts[platform] = await _look_at_own(world, case, platform, own)
    due = [platform for platform, seen in parts.items() if seen.job is None]
    tagged = await _look_at_due(world, case, parts, due, is_first=is_first) if due else None
    if build_platforms.is_pushed(case.record, case.resolved, parts):
        return await image.look(world, case)
    return tagged


async def _look_at_due(
    world: World, case: Case, parts: Parts, due: Sequence[str], *, is_first: bool
) -> ImageSeen | None:
    """Look at the builds that run, then at the images: what others have pushed is there by then.

    With a place in the line of those that wait for a build to end, or for one of the same image.
    One part after the other takes it, so that a release of more parts than may run ends too.
    """
    release, all_parts = case.release, parts_of(case.resolved)
    # Before the look: a build that ends meanwhile wakes who is next.
    world.queue.join(release, _job(case, all_parts[due[0]]))
    others = await _find_others(world, case, {name: all_parts[name] for name in due})
    parts.update({name: PartLook(other=build) for name, build in others.items()})
    slots = world.queue.slots(release.ref)
    tagged = None
    if is_first and not others and slots.is_free:
        tagged = await image.look(world, case)
    rest = [name for name in due if name not in others]
    while rest and tagged is None:
        name = rest.pop(0)
        world.queue.join(release, _job(case, all_parts[name]))
        there = None
        if name != WHOLE and slots.is_free:
            there = await image.find(world, case, image_tag(all_parts[name].build.image))
        parts[name] = PartLook(tagged=there, slots=slots)
        if there is None:
            break
    for name in rest:
        del parts[name]
    return tagged


async def _find_others(
    world: World, case: Case, due: dict[str, Resolved]
) -> dict[str, BuildRunning]:
    """Look at the builds that run, and give those of the same images."""
    wanted = {label_of(part.build.image): name for name, part in due.items()}
    others = dict[str, BuildRunning]()

    async def list_running(namespace: str) -> Sequence[BuildRunning]:
        builds = await world.builds.list_running(namespace)
        counted = [build for build in builds if counts(world, case, namespace, build)]
        for build in counted if namespace == case.namespace else ():
            if build.image in wanted:
                others.setdefault(wanted[build.image], build)
        return counted

    world.image_waits.join(case.release.ref, wanted)
    await world.queue.look(case.namespace, world.settings.namespaces, list_running)
    return others


async def _look_at_own(world: World, case: Case, platform: str, job: BuildSeen) -> PartLook:
    """Ask the registry what a build that succeeded has pushed, and nothing while it runs."""
    build = parts_of(case.resolved)[platform].build
    if job.state is not BuildState.SUCCEEDED or build.proof is ProofBy.BUILDER:
        return PartLook(job)
    tagged = await image.find(world, case, image_tag(build.image))
    word = word_of(job, tagged)
    is_told = tagged is not None and tagged.digest == word
    if word is None or word in IMPOSSIBLE or is_told:
        return PartLook(job, tagged)
    return PartLook(job, tagged, await image.find(world, case, word))


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
