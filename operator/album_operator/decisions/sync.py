"""SyncPolicyApplied: the Applications sync by themselves, as the pipeline wishes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from album_operator.decisions import application, taken_back
from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.argocd import Sync
from album_operator.domain.names import join_words
from album_operator.domain.reasons import Reason
from album_operator.domain.record import ApplicationRecord, Record
from album_operator.domain.release import Ref, Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Act, ApplySyncPolicy, Done, Halt, SyncAction, Verdict

TRIES = 3
"""Patches of an Application's policy after which whoever takes them back is left alone."""


@dataclass(frozen=True)
class PolicySeen:
    """An Application's sync policy against the wish.

    Attributes:
        application: the Application, None where it does not exist.
        is_applied: whether its policy is already as wished.
        is_disabled: whether its owner switched automated sync off (`automated.enabled: false`).
        switches_on: whether the wish switches automated sync on where it is not.
    """

    application: ApplicationSeen | None
    is_applied: bool
    is_disabled: bool
    switches_on: bool = False


def decide(
    release: Release,
    record: Record,
    resolved: Resolved,
    seen: Mapping[Ref, PolicySeen],
    *,
    consent: bool,
) -> Verdict[SyncAction]:
    """Patch the next Application whose policy differs, where Argo CD is to sync by itself."""
    mode = resolved.argocd.sync
    pipeline = Ref(release.ref.namespace, resolved.pipeline.name)
    others = [policy.application for policy in seen.values()]
    for ref, policy in seen.items():
        found = policy.application
        asked = application.admit(ref, found, others, resolved, pipeline, consent=consent)
        if isinstance(asked, Halt):
            return asked
        if mode is not Sync.AUTOMATED:
            continue
        if policy.is_disabled:
            return application.switched_off(ref)
        if not policy.is_applied:
            if _patches_of(record, ref) >= TRIES:
                return taken_back.refuse(ref, asked.seen)
            said = f" {switched_on(asked.seen)}" if policy.switches_on else ""
            message = f"Patching the sync policy of Application {ref}.{said}"
            return Act(ApplySyncPolicy(asked), Reason.SYNCING, message)
    names = join_words(str(ref) for ref in seen)
    if mode is not Sync.AUTOMATED:
        message = f"Sync policy of {names} is left as it is (argocd.sync: {mode})."
        return Done(record, Reason.NO_CHANGE, message)
    return Done(record, Reason.SUCCEEDED, f"Sync policy of {names} is as wished.")


def switched_on(seen: ApplicationSeen) -> str:
    """Say what it means that automated sync is switched on for an Application."""
    return (
        "It switches automated sync on: Argo CD deploys what is OutOfSync at once, now "
        f"{seen.out_of_sync} of its resources, and from then on each change of its branch."
    )


def note_patched(record: Record, ref: Ref) -> Record:
    """Count a patch of an Application's policy."""
    known = {Ref(app.namespace, app.name): app for app in record.applications}
    before = known.get(ref, ApplicationRecord(ref.namespace, ref.name))
    known[ref] = replace(before, policy_patches=_patches_of(record, ref) + 1)
    return replace(record, applications=tuple(known.values()))


def _patches_of(record: Record, ref: Ref) -> int:
    patches = {Ref(app.namespace, app.name): app.policy_patches for app in record.applications}
    return patches.get(ref) or 0
