"""Proposed where a release has a branch and a pull request of its own."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

from album_operator.decisions import preflight
from album_operator.decisions import propose as decision
from album_operator.domain.diffs import DIFF_BYTES, cut_diff
from album_operator.domain.errors import OutsideError
from album_operator.domain.notice import Subject
from album_operator.domain.places import GitPlace
from album_operator.domain.pull_requests import PullRequestSeen
from album_operator.domain.record import Record, StepName
from album_operator.domain.seen import ConfigSeen
from album_operator.domain.verdict import OpenPullRequest, ProposeAction, PushBranch, Verdict
from album_operator.render import proposal, pull_request
from album_operator.steps.case import Case
from album_operator.steps.editing import edit, is_ours
from album_operator.steps.world import World

LOG = logging.getLogger(__name__)

NAMES = (StepName.PROPOSED,)
WOKEN_BY = frozenset({Subject.PULL_REQUEST})


async def decide(world: World, case: Case) -> Verdict[ProposeAction]:
    """Look at base, branch and pull request, and judge how far the change is proposed."""
    config = case.resolved.config
    place = await case.access.to_config(case.resolved)
    forge = await case.access.to_forge(case.resolved)
    seen, found = await asyncio.gather(
        world.config.look(
            place, config.base_branch, proposal.edited_paths(config.edits), config.branch
        ),
        world.pull_requests.find(forge, config.branch, config.base_branch),
    )
    refused = preflight.check_config(case.resolved, seen)
    if refused is not None:
        return refused
    edited = await edit(world.editor, case, seen.files)
    return decision.decide(
        case.release,
        case.record,
        case.resolved,
        decision.ProposeSeen(
            config=seen,
            current=edited.current,
            edited=edited.files,
            branch_is_ours=await _is_branch_ours(world, case, seen, edited.files),
            branch_diff=cut_diff(seen.branch.diff, DIFF_BYTES) if seen.branch else "",
            pull_request=found,
            merge_is_in_base=await _is_merge_in_base(world, case, place, seen, found),
        ),
    )


async def act(world: World, case: Case, action: ProposeAction) -> Record:
    """Push the branch, or open the pull request."""
    match action:
        case PushBranch():
            await _push(world, case, action)
        case OpenPullRequest():
            await _open(world, case, action)
        case _:
            assert_never(action)
    return case.record


async def _is_branch_ours(
    world: World, case: Case, seen: ConfigSeen, edited: Mapping[str, bytes]
) -> bool:
    branch = seen.branch
    if branch is None:
        return False
    is_of_base = branch.parent_files == seen.files
    return await is_ours(world.editor, case, branch, edited if is_of_base else None)


async def _is_merge_in_base(
    world: World, case: Case, place: GitPlace, seen: ConfigSeen, found: PullRequestSeen | None
) -> bool:
    merged = found.merge_commit if found is not None else None
    return merged is not None and await world.config.is_descendant(
        place,
        seen.base_commit or "",
        merged,
        case.resolved.config.base_branch,
        case.release.created_at,
    )


async def _push(world: World, case: Case, action: PushBranch) -> None:
    """Commit the change and put the release branch there."""
    change = proposal.change(
        case.release, case.resolved, case.digest, action.base_commit, action.files
    )
    place = await case.access.to_config(case.resolved)
    # A push takes longer than reading the commits the pull request will tell of; they are kept.
    await asyncio.gather(
        world.config.push(place, replace(change, expected=action.replaces)),
        _find_history(world, case, action.before),
    )


async def _open(world: World, case: Case, action: OpenPullRequest) -> None:
    """Open the pull request, with all a reviewer needs."""
    history = await _find_history(world, case, action.before)
    draft = pull_request.draft(
        case.release,
        case.resolved,
        case.digest,
        action.diff,
        history,
        case.record.requested_by,
    )
    await case.access.learn(case.resolved)
    await world.pull_requests.open(
        await case.access.to_forge(case.resolved),
        replace(draft, body=case.access.clean(draft.body)),
    )


async def _find_history(
    world: World, case: Case, before: str | None
) -> pull_request.History | None:
    """Find what the release brings to the app; without it a pull request says less."""
    source, version = case.resolved.source, case.resolved.version
    if before is None or not source.tag.endswith(version):
        return None
    since = source.tag.removesuffix(version) + before
    try:
        place = await case.access.to_source(case.resolved)
        limit = pull_request.COMMITS + 1
        found = await world.source.list_commits(place, since, source.commit, limit)
    except OutsideError as error:
        LOG.info("AlbumRelease %s: no commits since %s: %s", case.release.ref, since, error)
        return None
    return pull_request.History(since, tuple(found)) if found is not None else None
