"""Why an Application is not Synced at a revision with the change of a release, and the way out.

Of Argo CD's automated sync (`appcontroller.go`, `autoSync`) one has to know: it repeats no sync of
a revision that failed, begins none while another is retried, prunes only where it is told to, and
says of a sync window that holds it up nothing at all.
"""

from album_operator.decisions.app_of_apps import FAILED, RUNNING
from album_operator.decisions.observed_images import LOOK, MOST_NAMED
from album_operator.domain.applications import ApplicationSeen, OperationSeen
from album_operator.domain.argocd import Sync
from album_operator.domain.names import join_words
from album_operator.domain.reasons import Reason
from album_operator.domain.verdict import Halt, Wait

BLOCKED = "Sync operation blocked by sync window"
"""Message of an operation that a window holds up (`sync.go`, `SyncAppState`)."""

GIVEN_UP = ("Failed last sync attempt", "Skipping sync attempt")
"""How the condition SyncError begins where automated sync does nothing more by itself."""

SELF_HEALS = 3
"""Syncs of one revision because of differences alone, from which on somebody fights over it."""


def check_held_up(seen: ApplicationSeen, ours: frozenset[str]) -> Wait | None:
    """Wait for a sync of an earlier commit that goes on for long.

    Args:
        seen: the Application.
        ours: those of its revisions that have our change.
    """
    last = seen.operation
    is_running = last is not None and last.phase in RUNNING
    if last is None or not is_running or not last.holds_up or ours & set(last.revisions):
        return None
    at = " and ".join(revision[:12] for revision in last.revisions)
    newest = ", or have retries take the newest revision (spec.syncPolicy.retry.refresh: true)"
    return Wait(
        Reason.SYNC_HELD_UP,
        f"Argo CD is at a sync of Application {seen.ref} to {at}, which has not our change, and "
        f"begins no other before that ends{last.said} End it (argocd app "
        f"terminate-op {seen.name}){newest if last.retries else ''}.",
        LOOK,
    )


def check_running(seen: ApplicationSeen) -> Wait | None:
    """Wait for a sync that runs, and say what it waits for itself."""
    last = seen.operation
    if last is None or last.phase not in RUNNING:
        return None
    if last.message.startswith(BLOCKED):
        return Wait(
            Reason.SYNC_WINDOW,
            f"A sync window of AppProject {seen.project} holds up the sync of Application "
            f"{seen.ref}, which goes on when the window lets it.",
            LOOK,
        )
    if last.self_heals >= SELF_HEALS:
        return _fought_over(seen)
    return Wait(Reason.SYNCING, f"Argo CD syncs Application {seen.ref}{last.said}", LOOK)


def check_failed(
    seen: ApplicationSeen, ours: frozenset[str], merged: str, sync: Sync
) -> Halt | None:
    """Stop at a sync that failed and that nobody begins again.

    One that failed at an earlier revision is history: Argo CD begins another if it must.

    Args:
        seen: the Application.
        ours: those of its revisions that have our change.
        merged: the commit with it.
        sync: who syncs.
    """
    last, said = seen.operation, seen.conditions.get("SyncError", "")
    remedy = "Mend the cause"
    if sync is not Sync.OPERATION:
        remedy += " and sync it by hand, for Argo CD repeats no sync that failed"
    if last is not None and last.phase in FAILED and ours & set(last.revisions):
        what = f"{last.message.rstrip('.')}{_failures(last)}"
        message = f"Argo CD could not sync Application {seen.ref} at a revision with {merged[:12]}"
        return Halt(Reason.SYNC_FAILED, f"{message}: {what}.", remedy)
    if seen.sync_status == "OutOfSync" and said.startswith(GIVEN_UP):
        return Halt(
            Reason.SYNC_HELD_UP,
            f"Argo CD does not sync Application {seen.ref} by itself: {said.rstrip('.')}.",
            remedy,
        )
    return None


def check(seen: ApplicationSeen, revision: str, sync: Sync, *, is_overdue: bool) -> Wait | None:
    """Wait until an Application is Synced.

    Args:
        seen: the Application, which no sync runs of and whose last one was no failure of ours.
        revision: that it is compared to.
        sync: who syncs.
        is_overdue: it was compared some time ago.
    """
    if seen.sync_status == "Synced" and not seen.operation_requested:
        return None
    last, differing = seen.operation, [one for one in seen.resources if one.status == "OutOfSync"]
    at = f"Application {seen.ref} is {seen.sync_status} at {revision[:12]}"
    if differing and all(one.requires_pruning for one in differing):
        return Wait(
            Reason.OUT_OF_SYNC,
            f"{at} only by what is in the repository no longer ({_names(seen)}), which Argo CD "
            "leaves where automated.prune is not set: delete that, or set "
            "spec.argocd.syncPolicy.prune of the pipeline.",
            LOOK,
        )
    is_seen_since = last is not None and _is_as_of(seen, last)
    if differing and last is not None and revision in last.revisions and is_seen_since:
        return _fought_over(seen)
    named = f": {_names(seen)}" if differing else ""
    if is_overdue and sync is Sync.AUTOMATED and seen.sync_status == "OutOfSync":
        return Wait(
            Reason.SYNCING,
            f"{at}{named}. Argo CD has begun no sync of it; a sync window of AppProject "
            f"{seen.project} would hold one up.",
            LOOK,
        )
    return Wait(Reason.SYNCING, f"{at}{named}.", LOOK)


def is_as_of_sync(seen: ApplicationSeen) -> bool:
    """Tell whether what an Application shows is not older than the end of its last sync.

    Both stamps are Argo CD's. It looks anew after each sync, whatever came of it.
    """
    return seen.operation is None or _is_as_of(seen, seen.operation)


def _is_as_of(seen: ApplicationSeen, last: OperationSeen) -> bool:
    ended, looked = last.finished_at, seen.reconciled_at
    return ended is None or looked is None or looked >= ended


def _fought_over(seen: ApplicationSeen) -> Wait:
    return Wait(
        Reason.OUT_OF_SYNC,
        f"Application {seen.ref} was synced and is OutOfSync again ({_names(seen)}): something "
        "else writes there too, or fills in what the repository leaves out. Have one alone write "
        "each field, or let Argo CD ignore it (spec.ignoreDifferences of the Application).",
        LOOK,
    )


def _names(seen: ApplicationSeen) -> str:
    differing = [one.name for one in seen.resources if one.status == "OutOfSync"]
    more = f" and {len(differing) - MOST_NAMED} more" if len(differing) > MOST_NAMED else ""
    return f"{', '.join(differing[:MOST_NAMED])}{more}" if differing else "nothing is told of what"


def _failures(last: OperationSeen) -> str:
    return f" ({join_words(last.failures[:MOST_NAMED])})" if last.failures else ""
