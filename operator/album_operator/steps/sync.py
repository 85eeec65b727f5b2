"""SyncPolicyApplied: the sync policy of the Applications."""

from album_operator.decisions import sync as decision
from album_operator.domain.notice import Subject
from album_operator.domain.record import Record, StepName
from album_operator.domain.verdict import SyncAction, Verdict
from album_operator.render import sync_policy
from album_operator.steps.case import Case
from album_operator.steps.world import World

NAMES = (StepName.SYNC_POLICY_APPLIED,)
WOKEN_BY = frozenset({Subject.APPLICATION})


async def decide(world: World, case: Case) -> Verdict[SyncAction]:
    """Look at each Application's policy."""
    wish = case.resolved.argocd.sync_policy
    applications = await case.find_applications(world.applications, world.settings.host_aliases)
    seen = {
        ref: decision.PolicySeen(
            application=found,
            is_applied=found is not None and sync_policy.is_applied(found.sync_policy, wish),
            is_disabled=found is not None and sync_policy.is_disabled(found.sync_policy),
            switches_on=found is not None and sync_policy.switches_on(found.sync_policy, wish),
        )
        for ref, found in applications.items()
    }
    consent = world.settings.require_consent and case.writes_applications
    return decision.decide(case.release, case.record, case.resolved, seen, consent=consent)


async def act(world: World, case: Case, action: SyncAction) -> Record:
    """Patch an Application's policy."""
    wish = case.resolved.argocd.sync_policy
    patch = sync_policy.patch_for(action.application.seen, wish, world.clock())
    await world.applications.patch(action.application, patch)
    return decision.note_patched(case.record, action.application.seen.ref)
