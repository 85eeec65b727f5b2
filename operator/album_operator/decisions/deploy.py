"""Deployed: the proof that the Applications run our image, Healthy, at a revision with our change.

The rule follows Argo CD's own words: `status.sync.revision` is the revision *compared to*, and on a
branch shared by two apps no operation for our very commit may ever exist, so none is waited for.

Argo CD's stamps are of another clock, which may be minutes off: they are compared with each other
only, and never with the operator's time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from album_operator.decisions import application
from album_operator.domain.images import in_full, is_same_image
from album_operator.domain.names import join_words
from album_operator.domain.reasons import Reason
from album_operator.domain.record import ApplicationRecord, Record, StepName
from album_operator.domain.release import EditValue, Ref
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import ApplicationSeen, ConsentedApplication
from album_operator.domain.verdict import (
    Act,
    DeployAction,
    Done,
    Halt,
    RefreshApplication,
    Verdict,
    Wait,
)

LOOK = timedelta(seconds=10)
"""How often an Application is looked at when no event comes."""

REFRESH_AGAIN = timedelta(seconds=10)
"""A refresh asked for while another runs is lost (Argo CD, webhook.md), so it is asked for again
this long after a comparison was seen that still showed an older revision."""

OWN_EYES = LOOK
"""Nothing is over, neither well nor badly, before this process has looked twice: a clock that
stepped while no process ran would else end it at once."""

RUNNING = frozenset({"Running", "Terminating"})
FAILED = frozenset({"Failed", "Error"})


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
    """

    application: ApplicationSeen | None
    is_applied: bool
    contains_merge: frozenset[str]
    asked: ConsentedApplication | Halt
    compared_for: timedelta | None = None


@dataclass(frozen=True)
class _Look:
    """What one Application still lacks: None when the proof is complete."""

    record: ApplicationRecord
    lacks: Wait | Halt | Act[DeployAction] | None


def decide(
    record: Record,
    resolved: Resolved,
    seen: Mapping[Ref, DeploySeen],
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
    looks = [_look(ref, found, record, resolved, now) for ref, found in seen.items()]
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
    revisions = {source.revision or ""} if source is not None else set()
    known = {(app.namespace, app.name): app.accepted_because for app in record.applications}
    if seen.refresh_requested and known.get((seen.namespace, seen.name)) is None:
        return frozenset(revisions & {record.merged_commit})
    if seen.operation is not None and seen.operation.phase in FAILED:
        revisions.update(seen.operation.revisions)
    return frozenset(revisions - {""})


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
            f"{names} runs {_wanted(record, resolved)} and is Healthy; the release is done at "
            f"{end:%H:%M:%S} UTC if it stays so.",
            left,
            record,
            is_poll=True,
        )
    revision = record.applications[0].revision or ""
    return Done(
        record,
        Reason.SUCCEEDED,
        f"{names} runs {_wanted(record, resolved)} at {revision[:12]}, Healthy.",
    )


def _look(ref: Ref, found: DeploySeen, record: Record, resolved: Resolved, now: datetime) -> _Look:
    seen = application.check(ref, found.application, resolved)
    if isinstance(seen, Halt):
        return _Look(ApplicationRecord(ref.namespace, ref.name), seen)
    known = {(app.namespace, app.name): app for app in record.applications}
    before = known.get((ref.namespace, ref.name))
    source = application.find_source(seen, resolved)
    revision = source.revision if source is not None else None
    merged = record.merged_commit
    accepted = None
    if revision is not None and revision in found.contains_merge:
        accepted = "Equal" if revision == merged else "Descendant"
    lacks = _lacks(ref, seen, found, revision, record, resolved)
    since = None
    if lacks is None:
        since = now
        # Another stamp of its health: it was ill between two looks.
        if before is not None and before.health_since == seen.health_since:
            since = min(before.settling_since or now, now)
    return _Look(
        ApplicationRecord(
            namespace=ref.namespace,
            name=ref.name,
            revision=revision,
            accepted_because=accepted,
            sync=seen.sync_status or None,
            health=seen.health or None,
            health_since=seen.health_since if since is not None else None,
            settling_since=since,
        ),
        lacks,
    )


