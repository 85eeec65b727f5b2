"""What a release would do, found out by looking only."""

import json

from album_operator.decisions import plan as decision
from album_operator.domain.diffs import PLAN_DIFF_BYTES, cut_diff
from album_operator.domain.verdict import Done, Halt
from album_operator.render.sync_policy import patch_for
from album_operator.steps import preflight
from album_operator.steps.case import Case
from album_operator.steps.editing import Reading, find_change
from album_operator.steps.world import World


async def decide(world: World, case: Case) -> Done | Halt:
    """Check all the release needs, and tell what it would do.

    What the checks make of it is not kept: what is applied later is resolved anew.
    """
    checked = await preflight.check(world, case)
    resolved = checked.record.resolved if isinstance(checked, Done) else None
    if resolved is None:
        return checked
    change = await find_change(
        Reading(world.config, world.editor),
        await case.access.to_config(resolved),
        resolved.config.base_branch,
        case.release,
        resolved,
    )
    if isinstance(change, Halt):
        return change
    applications = await case.find_applications(world.applications, world.settings.host_aliases)
    patches = {
        ref: json.dumps(patch_for(found, resolved.argocd.sync_policy))
        for ref, found in applications.items()
        if found is not None
    }
    diff = cut_diff(change.diff, PLAN_DIFF_BYTES)
    return decision.decide(case.record, resolved, change.seen, diff, patches, change.notes)
