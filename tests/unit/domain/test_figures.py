"""What a change of a status counts, and for how long things took."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from album_operator.domain import figures, progress
from album_operator.domain.claims import ReleaseSeen
from album_operator.domain.history import Ended
from album_operator.domain.names import AppVersion
from album_operator.domain.reasons import Reason
from album_operator.domain.record import (
    AttemptRecord,
    BuildRecord,
    Failure,
    ImageOrigin,
    ImageRecord,
    Outcome,
    PullRequestRecord,
    Record,
    StepName,
    StepState,
)
from album_operator.domain.release import Mode, Release
from album_operator.domain.status_change import StatusChange
from tests.fakes.builders import DIGEST, IMAGE, NOW, RECORD, RELEASE, RESOLVED, record_before

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

FAILURE = Failure("Deployed", Reason.DEGRADED, "Mend it.")


def _change(before: Record, after: Record, release: Release = RELEASE) -> StatusChange:
    return StatusChange(release, before, after)


def _at(step: StepName, began: datetime = NOW) -> Record:
    return progress.begin(record_before(step), step, began)


def _merged(record: Record, at: datetime | None) -> Record:
    seen = PullRequestRecord(6, "https://git.example.org/6", "Merged", "a" * 40, merged_at=at)
    return replace(record, pull_request=seen)


def _finish(record: Record, step: StepName, at: datetime) -> Record:
    return progress.finish(record, step, Reason.SUCCEEDED, "Done.", at)


def _released(at: datetime, **fields: object) -> StatusChange:
    before = _at(StepName.DEPLOYED)
    after = progress.release(_finish(before, StepName.DEPLOYED, at))
    return _change(before, replace(after, **fields))  # type: ignore[arg-type]


def test_a_release_is_of_an_app_only_once_its_pipeline_knows_the_app() -> None:
    named = replace(RELEASE, tag=None, app="made-up")
    assert figures.whose(_change(RECORD, RECORD, named)) == ("album", "album-app", "")
    known = replace(RECORD, chosen=AppVersion("backend", "v1"))
    assert figures.whose(_change(RECORD, known))[2] == "backend"
    assert figures.whose(_change(RECORD, replace(RECORD, resolved=RESOLVED)))[2] == "backend"


@pytest.mark.parametrize("state", [StepState.SUCCEEDED, StepState.FAILED])
def test_a_step_that_ended_took_the_time_since_it_began(state: StepState) -> None:
    before, end = _at(StepName.DEPLOYED), NOW + 3 * MINUTE
    after = _finish(before, StepName.DEPLOYED, end)
    if state is StepState.FAILED:
        after = progress.stall(before, StepName.DEPLOYED, "Mend it.", FAILURE, end)
    (step,) = figures.steps_ended(_change(before, after))
    assert step == figures.StepTook(StepName.DEPLOYED, state, 3 * MINUTE)
    assert list(figures.steps_ended(_change(after, after))) == []


def test_what_a_step_is_at_is_no_end_of_it() -> None:
    before = _at(StepName.DEPLOYED)
    words = (StepName.DEPLOYED, StepState.WAITING, Reason.SETTLING, "It settles.")
    assert list(figures.steps_ended(_change(before, progress.keep_going(before, *words)))) == []


def test_the_review_is_human_time_and_no_time_of_the_step() -> None:
    before = _at(StepName.MERGED)
    after = _finish(_merged(before, NOW + 2 * HOUR), StepName.MERGED, NOW + 2 * HOUR + MINUTE)
    change = _change(before, after)
    assert [step.time for step in figures.steps_ended(change)] == [MINUTE]
    assert figures.review_took(change) == 2 * HOUR
    assert figures.review_took(_change(after, after)) is None


def test_a_merge_before_the_step_by_a_wrong_clock_is_no_review() -> None:
    before = _at(StepName.MERGED)
    change = _change(before, _finish(_merged(before, NOW - HOUR), StepName.MERGED, NOW + MINUTE))
    assert figures.review_took(change) is None
    assert [step.time for step in figures.steps_ended(change)] == [MINUTE]


def test_a_merge_after_the_step_by_a_wrong_clock_leaves_no_time_of_it() -> None:
    before = _at(StepName.MERGED)
    change = _change(before, _finish(_merged(before, NOW + HOUR), StepName.MERGED, NOW + MINUTE))
    assert list(figures.steps_ended(change)) == []


def test_a_pull_request_that_was_not_begun_to_be_waited_for_is_no_review() -> None:
    before = record_before(StepName.MERGED)
    assert figures.review_took(_change(before, _merged(before, NOW))) is None
    assert figures.review_took(_change(before, before)) is None


def test_what_others_do_is_no_machine_time_where_a_release_only_follows() -> None:
    before = _at(StepName.PROPOSED)
    after = _finish(before, StepName.PROPOSED, NOW + HOUR)
    follows = replace(RELEASE, mode=Mode.FOLLOW)
    assert list(figures.steps_ended(_change(before, after, follows))) == []


def test_a_release_ends_once_and_once_more_after_a_retry() -> None:
    before = _at(StepName.DEPLOYED)
    ended = progress.stall(before, StepName.DEPLOYED, "Mend it.", FAILURE, NOW)
    assert figures.ended(_change(before, ended)) is Reason.DEGRADED
    assert figures.ended(_change(ended, replace(ended, message="More."))) is None
    assert figures.ended(_change(ended, replace(ended, last_handled_retry="2"))) is Reason.DEGRADED
    assert figures.ended(_change(ended, replace(ended, attempt=2))) is Reason.DEGRADED
    assert figures.ended(_change(ended, before)) is None


def _built(record: Record, began: datetime | None = NOW, ended: datetime | None = NOW) -> Record:
    return replace(record, build=BuildRecord("job", "Kaniko", began, ended))


def test_a_build_took_the_time_of_its_job_whether_it_made_an_image_or_not() -> None:
    image, end = ImageRecord(f"{IMAGE}:v1.1.0", DIGEST, None), NOW + MINUTE
    before = _at(StepName.IMAGE_READY)
    good = replace(_built(before, ended=end), image=image)
    assert figures.build_took(_change(before, good)) == figures.BuildTook(True, MINUTE)
    assert figures.build_took(_change(good, good)) is None
    failure = Failure("ImageReady", Reason.BUILD_FAILED, "Mend it.")
    bad = progress.stall(_built(before, ended=end), StepName.IMAGE_READY, "Mend it.", failure, end)
    assert figures.build_took(_change(before, bad)) == figures.BuildTook(False, MINUTE)
    assert figures.build_took(_change(bad, bad)) is None


@pytest.mark.parametrize("origin", [ImageOrigin.REUSED, ImageOrigin.ADOPTED])
def test_an_image_that_was_there_is_no_build_that_ended(origin: ImageOrigin) -> None:
    before = _at(StepName.IMAGE_READY)
    image = ImageRecord(f"{IMAGE}:v1.1.0", DIGEST, None, origin)
    assert figures.build_took(_change(before, replace(_built(before), image=image))) is None


def test_a_build_of_which_no_times_are_known_or_negative_ones_is_not_counted() -> None:
    before = _at(StepName.IMAGE_READY)
    image = ImageRecord(f"{IMAGE}:v1.1.0", DIGEST, None)
    unknown = (_built(before, began=None), _built(before, ended=None), before)
    for record in (*unknown, _built(before, ended=NOW - HOUR)):
        assert figures.build_took(_change(before, replace(record, image=image))) is None


def test_the_lead_time_counts_from_the_commit_and_not_for_what_comes_back() -> None:
    committed = replace(RESOLVED.source, committed_at=NOW - HOUR)
    change = _released(NOW + MINUTE, resolved=replace(RESOLVED, source=committed))
    assert figures.lead_time(change) == HOUR + MINUTE
    back = replace(RELEASE, rollback_of="backend-v1.2.0")
    assert figures.lead_time(replace(change, release=back)) is None
    assert figures.lead_time(_released(NOW)) is None
    assert figures.lead_time(_released(NOW, resolved=None)) is None
    assert figures.lead_time(replace(change, before=change.after)) is None
    future = replace(RESOLVED.source, committed_at=NOW + HOUR)
    assert figures.lead_time(_released(NOW, resolved=replace(RESOLVED, source=future))) is None


def _other(outcome: Outcome, at: datetime, failed_at: datetime | None = None) -> ReleaseSeen:
    ended = Ended("uid", "7", at)
    step, version = None, "v1.0.0"
    return ReleaseSeen(
        "album-app", "backend", version, step, outcome, ended=ended, failed_at=failed_at
    )


def test_the_next_released_ends_what_the_first_failure_since_the_last_one_began() -> None:
    change = _released(NOW)
    good = _other(Outcome.RELEASED, NOW - 5 * HOUR)
    old = _other(Outcome.STALLED, NOW - 6 * HOUR, NOW - 6 * HOUR)
    first, second = (
        _other(Outcome.STALLED, NOW - hours * HOUR, NOW - hours * HOUR) for hours in (3, 2)
    )
    assert figures.recovered(change, [good, old, second, first]) == 3 * HOUR
    assert figures.recovered(change, [good, old]) is None
    assert figures.recovered(change, [old]) == 6 * HOUR
    assert figures.recovered(change, [_other(Outcome.STALLED, NOW)]) is None
    assert figures.recovered(_change(change.after, change.after), [first]) is None


def test_a_retry_that_is_released_ends_the_failure_of_its_own_attempt() -> None:
    failed = [
        AttemptRecord(1, "ImageReady", Reason.BUILD_FAILED, "", finished_at=NOW - 3 * HOUR),
        AttemptRecord(2, "Deployed", Reason.DEGRADED, "", finished_at=NOW - HOUR),
        AttemptRecord(3, "Deployed", Reason.SETTLING, ""),
    ]
    assert figures.recovered(_released(NOW, attempts=tuple(failed)), []) == HOUR
