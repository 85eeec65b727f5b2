"""When pipelines are passed over, and how one pass ends."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from album_operator.domain.errors import TransientError
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.metrics.metrics import Metrics
from album_operator.pipelines.cause import Cause, Causes
from album_operator.waking import pipelines as waking
from album_operator.waking.pipelines import (
    AT_ONCE,
    OF_ONE,
    PAUSE_SECONDS,
    TROUBLE_SECONDS,
    Pipelines,
)
from tests.unit.core.stage import Stage

PIPELINE = Ref("album", "album-app")


class Desk:
    """A scheduler whose time and passes a test plays."""

    def __init__(self) -> None:
        self.now = 0.0
        self.passed: list[tuple[Ref, set[Cause]]] = []
        self.gone: set[Ref] = set()
        self.trouble: list[Exception] = []
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.metrics = Metrics()
        self.pipelines = Pipelines(self._pass, self.metrics, lambda: self.now)

    async def _pass(self, pipeline: Ref, causes: Causes) -> timedelta | None:
        self.passed.append((pipeline, set(causes)))
        await self.may_end.wait()
        if self.trouble:
            raise self.trouble.pop()
        return None if pipeline in self.gone else timedelta(minutes=10)

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not is_so():
                await asyncio.sleep(0)

    async def at(self, seconds: float) -> list[tuple[Ref, set[Cause]]]:
        """Let the time come, and give the passes that have begun since the last look."""
        self.now = seconds
        self.pipelines._news.set()
        for _ in range(20):
            await asyncio.sleep(0)
        passed, self.passed = self.passed, []
        return passed


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    running = asyncio.ensure_future(made.pipelines.run())
    yield made
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_pipeline_is_passed_over_when_it_is_seen_and_again_by_time(desk: Desk) -> None:
    desk.pipelines.note(PIPELINE, "wish")
    assert await desk.at(0) == [(PIPELINE, {Cause.CHANGED})]
    assert await desk.at(599) == []
    assert await desk.at(600) == [(PIPELINE, {Cause.TIME})]


async def test_what_comes_back_of_our_own_write_is_no_news(desk: Desk) -> None:
    desk.pipelines.note(PIPELINE, "wish")
    await desk.at(0)
    desk.pipelines.note(PIPELINE, "wish")
    assert await desk.at(10) == []
    desk.pipelines.note(PIPELINE, "another wish")
    assert await desk.at(10) == [(PIPELINE, {Cause.CHANGED})]


async def test_what_happens_during_a_pass_is_seen_by_one_more(desk: Desk) -> None:
    desk.may_end.clear()
    desk.pipelines.note(PIPELINE, "wish")
    await desk.at(0)
    desk.pipelines.wake(PIPELINE, Cause.APPLICATIONS)
    desk.pipelines.wake(PIPELINE, Cause.RELEASES)
    assert await desk.at(1) == []
    desk.may_end.set()
    assert await desk.at(1) == []
    assert await desk.at(1 + PAUSE_SECONDS) == [(PIPELINE, {Cause.APPLICATIONS, Cause.RELEASES})]


async def test_other_tags_are_waited_for_no_longer_than_the_look_that_found_them(
    desk: Desk,
) -> None:
    desk.pipelines.note(PIPELINE, "wish")
    await desk.at(0)
    desk.pipelines.wake(PIPELINE, Cause.RELEASES)
    assert await desk.at(0.1) == []
    desk.pipelines.wake(PIPELINE, Cause.TAGS)
    assert await desk.at(0.1) == [(PIPELINE, {Cause.TAGS, Cause.RELEASES})]


@pytest.mark.parametrize(
    "trouble", [TransientError(Reason.CLUSTER_UNAVAILABLE, "It is away."), ValueError("a bug")]
)
async def test_after_a_trouble_the_same_is_tried_again(desk: Desk, trouble: Exception) -> None:
    desk.trouble = [trouble]
    desk.pipelines.note(PIPELINE, "wish")
    await desk.at(0)
    assert await desk.at(TROUBLE_SECONDS - 1) == []
    assert await desk.at(TROUBLE_SECONDS) == [(PIPELINE, {Cause.CHANGED})]


async def test_one_that_is_gone_or_not_served_is_passed_over_no_more(desk: Desk) -> None:
    others = [Ref("album", "b"), Ref("other", "c")]
    for pipeline in (PIPELINE, *others):
        desk.pipelines.note(pipeline, "wish")
    told: list[Ref] = []
    desk.pipelines.gone = (told.append,)
    desk.gone = {PIPELINE}
    await desk.at(0)
    desk.pipelines.drop(others[0])
    desk.pipelines.forget("other")
    desk.pipelines.wake(others[0], Cause.RELEASES)
    assert await desk.at(3600) == []
    assert not any(desk.pipelines.find_told(ref) for ref in (PIPELINE, *others))
    assert told == [PIPELINE, *others]


def test_the_last_event_of_one_tells_whether_it_is_there(desk: Desk) -> None:
    assert desk.pipelines.find_told(PIPELINE) is None
    desk.pipelines.note(PIPELINE, "wish")
    assert desk.pipelines.find_told(PIPELINE) is True
    desk.pipelines.delete(PIPELINE)
    assert desk.pipelines.find_told(PIPELINE) is False
    desk.pipelines.note(PIPELINE, "wish")
    desk.pipelines.forget(PIPELINE.namespace)  # Its namespace has lost the rights.
    assert desk.pipelines.find_told(PIPELINE) is None


def test_of_many_that_are_deleted_the_last_are_remembered(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waking, "DELETED", 2)
    made = [Ref("album", f"made-{number}") for number in range(3)]
    for pipeline in made:
        desk.pipelines.note(pipeline, "wish")
        desk.pipelines.delete(pipeline)
    assert [desk.pipelines.find_told(pipeline) for pipeline in made] == [None, False, False]


async def test_one_that_is_made_anew_while_a_pass_finds_it_gone_is_kept(desk: Desk) -> None:
    desk.may_end.clear()
    desk.gone = {PIPELINE}
    desk.pipelines.note(PIPELINE, "wish")
    await desk.at(0)
    desk.pipelines.note(PIPELINE, "another wish")
    desk.may_end.set()
    await desk.at(0)
    assert desk.pipelines.find_told(PIPELINE)
    await desk.at(PAUSE_SECONDS)
    assert not desk.pipelines.find_told(PIPELINE)


async def test_what_a_pass_begins_for_one_that_goes_meanwhile_ends_with_it(desk: Desk) -> None:
    told: list[Ref] = []
    desk.pipelines.gone = (told.append,)
    desk.may_end.clear()
    desk.pipelines.note(PIPELINE, "wish")
    await desk.at(0)
    desk.pipelines.drop(PIPELINE)
    assert told == [PIPELINE]
    desk.may_end.set()
    await desk.at(1)
    assert told == [PIPELINE, PIPELINE]


async def test_few_are_passed_over_side_by_side_and_who_waits_longest_is_first(desk: Desk) -> None:
    desk.may_end.clear()
    pipelines = [Ref("album", f"p{number}") for number in range(OF_ONE + 2)]
    for number, pipeline in enumerate(pipelines):
        desk.now = number / 10
        desk.pipelines.note(pipeline, "wish")
    begun = await desk.at(1)
    assert [pipeline for pipeline, _ in begun] == pipelines[:OF_ONE]
    desk.may_end.set()
    assert [pipeline for pipeline, _ in await desk.at(1)] == pipelines[OF_ONE:]


async def test_a_namespace_whose_passes_hang_holds_up_no_other(desk: Desk) -> None:
    desk.may_end.clear()
    for number in range(AT_ONCE):
        desk.pipelines.note(Ref("slow", f"p{number}"), "wish")
    assert len(await desk.at(0)) == OF_ONE
    assert desk.pipelines._seconds_left() is None
    desk.pipelines.note(PIPELINE, "wish")

    assert await desk.at(0) == [(PIPELINE, {Cause.CHANGED})]


async def test_a_namespace_with_many_due_takes_turns_with_the_others(desk: Desk) -> None:
    desk.may_end.clear()
    for team in ("many", "few", "some"):
        for number in range({"many": 50, "few": 1, "some": 3}[team]):
            desk.pipelines.note(Ref(team, f"p{number}"), "wish")
    begun = Counter(pipeline.namespace for pipeline, _ in await desk.at(0))

    assert begun == {"many": 4, "few": 1, "some": 3}


async def test_a_status_is_written_once_and_says_what_the_pipeline_has() -> None:
    stage = Stage()
    status = await stage.look_at_pipeline()
    assert status["observedGeneration"] == 2
    assert status["summary"] == {"apps": 2, "inFlight": 0}
    assert [app["name"] for app in status["apps"]] == ["backend", "frontend"]
    assert [(item["type"], item["status"]) for item in status["conditions"]] == [("Ready", "True")]
    version = stage.pipeline()["metadata"]["resourceVersion"]
    await stage.look_at_pipeline()
    assert stage.pipeline()["metadata"]["resourceVersion"] == version


async def test_one_that_changed_meanwhile_is_looked_at_again() -> None:
    stage = Stage()
    found = await stage.pipeline_reconciler._pipelines.find(PIPELINE)
    assert found is not None
    stage.cluster.edit(
        f"/apis/album.dev/v1alpha1/namespaces/album/albumpipelines/{PIPELINE.name}",
        {"metadata": {"labels": {"a": "b"}}},
    )
    assert not await stage.pipeline_reconciler._pipelines.write_record(*found)


async def test_a_pass_over_one_that_is_gone_ends_at_once() -> None:
    stage = Stage()
    gone = Ref("album", "gone")
    assert await stage.pipeline_reconciler.run_pass(gone, frozenset({Cause.CHANGED})) is None


async def test_pipelines_are_counted_by_readiness_and_their_passes_by_result(desk: Desk) -> None:
    desk.trouble.append(TransientError(Reason.CLUSTER_UNAVAILABLE, "Down."))
    desk.pipelines.note(PIPELINE, "wish", "False")
    await desk.at(0)
    desk.pipelines.note(PIPELINE, "wish", "True")
    desk.pipelines.note(Ref("album", "other"), "wish")
    assert desk.pipelines.count_ready() == {("album", "True"): 1, ("album", "Unknown"): 1}
    await desk.at(TROUBLE_SECONDS)
    text = desk.metrics.render().decode()
    assert 'album_passes_total{kind="AlbumPipeline",result="transient"} 1.0\n' in text
    assert 'album_passes_total{kind="AlbumPipeline",result="ok"} 2.0\n' in text
