"""Notifications as texts for people."""

import json
from dataclasses import replace

import pytest

from album_operator.domain import progress
from album_operator.domain.notifications import Notification, ReleaseEvent
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Failure, Record, RollbackRecord, StepName
from album_operator.render.slack_message import slack_message
from tests.fakes.builders import NOW, PULL_REQUEST, RECORD, RELEASE, RESOLVED, record_before

TRIED = record_before(StepName.DEPLOYED)
FAILURE = Failure(StepName.DEPLOYED, Reason.DEGRADED, "It crashes.")


def _text(event: ReleaseEvent, record: Record) -> str:
    message = json.loads(slack_message(Notification("1f", event, NOW, RELEASE, record)))
    assert list(message) == ["text"]
    text: str = message["text"]
    return text


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (ReleaseEvent.STARTED, ":arrow_forward: *backend v1.1.0*: the release has begun."),
        (ReleaseEvent.BUILT, ":arrow_forward: *backend v1.1.0*: its image is built."),
        (ReleaseEvent.PROPOSED, ":arrow_forward: *backend v1.1.0*: its pull request is open."),
        (ReleaseEvent.MERGED, ":arrow_forward: *backend v1.1.0*: its change is merged."),
        (ReleaseEvent.DEPLOYED, ":arrow_forward: *backend v1.1.0*: deployed and Healthy."),
        (ReleaseEvent.RELEASED, ":white_check_mark: *backend v1.1.0*: deployed and Healthy."),
    ],
)
def test_each_event_is_one_sentence_with_the_way_to_its_pull_request(
    event: ReleaseEvent, words: str
) -> None:
    assert _text(event, TRIED).splitlines() == [
        words,
        f"<{PULL_REQUEST.url}|Pull request 6>",
        "AlbumRelease album/backend-v1.1.0, attempt 1",
    ]


def test_a_failure_is_told_with_its_reason_and_what_becomes_of_it() -> None:
    stalled = progress.stall(TRIED, StepName.DEPLOYED, "It\ncrashes.", FAILURE, NOW)
    assert _text(ReleaseEvent.FAILED, stalled).startswith(
        ":x: *backend v1.1.0*: Degraded. It crashes.\n"
    )
    undoing = progress.undo(TRIED, FAILURE, RollbackRecord("again", "v1.0.0"))
    undoing = replace(undoing, reason=Reason.DEGRADED, message="It crashes.")
    assert ": Degraded, being rolled back. It crashes." in _text(ReleaseEvent.FAILED, undoing)
    ended = replace(stalled, reason=Reason.SUPERSEDED, message="By v1.2.0.")
    assert _text(ReleaseEvent.ENDED, ended).startswith(
        ":heavy_minus_sign: *backend v1.1.0*: Superseded. By v1.2.0.\n"
    )


def test_the_environment_is_named_where_the_pipeline_does() -> None:
    pipeline = replace(RESOLVED.pipeline, environment="staging")
    record = replace(TRIED, resolved=replace(RESOLVED, pipeline=pipeline))
    assert "*backend v1.1.0* (staging): " in _text(ReleaseEvent.RELEASED, record)


def test_nobody_is_called_and_no_link_is_made_by_the_words_of_others() -> None:
    said = "<!channel> <https://evil.example.org|click> & @here"
    stalled = progress.stall(RECORD, None, said, replace(FAILURE, step="Preflight"), NOW)
    text = _text(ReleaseEvent.FAILED, stalled)
    assert "&lt;!channel&gt; &lt;https://evil.example.org|click&gt; &amp; @\u2060here" in text
    assert "<" not in text
    odd = replace(TRIED.pull_request, url="https://x.example.org/a|b>c <d")  # type: ignore[type-var]
    link = _text(ReleaseEvent.PROPOSED, replace(TRIED, pull_request=odd)).splitlines()[1]
    assert link == "<https://x.example.org/a%7Cb%3Ec%20%3Cd|Pull request 6>"


def test_a_release_of_which_nothing_is_known_has_its_name() -> None:
    release = replace(RELEASE, tag=None)
    told = Notification("1f", ReleaseEvent.STARTED, NOW, release, RECORD)
    assert "*backend-v1.1.0*" in json.loads(slack_message(told))["text"]
