"""With `policy.concurrency: Queue` or `Forbid` releases of an app do not go side by side."""

import math

import pytest

from album_operator.domain.release import Ref
from album_operator.memory import release_index
from tests.fakes.builders import NAMESPACE, raw_pipeline
from tests.fakes.cluster import fail_build
from tests.unit.core.stage import Stage

PIPELINE = f"/apis/album.dev/v1alpha1/namespaces/{NAMESPACE}/albumpipelines/album-app"
OLD, NEW, NEWER = "backend-v1.1.0", "backend-v1.2.0", "backend-v1.3.0"


def _stage(concurrency: str) -> Stage:
    stage = Stage()
    stage.cluster.edit(PIPELINE, {"spec": {"policy": {"concurrency": concurrency}}})
    stage.source.tags[NEWER] = stage.source.tags[OLD]
    return stage


async def _settle(stage: Stage, *names: str) -> None:
    for name in names:
        await stage.settle(name)
        stage.tell_of_releases()


def _apply(stage: Stage, *names: str) -> None:
    for name in names:
        stage.apply(name)
        stage.wakeups.join(Ref(NAMESPACE, name), None)
    stage.tell_of_releases()


def _has_news(stage: Stage, name: str) -> bool:
    return stage.wakeups.has_news(Ref(NAMESPACE, name))


async def test_in_a_queue_the_lower_version_goes_first_and_its_end_wakes_the_next() -> None:
    stage = _stage("Queue")
    _apply(stage, OLD)
    await _settle(stage, OLD)
    _apply(stage, NEWER, NEW)
    await _settle(stage, NEWER, NEW, NEWER)
    assert stage.status(NEW)["queue"] == {"position": 1, "behind": OLD}
    assert stage.status(NEWER)["queue"] == {"position": 2, "behind": NEW}
    assert stage.ready(NEW) == stage.ready(NEWER) == ("Unknown", "Queued")
    assert len(stage.jobs) == 1

    assert not _has_news(stage, NEW)
    await stage.release(OLD)
    assert stage.ready(OLD) == ("True", "Released")
    stage.tell_of_releases()
    assert _has_news(stage, NEW)
    await _settle(stage, NEWER, NEW)
    assert stage.ready(NEW) == ("Unknown", "Building")
    assert "queue" not in stage.status(NEW)
    assert stage.ready(NEWER) == ("Unknown", "Queued")
    await stage.release(NEW)
    stage.tell_of_releases()
    await stage.release(NEWER)

    assert stage.ready(NEW) == stage.ready(NEWER) == ("True", "Released")


async def test_of_two_that_look_in_the_same_moment_one_begins() -> None:
    stage = _stage("Queue")
    _apply(stage, OLD, NEW)
    # Neither's status has told anybody of the other yet.
    await stage.settle(NEW)
    await stage.settle(OLD)

    assert stage.ready(NEW) == ("Unknown", "Building")
    assert stage.ready(OLD) == ("Unknown", "Queued")
    assert len(stage.jobs) == 1


@pytest.mark.parametrize("how", ["failed", "cancelled", "deleted"])
async def test_any_end_of_the_one_ahead_lets_the_next_begin(how: str) -> None:
    stage = _stage("Queue")
    _apply(stage, OLD, NEW)
    await _settle(stage, OLD, NEW)
    if how == "deleted":
        path = f"/apis/album.dev/v1alpha1/namespaces/{NAMESPACE}/albumreleases/{OLD}"
        del stage.cluster.objects[path]
        stage.wakeups.index.drop(Ref(NAMESPACE, OLD))
    elif how == "failed":
        fail_build(stage.cluster, stage.jobs[0])
        await _settle(stage, OLD)
    else:
        stage.edit(OLD, {"spec": {"cancel": True}})
        await _settle(stage, OLD)
    assert _has_news(stage, NEW)
    await _settle(stage, NEW)

    assert stage.ready(NEW) == ("Unknown", "Building")


async def test_what_waits_in_a_queue_can_be_cancelled() -> None:
    stage = _stage("Queue")
    _apply(stage, OLD, NEW)
    await _settle(stage, OLD, NEW)
    stage.edit(NEW, {"spec": {"cancel": True}})
    await _settle(stage, NEW)

    assert stage.ready(NEW) == ("False", "Cancelled")
    assert len(stage.jobs) == 1


async def test_another_app_and_another_pipeline_wait_for_nobody() -> None:
    stage = _stage("Queue")
    other = raw_pipeline(policy={"concurrency": "Queue"})
    other["metadata"] |= {"name": "other", "uid": "uid-of-other"}
    stage.cluster.apply(other)
    consent = {"album.dev/authorized-pipeline": f"{NAMESPACE}/album-app, {NAMESPACE}/other"}
    stage.application()["metadata"]["annotations"] |= consent
    _apply(stage, OLD, "frontend-v1.1.0")
    stage.apply("other", tag=NEW, pipelineRef={"name": "other"})
    await _settle(stage, OLD, "frontend-v1.1.0", "other")

    assert stage.ready("frontend-v1.1.0") == ("Unknown", "Building")
    assert stage.ready("other") == ("Unknown", "Building")


async def test_a_second_one_is_forbidden_and_may_be_tried_again_once_the_first_has_ended() -> None:
    stage = _stage("Forbid")
    _apply(stage, OLD)
    await _settle(stage, OLD)
    _apply(stage, NEW)
    await _settle(stage, NEW)
    assert stage.ready(NEW) == ("False", "AnotherInFlight")
    assert f"AlbumRelease {OLD} of v1.1.0 is in flight" in stage.message(NEW)
    assert len(stage.jobs) == 1

    assert "set its spec.cancel to true, then set the annotation" in stage.message(NEW)
    stage.edit(OLD, {"spec": {"cancel": True}})
    await _settle(stage, OLD)
    stage.annotate(NEW, retry="1")
    await stage.release(NEW)
    assert stage.ready(NEW) == ("True", "Released")


@pytest.mark.parametrize("concurrency", ["Queue", "Forbid"])
async def test_nothing_begins_before_it_is_known_who_else_is_in_flight(
    concurrency: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = _stage(concurrency)
    _apply(stage, OLD)
    await _settle(stage, OLD)
    stage.restart()
    monkeypatch.setattr(release_index, "LIST_SECONDS", math.inf)
    stage.wakeups.index.begin_list(NAMESPACE)
    _apply(stage, NEW)
    stage.wakeups.index.drop(Ref(NAMESPACE, OLD))
    await stage.settle(NEW)
    assert stage.ready(NEW) == ("Unknown", "Queued")
    assert len(stage.jobs) == 1

    monkeypatch.setattr(release_index, "LIST_SECONDS", 0.0)
    await _settle(stage, OLD, NEW)
    assert stage.ready(NEW)[1] == ("Queued" if concurrency == "Queue" else "AnotherInFlight")
