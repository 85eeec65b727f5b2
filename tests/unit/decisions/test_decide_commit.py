"""Proposed where delivery is `Commit`: one commit on the base branch, made once."""

from dataclasses import replace

from album_operator.decisions import commit
from album_operator.decisions.commit import CommitSeen
from album_operator.domain.reasons import Reason
from album_operator.domain.record import ProposalRecord, Record, StepName, SupersededBy
from album_operator.domain.release import Delivery
from album_operator.domain.verdict import Act, CommitAction, CommitToBase, Done, Halt, Verdict
from tests.fakes.builders import (
    BASE,
    CONFIG_SEEN,
    DIFF,
    EDIT,
    LATER,
    NEW_VALUES,
    OURS,
    RELEASE,
    RESOLVED,
    VALUES,
    record_before,
)

RECORD = record_before(StepName.PROPOSED)
PLAN = replace(RESOLVED.config, delivery=Delivery.COMMIT, branch="main")
COMMITTING = replace(RESOLVED, config=PLAN)
OWN = ProposalRecord("main", OURS, DIFF)

DUE = CommitSeen(config=CONFIG_SEEN, current={EDIT: "v1.0.0"}, edited={VALUES: NEW_VALUES})
THERE = replace(DUE, current={EDIT: "v1.1.0"}, edited={})


def _decide(
    seen: CommitSeen, record: Record = RECORD, *, allow_downgrade: bool = False
) -> Verdict[CommitAction]:
    release = replace(RELEASE, allow_downgrade=allow_downgrade)
    return commit.decide(release, record, COMMITTING, seen)


def test_what_the_base_branch_lacks_is_committed_to_it() -> None:
    verdict = _decide(DUE)

    assert isinstance(verdict, Act)
    assert verdict.action == CommitToBase()
    assert verdict.reason is Reason.PROPOSING
    assert "main" in verdict.message


def test_a_newer_version_on_the_base_branch_supersedes_the_release() -> None:
    newer = replace(DUE, current={EDIT: "v2.0.0"})
    verdict = _decide(newer)

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.SUPERSEDED
    assert verdict.superseded_by == SupersededBy("v2.0.0")
    assert isinstance(_decide(newer, allow_downgrade=True), Act)


def test_a_head_that_is_our_commit_is_the_commit_of_the_release() -> None:
    verdict = _decide(replace(THERE, ours=OWN))

    assert isinstance(verdict, Done)
    assert verdict.reason is Reason.SUCCEEDED
    assert verdict.record == replace(RECORD, proposal=OWN, merged_commit=OURS)
    assert verdict.message == f"Committed to main as {OURS[:12]}; no pull request was needed."
    assert verdict.also is None


def test_a_commit_that_was_just_made_is_known_though_others_went_on_from_it() -> None:
    config = replace(CONFIG_SEEN, base_commit=LATER)
    verdict = _decide(replace(THERE, config=config), replace(RECORD, proposal=OWN))

    assert isinstance(verdict, Done)
    assert verdict.record.merged_commit == OURS


def test_a_value_that_is_there_already_needs_no_commit() -> None:
    verdict = _decide(THERE)

    assert isinstance(verdict, Done)
    assert verdict.reason is Reason.NO_CHANGE
    assert verdict.record.merged_commit == BASE
    assert verdict.record.proposal == ProposalRecord("main", None, "")
    assert "no commit was needed" in verdict.message
    assert verdict.also == "Nothing had to be merged."
