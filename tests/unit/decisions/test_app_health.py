"""What is said of an app that is not Healthy, and whose word on it is too old."""

from dataclasses import replace
from datetime import timedelta

import pytest

from album_operator.decisions import app_health
from album_operator.domain.applications import ApplicationSeen, OperationSeen, ResourceSeen
from album_operator.domain.reasons import Reason
from tests.fakes.builders import APPLICATION_SEEN, MERGED, NOW

HEALTHY = replace(APPLICATION_SEEN, health="Healthy", reconciled_at=NOW)
ENDED = OperationSeen("Succeeded", (MERGED,), "", NOW)
CRASHING = ResourceSeen(
    "apps/Deployment shop/backend", "Synced", health="Degraded", message="exceeded its deadline."
)
WAITING = ResourceSeen("argoproj.io/Rollout shop/backend", "Synced", health="Suspended")


def _said(seen: ApplicationSeen) -> tuple[Reason, str]:
    wait = app_health.check(seen)
    assert wait is not None
    return wait.reason, wait.message


def test_a_health_from_before_the_end_of_the_last_sync_is_not_believed() -> None:
    stale = replace(HEALTHY, operation=ENDED, reconciled_at=NOW - timedelta(seconds=1))

    assert _said(stale)[0] is Reason.SYNCING
    assert "before its sync ended" in _said(stale)[1]
    for known in (
        HEALTHY,
        replace(HEALTHY, operation=ENDED),
        replace(stale, reconciled_at=None),
        replace(stale, operation=replace(ENDED, finished_at=None)),
    ):
        assert app_health.check(known) is None


def test_what_makes_an_app_ill_is_named_with_argo_cds_words() -> None:
    ill = replace(HEALTHY, health="Degraded", resources=(CRASHING, WAITING))

    assert _said(ill) == (
        Reason.DEGRADED,
        "Application argocd/album-app-backend is Degraded: "
        "apps/Deployment shop/backend (exceeded its deadline).",
    )


def test_where_the_health_of_resources_is_not_kept_argo_cds_own_list_is_told() -> None:
    told = replace(HEALTHY, health="Degraded", health_message="apps/Deployment:shop/backend")

    assert _said(told)[1].endswith("is Degraded: apps/Deployment:shop/backend.")
    assert _said(replace(told, health_message=""))[1].endswith("is Degraded.")
    assert _said(replace(HEALTHY, health=""))[1].endswith("is of unknown health.")


def test_a_paused_rollout_is_told_from_one_that_goes_on() -> None:
    paused = replace(HEALTHY, health="Suspended", resources=(WAITING,))

    assert _said(paused)[0] is Reason.PAUSED
    assert "is Suspended: argoproj.io/Rollout shop/backend." in _said(paused)[1]
    assert "promote or resume it, and the release goes on by itself." in _said(paused)[1]
    assert _said(replace(HEALTHY, health="Progressing"))[0] is Reason.SYNCING


@pytest.mark.parametrize(
    ("health", "is_stuck"),
    [("Degraded", True), ("Suspended", True), ("Progressing", False), ("Healthy", False)],
)
def test_what_does_not_get_well_by_itself_is_stuck(health: str, *, is_stuck: bool) -> None:
    wait = app_health.check_stuck(replace(HEALTHY, health=health))

    assert (wait is not None) is is_stuck
