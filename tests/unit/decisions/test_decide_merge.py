"""Merged: wait for the reviewer, and accept what was decided."""

from dataclasses import replace
from datetime import timedelta

import pytest

from album_operator.decisions import merge
from album_operator.domain.reasons import Reason
from album_operator.domain.record import ProposalRecord, StepName
from album_operator.domain.seen import PullRequestSeen, PullRequestState
from album_operator.domain.verdict import Done, Halt, Verdict, Wait
from tests.fakes.builders import (
    BRANCH,
    DIFF,
    MERGED,
    MERGED_PULL_REQUEST,
    OURS,
    PULL_REQUEST,
    record_before,
)

POLL = timedelta(seconds=30)
RECORD = record_before(StepName.MERGED)


def _decide(seen: PullRequestSeen | None) -> Verdict:
    return merge.decide(RECORD, seen, POLL)


def test_an_open_pull_request_is_polled() -> None:
    verdict = _decide(PULL_REQUEST)

    assert isinstance(verdict, Wait)
    assert verdict.reason is Reason.AWAITING_MERGE
    assert verdict.is_poll
    assert verdict.retry_after == POLL
    assert PULL_REQUEST.url in verdict.message


@pytest.mark.parametrize(("actor", "said"), [("reviewer", "by reviewer"), (None, "was merged as")])
def test_a_merge_is_taken_with_its_commit(actor: str | None, said: str) -> None:
    verdict = _decide(replace(MERGED_PULL_REQUEST, actor=actor))

    assert isinstance(verdict, Done)
    assert verdict.record.merged_commit == MERGED
    assert verdict.record.pull_request is not None
    assert verdict.record.pull_request.state == "Merged"
    assert said in verdict.message


def test_a_merge_whose_commit_the_forge_does_not_tell_yet_is_asked_for_again() -> None:
    verdict = _decide(replace(MERGED_PULL_REQUEST, merge_commit=None))

    assert isinstance(verdict, Wait)
    assert verdict.is_poll


def test_a_closed_pull_request_ends_the_release() -> None:
    verdict = _decide(replace(PULL_REQUEST, state=PullRequestState.CLOSED))

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.PULL_REQUEST_CLOSED


def test_a_head_somebody_changed_ends_the_release() -> None:
    verdict = _decide(replace(PULL_REQUEST, head_sha="9" * 40))

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.HEAD_CHANGED
    assert "999999999999" in verdict.message


def test_an_open_pull_request_without_a_known_commit_is_only_waited_for() -> None:
    verdict = merge.decide(replace(RECORD, proposal=None), PULL_REQUEST, POLL)

    assert isinstance(verdict, Wait)


def test_without_a_pull_request_nothing_has_to_be_merged() -> None:
    nothing = replace(RECORD, proposal=ProposalRecord(BRANCH, None, ""), pull_request=None)
    verdict = merge.decide(nothing, None, POLL)

    assert isinstance(verdict, Done)
    assert verdict.reason is Reason.NO_CHANGE


def test_a_commit_on_the_base_branch_is_there_without_a_merge() -> None:
    committed = replace(RECORD, proposal=ProposalRecord("main", OURS, DIFF), pull_request=None)
    verdict = merge.decide(committed, None, POLL)

    assert isinstance(verdict, Done)
    assert verdict.reason is Reason.SUCCEEDED
    assert verdict.message == f"Committed to main as {OURS[:12]}; no pull request was needed."
    assert verdict.record == committed
