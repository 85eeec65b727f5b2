"""Developers are told where the pipeline asks for it, and a release never waits for that."""

import logging
from datetime import timedelta
from typing import Any

import pytest

from album_operator.domain.errors import TransientError
from album_operator.domain.reasons import Reason
from album_operator.feedback import BUDGET
from tests.fakes.builders import SOURCE, raw_pipeline
from tests.fakes.cluster import fail_build, finish_build
from tests.fakes.faults import Fault, Faults, Killed
from tests.unit.core.stage import REPOSITORY, Stage

BOTH = {"commitStatus": True, "comment": True}


def _stage(**feedback: bool) -> Stage:
    stage = Stage()
    stage.cluster.apply(raw_pipeline(feedback=feedback))
    return stage


def _deploying_stage(faults: Faults | None = None) -> Stage:
    stage = Stage(faults)
    forge = {"type": "GitHub", "apiURL": "https://git.example.org/api/v1"}
    feedback = {"commitStatus": True, "deployment": {"environment": "staging"}}
    source = {"repository": SOURCE, "forge": forge}
    stage.cluster.apply(raw_pipeline(source=source, feedback=feedback))
    return stage


def _deployed(stage: Stage) -> list[tuple[str, str]]:
    return [(item.description, str(state)) for item, state in stage.forge.deployed.items()]


def _told(stage: Stage) -> list[tuple[str, str]]:
    return [(context, state) for context, state, _, _ in stage.forge.told]


async def test_nobody_is_told_by_default() -> None:
    stage = Stage()
    stage.apply()
    await stage.release()

    assert stage.forge.told == []
    assert stage.forge.comments(REPOSITORY, 1) == []


async def test_a_release_is_told_at_its_source_commit_and_pull_request() -> None:
    stage = _stage(**BOTH)
    stage.apply()
    await stage.release()

    assert _told(stage) == [("album/backend", "pending"), ("album/backend", "success")]
    (_, _, text, url) = stage.forge.told[-1]
    assert text == "v1.1.0 is deployed."
    assert url == stage.status()["pullRequest"]["url"]
    assert stage.source.tags["backend-v1.1.0"] in stage.forge.statuses
    (comment,) = stage.forge.comments(REPOSITORY, 1)
    assert comment.startswith("**Released:** `ghcr.io/")
    assert stage.status()["resolved"]["feedback"]["commitStatus"] is True


async def test_a_failure_is_told_with_its_reason_and_way_out() -> None:
    stage = _stage(**BOTH)
    stage.apply()
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[0])
    await stage.settle()
    stage.forge.close_pull_request(REPOSITORY, 1)
    await stage.settle()

    assert stage.ready() == ("False", "PullRequestClosed")
    assert _told(stage)[-1] == ("album/backend", "failure")
    text = stage.forge.told[-1][2]
    assert text.startswith("v1.1.0: PullRequestClosed. ")
    assert len(text) <= 140
    (comment,) = stage.forge.comments(REPOSITORY, 1)
    assert comment.startswith("**PullRequestClosed:** Pull request \\#1 was closed by reviewer")


async def test_a_word_that_cannot_be_written_holds_nothing_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = _stage(**BOTH)

    async def refuse(*_: Any) -> None:  # noqa: ANN401 - whatever is said
        raise TransientError(Reason.FORGE_UNAVAILABLE, "It cannot answer now.")

    stage.forge.set_status = refuse  # type: ignore[method-assign,assignment]
    stage.apply()
    with caplog.at_level(logging.WARNING):
        await stage.release()

    assert stage.ready() == ("True", "Released")
    assert "could not be told of: It cannot answer now." in caplog.text


async def test_words_have_a_budget_of_their_own(caplog: pytest.LogCaptureFixture) -> None:
    stage = _stage(commitStatus=True)
    stage.apply()
    for _ in range(BUDGET):
        stage.annotate(retry=str(len(stage.forge.told)))
        await stage.settle()
    said = len(stage.forge.told)
    assert said == BUDGET
    stage.annotate(retry="more")
    await stage.settle()
    assert len(stage.forge.told) == said
    assert "is not told of" in caplog.text
    stage.clock.advance(timedelta(hours=1, seconds=1))
    stage.annotate(retry="later")
    await stage.settle()
    assert len(stage.forge.told) == said + 1


async def test_a_release_is_a_deployment_of_its_source_commit() -> None:
    stage = _deploying_stage()
    stage.apply()
    await stage.settle()
    assert _deployed(stage) == [("backend v1.1.0", "in_progress")]
    await stage.release()

    assert _deployed(stage) == [("backend v1.1.0", "success")]
    (made,) = stage.forge.deployed
    assert (made.commit, made.environment, made.task) == (
        stage.source.tags["backend-v1.1.0"],
        "staging",
        "deploy:backend",
    )
    (raw,) = stage.cluster.all_of("AlbumRelease")
    assert (made.release, made.uid) == ("album/backend-v1.1.0", raw["metadata"]["uid"])
    assert stage.status()["resolved"]["feedback"]["environment"] == "staging"


async def test_the_version_before_is_inactive_and_a_retry_goes_on_with_its_own() -> None:
    stage = _deploying_stage()
    for name in ("backend-v1.1.0", "backend-v1.2.0"):
        stage.apply(name, tag=name)
    await stage.release()
    await stage.settle("backend-v1.2.0")
    fail_build(stage.cluster, stage.jobs[-1], 1, "no")
    await stage.settle("backend-v1.2.0")
    assert [state for _, state in _deployed(stage)] == ["success", "failure"]
    stage.annotate("backend-v1.2.0", retry="1")
    await stage.release("backend-v1.2.0")

    assert [state for _, state in _deployed(stage)] == ["inactive", "success"]


async def test_what_is_cancelled_is_no_failed_deployment() -> None:
    stage = _deploying_stage()
    stage.apply()
    await stage.settle()
    stage.edit("backend-v1.1.0", {"spec": {"cancel": True}})
    await stage.settle()

    assert stage.ready() == ("False", "Cancelled")
    assert _deployed(stage) == [("backend v1.1.0", "inactive")]


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("nth", [0, 1])
async def test_a_death_or_a_lost_answer_at_a_deployment_makes_no_second_one(
    fault: Fault, nth: int
) -> None:
    undisturbed = Faults()
    stage = _deploying_stage(undisturbed)
    stage.apply()
    await stage.release()
    places = [at for at, write in enumerate(undisturbed.writes, 1) if write == "deployment"]

    stage = _deploying_stage(Faults(places[nth], fault))
    stage.apply()
    try:
        await stage.release()
    except Killed:
        stage.restart()
        await stage.release()
    assert stage.ready() == ("True", "Released")
    is_lost = nth == 1 and fault is Fault.REFUSED
    assert _deployed(stage) == [("backend v1.1.0", "in_progress" if is_lost else "success")]


async def test_one_word_that_is_refused_does_not_hold_back_the_others() -> None:
    stage = _deploying_stage()

    async def refuse(*_: Any) -> None:  # noqa: ANN401 - whatever is said
        raise TransientError(Reason.FORGE_UNAVAILABLE, "It cannot answer now.")

    stage.forge.set_status = refuse  # type: ignore[method-assign,assignment]
    stage.apply()
    await stage.release()
    assert _deployed(stage) == [("backend v1.1.0", "success")]
