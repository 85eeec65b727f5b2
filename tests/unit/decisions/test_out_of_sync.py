"""Why an Application is not Synced, and what is to be done about it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from album_operator.decisions import out_of_sync
from album_operator.domain.applications import ApplicationSeen, OperationSeen, ResourceSeen
from album_operator.domain.argocd import Sync
from album_operator.domain.reasons import Reason
from album_operator.domain.verdict import Wait
from tests.fakes.builders import APPLICATION_SEEN, BASE, LATER, MERGED, NOW

OURS = frozenset({MERGED, LATER})
SEEN = replace(APPLICATION_SEEN, project="shop", sync_status="OutOfSync", reconciled_at=NOW)
DONE = OperationSeen("Succeeded", (MERGED,), "done", NOW)
REPLICAS = ResourceSeen("apps/Deployment shop/backend", "OutOfSync")
GONE = ResourceSeen("ConfigMap shop/old", "OutOfSync", requires_pruning=True)
ILL = ResourceSeen("apps/Deployment shop/other", "Synced", health="Degraded")


def _operation(**change: object) -> ApplicationSeen:
    last = replace(OperationSeen("Running", (MERGED,), "waiting for hooks"), **change)  # type: ignore[arg-type]
    return replace(SEEN, resources=(REPLICAS,), operation=last)


def _running(**change: object) -> Wait | None:
    return out_of_sync.check_running(_operation(**change))


def _held_up(**change: object) -> Wait | None:
    return out_of_sync.check_held_up(_operation(**change), OURS)


def _check(
    *resources: ResourceSeen,
    is_overdue: bool = False,
    sync: Sync = Sync.AUTOMATED,
    **change: object,
) -> Wait:
    seen = replace(SEEN, resources=resources, **change)  # type: ignore[arg-type]
    wait = out_of_sync.check(seen, MERGED, sync, is_overdue=is_overdue)
    assert wait is not None
    return wait


def test_nothing_runs_where_nothing_does() -> None:
    assert out_of_sync.check_running(SEEN) is None
    assert out_of_sync.check_held_up(SEEN, OURS) is None
    assert _running(phase="Succeeded") is None


def test_a_sync_that_runs_is_waited_for_with_its_words() -> None:
    wait = _running()

    assert wait is not None
    assert wait.reason is Reason.SYNCING
    assert wait.message.endswith("argocd/album-app-backend: waiting for hooks.")


def test_a_sync_window_is_named_with_its_project() -> None:
    wait = _running(message="Sync operation blocked by sync window")

    assert wait is not None
    assert wait.reason is Reason.SYNC_WINDOW
    assert "AppProject shop holds up the sync" in wait.message


def test_a_sync_of_an_older_revision_that_holds_up_ours_is_told_with_the_way_out() -> None:
    old = _held_up(revisions=(BASE,), retries=2, message="boom. Retrying attempt #2 at 12:00.")

    assert old is not None
    assert old.reason is Reason.SYNC_HELD_UP
    assert "sync of Application argocd/album-app-backend to bbbbbbbbbbbb, which" in old.message
    assert "argocd app terminate-op album-app-backend" in old.message
    assert "spec.syncPolicy.retry.refresh: true" in old.message
    wave = _held_up(revisions=(BASE,), message="waiting for healthy state of apps/Deployment/a")
    assert wave is not None
    assert wave.message.endswith("(argocd app terminate-op album-app-backend).")


def test_a_sync_of_ours_or_one_that_ends_soon_holds_up_nothing() -> None:
    assert _held_up(revisions=(BASE,)) is None
    assert _held_up(retries=2) is None
    assert _held_up(phase="Failed", revisions=(BASE,), retries=2) is None


def test_who_fights_over_fields_with_argo_cd_is_not_taken_for_progress() -> None:
    fight = _running(self_heals=3)

    assert fight is not None
    assert fight.reason is Reason.OUT_OF_SYNC
    assert "(apps/Deployment shop/backend): something else writes there too" in fight.message


FAILED = OperationSeen(
    "Failed",
    (MERGED,),
    "one or more tasks failed.",
    NOW,
    failures=("batch/Job shop/migrate, a PreSync hook: Job has reached its limit",),
)


@pytest.mark.parametrize("sync", Sync)
def test_a_sync_of_our_change_that_failed_ends_the_release_with_what_failed(sync: Sync) -> None:
    halt = out_of_sync.check_failed(replace(SEEN, operation=FAILED), OURS, MERGED, sync)

    assert halt is not None
    assert halt.reason is Reason.SYNC_FAILED
    assert halt.message == (
        "Argo CD could not sync Application argocd/album-app-backend at a revision with "
        "dddddddddddd: one or more tasks failed (batch/Job shop/migrate, a PreSync hook: Job has "
        "reached its limit)."
    )
    assert ("sync it by hand, for Argo CD repeats no" in halt.remedy) is (
        sync is not Sync.OPERATION
    )


def test_a_sync_that_failed_before_our_change_is_history() -> None:
    old = replace(SEEN, operation=replace(FAILED, revisions=(BASE,)))

    assert out_of_sync.check_failed(old, OURS, MERGED, Sync.AUTOMATED) is None
    assert out_of_sync.check_failed(SEEN, OURS, MERGED, Sync.AUTOMATED) is None


@pytest.mark.parametrize(
    "said",
    ["Failed last sync attempt to bbb: boom.", "Skipping sync attempt to ddd: x"],
)
def test_what_argo_cd_will_not_sync_by_itself_is_not_waited_for(said: str) -> None:
    given_up = replace(SEEN, conditions={"SyncError": said})
    halt = out_of_sync.check_failed(given_up, OURS, MERGED, Sync.AUTOMATED)

    assert halt is not None
    assert halt.reason is Reason.SYNC_HELD_UP
    assert f"by itself: {said.rstrip('.')}." in halt.message
    synced = replace(given_up, sync_status="Synced")
    assert out_of_sync.check_failed(synced, OURS, MERGED, Sync.AUTOMATED) is None


def test_what_is_synced_lacks_nothing_unless_more_is_asked_for() -> None:
    synced = replace(SEEN, sync_status="Synced")

    assert out_of_sync.check(synced, MERGED, Sync.AUTOMATED, is_overdue=True) is None
    assert _check(sync_status="Synced", operation_requested=True).reason is Reason.SYNCING


def test_the_resources_that_differ_are_named_and_no_others() -> None:
    many = [replace(REPLICAS, name=f"ConfigMap shop/{number}") for number in range(5)]

    assert _check(REPLICAS, ILL).message.endswith("dddddddddddd: apps/Deployment shop/backend.")
    assert "shop/0, ConfigMap shop/1, ConfigMap shop/2 and 2 more." in _check(*many).message


def test_what_would_have_to_be_pruned_is_told() -> None:
    wait = _check(GONE)

    assert wait.reason is Reason.OUT_OF_SYNC
    assert "(ConfigMap shop/old)" in wait.message
    assert "spec.argocd.syncPolicy.prune" in wait.message
    assert _check(GONE, REPLICAS).reason is Reason.SYNCING


def test_what_differs_again_after_a_sync_is_somebody_elses_doing() -> None:
    assert _check(REPLICAS, operation=DONE).reason is Reason.OUT_OF_SYNC
    # Argo CD has not looked since the sync, or it was of another revision.
    early = _check(REPLICAS, operation=DONE, reconciled_at=NOW - timedelta(seconds=1))
    other = _check(REPLICAS, operation=replace(DONE, revisions=(LATER,)))
    assert (early.reason, other.reason) == (Reason.SYNCING, Reason.SYNCING)


def test_a_sync_that_does_not_begin_hints_at_what_argo_cd_does_not_tell() -> None:
    overdue = _check(REPLICAS, is_overdue=True)

    assert "has begun no sync of it; a sync window of AppProject shop would" in overdue.message
    assert "sync window" not in _check(REPLICAS).message
    assert "sync window" not in _check(REPLICAS, is_overdue=True, sync=Sync.OBSERVE).message
    assert "sync window" not in _check(is_overdue=True, sync_status="Unknown").message
    assert "OutOfSync again (nothing is told of what)" in _fight_over_nothing().message


def _fight_over_nothing() -> Wait:
    seen: ApplicationSeen = replace(
        SEEN, operation=OperationSeen("Running", (MERGED,), "", self_heals=5)
    )
    wait = out_of_sync.check_running(seen)
    assert wait is not None
    return wait
