"""Who syncs: Argo CD by itself, the operator once, or others alone."""

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.core.stage import Stage
from tests.unit.core.ways import UNDISTURBED

APPLICATION = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/album-app-backend"
CONSENT = "album.dev/authorized-pipeline"


def _stage(sync: str, **more: Any) -> Stage:  # noqa: ANN401 - of a stage
    stage = Stage(argocd={"sync": sync}, is_built=True, **more)
    stage.apply()
    return stage


async def _to_the_sync(stage: Stage) -> None:
    """Run a release until Argo CD is to compare what it merged."""
    await stage.settle()
    stage.merge()
    await stage.settle()


def _sync_elsewhere(stage: Stage) -> None:
    """Let somebody else ask for a sync, which Argo CD has not begun."""
    stage.cluster.edit(APPLICATION, {"operation": {"sync": {}, "info": [{"name": "by"}]}})


def test_operation_starts_one_sync_and_leaves_the_policy_alone() -> None:
    expected, writes = UNDISTURBED["Operation"]
    (info,) = expected["own syncs"]

    assert info == [
        {"name": "album.dev/release", "value": "album/backend-v1.1.0"},
        {"name": "album.dev/attempt", "value": "uid-of-backend-v1.1.0/1"},
    ]
    assert expected["policy"] is None
    assert expected["previous policy"] is None
    assert writes.count("patch applications") == 2  # a refresh, and the sync
    assert expected["conditions"]["Ready"] == "True"
    assert ("SyncPolicyApplied", "NoChange") in expected["reasons"]


def test_observe_writes_nothing_to_applications() -> None:
    expected, writes = UNDISTURBED["Observe"]

    assert "patch applications" not in writes
    assert expected["own syncs"] == []
    assert expected["policy"] is None
    assert expected["conditions"]["Ready"] == "True"
    assert ("SyncPolicyApplied", "NoChange") in expected["reasons"]


async def test_observe_needs_no_consent_and_no_guard() -> None:
    stage = _stage("Observe")
    stage.cluster.edit(APPLICATION, {"metadata": {"annotations": {CONSENT: None}}})
    stage.cluster.is_guarded = False
    await stage.release()

    assert stage.ready() == ("True", "Released")


async def test_operation_needs_consent() -> None:
    stage = _stage("Operation")
    stage.cluster.edit(APPLICATION, {"metadata": {"annotations": {CONSENT: None}}})
    await stage.settle()

    assert stage.ready() == ("False", "NotAuthorized")
    assert stage.faults.writes.count("patch applications") == 0


async def test_a_sync_of_somebody_else_that_is_asked_for_is_waited_for() -> None:
    stage = _stage("Operation")
    await _to_the_sync(stage)
    stage.argocd.run()
    _sync_elsewhere(stage)
    await stage.settle()

    assert stage.application()["operation"] == {"sync": {}, "info": [{"name": "by"}]}
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert not any("value" in item for item in stage.argocd.operations[-1]["operation"]["info"])


async def test_a_switch_that_is_off_does_not_keep_the_operator_from_one_sync() -> None:
    stage = _stage("Operation")
    automated = {"automated": {"enabled": False}}
    stage.cluster.edit(APPLICATION, {"spec": {"syncPolicy": automated}})
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert stage.application()["spec"]["syncPolicy"] == automated


async def test_a_sync_that_failed_is_not_started_again_but_by_a_retry() -> None:
    stage = _stage("Operation")
    stage.argocd.fails = "one or more objects failed to apply"
    await stage.release()
    assert stage.ready() == ("False", "SyncFailed")
    assert "one or more objects failed to apply" in stage.message()
    failed = len(stage.argocd.operations)
    await stage.settle()
    assert len(stage.argocd.operations) == failed

    stage.argocd.fails = None
    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")
    values = [item["operation"].get("info", [{}])[-1] for item in stage.argocd.operations]
    assert [item["value"][-2:] for item in values if item] == ["/1", "/2"]


async def test_what_somebody_undoes_is_not_synced_again() -> None:
    stage = _stage("Operation")
    await _to_the_sync(stage)
    stage.argocd.run()
    await stage.settle()
    stage.argocd.run()
    await stage.settle()
    assert stage.ready() == ("Unknown", "Settling")
    undone = {"status": "OutOfSync"}
    state = {"phase": "Succeeded", "operation": {"info": None, "sync": {}}}
    stage.cluster.edit(APPLICATION, {"status": {"sync": undone, "operationState": state}})
    due = await stage.settle()

    assert "operation" not in stage.application() or stage.application()["operation"] is None
    assert "is OutOfSync" in stage.message()
    assert due.after is not None
    stage.clock.advance(timedelta(hours=1))
    await stage.settle()
    assert stage.ready() == ("False", "SyncTimedOut")


@pytest.mark.parametrize("sync", ["Operation", "Observe"])
async def test_a_plan_patches_no_policy_that_is_left_alone(sync: str) -> None:
    stage = Stage(argocd={"sync": sync})
    stage.apply(tag="backend-v1.1.0", mode="Plan")
    await stage.settle()

    assert stage.ready() == ("True", "Planned")
    assert stage.status()["plan"].get("applications", []) == []
