"""SyncPolicyApplied: the Applications sync by themselves, as the pipeline wishes."""

from collections.abc import Mapping
from dataclasses import dataclass

from album_operator.decisions import application
from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.argocd import Sync
from album_operator.domain.names import join_words
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Record
from album_operator.domain.release import Ref, Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Act, ApplySyncPolicy, Done, Halt, SyncAction, Verdict


@dataclass(frozen=True)
class PolicySeen:
    """An Application's sync policy against the wish.

    Attributes:
        application: the Application, None where it does not exist.
        is_applied: whether its policy is already as wished.
        is_disabled: whether its owner switched automated sync off (`automated.enabled: false`).
    """

    application: ApplicationSeen | None
    is_applied: bool
    is_disabled: bool


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
            return Act(
                ApplySyncPolicy(asked),
                Reason.SYNCING,
                f"Patching the sync policy of Application {ref}.",
            )
    names = join_words(str(ref) for ref in seen)
    if mode is not Sync.AUTOMATED:
        message = f"Sync policy of {names} is left as it is (argocd.sync: {mode})."
        return Done(record, Reason.NO_CHANGE, message)
    return Done(record, Reason.SUCCEEDED, f"Sync policy of {names} is as wished.")