def _lacks(
    ref: Ref,
    seen: ApplicationSeen,
    found: DeploySeen,
    revision: str | None,
    record: Record,
    resolved: Resolved,
) -> Wait | Halt | Act[DeployAction] | None:
    if not found.is_applied:
        return _reverted(ref)
    merged = (record.merged_commit or "")[:12]
    operation = seen.operation
    if revision is None or revision not in found.contains_merge:
        return _compare(ref, seen, found, revision, record)
    if operation is not None and operation.phase in RUNNING:
        return _wait(Reason.SYNCING, f"Argo CD syncs Application {ref}: {operation.message}")
    # One that failed at an earlier revision is history: Argo CD starts another if it must.
    if (
        operation is not None
        and operation.phase in FAILED
        and any(item in found.contains_merge for item in operation.revisions)
    ):
        return Halt(
            Reason.SYNC_FAILED,
            f"Argo CD could not sync Application {ref} at a revision with {merged}: "
            f"{operation.message}.",
            "Mend the cause",
        )
    if seen.sync_status != "Synced" or seen.operation_requested:
        return _wait(Reason.SYNCING, f"Application {ref} is {seen.sync_status} at {revision[:12]}.")
    return _images(ref, seen, record, resolved) or _health(ref, seen)


def _compare(
    ref: Ref,
    seen: ApplicationSeen,
    found: DeploySeen,
    revision: str | None,
    record: Record,
) -> Wait | Halt | Act[DeployAction]:
    merged = (record.merged_commit or "")[:12]
    errors = "; ".join(f"{kind}: {text}" for kind, text in sorted(seen.conditions.items()))
    is_due = found.compared_for is None or found.compared_for > REFRESH_AGAIN
    if not seen.refresh_requested and is_due:
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
        f"Application {ref}{at}, {told} or a later commit."
        f"{f' Argo CD says: {errors}.' if errors else ''}",
    )


def _pinned(record: Record, resolved: Resolved) -> str | None:
    """Give the image's digest where an edit pins it, so that only it proves the image."""
    if not any(edit.value is EditValue.DIGEST for edit in resolved.config.edits):
        return None
    return record.image.digest if record.image is not None else None


def _wanted(record: Record, resolved: Resolved) -> str:
    pinned = _pinned(record, resolved)
    return resolved.build.image if pinned is None else f"{resolved.build.image}@{pinned}"


def _images(ref: Ref, seen: ApplicationSeen, record: Record, resolved: Resolved) -> Wait | None:
    wanted, pinned = _wanted(record, resolved), _pinned(record, resolved)
    same = [image for image in seen.images if is_same_image(image, wanted)]
    if pinned is None:
        ours = {image for image in same if _is_wanted(image, wanted, record)}
        proof = ours
    else:
        # What a digest names is the same whatever the tag before it says.
        proof = {image for image in same if image.endswith(f"@{pinned}")}
        ours = proof | {image for image in same if in_full(image) == in_full(resolved.build.image)}
    if not proof and (others := _pinned_elsewhere(same, resolved)):
        return _wait(
            Reason.SYNCING,
            f"Application {ref} runs {join_words(others)}: the tag of the release with another "
            f"digest than that of the image that was built, so it is another image. Find what pins "
            "it, and let an edit with value: Digest write it.",
        )
    if not proof:
        return _wait(
            Reason.SYNCING if seen.images else Reason.IMAGE_NOT_OBSERVED,
            f"Application {ref} runs {join_words(seen.images) or 'no image'}, not {wanted}. Argo "
            "CD reads images from Pod specs: an app with 0 replicas or a CronJob shows none.",
        )
    older = [image for image in same if image not in ours]
    if older:
        return _wait(
            Reason.SYNCING, f"Application {ref} still runs {join_words(older)} beside {wanted}."
        )
    return None


def _is_wanted(image: str, wanted: str, record: Record) -> bool:
    """Tell whether an image has our tag, and no digest but ours: that alone says what runs."""
    name, _, digest = in_full(image).partition("@")
    known = record.image.digest if record.image is not None else digest
    return name == in_full(wanted) and digest in ("", known)


def _pinned_elsewhere(images: list[str], resolved: Resolved) -> list[str]:
    """Give the images with our tag and some digest."""
    built = f"{in_full(resolved.build.image)}@"
    return [image for image in images if in_full(image).startswith(built)]


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
