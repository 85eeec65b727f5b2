"""Deployed: the proof holds at all Applications, for a while and in time."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from album_operator.decisions import (
    app_of_apps,
    application,
)
from album_operator.decisions.observed_images import LOOK, wanted_image
from album_operator.decisions.proof import Seen, find_lack
from album_operator.domain.durations import in_short
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
    Verdict,
    Wait,
)

OWN_EYES = LOOK
"""Nothing is over, neither well nor badly, before this process has looked twice: a clock that
stepped while no process ran would else end it at once."""


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
        if all_seen[ref if parent is None else parent.ref].is_rewritten:
            accepted = "Content"
    lacks = find_lack(ref, all_seen, record, resolved)
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
            hard_refreshed=all_seen[ref].hard_refreshed,
        ),
        lacks,
    )


def _timed_out(verdict: Wait, resolved: Resolved) -> Halt:
    keep = {
        Reason.DEGRADED,
        Reason.IMAGE_NOT_OBSERVED,
        Reason.OUT_OF_SYNC,
        Reason.PAUSED,
        Reason.SYNC_HELD_UP,
        Reason.SYNC_WINDOW,
    }
    return Halt(
        verdict.reason if verdict.reason in keep else Reason.SYNC_TIMED_OUT,
        f"Not deployed within argocd.timeout ({in_short(resolved.argocd.timeout)}): "
        f"{verdict.message}",
        "Mend the cause",
    )
