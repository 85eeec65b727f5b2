"""What others need to know of a release, read of its raw body."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from album_operator.codec import parse_seen, render_status
from album_operator.domain import progress
from album_operator.domain.claims import ConfigBranch, Progress
from album_operator.domain.history import Ended
from album_operator.domain.reasons import Reason
from album_operator.domain.record import (
    AttemptRecord,
    Failure,
    Outcome,
    Record,
    StepName,
    StepState,
)
from album_operator.domain.release import Delivery
from tests.fakes.builders import (
    BRANCH,
    CONFIG,
    CREATED,
    DIGEST,
    NOW,
    RECORD,
    RELEASE,
    raw_finished,
    raw_release,
    record_before,
)

FAILURE = Failure("ImageReady", Reason.BUILD_FAILED, "Mend it.")


def _body(record: Record) -> dict[str, Any]:
    return {**raw_release(), "status": render_status(RELEASE, record, NOW)}


def test_a_release_just_applied_has_no_app_and_no_branch_yet() -> None:
    body = raw_release()
    for status in (body["status"], None):
        body["status"] = status
        seen = parse_seen(body)
        assert (seen.pipeline, seen.app, seen.version) == ("album-app", None, None)
        assert (seen.step, seen.outcome) == (StepName.IMAGE_READY, Outcome.WORKING)
        assert seen.branch is None


@pytest.mark.parametrize("step", list(StepName))
def test_a_release_has_its_branch_until_the_merge(step: StepName) -> None:
    seen = parse_seen(_body(record_before(step)))
    assert (seen.app, seen.version, seen.step) == ("backend", "v1.1.0", step)
    needs_it = step in {StepName.IMAGE_READY, StepName.PROPOSED, StepName.MERGED}
    assert seen.branch == (ConfigBranch(CONFIG, BRANCH) if needs_it else None)


def test_two_spellings_of_a_repository_are_one() -> None:
    body = _body(record_before(StepName.PROPOSED))
    body["status"]["resolved"]["config"]["repository"] = "https://GIT.example.org:443" + (
        "/owner/album-app-config.git"
    )
    assert parse_seen(body).branch == ConfigBranch(CONFIG, BRANCH)


def test_a_url_that_nobody_can_read_is_in_nobodys_way() -> None:
    body = _body(record_before(StepName.PROPOSED))
    body["status"]["resolved"]["config"]["repository"] = "https://git.example.org:port/x"
    assert parse_seen(body).branch is None


def test_a_release_that_commits_to_the_base_has_no_branch_of_its_own() -> None:
    record = record_before(StepName.PROPOSED)
    assert record.resolved is not None
    config = replace(record.resolved.config, delivery=Delivery.COMMIT, branch="main")
    record = replace(record, resolved=replace(record.resolved, config=config))
    assert parse_seen(_body(record)).branch is None


def test_a_finished_release_is_in_no_step_and_has_no_branch() -> None:
    proposed = record_before(StepName.MERGED)
    stalled = progress.stall(proposed, StepName.MERGED, "Mend it.", FAILURE, NOW)
    released = progress.release(record_before(StepName.DEPLOYED))
    for record, outcome in ((stalled, Outcome.STALLED), (released, Outcome.RELEASED)):
        seen = parse_seen(_body(record))
        assert (seen.step, seen.outcome, seen.branch) == (None, outcome, None)


def test_a_suspended_release_keeps_its_branch() -> None:
    record = progress.start(replace(RELEASE, suspend=True), record_before(StepName.MERGED))
    seen = parse_seen(_body(record))
    assert (seen.outcome, seen.branch) == (Outcome.SUSPENDED, ConfigBranch(CONFIG, BRANCH))


def test_all_steps_done_is_the_last_until_the_release_has_finished() -> None:
    done = progress.finish(
        record_before(StepName.DEPLOYED), StepName.DEPLOYED, Reason.SUCCEEDED, "Done.", NOW
    )
    assert parse_seen(_body(done)).step is StepName.DEPLOYED


def test_a_release_that_is_to_begin_anew_is_in_flight() -> None:
    body = _body(progress.stall(RECORD, None, "Mend it.", FAILURE, NOW))
    body["metadata"]["annotations"] = {"album.dev/retry": "1"}
    assert parse_seen(body).step is StepName.IMAGE_READY


def test_a_released_one_ended_with_its_last_step_and_another_when_it_finished() -> None:
    done = progress.finish(
        record_before(StepName.DEPLOYED),
        StepName.DEPLOYED,
        Reason.SUCCEEDED,
        "Done.",
        NOW - timedelta(hours=1),
    )
    released = parse_seen(_body(progress.release(done)))
    stalled = progress.stall(
        record_before(StepName.IMAGE_READY), StepName.IMAGE_READY, "Mend it.", FAILURE, NOW
    )

    end = Ended("uid-of-backend-v1.1.0", "1", NOW - timedelta(hours=1), reason=Reason.RELEASED)
    assert released.ended == end
    assert parse_seen(_body(stalled)).ended == replace(end, at=NOW, reason=Reason.BUILD_FAILED)
    assert parse_seen(raw_release()).ended is None


def test_an_end_without_a_time_is_taken_to_be_as_old_as_the_release() -> None:
    body = raw_finished("backend-v1.1.0", NOW)
    for condition in body["status"]["conditions"]:
        del condition["lastTransitionTime"]
    ended = parse_seen(body).ended

    assert ended is not None
    assert ended.at == NOW - timedelta(minutes=1)


@pytest.mark.parametrize(("value", "is_kept"), [("yes", True), ("", True), ("false", False)])
def test_a_person_keeps_a_release_by_an_annotation(value: str, is_kept: bool) -> None:
    body = raw_finished("backend-v1.1.0", NOW)
    body["metadata"]["annotations"] = {"album.dev/keep": value}
    ended = parse_seen(body).ended

    assert ended is not None
    assert ended.is_kept is is_kept


def test_a_release_that_ended_with_an_open_pull_request_is_kept() -> None:
    proposed = record_before(StepName.MERGED)
    stalled = progress.stall(proposed, StepName.MERGED, "Mend it.", FAILURE, NOW)
    ended = parse_seen(_body(stalled)).ended

    assert ended is not None
    assert ended.is_kept


def test_a_rollback_says_what_it_takes_back() -> None:
    body = raw_release("back", app="backend", version="v1.0.0", rollbackOf={"name": "v1.1.0"})

    assert parse_seen(body).rollback_of == "v1.1.0"


def test_where_a_release_in_flight_is_and_since_when() -> None:
    body = _body(record_before(StepName.MERGED))
    seen = parse_seen(body).progress
    assert seen == Progress(None, Reason.PENDING, CREATED)

    at = progress.begin(record_before(StepName.MERGED), StepName.MERGED, NOW)
    at = progress.keep_going(
        at, StepName.MERGED, StepState.WAITING, Reason.REVIEW_REQUIRED, "It waits."
    )
    told = replace(at, reason=Reason.AWAITING_MERGE)
    assert parse_seen(_body(told)).progress == Progress(
        StepName.MERGED, Reason.REVIEW_REQUIRED, NOW
    )
    suspended = progress.start(replace(RELEASE, suspend=True), told)
    assert parse_seen(_body(suspended)).progress == Progress(StepName.MERGED, Reason.SUSPENDED, NOW)


def test_what_another_operator_calls_otherwise_is_pending() -> None:
    body = _body(record_before(StepName.PROPOSED))
    body["status"]["conditions"][0]["reason"] = "Levitating"
    seen = parse_seen(body).progress
    assert seen is not None
    assert seen.reason is Reason.PENDING


def test_a_plan_is_on_no_way_to_a_version() -> None:
    assert parse_seen(raw_release(mode="Plan")).progress is None


def test_the_image_of_a_released_one_is_known() -> None:
    body = _body(progress.release(record_before(StepName.DEPLOYED)))
    assert (parse_seen(body).digest, parse_seen(body).progress) == (DIGEST, None)
    del body["status"]["image"]
    assert parse_seen(body).digest == ""
    assert parse_seen(_body(record_before(StepName.DEPLOYED))).digest == ""
    assert parse_seen(body).created_at == CREATED


@pytest.mark.parametrize(
    ("spec", "minds"),
    [
        ({}, True),
        ({"mode": "Apply", "cancel": False}, True),
        ({"mode": "Plan"}, False),
        ({"mode": "Follow"}, False),
        ({"cancel": True}, False),
        ({"rollbackOf": {"name": "other"}}, False),
    ],
    ids=str,
)
def test_a_release_that_goes_its_own_way_minds_no_others(
    spec: dict[str, Any], *, minds: bool
) -> None:
    body = raw_release()
    body["spec"] |= spec
    assert parse_seen(body).minds_others is minds


def test_a_release_that_a_trigger_made_says_so() -> None:
    body = raw_release()
    assert not parse_seen(body).is_triggered
    body["metadata"]["labels"] = {"album.dev/trigger": "Tag"}

    assert parse_seen(body).is_triggered


def test_a_release_that_failed_after_its_merge_says_since_when() -> None:
    failure, end = Failure("Deployed", Reason.DEGRADED, "Mend it."), NOW + timedelta(minutes=1)
    failed = progress.stall(
        record_before(StepName.DEPLOYED), StepName.DEPLOYED, "Mend it.", failure, end
    )
    seen = parse_seen(_body(failed))
    assert seen.failed_at == NOW
    assert seen.ended is not None
    assert seen.ended.reason is Reason.DEGRADED
    attempt = AttemptRecord(1, "Deployed", Reason.DEGRADED, "Mend it.", finished_at=end)
    assert parse_seen(_body(replace(RECORD, attempt=2, attempts=(attempt,)))).failed_at == end
    unknown = replace(attempt, finished_at=None)
    assert parse_seen(_body(replace(RECORD, attempt=2, attempts=(unknown,)))).failed_at is None


def test_one_that_failed_before_its_merge_harmed_nobody() -> None:
    failed = progress.stall(RECORD, StepName.IMAGE_READY, "Mend it.", FAILURE, NOW)
    attempt = AttemptRecord(1, "ImageReady", Reason.BUILD_FAILED, "Mend it.", finished_at=NOW)
    assert parse_seen(_body(replace(failed, attempts=(attempt,)))).failed_at is None
