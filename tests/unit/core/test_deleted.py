"""What a deleted release has proposed is taken back, and nothing waits for that."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from album_operator.codec import parse_release, parse_status
from album_operator.domain.errors import OutsideError, TerminalError, TransientError
from album_operator.domain.pull_requests import PullRequestState
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.pipelines.sweep import Sweep
from album_operator.waking import gone
from album_operator.waking.gone import GoneReleases
from tests.fakes.builders import BRANCH, CONFIG, NAMESPACE
from tests.fakes.cluster import finish_build
from tests.fakes.faults import Fault, Killed
from tests.fakes.forge import Rules
from tests.unit.core.stage import REPOSITORY, Stage

NAME = "backend-v1.1.0"
API = f"/apis/album.dev/v1alpha1/namespaces/{NAMESPACE}"
PIPELINE = f"{API}/albumpipelines/album-app"
DOWN = TransientError(Reason.FORGE_UNAVAILABLE, "The forge is away.")


async def _proposed(**policy: str) -> Stage:
    stage = Stage()
    stage.cluster.edit(PIPELINE, {"spec": {"policy": policy}})
    stage.apply(NAME)
    await stage.settle(NAME)
    finish_build(stage.cluster, stage.jobs[0])
    await stage.settle(NAME)
    return stage


def _delete(stage: Stage) -> dict[str, Any]:
    """Delete the release; give it as its last event does."""
    raw = stage.cluster.objects.pop(f"{API}/albumreleases/{NAME}")
    stage.wakeups.index.drop(Ref(NAMESPACE, NAME))
    return raw


def _tell(stage: Stage, raw: dict[str, Any]) -> None:
    leave = GoneReleases(stage.world, pause=0.0).take_back
    leave(parse_release(raw), parse_status(raw["status"]))


async def _take_back(stage: Stage, raw: dict[str, Any]) -> None:
    _tell(stage, raw)
    async with asyncio.timeout(10):
        await asyncio.gather(*stage.world.errands)


async def _state(stage: Stage) -> PullRequestState:
    return (await stage.forge.get(stage.forge_place, 1)).state


async def _sweep(stage: Stage) -> None:
    sweep = Sweep(stage.world)
    found = await stage.world.releases.find_pipeline(Ref(NAMESPACE, "album-app"))
    assert found is not None
    sweep.note(found)
    await sweep.sweep((NAMESPACE, CONFIG, "album-git"))


async def test_its_pull_request_is_closed_with_a_word_and_its_branch_deleted() -> None:
    stage = await _proposed()
    await _take_back(stage, _delete(stage))

    assert await _state(stage) is PullRequestState.CLOSED
    assert BRANCH not in stage.config.branches
    [comment] = stage.forge.comments(REPOSITORY, 1)
    assert "was deleted, so this pull request is closed" in comment
    assert stage.events("album-app") == []


@pytest.mark.parametrize("how", ["kept", "merged", "cancelled", "building"])
async def test_nothing_is_asked_for_where_nothing_is_to_be_taken_back(how: str) -> None:
    stage = await _proposed(onDelete="Keep") if how == "kept" else await _proposed()
    if how == "merged":
        stage.merge()
        await stage.settle(NAME)
    elif how == "cancelled":
        stage.edit(NAME, {"spec": {"cancel": True}})
        await stage.settle(NAME)
    elif how == "building":
        stage = Stage()
        stage.apply(NAME)
        await stage.settle(NAME)
    asked, state = list(stage.forge.requests), how == "building" or await _state(stage)
    await _take_back(stage, _delete(stage))

    assert stage.forge.requests[len(asked) :] == ["get"] * (how != "building")
    assert how == "building" or await _state(stage) is state


async def test_what_was_merged_since_the_last_look_stays_merged() -> None:
    stage = await _proposed()
    stage.merge()
    await _take_back(stage, _delete(stage))

    assert await _state(stage) is PullRequestState.MERGED


async def test_one_that_is_made_anew_by_the_same_name_has_its_proposal() -> None:
    stage = await _proposed()
    raw = _delete(stage)
    stage.apply(NAME)
    await _take_back(stage, raw)
    assert await _state(stage) is PullRequestState.OPEN

    await stage.release(NAME)
    assert stage.ready(NAME) == ("True", "Released")
    assert stage.forge.count(REPOSITORY) == 1


async def test_one_made_anew_in_the_very_moment_proposes_again() -> None:
    stage = await _proposed()
    raw = _delete(stage)

    def apply() -> None:
        stage.forge.before_withdraw = None
        stage.apply(NAME)

    stage.forge.before_withdraw = apply
    await _take_back(stage, raw)
    assert await _state(stage) is PullRequestState.CLOSED
    await stage.release(NAME)

    assert stage.ready(NAME) == ("True", "Released")
    assert stage.forge.count(REPOSITORY) == 2


async def test_an_adopted_proposal_that_is_taken_back_after_all_is_made_again() -> None:
    stage = await _proposed()
    await stage.forge.withdraw(stage.forge_place, 1, "Taken back: it")
    del stage.config.branches[BRANCH]
    await stage.release(NAME)

    assert stage.ready(NAME) == ("True", "Released")
    assert stage.forge.count(REPOSITORY) == 2


async def test_trouble_is_waited_out() -> None:
    stage = await _proposed()
    raw = _delete(stage)
    stage.forge.trouble = DOWN
    _tell(stage, raw)
    async with asyncio.timeout(10):
        while stage.forge.requests.count("get_many") + stage.forge.requests.count("find") < 2:
            await asyncio.sleep(0)
        stage.forge.trouble = None
        await asyncio.gather(*stage.world.errands)

    assert await _state(stage) is PullRequestState.CLOSED


@pytest.mark.parametrize("has_pipeline", [True, False])
@pytest.mark.parametrize(
    "error",
    [DOWN, TerminalError(Reason.CREDENTIALS_REFUSED, "The token is refused.", "Mend it")],
    ids=["down", "refused"],
)
async def test_what_cannot_be_taken_back_is_let_go_and_named(
    error: OutsideError, *, has_pipeline: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await _proposed()
    raw = _delete(stage)
    monkeypatch.setattr(gone, "GIVE_UP", timedelta())
    stage.forge.trouble = error
    if not has_pipeline:
        del stage.cluster.objects[PIPELINE]
    await _take_back(stage, raw)

    about = "album-app" if has_pipeline else NAME
    assert stage.events(about)[-1] == "LeftBehind"
    [event] = [raw for raw in stage.cluster.all_of("Event") if raw["reason"] == "LeftBehind"]
    assert event["type"] == "Warning"
    assert f"AlbumRelease {NAME} was deleted, and pull request #1 (" in event["message"]
    assert f"branch {BRANCH}" in event["message"]
    assert error.message in event["message"]


async def test_several_events_of_one_deletion_begin_one_work() -> None:
    stage = await _proposed()
    raw = _delete(stage)
    leave = GoneReleases(stage.world, pause=0.0).take_back
    for _ in range(2):
        leave(parse_release(raw), parse_status(raw["status"]))
    assert len(stage.world.errands) == 1
    await asyncio.gather(*stage.world.errands)

    assert len(stage.forge.comments(REPOSITORY, 1)) == 1


async def test_a_bug_of_ours_ends_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    stage = await _proposed()
    raw = _delete(stage)
    stage.forge.comment = None  # type: ignore[assignment,method-assign]
    await _take_back(stage, raw)

    assert "failed by a bug of ours" in caplog.text


WAYS = {
    "proposed": ["comment", "close pull request", "delete branch"],
    "armed": ["disarm pull request", "comment", "close pull request", "delete branch"],
}


async def _reach(way: str) -> Stage:
    if way == "proposed":
        return await _proposed()
    stage = Stage(pull_request={"merge": "Auto"})
    stage.forge.rules[REPOSITORY] = Rules(approvals=1)
    stage.apply(NAME)
    await stage.settle(NAME)
    finish_build(stage.cluster, stage.jobs[0])
    await stage.settle(NAME)
    return stage


def _watch_branches(stage: Stage) -> None:
    """Let deletions of branches be among the writes that can be spoiled."""
    delete = stage.config_repository.delete_branch

    async def watched(*args: Any) -> None:  # noqa: ANN401 - handed on
        with stage.faults.write("delete branch"):
            await delete(*args)

    stage.config_repository.delete_branch = watched  # type: ignore[assignment,method-assign]


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize(
    ("way", "at"), [(way, at) for way, writes in WAYS.items() for at in range(len(writes))]
)
async def test_what_an_operator_that_was_killed_left_undone_the_sweep_takes_back(
    way: str, at: int, fault: Fault
) -> None:
    stage = await _reach(way)
    raw = _delete(stage)
    before = len(stage.faults.writes)
    stage.faults.at, stage.faults.fault = before + at + 1, fault
    _watch_branches(stage)
    _tell(stage, raw)
    done = await asyncio.gather(*stage.world.errands, return_exceptions=True)
    assert stage.faults.writes[before:][: at + 1] == WAYS[way][: at + 1]
    if fault in {Fault.DIE_BEFORE, Fault.DIE_AFTER}:
        assert isinstance(done[0], Killed)
        stage.restart()
        await _sweep(stage)

    assert await _state(stage) is PullRequestState.CLOSED
    assert BRANCH not in stage.config.branches
    assert len(stage.forge.comments(REPOSITORY, 1)) == 1


@pytest.mark.parametrize("policy", ["Cancel", "Keep"])
async def test_what_was_deleted_while_no_operator_ran_is_found(policy: str) -> None:
    stage = await _proposed(onDelete=policy)
    _delete(stage)
    stage.restart()
    await _sweep(stage)

    is_kept = policy == "Keep"
    assert await _state(stage) is (PullRequestState.OPEN if is_kept else PullRequestState.CLOSED)
    assert (BRANCH in stage.config.branches) is is_kept
