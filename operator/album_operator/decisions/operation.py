"""Deployed where `argocd.sync` is `Operation`: one sync, started where it is due.

It is known for ours by its mark, while it is asked for, runs, and until another one takes its
place; the status remembers that it was started. So a sync that ended, well or badly, is not started
again for the same attempt, nor one that somebody else made of the Application since undone.
"""

from dataclasses import replace

from album_operator.decisions.app_of_apps import FAILED, RUNNING
from album_operator.domain.applications import ApplicationSeen, ConsentedApplication
from album_operator.domain.argocd import Sync
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Record
from album_operator.domain.release import Ref
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Act, DeployAction, Halt, StartSync


def is_started(ref: Ref, seen: ApplicationSeen, record: Record, attempt: str) -> bool:
    """Tell whether this attempt has had an Application synced, or begins to.

    Args:
        ref: the Application.
        seen: as it is now.
        record: what the release achieved so far.
        attempt: how its operations are marked.
    """
    marks = {seen.requested_attempt}
    if seen.operation is not None:
        marks.add(seen.operation.attempt)
    known = any(
        app.operation_started and (app.namespace, app.name) == (ref.namespace, ref.name)
        for app in record.applications
    )
    return known or attempt in marks


def start(
    seen: ApplicationSeen,
    asked: ConsentedApplication | Halt,
    resolved: Resolved,
    *,
    started: bool,
) -> Act[DeployAction] | Halt | None:
    """Sync an Application that differs, or whose last sync failed, unless it is synced now.

    Args:
        seen: the Application, compared to the change.
        asked: whether it may be patched as it is now.
        resolved: what the release does.
        started: the attempt has had it synced.
    """
    phase = seen.operation.phase if seen.operation is not None else ""
    if resolved.argocd.sync is not Sync.OPERATION or started:
        return None
    is_due = seen.sync_status == "OutOfSync" or phase in FAILED
    if not is_due or phase in RUNNING or seen.operation_requested:
        return None
    if isinstance(asked, Halt):
        return asked
    return Act(StartSync(asked), Reason.SYNCING, f"Having Argo CD sync Application {seen.ref}.")


def note_started(record: Record, ref: Ref) -> Record:
    """Remember that an Application's sync was started."""
    before = record.application(ref)
    return record.with_application(replace(before, operation_started=True))
