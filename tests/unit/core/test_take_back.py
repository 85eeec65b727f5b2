"""A release that is cancelled, or whose newer version has come, takes itself back."""

from typing import Any

import pytest

from album_operator.domain.pull_requests import PullRequestState
from tests.fakes.builders import BRANCH, NAMESPACE
from tests.fakes.cluster import finish_build
from tests.fakes.faults import Killed
from tests.fakes.forge import Rules
from tests.unit.core.stage import REPOSITORY, Stage

OLD, NEW = "backend-v1.1.0", "backend-v1.2.0"
CANCEL = {"spec": {"cancel": True}}
OVER = {"Ready": "False", "Stalled": "True", "Finished": "True"}


async def _building(stage: Stage, name: str = OLD, **spec: object) -> None:
    stage.apply(name, **spec)
    await stage.settle(name)


async def _proposed(stage: Stage, name: str = OLD, **spec: object) -> None:
    await _building(stage, name, **spec)
    finish_build(stage.cluster, stage.jobs[-1])
    await stage.settle(name)


async def _state(stage: Stage, number: int = 1) -> PullRequestState:
    return (await stage.forge.get(stage.forge_place, number)).state


def _is_over(stage: Stage, reason: str, name: str = OLD) -> None:
    assert stage.ready(name) == ("False", reason)
    assert OVER.items() <= stage.conditions(name).items()
    assert "Reconciling" not in stage.conditions(name)


async def test_a_cancelled_build_is_stopped_and_nothing_is_proposed() -> None:
    stage = Stage()
    await _building(stage)
    stage.edit(OLD, CANCEL)
    await stage.settle()

    _is_over(stage, "Cancelled")
    assert stage.jobs == []
    assert stage.forge.count(REPOSITORY) == 0
    assert stage.config.pushes == []
    assert "Cancelled" in stage.events()


async def test_a_cancelled_proposal_is_closed_with_its_branch_and_says_why() -> None:
    stage = Stage()
    await _proposed(stage)
    stage.edit(OLD, CANCEL)
    await stage.settle()

    _is_over(stage, "Cancelled")
    assert await _state(stage) is PullRequestState.CLOSED
    assert stage.status()["pullRequest"]["state"] == "Closed"
    assert list(stage.config.branches) == ["main"]
    [comment] = stage.forge.comments(REPOSITORY, 1)
    assert f"AlbumRelease `{NAMESPACE}/{OLD}` was cancelled" in comment


async def test_what_is_cancelled_before_it_begins_just_ends() -> None:
    stage = Stage()
    stage.apply(OLD, tag=OLD, cancel=True)
    await stage.settle()

    _is_over(stage, "Cancelled")
    assert stage.jobs == []
    assert stage.faults.writes.count("patch albumreleases/status") == 1


async def test_what_is_cancelled_without_its_pipeline_ends_too() -> None:
    stage = Stage()
    stage.apply(OLD, tag=OLD, cancel=True, pipelineRef={"name": "nowhere"})
    await stage.settle()

    _is_over(stage, "Cancelled")


async def test_a_retry_of_a_cancelled_release_changes_nothing() -> None:
    stage = Stage()
    await _building(stage)
    stage.edit(OLD, CANCEL)
    await stage.settle()
    stage.annotate(retry="1")
    await stage.settle()

    _is_over(stage, "Cancelled")
    assert "no retry changes that" in stage.message()
    assert stage.status()["lastHandledRetry"] == "1"
    assert stage.status()["attempt"] == 1
    assert stage.jobs == []


async def test_another_release_of_a_cancelled_tag_does_it_all_the_same() -> None:
    stage = Stage()
    await _proposed(stage)
    stage.edit(OLD, CANCEL)
    await stage.settle()
    assert "create another AlbumRelease of it" in stage.message()
    stage.tell_of_releases()
    stage.apply("again", tag=OLD)
    await stage.release("again")

    assert stage.ready("again") == ("True", "Released")
    assert stage.forge.count(REPOSITORY) == 2


