"""Deployed: what the Applications run, at which revision."""

from dataclasses import replace
from typing import assert_never

from album_operator.decisions import app_of_apps, application, operation, proof
from album_operator.decisions import deploy as decision
from album_operator.decisions.application import find_source
from album_operator.decisions.undo import UNDONE
from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.notice import Subject
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Record, StepName
from album_operator.domain.release import Ref
from album_operator.domain.verdict import (
    CreateRollback,
    DeployAction,
    Halt,
    RefreshApplication,
    StartSync,
    Verdict,
)
from album_operator.render import proposal, sync_policy
from album_operator.render.operation import attempt_of, start_patch
from album_operator.steps import crashes, hydration, overtaken, undo
from album_operator.steps.case import Case
from album_operator.steps.world import World

NAMES = (StepName.DEPLOYED,)
WOKEN_BY = frozenset({Subject.APPLICATION})


async def decide(world: World, case: Case) -> Verdict[DeployAction]:
    """Look at each Application in the light of the merge commit."""
    if case.record.rollback is not None:
        return await undo.follow(world, case)
    found = await case.find_applications(world.applications, world.settings.host_aliases)
    applications = await hydration.with_dry_revisions(world, case, found)
    seen = {ref: await _look(world, case, ref, found) for ref, found in applications.items()}
    first_look = world.sightings.first_look(case.release)
    verdict = decision.decide(case.record, case.resolved, seen, world.clock(), first_look)
    if isinstance(verdict, Halt) and verdict.reason in UNDONE:
        words = await crashes.find(world, case, seen) if verdict.reason is Reason.DEGRADED else ""
        return await undo.decide(world, case, verdict, words)
    return verdict


async def act(world: World, case: Case, action: DeployAction) -> Record:
    """Ask Argo CD to compare an Application again, or to sync it; or take a failure back."""
    match action:
        case CreateRollback():
            return await undo.act(world, case, action)
        case RefreshApplication():
            patch = sync_policy.refresh_patch(world.clock(), is_hard=action.is_hard)
            await world.applications.patch(action.application, patch)
            app = case.record.application(action.application.seen.ref)
            is_hard = app.hard_refreshed or action.is_hard
            return case.record.with_application(replace(app, hard_refreshed=is_hard))
        case StartSync():
            seen = action.application.seen
            patch = start_patch(seen, case.release, case.record.attempt)
            await world.applications.patch(action.application, patch)
            return operation.note_started(case.record, seen.ref)
        case _:
            assert_never(action)


async def _look(
    world: World, case: Case, ref: Ref, found: ApplicationSeen | None
) -> proof.DeploySeen:
    consent = world.settings.require_consent and case.writes_applications
    asked = application.ask(ref, found, case.pipeline, consent=consent)
    if found is None:
        return proof.DeploySeen(found, is_applied=False, contains_merge=frozenset(), asked=asked)
    record, resolved = case.record, case.resolved
    revisions = proof.undecided_revisions(found, record, resolved)
    containing = await _find_containing(world, case, revisions)
    lost = await _find_in_its_place(world, case, found, revisions - containing)
    containing |= lost
    unread = proof.unread_revision(found, containing, record, resolved)
    return proof.DeploySeen(
        found,
        sync_policy.is_applied(found.sync_policy, resolved.argocd.sync_policy),
        containing,
        asked,
        world.sightings.age_of_comparison(case.release, found),
        app_of_apps.find_behind(found, proposal.wanted_values(resolved, case.digest)),
        operation.is_started(ref, found, record, attempt_of(case.release, record.attempt)),
        await overtaken.find(world, case, unread) if unread is not None else None,
        record.application(ref).hard_refreshed,
        is_rewritten=bool(lost),
    )


async def _find_containing(world: World, case: Case, revisions: frozenset[str]) -> frozenset[str]:
    """Give those of an Application's revisions that are the merge commit or descend from it."""
    merged = case.record.merged_commit or ""
    if revisions <= {merged}:
        return revisions
    place = await case.access.to_config(case.resolved)
    base, since = case.resolved.config.base_branch, case.release.created_at
    return frozenset(
        {
            revision
            for revision in revisions
            if await world.config.is_descendant(place, revision, merged, base, since)
        }
    )


async def _find_in_its_place(
    world: World, case: Case, seen: ApplicationSeen, others: frozenset[str]
) -> frozenset[str]:
    """Give the revision of an Application where a forced push took our commit off the base branch.

    Args:
        world: where the history is.
        case: the release.
        seen: the Application.
        others: those of its revisions that have not our commit.
    """
    source = find_source(seen, case.resolved)
    revision, merged = (source.revision or "") if source else "", case.record.merged_commit or ""
    if revision not in others or seen.refresh_requested:
        return frozenset()
    place, config = await case.access.to_config(case.resolved), case.resolved.config

    async def descends(one: str, other: str) -> bool:
        since = case.release.created_at
        return await world.config.is_descendant(place, one, other, config.base_branch, since)

    # What our commit descends from is only older.
    if await descends(merged, revision):
        return frozenset()
    paths = proposal.edited_paths(config.edits)
    head = (await world.config.look(place, config.base_branch, paths, None)).base_commit or ""
    is_there = await descends(head, merged) or not await descends(head, revision)
    return frozenset() if is_there else frozenset({revision})
