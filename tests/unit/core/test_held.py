"""An app that a person holds: nothing of it is begun, and nothing is merged by the operator."""

from datetime import timedelta

import pytest

from tests.fakes.builders import NAMESPACE
from tests.fakes.cluster import finish_build
from tests.fakes.forge import Rules
from tests.unit.core.stage import REPOSITORY, Stage

PIPELINE = f"/apis/album.dev/v1alpha1/namespaces/{NAMESPACE}/albumpipelines/album-app"

HELD = ("Unknown", "Held")


def _hold(stage: Stage, *, hold: bool, app: str = "backend") -> None:
    """Write `hold` into the pipeline; `kubectl edit`."""
    other = {"backend": "frontend", "frontend": "backend"}[app]
    apps = [{"name": app, "hold": hold}, {"name": other}]
    stage.cluster.edit(PIPELINE, {"spec": {"apps": apps}})


async def test_a_release_of_a_held_app_begins_nothing_until_it_is_let_go() -> None:
    stage = Stage()
    _hold(stage, hold=True)
    stage.apply()
    due = await stage.settle()

    assert stage.ready() == HELD
    assert "spec.apps[name=backend].hold of AlbumPipeline album-app is true" in stage.message()
    assert due.after == timedelta(minutes=5)
    assert due.is_poll
    assert "resolved" not in stage.status()
    assert {write for write in stage.faults.writes if "create events" not in write} == {
        "patch albumreleases/status"
    }

    _hold(stage, hold=False)
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_a_held_app_holds_no_other_and_no_plan() -> None:
    stage = Stage()
    _hold(stage, hold=True, app="frontend")
    stage.apply()
    await stage.release()
    assert stage.ready() == ("True", "Released")

    stage.apply("planned", tag="frontend-v1.1.0", mode="Plan")
    await stage.settle("planned")
    assert stage.ready("planned") == ("True", "Planned")


async def test_a_retry_of_a_held_app_waits_too() -> None:
    stage = Stage()
    del stage.source.tags["backend-v1.1.0"]
    stage.apply()
    await stage.settle()
    assert stage.ready() == ("False", "TagNotFound")
    _hold(stage, hold=True)
    stage.annotate(retry="1")
    await stage.settle()

    assert stage.ready() == HELD


async def test_the_operator_merges_nothing_of_a_held_app() -> None:
    stage = Stage(pull_request={"merge": "Auto"})
    stage.apply()
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[-1])
    _hold(stage, hold=True)
    due = await stage.settle()

    assert stage.ready() == HELD
    assert stage.forge.requests.count("merge") == 0
    assert due.after == timedelta(minutes=5)
    assert "Set it to false to go on." in stage.message()

    _hold(stage, hold=False)
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_a_merge_that_the_forge_was_told_to_do_is_taken_back() -> None:
    stage = Stage(pull_request={"merge": "Auto"})
    stage.forge.rules[REPOSITORY] = Rules(approvals=1)
    stage.apply()
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[-1])
    await stage.settle()
    assert "merges it by itself" in stage.message()
    _hold(stage, hold=True)
    await stage.settle()
    assert stage.ready() == HELD
    assert stage.forge.requests.count("disarm") == 1

    stage.forge.review(REPOSITORY, 1, approves=True)
    await stage.settle()
    assert stage.ready() == HELD
    assert stage.forge.requests.count("disarm") == 1


async def test_a_person_may_merge_for_a_held_app() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[-1])
    await stage.settle()
    _hold(stage, hold=True)
    await stage.release()

    assert stage.ready() == ("True", "Released")


@pytest.mark.parametrize("is_gone", [False, True])
async def test_nothing_is_committed_for_a_held_app(is_gone: bool) -> None:
    stage = Stage(delivery="Commit")
    stage.apply()
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[-1])
    _hold(stage, hold=True)
    await stage.settle()
    assert stage.ready() == HELD
    assert stage.config.pushes == []

    if is_gone:
        del stage.cluster.objects[PIPELINE]
    else:
        _hold(stage, hold=False)
    await stage.release()
    assert stage.ready() == ("True", "Released")
