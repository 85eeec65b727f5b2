"""Developers are told where the pipeline asks for it, and a release never waits for that."""

import logging
from datetime import timedelta
from typing import Any

import pytest

from album_operator.domain.errors import TransientError
from album_operator.domain.reasons import Reason
from album_operator.feedback import BUDGET
from tests.fakes.builders import raw_pipeline
from tests.fakes.cluster import finish_build
from tests.unit.core.stage import REPOSITORY, Stage

BOTH = {"commitStatus": True, "comment": True}


def _stage(**feedback: bool) -> Stage:
    stage = Stage()
    stage.cluster.apply(raw_pipeline(feedback=feedback))
    return stage


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
