"""ImageReady: the image, its build Jobs with their Pods, and their turn among the builds."""

from functools import partial
from typing import assert_never

from album_operator.decisions import build as decision
from album_operator.decisions.build_look import Look
from album_operator.domain.build_parts import parts_of
from album_operator.domain.notice import Subject
from album_operator.domain.record import Record, StepName
from album_operator.domain.verdict import (
    BuildAction,
    Done,
    PutIndex,
    PutTags,
    SubmitBuild,
    Verdict,
)
from album_operator.render.job import render_job
from album_operator.steps import build_cache, build_look, image
from album_operator.steps.case import Case
from album_operator.steps.world import World

NAMES = (StepName.IMAGE_READY,)
WOKEN_BY = frozenset({Subject.JOB, Subject.IMAGE, Subject.CHECKS})


async def decide(world: World, case: Case) -> Verdict[BuildAction]:
    """Look at the Jobs, and at what else matters where there is none, or where one succeeded."""
    verdict = decision.decide(
        case.release,
        case.record,
        case.resolved,
        await build_look.look(world, case) if case.record.image is None else Look(),
        world.clock(),
        buildkit=world.settings.engine.buildkit,
        pods=world.settings.engine.pods,
        aliases=world.settings.host_aliases,
    )
    if isinstance(verdict, Done) and case.record.image is None:
        return await build_cache.look(world, case, verdict)
    return verdict


async def act(world: World, case: Case, action: BuildAction) -> Record:
    """Submit a build, put the index of several, or the further tags of an image that is there."""
    match action:
        case SubmitBuild():
            await _submit(world, case, action)
        case PutIndex():
            await image.put_index(world, case, action)
        case PutTags():
            await image.put_tags(world, case, action)
        case _:
            assert_never(action)
    return case.record


async def _submit(world: World, case: Case, action: SubmitBuild) -> None:
    part = parts_of(case.resolved)[action.platform]
    job = render_job(case.release, part, case.record.attempt, world.settings.engine)
    counts = partial(build_look.counts, world, case, case.namespace)
    with world.queue.claim(case.release.ref):
        await world.builds.submit(job, world.settings.build_limits.each, counts)
