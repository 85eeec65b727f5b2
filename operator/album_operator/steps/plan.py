"""What a release would do, found out by looking only."""

import json

from album_operator.decisions import plan as decision
from album_operator.domain.diffs import PLAN_DIFF_BYTES, cut_diff
from album_operator.domain.verdict import Done, Halt
from album_operator.render.sync_policy import patch_for
from album_operator.steps import preflight
from album_operator.steps.case import Case
from album_operator.steps.world import World


async def decide(world: World, case: Case) -> Done | Halt:
    """Check all the release needs, and tell what it would do.

    What the checks make of it is not kept: what is applied later is resolved anew.
    """
    checked = await preflight.check(world, case)
    if isinstance(checked, Halt):
        return checked
    resolved, seen, edited = checked.done.record.resolved, checked.config, checked.edited
    if resolved is None:
        raise AssertionError("nothing is checked whose doing is not resolved")
    place = await case.access.to_config(resolved)
    diff = await world.config.diff(place, seen.base_commit or "", edited.files)
    patches = {
        ref: json.dumps(patch_for(found, resolved.argocd.sync_policy))
        for ref, found in checked.applications.items()
        if found is not None
    }
    diff = cut_diff(diff, PLAN_DIFF_BYTES)
    return decision.decide(case.record, resolved, seen, diff, patches, edited.notes)
