"""What Argo CD does with a merged release, seen through whole passes."""

from datetime import timedelta

import pytest

from tests.fakes.builders import IMAGE
from tests.unit.core.stage import REPOSITORY, Stage

FRONTEND = "frontend-v1.1.0"
APPLICATION = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/album-app-backend"
REFRESH = "argocd.argoproj.io/refresh"
CONSENT = "album.dev/authorized-pipeline"


async def test_two_apps_merged_on_one_branch_are_both_deployed() -> None:
    stage = Stage()
    await stage.release_until_merged()
    await stage.settle()
    stage.argocd.run()
    first = stage.application()["status"]["operationState"]["syncResult"]["revision"]
    await stage.release_until_merged(FRONTEND)
    await stage.settle(FRONTEND)
    # Argo CD compares both with the later commit, and has nothing to do for the backend.
    stage.cluster.edit(
        "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/album-app-backend",
        {"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}},
    )
    stage.argocd.run()
    later = stage.config.branches["main"]
    backend = stage.application()["status"]
    assert (backend["sync"]["status"], backend["sync"]["revision"]) == ("Synced", later)
    assert backend["operationState"]["syncResult"]["revision"] == first != later

    await stage.release()
    await stage.release(FRONTEND)
    assert stage.ready() == ("True", "Released")
    assert stage.ready(FRONTEND) == ("True", "Released")
    assert stage.status()["applications"][0]["acceptedBecause"] == "Descendant"
    assert stage.status(FRONTEND)["applications"][0]["acceptedBecause"] == "Equal"


async def test_two_apps_merged_before_one_refresh_are_both_deployed() -> None:
    stage = Stage()
    await stage.release_until_merged()
    await stage.release_until_merged(FRONTEND)
    await stage.settle()
    await stage.settle(FRONTEND)
    stage.argocd.run()
    later = stage.config.branches["main"]
    assert stage.application()["status"]["operationState"]["syncResult"]["revision"] == later

    await stage.release()
    await stage.release(FRONTEND)
    assert stage.status()["applications"][0]["acceptedBecause"] == "Descendant"
    assert stage.ready(FRONTEND) == ("True", "Released")


async def test_the_old_synced_and_healthy_proves_nothing() -> None:
    stage = Stage()
    stage.argocd.deaf = True
    await stage.release_until_merged()
    due = await stage.settle()

    assert stage.application()["status"]["sync"]["status"] == "Synced"
    assert stage.application()["status"]["health"]["status"] == "Healthy"
    assert stage.ready() == ("Unknown", "Syncing")
    assert due.after is not None
    assert due.after > timedelta()


async def test_a_rollout_that_still_shows_the_old_image_is_waited_for() -> None:
    stage = Stage()
    stage.argocd.slow_rollout = True
    await stage.release_until_merged()
    await stage.settle()
    stage.argocd.run()
    await stage.settle()
    assert stage.ready() == ("Unknown", "Syncing")
    assert f"still runs {IMAGE}:v1.0.0" in stage.message()

    stage.argocd.finish_rollouts()
    await stage.settle()
    assert stage.ready() == ("Unknown", "Settling")


async def test_a_health_that_flaps_begins_the_settle_time_anew() -> None:
    stage = Stage()
    await stage.release_until_merged()
    await stage.settle()
    stage.argocd.run()
    await stage.settle()
    stage.clock.advance(timedelta(seconds=40))
    stage.argocd.set_health("album-app-backend", "Degraded")
    await stage.settle()
    assert stage.ready() == ("Unknown", "Degraded")
    stage.clock.advance(timedelta(seconds=10))
    stage.argocd.set_health("album-app-backend", "Healthy")
    due = await stage.settle()
    assert stage.ready() == ("Unknown", "Settling")
    assert due.after == timedelta(seconds=60)

    stage.clock.advance(timedelta(seconds=59))
    assert (await stage.settle()).after == timedelta(seconds=1)
    stage.clock.advance(timedelta(seconds=1))
    await stage.settle()
    assert stage.ready() == ("True", "Released")


async def test_an_illness_nobody_looked_at_begins_the_settle_time_anew() -> None:
    stage = Stage()
    await stage.release_until_merged()
    await stage.settle()
    stage.argocd.run()
    await stage.settle()
    stage.clock.advance(timedelta(seconds=40))
    stage.argocd.set_health("album-app-backend", "Degraded")
    stage.argocd.set_health("album-app-backend", "Healthy")
    stage.clock.advance(timedelta(seconds=20))
    due = await stage.settle()

    assert due.after == timedelta(seconds=60)


async def test_a_restart_while_settling_does_not_begin_anew() -> None:
    stage = Stage()
    await stage.release_until_merged()
    await stage.settle()
    stage.argocd.run()
    await stage.settle()
    stage.clock.advance(timedelta(seconds=50))
    stage.restart()

    assert (await stage.settle()).after == timedelta(seconds=10)


async def test_a_sync_that_fails_ends_the_release_with_argo_cds_words() -> None:
    stage = Stage()
    await stage.release_until_merged()
    await stage.settle()
    stage.argocd.fails = "one or more objects failed to apply"
    stage.argocd.run()
    await stage.settle()

    assert stage.ready() == ("False", "SyncFailed")
    assert "one or more objects failed to apply" in stage.message()
    assert stage.status()["failure"]["step"] == "Deployed"


async def test_a_failed_sync_is_made_good_by_a_sync_by_hand_and_a_retry() -> None:
    stage = Stage()
    await stage.release_until_merged()
    await stage.settle()
    stage.argocd.fails = "one or more objects failed to apply"
    stage.argocd.run()
    await stage.settle()
    assert "sync it by hand, for Argo CD repeats no sync that failed" in stage.message()

    # Argo CD repeats no sync of a revision that failed.
    stage.argocd.fails = None
    stage.argocd.sync("album-app-backend")
    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_manifests_from_argo_cds_cache_are_rendered_anew_once() -> None:
    stage = Stage()
    await stage.release_until_merged()
    await stage.settle()
    stage.argocd.stale = True
    stage.argocd.run()
    await stage.settle()
    assert stage.ready() == ("Unknown", "Syncing")
    stage.clock.advance(timedelta(seconds=11))
    await stage.settle()

    assert stage.application()["metadata"]["annotations"][REFRESH] == "hard"
    assert "(a hard refresh)" in stage.message()
    assert stage.status()["applications"][0]["hardRefreshed"]
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_manifests_that_stay_old_are_rendered_anew_no_second_time() -> None:
    stage = Stage()
    await stage.release_until_merged()
    await stage.settle()
    stage.argocd.stale = stage.argocd.stays_stale = True
    patches = stage.faults.writes.count("patch applications")
    for _ in range(4):
        stage.argocd.run()
        stage.clock.advance(timedelta(seconds=11))
        await stage.settle()

    assert stage.faults.writes.count("patch applications") == patches + 1
    assert "were rendered anew once (a hard refresh)." in stage.message()


async def test_an_app_that_stays_ill_ends_the_release_in_time() -> None:
    stage = Stage()
    await stage.release_until_merged()
    await stage.settle()
    stage.argocd.run()
    stage.argocd.set_health("album-app-backend", "Degraded")
    begun = stage.clock()
    for _ in range(200):
        due = await stage.run_pass()
        if due.after is None:
            break
        stage.clock.advance(due.after)

    assert stage.ready() == ("False", "Degraded")
    assert stage.clock() - begun == timedelta(minutes=15)


async def test_a_policy_that_is_taken_back_is_not_fought_over() -> None:
    stage = Stage()
    await stage.release_until_merged()
    await stage.settle()
    del stage.application()["spec"]["syncPolicy"]
    patches = stage.faults.writes.count("patch applications")
    await stage.settle()

    assert stage.ready() == ("False", "ManagedElsewhere")
    assert stage.faults.writes.count("patch applications") == patches


async def test_automated_sync_its_owner_switched_off_stays_off() -> None:
    stage = Stage()
    policy = {"automated": {"enabled": False}}
    stage.application()["spec"]["syncPolicy"] = policy
    stage.apply()
    await stage.release()

    assert stage.ready() == ("False", "AutoSyncDisabled")
    assert stage.application()["spec"]["syncPolicy"] == {"automated": {"enabled": False}}


async def test_consent_taken_back_on_the_way_is_respected() -> None:
    stage = Stage()
    await stage.release_until_merged()
    stage.application()["metadata"]["annotations"].pop("album.dev/authorized-pipeline")
    await stage.settle()

    assert stage.ready() == ("False", "NotAuthorized")
    assert "syncPolicy" not in stage.application()["spec"]


async def _deploying(stage: Stage) -> None:
    """Run a release into step Deployed, with its comparison asked for and lost."""
    stage.argocd.deaf = True
    await stage.release_until_merged()
    await stage.settle()
    assert stage.status()["steps"][-1]["state"] == "Running"
    now = f"{stage.clock():%Y-%m-%dT%H:%M:%SZ}"
    lost = {"metadata": {"annotations": {"argocd.argoproj.io/refresh": None}}}
    stage.cluster.edit(APPLICATION, {**lost, "status": {"reconciledAt": now}})
    stage.clock.advance(timedelta(seconds=11))


@pytest.mark.parametrize("consent", [None, "", "album/another"])
async def test_consent_moved_while_it_is_deployed_ends_the_refreshes_too(
    consent: str | None,
) -> None:
    stage = Stage()
    await _deploying(stage)
    stage.cluster.edit(APPLICATION, {"metadata": {"annotations": {CONSENT: consent}}})
    patches = stage.faults.writes.count("patch applications")
    await stage.settle()

    assert stage.ready() == ("False", "NotAuthorized")
    assert stage.status()["failure"]["step"] == "Deployed"
    assert stage.faults.writes.count("patch applications") == patches
    # The way out the message names.
    assert f"{CONSENT}=" in stage.message()
    stage.cluster.edit(APPLICATION, {"metadata": {"annotations": {CONSENT: "album/album-app"}}})
    stage.annotate(retry="1")
    stage.argocd.deaf = False
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_consent_is_not_asked_for_where_the_operator_is_told_so() -> None:
    stage = Stage(ALBUM_REQUIRE_CONSENT="false")
    stage.application()["metadata"]["annotations"].pop("album.dev/authorized-pipeline")
    stage.apply()
    await stage.release()

    assert stage.ready() == ("True", "Released")


async def test_a_policy_as_wished_is_not_patched() -> None:
    stage = Stage()
    policy = {"automated": {"selfHeal": True}, "syncOptions": ["ApplyOutOfSyncOnly=true"]}
    stage.application()["spec"]["syncPolicy"] = policy
    stage.apply()
    await stage.release()

    assert stage.ready() == ("True", "Released")
    annotations = stage.application()["metadata"]["annotations"]
    assert "album.dev/previous-sync-policy" not in annotations


async def test_a_comparison_that_was_lost_is_asked_for_again() -> None:
    stage = Stage()
    await stage.release_until_merged()
    await stage.settle()
    # A refresh asked for while another runs is lost: the annotation is gone, the revision is old.
    path = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/album-app-backend"
    now = f"{stage.clock():%Y-%m-%dT%H:%M:%SZ}"
    lost = {"metadata": {"annotations": {"argocd.argoproj.io/refresh": None}}}
    stage.cluster.edit(path, {**lost, "status": {"reconciledAt": now}})
    await stage.settle()
    assert "argocd.argoproj.io/refresh" not in stage.application()["metadata"]["annotations"]

    stage.clock.advance(timedelta(seconds=11))
    await stage.settle()
    assert "argocd.argoproj.io/refresh" in stage.application()["metadata"]["annotations"]
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert stage.forge.count(REPOSITORY) == 1
