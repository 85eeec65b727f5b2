"""Events tell of transitions, once each."""

from dataclasses import replace

from album_operator.decisions.transitions import transitions
from album_operator.domain import progress
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Failure, Record, StepName, StepState
from tests.fakes.builders import NOW, RECORD, record_before

BEFORE = record_before(StepName.MERGED)


def _waiting(reason: Reason, message: str, before: Record = BEFORE) -> Record:
    return progress.keep_going(before, StepName.MERGED, StepState.WAITING, reason, message)


def test_nothing_new_is_no_event() -> None:
    waiting = _waiting(Reason.AWAITING_MERGE, "Waiting.")

    assert transitions(waiting, waiting) == []
    assert transitions(waiting, _waiting(Reason.AWAITING_MERGE, "Waiting, still.")) == []
    assert transitions(RECORD, RECORD) == []


def test_who_asked_is_told_once() -> None:
    asked = replace(RECORD, requested_by="ada")

    assert transitions(RECORD, asked) == [("Normal", "Requested", "Requested by ada.")]
    assert transitions(asked, replace(asked, attempt=2)) == []


def test_a_step_that_succeeded_is_told_with_its_message() -> None:
    after = progress.finish(BEFORE, StepName.MERGED, Reason.SUCCEEDED, "#6 was merged.", NOW)

    assert transitions(BEFORE, after) == [("Normal", "Merged", "#6 was merged.")]


def test_several_steps_of_one_pass_are_told_in_their_order() -> None:
    after = progress.finish(BEFORE, StepName.MERGED, Reason.SUCCEEDED, "Merged.", NOW)
    after = progress.finish(after, StepName.SYNC_POLICY_APPLIED, Reason.SUCCEEDED, "Set.", NOW)
    after = progress.keep_going(
        after, StepName.DEPLOYED, StepState.RUNNING, Reason.SYNCING, "Syncing."
    )

    assert [reason for _, reason, _ in transitions(BEFORE, after)] == [
        "Merged",
        "SyncPolicyApplied",
        "Syncing",
    ]


def test_a_trouble_that_is_retried_is_a_warning_once() -> None:
    first = _waiting(Reason.FORGE_UNAVAILABLE, "Next try at 12:00:01 UTC.")
    second = _waiting(Reason.FORGE_UNAVAILABLE, "Next try at 12:00:03 UTC.", first)

    assert transitions(BEFORE, first) == [
        ("Warning", "ForgeUnavailable", "Next try at 12:00:01 UTC.")
    ]
    assert transitions(first, second) == []


def test_a_release_that_stalls_is_a_warning() -> None:
    failure = Failure("Merged", Reason.PULL_REQUEST_CLOSED, "It was closed.")
    after = progress.stall(BEFORE, StepName.MERGED, "It was closed.", failure, NOW)

    assert transitions(BEFORE, after) == [("Warning", "PullRequestClosed", "It was closed.")]
    assert transitions(after, after) == []


def test_a_retried_step_that_succeeds_again_is_told_again() -> None:
    done = progress.finish(BEFORE, StepName.MERGED, Reason.SUCCEEDED, "Merged.", NOW)
    again = replace(done, steps=RECORD.steps, attempt=2)

    assert transitions(done, again) == []
    assert transitions(again, done)[-1] == ("Normal", "Merged", "Merged.")
