"""Deployed: the proof that the Applications run our image, Healthy, at a revision with our change.

The rule follows Argo CD's own words: `status.sync.revision` is the revision *compared to*, and on a
branch shared by two apps no operation for our very commit may ever exist, so none is waited for.

Argo CD's stamps are of another clock, which may be minutes off: they are compared with each other
only, and never with the operator's time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from album_operator.decisions import (
    app_of_apps,
    application,
    observed_images,
    operation,
    overtaken,
)
from album_operator.decisions.app_of_apps import FAILED, RUNNING
from album_operator.decisions.helm_values import Found
from album_operator.decisions.observed_images import LOOK, wanted_image
from album_operator.decisions.overtaken import Overtaken
from album_operator.domain.applications import ApplicationSeen, ConsentedApplication
from album_operator.domain.argocd import Sync
from album_operator.domain.names import join_words
from album_operator.domain.reasons import Reason
from album_operator.domain.record import ApplicationRecord, Record, StepName
from album_operator.domain.release import Ref
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import (
    Act,
    DeployAction,
    Done,
    Halt,
    RefreshApplication,
    Verdict,
    Wait,
)

REFRESH_AGAIN = timedelta(seconds=10)
"""A refresh asked for while another runs is lost (Argo CD, webhook.md), so it is asked for again
this long after a comparison was seen that still showed an older revision."""

OWN_EYES = LOOK
"""Nothing is over, neither well nor badly, before this process has looked twice: a clock that
stepped while no process ran would else end it at once."""


@dataclass(frozen=True)
class DeploySeen:
    """An Application in the light of the merge commit.

    Attributes:
        application: the Application, None where it does not exist.
        is_applied: its sync policy still is as we left it.
        contains_merge: those of its `undecided_revisions` that are the merge commit or descend
            from it.
        asked: whether it may be patched as it is now.
        compared_for: how long nothing has been compared nor was to be, as far as this process has
            seen; None where it has seen neither yet.
        behind: a value of its spec that an edit should have changed, from `app_of_apps`.
        started: a sync of it was started for this attempt, from `operation`.
        overtaken: what took the place of our values at the revision it is compared to; None where
            nothing did.
    """

    application: ApplicationSeen | None
    is_applied: bool
    contains_merge: frozenset[str]
    asked: ConsentedApplication | Halt
    compared_for: timedelta | None = None
    behind: Found | None = None
    started: bool = False
    overtaken: Overtaken | None = None


Seen = Mapping[Ref, DeploySeen]
"""All the Applications of a release."""


@dataclass(frozen=True)
class _Look:
    """What one Application still lacks: None when the proof is complete."""

    record: ApplicationRecord
    lacks: Wait | Halt | Act[DeployAction] | None


def decide(
    record: Record,
    resolved: Resolved,
    seen: Seen,
    now: datetime,
    first_look: datetime | None = None,
) -> Verdict[DeployAction]:
    """Prove the deployment of every Application, or say what is still missing.

    Args:
        record: what the release achieved so far.
        resolved: what it does.
        seen: its Applications.
        now: the present time.
        first_look: when this process looked for the first time; None for long ago.
    """
    looks = [_look(ref, seen, record, resolved, now) for ref in seen]
    record = replace(record, applications=tuple(look.record for look in looks))
    lacks = [look.lacks for look in looks if look.lacks is not None]
    for verdict in lacks:
        if isinstance(verdict, Halt | Act):
            return verdict
    timeout = resolved.argocd.timeout
    deadline = _end(record.step(StepName.DEPLOYED).started_at, timeout, now, first_look)
    for verdict in (verdict for verdict in lacks if isinstance(verdict, Wait)):
        if now >= deadline:
            return _timed_out(verdict, resolved)
        return replace(verdict, record=record, retry_after=min(LOOK, deadline - now))
    return _settle(record, resolved, now, first_look)


def _end(
    since: datetime | None, lasts: timedelta, now: datetime, first_look: datetime | None
) -> datetime:
    """Give when a time is over that began at a stamp of ours.

    A stamp of the future, which a clock that was set back leaves, counts as of now.
    """
    end = min(since or now, now) + lasts
    return end if first_look is None else max(end, first_look + min(lasts, OWN_EYES))


def undecided_revisions(
    seen: ApplicationSeen, record: Record, resolved: Resolved
) -> frozenset[str]:
    """Give the revisions of an Application of which the proof must know whether they contain ours.

    Knowing it may take a fetch of history, so only what decides something is asked: not a revision
    that Argo CD is about to replace, nor that of an operation that did not fail.
    """
    source = application.find_source(seen, resolved)
    if source is None:
        return frozenset()
    revisions = {source.revision or ""}
    known = {(app.namespace, app.name): app.accepted_because for app in record.applications}
    if seen.refresh_requested and known.get((seen.namespace, seen.name)) is None:
        return frozenset(revisions & {record.merged_commit})
    if seen.operation is not None and seen.operation.phase in FAILED:
        revisions.update(seen.operation.revisions)
    return frozenset(revisions - {""})


def unread_revision(
    seen: ApplicationSeen, contains_merge: frozenset[str], record: Record, resolved: Resolved
) -> str | None:
    """Give the revision whose values have to be read; None where none is, or they are known.

    Args:
        seen: an Application.
        contains_merge: those of its revisions that have our commit.
        record: what the release achieved so far.
        resolved: what it does.
    """
    source = application.find_source(seen, resolved)
    revision = source.revision if source is not None else None
    proved = {app.revision for app in record.applications if app.accepted_because is not None}
    return revision if revision in contains_merge - proved else None


def _settle(
    record: Record, resolved: Resolved, now: datetime, first_look: datetime | None
) -> Done | Wait:
    since = max(app.settling_since or now for app in record.applications)
    end = _end(since, resolved.argocd.settle, now, first_look)
    left = end - now
    names = join_words(f"{app.namespace}/{app.name}" for app in record.applications)
    if left > timedelta():
        return Wait(
            Reason.SETTLING,
            f"{names} runs {wanted_image(record, resolved)} and is Healthy; the release is done at "
            f"{end:%H:%M:%S} UTC if it stays so.",
            left,
            record,
            is_poll=True,
        )
    revision = record.applications[0].revision or ""
    return Done(
        record,
        Reason.SUCCEEDED,
        f"{names} runs {wanted_image(record, resolved)} at {revision[:12]}, Healthy.",
    )


def _look(ref: Ref, all_seen: Seen, record: Record, resolved: Resolved, now: datetime) -> _Look:
    others = [found.application for found in all_seen.values()]
    seen = application.check(ref, all_seen[ref].application, others, resolved)
    if isinstance(seen, Halt):
        return _Look(ApplicationRecord(ref.namespace, ref.name), seen)
    known = {(app.namespace, app.name): app for app in record.applications}
    before = known.get((ref.namespace, ref.name))
    # The revision with our change is known to the app of apps alone.
    parent = application.find_parent(seen, others, resolved)
    source = application.find_source(parent or seen, resolved)
    revision = source.revision if source is not None else None
    contains = all_seen[ref if parent is None else parent.ref].contains_merge
    accepted = None
    if revision is not None and revision in contains:
        accepted = "Equal" if revision == record.merged_commit else "Descendant"
    lacks = _lacks(ref, all_seen, record, resolved)
    since, health_since = None, None
    if lacks is None:
        since = now
        # An app of apps may fall ill of what is not ours.
        if not app_of_apps.children_of(seen, others, resolved):
            health_since = seen.health_since
        # Another stamp of its health: it was ill between two looks.
        if before is not None and before.health_since == health_since:
            since = min(before.settling_since or now, now)
    return _Look(
        ApplicationRecord(
            namespace=ref.namespace,
            name=ref.name,
            revision=revision,
            accepted_because=accepted,
            sync=seen.sync_status or None,
            health=seen.health or None,
            health_since=health_since,
            settling_since=since,
            operation_started=all_seen[ref].started,
        ),
        lacks,
    )


def _lacks(
    ref: Ref, all_seen: Seen, record: Record, resolved: Resolved
) -> Wait | Halt | Act[DeployAction] | None:
    found = all_seen[ref]
    seen = found.application
    if seen is None or not found.is_applied:
        return _reverted(ref)
    others = [other.application for other in all_seen.values()]
    parent = application.find_parent(seen, others, resolved)
    if parent is None:
        children = app_of_apps.children_of(seen, others, resolved)
        lacks = _lacks_revision(ref, seen, found, children, record, resolved)
        if lacks is not None or children:
            return lacks
    else:
        lacks = _lacks(parent.ref, all_seen, record, resolved)
        if lacks is None and seen.is_of_spec and found.behind is None:
            lacks = operation.start(seen, found.asked, resolved, started=found.started)
        lacks = lacks or app_of_apps.check_child(seen, parent, found.behind)
    return lacks or observed_images.check(ref, seen, record, resolved) or _health(ref, seen)


def _lacks_revision(
    ref: Ref,
    seen: ApplicationSeen,
    found: DeploySeen,
    children: tuple[ApplicationSeen, ...],
    record: Record,
    resolved: Resolved,
) -> Wait | Halt | Act[DeployAction] | None:
    """Say what keeps an Application from being Synced at a revision with our change."""
    merged = (record.merged_commit or "")[:12]
    source, last = application.find_source(seen, resolved), seen.operation
    revision = source.revision if source is not None else None
    if revision is None or revision not in found.contains_merge:
        return _compare(ref, seen, found, revision, record, resolved)
    if found.overtaken is not None:
        return overtaken.end(seen, found.overtaken, resolved)
    unsynced = app_of_apps.check_rendered(seen, children)
    if children and unsynced is None:
        return None
    if last is not None and last.phase in RUNNING:
        return _wait(Reason.SYNCING, f"Argo CD syncs Application {ref}: {last.message}")
    start = operation.start(seen, found.asked, resolved, started=found.started)
    if start is not None:
        return start
    # One that failed at an earlier revision is history: Argo CD starts another if it must.
    if (
        last is not None
        and last.phase in FAILED
        and any(item in found.contains_merge for item in last.revisions)
    ):
        return Halt(
            Reason.SYNC_FAILED,
            f"Argo CD could not sync Application {ref} at a revision with {merged}: "
            f"{last.message}.",
            "Mend the cause",
        )
    if unsynced is not None:
        return unsynced
    if seen.sync_status != "Synced" or seen.operation_requested:
        return _wait(Reason.SYNCING, f"Application {ref} is {seen.sync_status} at {revision[:12]}.")
    return None


def _compare(
    ref: Ref,
    seen: ApplicationSeen,
    found: DeploySeen,
    revision: str | None,
    record: Record,
    resolved: Resolved,
) -> Wait | Halt | Act[DeployAction]:
    merged = (record.merged_commit or "")[:12]
    may_ask = resolved.argocd.sync is not Sync.OBSERVE
    is_due = found.compared_for is None or found.compared_for > REFRESH_AGAIN
    if may_ask and not seen.refresh_requested and is_due:
        if isinstance(found.asked, Halt):
            return found.asked
        return Act(
            RefreshApplication(found.asked),
            Reason.SYNCING,
            f"Asking Argo CD to compare Application {ref} with {merged}.",
        )
    at = f" was last compared to {revision[:12]}" if revision else " was not compared yet"
    told = (
        f"and is to be compared to {merged}" if seen.refresh_requested else f"not yet to {merged}"
    )
    return _wait(
        Reason.SYNCING,
        f"Application {ref}{at}, {told} or a later commit.{application.errors_of(seen)}",
    )


def _health(ref: Ref, seen: ApplicationSeen) -> Wait | None:
    if seen.health == "Healthy":
        return None
    reason = Reason.DEGRADED if seen.health == "Degraded" else Reason.SYNCING
    return _wait(reason, f"Application {ref} is {seen.health or 'of unknown health'}.")


def _reverted(ref: Ref) -> Halt:
    return Halt(
        Reason.MANAGED_ELSEWHERE,
        f"Somebody took the sync policy of Application {ref} back after the operator had set it, "
        "most likely the app of apps that renders it.",
        "Set selfHeal and ApplyOutOfSyncOnly=true where the Application is written, or leave them "
        "alone by spec.argocd.syncPolicy of the pipeline",
    )


def _wait(reason: Reason, message: str) -> Wait:
    return Wait(reason, message, LOOK)


def _timed_out(verdict: Wait, resolved: Resolved) -> Halt:
    keep = {Reason.DEGRADED, Reason.IMAGE_NOT_OBSERVED}
    return Halt(
        verdict.reason if verdict.reason in keep else Reason.SYNC_TIMED_OUT,
        f"Not deployed within argocd.timeout ({resolved.argocd.timeout}): {verdict.message}",
        "Mend the cause",
    )