async def test_a_pull_request_that_a_person_closed_stays_a_no_after_a_cancel() -> None:
    stage = Stage()
    await _proposed(stage)
    stage.forge.close_pull_request(REPOSITORY, 1)
    await stage.settle()
    stage.edit(OLD, CANCEL)
    await stage.settle()
    _is_over(stage, "Cancelled")
    assert list(stage.config.branches) == ["main"]

    stage.tell_of_releases()
    stage.apply("again", tag=OLD)
    await stage.settle("again")
    assert stage.ready("again") == ("False", "PullRequestClosed")


@pytest.mark.parametrize("cause", ["failed", "suspended"])
async def test_what_stopped_before_its_merge_can_be_cancelled(cause: str) -> None:
    stage = Stage()
    await _proposed(stage)
    if cause == "failed":
        stage.config.write(BRANCH, {"backend/values.yaml": "somebody: else\n"})
        await stage.settle()
        assert stage.ready() == ("False", "HeadChanged")
    else:
        stage.edit(OLD, {"spec": {"suspend": True}})
        await stage.settle()
    stage.edit(OLD, CANCEL)
    await stage.settle()

    _is_over(stage, "Cancelled")
    assert await _state(stage) is PullRequestState.CLOSED
    # What somebody else put on our branch is theirs.
    assert (BRANCH in stage.config.branches) is (cause == "failed")


async def test_a_retry_that_is_cancelled_before_it_begins_takes_the_attempt_before_back() -> None:
    stage = Stage()
    await _proposed(stage)
    stage.edit(OLD, {"spec": {"suspend": True}})
    stage.annotate(retry="1")
    await stage.settle()
    assert "resolved" not in stage.status()
    stage.edit(OLD, CANCEL)
    await stage.settle()

    _is_over(stage, "Cancelled")
    assert await _state(stage) is PullRequestState.CLOSED
    assert list(stage.config.branches) == ["main"]


@pytest.mark.parametrize("delivery", ["PullRequest", "Commit"])
async def test_a_merge_in_the_moment_of_the_cancel_wins_and_is_told(delivery: str) -> None:
    stage = Stage(delivery=delivery)
    if delivery == "Commit":
        await _building(stage)
        finish_build(stage.cluster, stage.jobs[0])
        commit = stage.config_repository.commit

        async def die(*args: Any) -> Any:  # noqa: ANN401 - handed on
            await commit(*args)
            raise Killed

        stage.config_repository.commit = die  # type: ignore[assignment,method-assign]
        with pytest.raises(Killed):
            await stage.settle()
        stage.restart()
        stage.edit(OLD, CANCEL)
    else:
        await _proposed(stage)
        stage.edit(OLD, CANCEL)
        stage.forge.before_withdraw = stage.merge
    await stage.release()

    assert stage.ready() == ("True", "Released")
    told = " ".join(step["message"] for step in stage.status()["steps"])
    assert "before it could be taken back" in told
    assert f"spec.rollbackOf.name: {OLD}" in told
    if delivery == "PullRequest":
        closes, stays = stage.forge.comments(REPOSITORY, 1)
        assert "was cancelled, so this pull request is closed" in closes
        assert "merged all the same" in stays


async def test_the_way_back_from_a_merge_is_a_rollback() -> None:
    stage = Stage()
    stage.apply(OLD)
    await stage.release()
    await _proposed(stage, NEW)
    stage.edit(NEW, CANCEL)
    stage.forge.before_withdraw = stage.merge
    await stage.release(NEW)
    assert stage.ready(NEW) == ("True", "Released")
    stage.tell_of_releases()
    stage.apply("back", app="backend", version="v1.1.0", rollbackOf={"name": NEW})
    await stage.release("back")

    assert stage.ready("back") == ("True", "Released")


async def test_auto_merge_is_taken_back_before_the_pull_request_is_closed() -> None:
    stage = Stage(pull_request={"merge": "Auto"})
    stage.forge.rules[REPOSITORY] = Rules(approvals=1)
    await _proposed(stage)
    stage.edit(OLD, CANCEL)
    await stage.settle()

    _is_over(stage, "Cancelled")
    asked = stage.forge.requests
    assert asked.index("disarm") < asked.index("withdraw")
