"""What is told of a written status: each event once, whatever is written again."""

from dataclasses import replace

import pytest

from album_operator.decisions.notifications import notifications
from album_operator.domain import progress
from album_operator.domain.notifications import ReleaseEvent
from album_operator.domain.reasons import Reason
from album_operator.domain.record import (
    Failure,
    ImageOrigin,
    Outcome,
    Record,
    RollbackRecord,
    StepName,
)
from album_operator.domain.status_change import StatusChange
from tests.fakes.builders import IMAGE_RECORD, NOW, RECORD, RELEASE, RESOLVED, record_before

BEGUN = record_before(StepName.IMAGE_READY)
MERGED = record_before(StepName.SYNC_POLICY_APPLIED)
TRIED = record_before(StepName.DEPLOYED)


def _done() -> Record:
    return progress.finish(TRIED, StepName.DEPLOYED, Reason.SUCCEEDED, "Healthy.", NOW)


def _stalled(before: Record, reason: Reason, step: StepName | None = StepName.DEPLOYED) -> Record:
    failure = Failure(step or progress.PREFLIGHT, reason, "It failed.")
    return progress.stall(before, step, "It failed.", failure, NOW)


def _told(before: Record, after: Record) -> list[str]:
    return [told.event for told in notifications(StatusChange(RELEASE, before, after), NOW)]


def _ids(before: Record, after: Record) -> list[str]:
    return [told.id for told in notifications(StatusChange(RELEASE, before, after), NOW)]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (RECORD, RECORD, []),
        (RECORD, BEGUN, ["Started"]),
        (BEGUN, BEGUN, []),
        (BEGUN, record_before(StepName.PROPOSED), ["Built"]),
        (record_before(StepName.PROPOSED), record_before(StepName.MERGED), ["Proposed"]),
        (record_before(StepName.MERGED), MERGED, ["Merged"]),
        (MERGED, TRIED, []),
        (TRIED, progress.release(_done()), ["Deployed", "Released"]),
        (RECORD, MERGED, ["Started", "Built", "Proposed", "Merged"]),
    ],
)
def test_each_event_is_told_where_it_happened(
    before: Record, after: Record, told: list[str]
) -> None:
    assert _told(before, after) == told


@pytest.mark.parametrize("origin", [ImageOrigin.REUSED, ImageOrigin.ADOPTED, ImageOrigin.EXTERNAL])
def test_an_image_that_was_there_is_none_that_was_built(origin: ImageOrigin) -> None:
    ready = record_before(StepName.PROPOSED)
    assert _told(BEGUN, replace(ready, image=replace(IMAGE_RECORD, origin=origin))) == []


def test_a_change_without_a_pull_request_is_merged_and_was_not_proposed() -> None:
    assert _told(record_before(StepName.PROPOSED), replace(MERGED, pull_request=None)) == ["Merged"]
    assert _told(MERGED, replace(MERGED, message="Later.")) == []


@pytest.mark.parametrize(
    ("reason", "event"),
    [
        (Reason.DEGRADED, ReleaseEvent.FAILED),
        (Reason.PULL_REQUEST_CLOSED, ReleaseEvent.FAILED),
        (Reason.SUPERSEDED, ReleaseEvent.ENDED),
        (Reason.CANCELLED, ReleaseEvent.ENDED),
        (Reason.OVERWRITTEN, ReleaseEvent.ENDED),
    ],
)
def test_what_a_person_must_act_upon_is_told_apart_from_an_end(
    reason: Reason, event: ReleaseEvent
) -> None:
    after = _stalled(TRIED, reason)
    assert _told(TRIED, after) == [event]
    assert _told(after, replace(after, message="It failed, and that is all.")) == []


def test_a_release_that_never_began_has_failed_too() -> None:
    first = _stalled(RECORD, Reason.PIPELINE_NOT_FOUND, None)
    second = _stalled(RECORD, Reason.TAG_INVALID, None)
    assert _told(RECORD, first) == ["Failed"]
    assert _told(first, second) == ["Failed"]
    assert _ids(RECORD, first) != _ids(first, second)


def test_a_failure_that_is_rolled_back_is_told_at_once_and_so_is_its_end() -> None:
    failure = Failure(StepName.DEPLOYED, Reason.DEGRADED, "It crashes.")
    begun = progress.undo(TRIED, failure, RollbackRecord("backend-v1.0.0-again", "v1.0.0"))
    assert _told(TRIED, begun) == ["Failed"]
    paused = replace(begun, outcome=Outcome.SUSPENDED)
    assert _told(begun, paused) == []
    assert _told(paused, begun) == []
    assert _told(begun, _stalled(begun, Reason.ROLLED_BACK)) == ["Ended"]
    given_up = _stalled(begun, Reason.DEGRADED)
    assert _told(begun, given_up) == ["Failed"]
    assert _ids(TRIED, begun) != _ids(begun, given_up)


def test_the_same_event_has_the_same_id_and_another_another() -> None:
    done = progress.release(_done())
    assert _ids(TRIED, done) == _ids(TRIED, replace(done, message="Told once more."))
    assert len(set(_ids(RECORD, done))) == 6


def test_a_retry_that_meets_what_is_there_tells_of_it_by_the_ids_it_had() -> None:
    failed = _stalled(TRIED, Reason.DEGRADED)
    again = replace(MERGED, attempt=2, last_handled_retry="2")
    assert _told(failed, again) == ["Started"]
    assert _ids(failed, again) != _ids(RECORD, BEGUN)
    fresh = Record(attempt=2, resolved=RESOLVED, last_handled_retry="2")
    assert _told(fresh, again) == ["Built", "Proposed", "Merged"]
    assert _ids(fresh, again) == _ids(RECORD, MERGED)[1:]
    assert _told(again, _stalled(again, Reason.DEGRADED)) == ["Failed"]
    assert _ids(again, _stalled(again, Reason.DEGRADED)) != _ids(TRIED, failed)
