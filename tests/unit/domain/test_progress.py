"""How a record moves from one fact to the next."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from album_operator.domain import progress
from album_operator.domain.errors import TerminalError, TransientError
from album_operator.domain.reasons import Reason
from album_operator.domain.record import (
    ApplicationRecord,
    AttemptRecord,
    BuildRecord,
    Failure,
    Outcome,
    PlannedPatch,
    ProposalRecord,
    PullRequestRecord,
    Record,
    StepName,
    StepState,
    SupersededBy,
)
from album_operator.domain.release import Mode
from tests.fakes.builders import IMAGE_RECORD, NOW, PLAN, RECORD, RELEASE, record_before

LATER = NOW + timedelta(minutes=1)
FAILURE = Failure("ImageReady", Reason.BUILD_FAILED, "The build failed.")


def _stalled(record: Record = RECORD, step: StepName | None = None) -> Record:
    return progress.stall(record, step, "Mend it.", FAILURE, NOW)


def _begun(record: Record) -> Record:
    """Give when each step began, which the record before a step does not tell."""
    steps = tuple(replace(step, started_at=step.started_at or NOW) for step in record.steps)
    return replace(record, steps=steps)


def test_a_new_release_starts_as_it_is() -> None:
    assert progress.start(RELEASE, RECORD) == RECORD


def test_a_retry_is_obeyed_once() -> None:
    release = replace(RELEASE, retry="1")
    once = progress.start(release, _stalled())

    assert once.outcome is Outcome.WORKING
    assert once.failure is None
    assert once.last_handled_retry == "1"
    assert progress.start(release, once) == once
    assert progress.start(release, _stalled(once)) == _stalled(once)


def test_a_plan_is_dropped_once_it_is_to_be_applied() -> None:
    planned = progress.plan(replace(RECORD, plan=PLAN), "Nothing was done.")

    assert planned.is_finished
    assert progress.start(replace(RELEASE, mode=Mode.PLAN), planned) == planned
    assert progress.start(RELEASE, planned) == RECORD


def test_a_plan_that_is_applied_but_suspended_waits() -> None:
    planned = progress.plan(replace(RECORD, plan=PLAN), "Nothing was done.")

    assert progress.start(replace(RELEASE, suspend=True), planned).outcome is Outcome.SUSPENDED


def test_a_retry_of_a_release_that_never_began_is_the_same_attempt() -> None:
    assert progress.start(replace(RELEASE, retry="1"), _stalled()).attempt == 1


def test_a_retry_of_a_release_that_had_begun_is_the_next_attempt_from_the_start() -> None:
    begun = progress.begin(record_before(StepName.IMAGE_READY), StepName.IMAGE_READY, NOW)
    again = progress.start(replace(RELEASE, retry="1"), _stalled(begun, StepName.IMAGE_READY))

    told = AttemptRecord(1, "ImageReady", Reason.BUILD_FAILED, FAILURE.message, None, NOW)
    assert again == replace(RECORD, attempt=2, attempts=(told,), last_handled_retry="1")


def test_the_last_five_attempts_are_told_each_with_its_job_and_its_end() -> None:
    record = RECORD
    for number in range(1, 8):
        begun = progress.begin(record, StepName.IMAGE_READY, NOW)
        begun = replace(begun, build=BuildRecord(f"job-{number}", "Kaniko"))
        if number % 2:
            begun = _stalled(begun, StepName.IMAGE_READY)
        else:
            begun = replace(begun, reason=Reason.BUILDING, message="It builds.")
        record = progress.start(replace(RELEASE, retry=str(number)), begun)

    assert record.attempt == 8
    assert [each.number for each in record.attempts] == [3, 4, 5, 6, 7]
    assert record.attempts[0] == AttemptRecord(
        3, "ImageReady", Reason.BUILD_FAILED, FAILURE.message, "job-3", NOW
    )
    assert record.attempts[1] == AttemptRecord(
        4, "ImageReady", Reason.BUILDING, "It builds.", "job-4"
    )


def test_a_retry_of_a_release_that_is_released_tells_that_it_was() -> None:
    done = record_before(StepName.DEPLOYED)
    done = progress.finish(done, StepName.DEPLOYED, Reason.SUCCEEDED, "Deployed.", NOW)
    done = progress.release(done)
    again = progress.start(replace(RELEASE, retry="1"), _begun(done))

    (told,) = again.attempts
    assert (told.step, told.reason, told.message) == ("Deployed", Reason.RELEASED, "Deployed.")


def test_what_earlier_attempts_said_is_freed_of_secrets_too() -> None:
    told = AttemptRecord(1, "ImageReady", Reason.BUILD_FAILED, "hunter2")
    clean = progress.clean(replace(RECORD, attempts=(told,)), lambda text: text.replace("2", "*"))
    assert clean.attempts[0].message == "hunter*"


def test_a_retry_keeps_the_image_and_its_build_until_preflight_has_judged_it() -> None:
    before = record_before(StepName.MERGED)
    again = progress.start(replace(RELEASE, retry="1"), _stalled(before, StepName.MERGED))

    assert again.attempt == 2
    assert again.image == IMAGE_RECORD
    assert again.build == before.build
    assert again.step(StepName.IMAGE_READY) == before.step(StepName.IMAGE_READY)
    assert again.next_step is StepName.PROPOSED
    assert again.resolved is None
    assert again.pull_request is None
    assert again.proposal is None


def test_a_retry_forgets_no_condition_so_that_their_times_stay_true() -> None:
    known = replace(RECORD, since={"Merged": ("Unknown", NOW)})
    again = progress.start(replace(RELEASE, retry="1"), known)

    assert again.since == known.since


def test_a_refresh_is_noted() -> None:
    assert progress.start(replace(RELEASE, refresh="1"), RECORD).last_handled_refresh == "1"


def test_who_asked_is_fixed_once_it_is_fixed_what_the_release_does() -> None:
    asked = replace(RELEASE, requested_by="ada")
    assert progress.start(asked, RECORD).requested_by == "ada"

    begun = record_before(StepName.MERGED)
    assert progress.start(asked, replace(begun, requested_by="bob")).requested_by == "bob"
    again = progress.start(replace(asked, retry="1"), replace(begun, requested_by="bob"))
    assert again.requested_by == "ada"


def test_suspending_holds_a_release_and_resuming_lets_it_go_on_where_it_was() -> None:
    before = record_before(StepName.MERGED)
    held = progress.start(replace(RELEASE, suspend=True), before)

    assert held.outcome is Outcome.SUSPENDED
    assert held.reason is Reason.SUSPENDED
    assert "spec.suspend" in held.message
    assert not held.is_finished
    assert progress.start(replace(RELEASE, suspend=True), held) == held

    resumed = progress.start(RELEASE, held)

    assert resumed.outcome is Outcome.WORKING
    assert resumed.steps == before.steps
    assert resumed.next_step is StepName.MERGED


@pytest.mark.parametrize("outcome", [Outcome.RELEASED, Outcome.STALLED])
def test_suspending_a_finished_release_changes_nothing(outcome: Outcome) -> None:
    record = replace(RECORD, outcome=outcome)

    assert progress.start(replace(RELEASE, suspend=True), record) == record


def test_a_suspended_release_that_is_retried_stays_suspended() -> None:
    record = progress.start(replace(RELEASE, suspend=True, retry="1"), _stalled())

    assert record.outcome is Outcome.SUSPENDED
    assert record.last_handled_retry == "1"


CANCELLED = replace(RELEASE, cancel=True)


@pytest.mark.parametrize("suspend", [True, False])
def test_what_stopped_before_its_merge_or_is_suspended_is_worked_on_to_be_cancelled(
    *, suspend: bool
) -> None:
    suspended = progress.start(replace(RELEASE, suspend=True), record_before(StepName.MERGED))
    for record in (_stalled(step=StepName.MERGED), suspended):
        started = progress.start(replace(CANCELLED, suspend=suspend), record)
        assert (started.outcome, started.reason) == (Outcome.WORKING, Reason.PENDING)
        assert (started.message, started.failure, started.misses) == ("", None, ())


@pytest.mark.parametrize(
    "record",
    [
        record_before(StepName.PROPOSED),
        replace(RECORD, outcome=Outcome.RELEASED, reason=Reason.RELEASED),
        _stalled(record_before(StepName.DEPLOYED), StepName.DEPLOYED),
        *(replace(_stalled(), reason=reason) for reason in (Reason.CANCELLED, Reason.SUPERSEDED)),
    ],
    ids=["working", "released", "failed after the merge", "cancelled", "superseded"],
)
def test_to_cancel_anything_else_changes_nothing_and_no_retry_begins(record: Record) -> None:
    assert progress.start(CANCELLED, record) == record
    retried = progress.start(replace(CANCELLED, retry="1"), record)
    assert retried == replace(record, last_handled_retry="1")


def test_a_step_begins_once() -> None:
    record = progress.begin(RECORD, StepName.IMAGE_READY, NOW)

    assert record.step(StepName.IMAGE_READY).started_at == NOW
    assert record.step(StepName.IMAGE_READY).state is StepState.RUNNING
    assert record.steps_begun
    assert progress.begin(record, StepName.IMAGE_READY, LATER) == record


def test_what_a_step_waits_for_is_shown_in_the_step_and_in_ready() -> None:
    record = progress.keep_going(
        _stalled(), StepName.MERGED, StepState.WAITING, Reason.AWAITING_MERGE, "Waiting."
    )

    step = record.step(StepName.MERGED)
    assert (step.state, step.reason, step.message) == (
        StepState.WAITING,
        Reason.AWAITING_MERGE,
        "Waiting.",
    )
    assert (record.outcome, record.reason, record.message) == (
        Outcome.WORKING,
        Reason.AWAITING_MERGE,
        "Waiting.",
    )


def test_finishing_a_step_makes_the_next_one_due() -> None:
    record = RECORD
    for name in StepName:
        assert record.next_step is name
        record = progress.finish(record, name, Reason.SUCCEEDED, "Done.", NOW)

    assert record.next_step is None
    assert all(step.finished_at == NOW for step in record.steps)


def test_a_release_stalls_at_the_step_that_failed() -> None:
    record = _stalled(step=StepName.IMAGE_READY)

    assert record.is_finished
    assert record.step(StepName.IMAGE_READY).state is StepState.FAILED
    assert record.step(StepName.IMAGE_READY).reason is Reason.BUILD_FAILED
    assert record.failure == FAILURE
    assert (record.reason, record.message) == (Reason.BUILD_FAILED, "Mend it.")


def test_a_release_that_stalls_before_the_first_step_fails_no_step() -> None:
    assert _stalled().steps == RECORD.steps


def test_the_newer_version_of_a_superseded_release_is_noted() -> None:
    assert progress.supersede(RECORD, SupersededBy("v2.0.0")).superseded_by == SupersededBy(
        "v2.0.0"
    )


def test_a_released_record_says_what_the_last_step_proved() -> None:
    record = progress.release(record_before(StepName.DEPLOYED))
    proved = progress.finish(
        record_before(StepName.DEPLOYED), StepName.DEPLOYED, Reason.SUCCEEDED, "Runs.", NOW
    )

    assert record.is_finished
    assert record.reason is Reason.RELEASED
    assert progress.release(proved).message == "Runs."


def test_the_operators_own_time_adds_up() -> None:
    took = timedelta(microseconds=1500)
    record = progress.add_overhead(RECORD, StepName.MERGED, took)
    record = progress.add_overhead(record, StepName.MERGED, took)

    assert record.step(StepName.MERGED).overhead == 2 * took


def test_errors_of_the_outside_carry_reason_and_sentence() -> None:
    transient = TransientError(Reason.RATE_LIMITED, "Too often.", timedelta(seconds=7))
    terminal = TerminalError(Reason.FORBIDDEN, "Not allowed.")

    assert (transient.reason, transient.message) == (Reason.RATE_LIMITED, "Too often.")
    assert transient.retry_after == timedelta(seconds=7)
    assert (str(terminal), terminal.reason) == ("Not allowed.", Reason.FORBIDDEN)


@given(states=st.tuples(*[st.sampled_from(StepState)] * len(StepName)))
def test_every_done_moves_the_record_forward_so_that_a_pass_ends(
    states: tuple[StepState, ...],
) -> None:
    steps = tuple(
        replace(step, state=state) for step, state in zip(RECORD.steps, states, strict=True)
    )
    record, done = replace(RECORD, steps=steps), 0
    order = list(StepName)
    while (step := record.next_step) is not None:
        record = progress.finish(
            progress.begin(record, step, NOW), step, Reason.SUCCEEDED, "Done.", NOW
        )
        later = record.next_step
        assert later is None or order.index(later) > order.index(step)
        done += 1

    assert done <= len(StepName)


def test_a_status_that_is_not_trusted_leaves_nothing_to_act_upon() -> None:
    record = replace(
        record_before(StepName.DEPLOYED), attempt=2, last_handled_retry="1", fault="wrong"
    )

    assert progress.distrust(record) == Record(attempt=3, last_handled_retry="1")
    assert progress.distrust(record).fault == "wrong"


def test_all_words_of_others_in_a_record_are_cleaned() -> None:
    secret = "s3cret"
    seen = PullRequestRecord(6, f"https://host/?{secret}", "Open", "a" * 40)
    record = replace(
        _stalled(record_before(StepName.DEPLOYED)),
        message=secret,
        proposal=ProposalRecord("release/x", None, f"+{secret}"),
        pull_request=seen,
        failure=replace(FAILURE, message=secret),
        superseded_by=SupersededBy(secret, secret),
        requested_by=secret,
        plan=replace(PLAN, diff=secret, applications=(PlannedPatch("a", "b", secret),)),
        applications=(
            ApplicationRecord("a", "b", secret, None, secret, secret),
            ApplicationRecord("a", "c"),
        ),
    )
    record = replace(record, steps=tuple(replace(step, message=secret) for step in record.steps))

    assert secret not in repr(progress.clean(record, lambda text: text.replace(secret, "***")))
    assert progress.clean(record, str) == record
    assert progress.texts_of(record) == {secret, f"+{secret}", seen.url}
    assert progress.clean(RECORD, str) == RECORD
