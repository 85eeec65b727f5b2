"""What a release would do, found out by looking only."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

from album_operator.decisions import build_checks, image, sync
from album_operator.decisions import plan as decision
from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.argocd import Sync
from album_operator.domain.diffs import PLAN_DIFF_BYTES, cut_diff
from album_operator.domain.record import ImageRecord
from album_operator.domain.registry import ImageSeen
from album_operator.domain.release import Ref
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Done, Halt
from album_operator.render.sync_policy import patch_for, switches_on
from album_operator.steps import preflight
from album_operator.steps.case import Case
from album_operator.steps.editing import edit
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
    there = _find_image(world, resolved, checked.image)
    if there is not None:
        # Its digest is known, where an edit writes one.
        known = replace(case, record=replace(case.record, image=there))
        edited = await edit(world.editor, known, seen.files)
    place = await case.access.to_config(resolved)
    diff = await world.config.diff(place, seen.base_commit or "", edited.files)
    patches = {
        ref: json.dumps(patch_for(found, resolved.argocd.sync_policy))
        for ref, found in checked.applications.items()
        if found is not None and resolved.argocd.sync is Sync.AUTOMATED
    }
    diff = cut_diff(diff, PLAN_DIFF_BYTES)
    notes = [
        *edited.notes,
        *build_checks.foretell(resolved, checked.checks),
        *_foretell_syncs(resolved, checked.applications),
    ]
    return decision.decide(case.record, resolved, seen, diff, patches, notes, there)


def _foretell_syncs(
    resolved: Resolved, applications: Mapping[Ref, ApplicationSeen | None]
) -> Iterator[str]:
    """Say for which Applications automated sync would be switched on, and what that does."""
    for ref, found in applications.items():
        if found and switches_on(found.sync_policy, resolved.argocd.sync_policy):
            yield f"Application {ref} syncs by hand so far. {sync.switched_on(found)}"


def _find_image(world: World, resolved: Resolved, seen: ImageSeen | None) -> ImageRecord | None:
    """Give the image that is there and would be used; the checks have refused any other."""
    if seen is None:
        return None
    judged = image.judge(resolved, seen, world.settings.host_aliases)
    return judged if isinstance(judged, ImageRecord) else None
