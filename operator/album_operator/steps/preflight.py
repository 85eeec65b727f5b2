"""What all steps need, looked at before anything is written anywhere."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from album_operator.decisions import (
    build_checks,
    rollback,
)
from album_operator.decisions import preflight as decision
from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.claims import ConfigBranch
from album_operator.domain.names import normal_url
from album_operator.domain.pull_requests import (
    Checks,
)
from album_operator.domain.reasons import Reason
from album_operator.domain.registry import ImageSeen
from album_operator.domain.release import Delivery, Mode, Ref
from album_operator.domain.seen import ConfigSeen, Edited, SourceSeen
from album_operator.domain.verdict import Done, Halt, Wait
from album_operator.render import pull_request
from album_operator.steps import image, preflight_look
from album_operator.steps.build_checks import look as look_at_checks
from album_operator.steps.case import Case
from album_operator.steps.findings import Findings
from album_operator.steps.preflight_build import check_build
from album_operator.steps.preflight_change import check_change, with_applications
from album_operator.steps.preflight_look import Look
from album_operator.steps.world import World


@dataclass(frozen=True)
class Checked:
    """That nothing is missing, and what was found out on the way.

    Attributes:
        done: with the record that has `resolved`.
        config: the config repository.
        edited: what the edits make of it.
        applications: the Applications, as they are.
        image: what the registry has under the tag.
        checks: of the source commit, as of `build_checks.find_unpassed`.
    """

    done: Done
    config: ConfigSeen
    edited: Edited
    applications: Mapping[Ref, ApplicationSeen | None]
    image: ImageSeen | None
    checks: Mapping[str, Checks] | None


async def decide(world: World, case: Case) -> Done | Wait | Halt:
    """Look at all a release will need, and take its branch: from then on others wait for it."""
    checked = await check(world, case)
    verdict = checked if isinstance(checked, Halt) else checked.done
    is_taken = isinstance(verdict, Halt) and verdict.reason is Reason.BRANCH_TAKEN
    has_branch = case.resolved.config.delivery is Delivery.PULL_REQUEST
    if has_branch and (is_taken or isinstance(verdict, Done)):
        return _claim_branch(world, case, is_taken=is_taken) or verdict
    return verdict


def _claim_branch(world: World, case: Case, *, is_taken: bool) -> Wait | None:
    config = case.resolved.config
    branch = ConfigBranch(normal_url(config.repository), config.branch)
    claim = world.index.claim(case.release.ref, branch)
    return decision.check_branch(case.release, case.record, case.resolved, claim, is_taken=is_taken)


async def check(world: World, case: Case) -> Checked | Halt:
    """Look at all a release will need, as far as it can be told, and tell all that it lacks."""
    found = Findings()
    await check_build(world, case, found)
    case = await with_applications(world, case, found)
    look = await preflight_look.look(world, case, found)
    brought = None
    if case.release.rollback_of is not None:
        brought = await _check_brought(world, case, look, found)
    elif look.source is not None:
        found.note(decision.check_source(case.resolved, look.source))
        aliases = world.settings.host_aliases
        found.note(decision.check_image(case.resolved, look.source, look.image, aliases))
    checks = await _check_checks(world, case, look, found)
    edited = await check_change(world, case, look, found)
    halt = found.tell()
    if halt is not None:
        return halt
    source = look.source if brought is None else SourceSeen(brought.commit)
    if source is None or look.config is None or edited is None:
        raise AssertionError("what could not be looked at is told")
    done = decision.decide(case.record, case.resolved, source, look.config, look.image)
    if brought is not None:
        done = replace(done, record=replace(done.record, image=brought.image))
    # Last of all: who may not release there anyway waits for nobody's branch.
    taken = _check_free(case, look, done) if edited.files else None
    if taken is not None:
        return taken
    if world.settings.require_guard and case.writes_applications:
        await asyncio.gather(*map(world.applications.prove_guard, look.applications))
    return Checked(done, look.config, edited, look.applications, look.image, checks)


async def _check_checks(
    world: World, case: Case, look: Look, found: Findings
) -> Mapping[str, Checks] | None:
    """Ask for the checks that are required, so that it is known that they may be asked for.

    What a rollback brings back has run: nothing holds it up.
    """
    if look.source is None or look.source.commit is None:
        return None
    seen = await found.ask(look_at_checks(world, case, look.source.commit))
    # Once it has begun, a release waits: what fails may be run again.
    if case.release.mode is Mode.PLAN:
        found.note(build_checks.refuse(case.resolved, seen))
    return seen


async def _check_brought(
    world: World, case: Case, look: Look, found: Findings
) -> rollback.Brought | None:
    """Check what a rollback brings back, and give it."""
    others = await found.ask(world.releases.list_of_app(case.pipeline, case.resolved.app))
    if others is None or not image.was_asked(case):
        return None
    aliases = world.settings.host_aliases
    judged = rollback.judge(case.release, case.resolved, others, look.image, aliases)
    found.note(judged if isinstance(judged, Halt) else None)
    return None if isinstance(judged, Halt) else judged


def _check_free(case: Case, look: Look, done: Done) -> Halt | None:
    """Refuse a branch that cannot be ours, whatever digest the image will have."""
    resolved, seen = done.record.resolved, look.config
    if resolved is None or seen is None:
        raise AssertionError("it was found out what the release does")
    there = seen.branch.message if seen.branch is not None else ""
    ours = pull_request.commit_message(case.release, resolved, pull_request.digest_in(there))
    is_ours = pull_request.is_same_message(there, ours)
    return decision.check_free(resolved, seen, look.pull_request, is_ours=is_ours)
