"""What a release would change, and the Applications that are to run it."""

from collections.abc import Mapping
from dataclasses import replace

from album_operator.decisions import (
    application,
    propose,
)
from album_operator.decisions import preflight as decision
from album_operator.domain.argocd import Sync
from album_operator.domain.diffs import UNKNOWN_DIGEST
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.domain.seen import Edited
from album_operator.domain.verdict import Halt
from album_operator.render import sync_policy
from album_operator.steps import overrides, reach
from album_operator.steps.case import Case
from album_operator.steps.editing import Tried, try_edits
from album_operator.steps.findings import Findings
from album_operator.steps.preflight_look import Look
from album_operator.steps.world import World


async def with_applications(world: World, case: Case, found: Findings) -> Case:
    """Find the Applications of a release whose pipeline does not name them."""
    argocd = case.resolved.argocd
    selector = argocd.application_selector
    if selector is None:
        return case
    refs = await found.ask(world.applications.select(selector, application.MOST))
    if refs is None:
        return case
    refused = application.check_selected(refs, selector, case.resolved.app)
    found.note(refused)
    named = () if refused is not None else tuple(refs)
    argocd = replace(argocd, applications=named)
    return replace(case, resolved=replace(case.resolved, argocd=argocd))


async def check_change(world: World, case: Case, look: Look, found: Findings) -> Edited | None:
    """Check what the release would change, where, and whether anything would run it."""
    resolved, seen, tried = case.resolved, look.config, None
    if look.repository is not None:
        found.note(decision.check_forge(case.release, resolved, look.repository))
    if seen is not None:
        resolved = decision.with_base(resolved, seen)
        digest = case.digest or UNKNOWN_DIGEST
        tried = await found.ask(try_edits(world.editor, case.release, resolved, digest, seen))
    if tried is not None:
        proposed = look.pull_request
        if tried.edited.files and proposed and propose.is_refused(proposed):
            found.note(propose.closed(proposed))
        found.note(tried.refused)
    await _check_applications(world, replace(case, resolved=resolved), look, tried, found)
    return tried.edited if tried is not None else None


async def _check_applications(
    world: World, case: Case, look: Look, tried: Tried | None, found: Findings
) -> None:
    """Check the Applications, and what is told in them and beside the edited files."""
    # One that cannot be read may render another, or give it what is edited.
    is_whole = look.applications.keys() >= set(case.resolved.argocd.applications)
    has_place = is_whole and tried is not None and tried.has_place
    unreached: Mapping[Ref, Halt] = {}
    if has_place and look.place is not None and look.config is not None:
        checked = reach.check(world, case, look.place, look.config, look.applications)
        unreached = await found.ask(checked) or {}
    refused = decision.check_applications(
        case.release,
        case.resolved,
        look.applications,
        consent=world.settings.require_consent and case.writes_applications,
        has_place=has_place,
        unreached=unreached,
    )
    free = {ref: seen for ref, seen in look.applications.items() if seen and ref not in refused}
    place = overrides.Place(case, look.applications, look.config.files if look.config else {})
    unproved = await found.ask(place.check_manifests(world.editor)) if has_place else None
    if unproved is not None:
        # It says more of an Application that renders something else.
        halts = (one for halt in refused.values() for one in halt.misses or (halt,))
        others = [one for one in halts if one.reason is not Reason.APPLICATION_MISMATCH]
        found.note(*others, unproved)
        return
    found.note(*refused.values())
    if case.resolved.argocd.sync is Sync.AUTOMATED:
        is_off = (ref for ref, seen in free.items() if sync_policy.is_disabled(seen.sync_policy))
        found.note(*map(application.switched_off, is_off))
    if is_whole and tried is not None and tried.refused is None:
        found.note(await found.ask(replace(place, applications=free).check(world.editor)))
