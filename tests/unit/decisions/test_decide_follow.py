"""Proposed and Merged where others do both: what is waited for, and what is found."""

from dataclasses import replace
from datetime import timedelta

from album_operator.decisions import follow
from album_operator.decisions.follow import FollowSeen
from album_operator.decisions.image import FIRST_LOOK, LAST_LOOK
from album_operator.domain import progress
from album_operator.domain.reasons import Reason
from album_operator.domain.record import StepName
from album_operator.domain.seen import ConfigCommit
from album_operator.domain.verdict import Done, Halt, Wait
from tests.fakes.builders import BASE, EDIT, MERGED, NOW, RELEASE, RESOLVED, record_before

RECORD = progress.begin(record_before(StepName.PROPOSED), StepName.PROPOSED, NOW)
OLD = FollowSeen(BASE, {EDIT: "v1.0.0"}, is_there=False)
THERE = FollowSeen(BASE, {EDIT: "v1.1.0"}, is_there=True)


def _decide(seen: FollowSeen, waited: timedelta = timedelta()) -> Done | Wait | Halt:
    return follow.decide(RELEASE, RECORD, RESOLVED, seen, NOW + waited)


def test_a_commit_of_others_is_waited_for_and_named() -> None:
    verdict = _decide(OLD)

    assert isinstance(verdict, Wait)
    assert verdict.reason is Reason.AWAITING_COMMIT
    assert "sets image.tag in backend/values.yaml to v1.1.0 on branch main of" in verdict.message


def test_the_longer_it_takes_the_more_seldom_it_is_looked() -> None:
    looks = [_decide(OLD, timedelta(minutes=waited)) for waited in (0, 2, 60)]
    after = [verdict.retry_after for verdict in looks if isinstance(verdict, Wait)]

    assert after == [FIRST_LOOK, timedelta(minutes=1), LAST_LOOK]


def test_a_newer_version_ends_the_wait() -> None:
    verdict = _decide(replace(OLD, current={EDIT: "v1.2.0"}))

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.SUPERSEDED


def test_the_commit_that_set_the_value_is_what_the_proof_goes_by() -> None:
    verdict = _decide(replace(THERE, commit=ConfigCommit(MERGED, "Jane", "bump")))

    assert isinstance(verdict, Done)
    assert verdict.record.merged_commit == MERGED
    assert verdict.record.proposal is not None
    assert (verdict.record.proposal.branch, verdict.record.proposal.commit) == (
        RESOLVED.config.branch,
        MERGED,
    )
    assert f"Commit {MERGED[:12]} by Jane has v1.1.0 on branch main of" in verdict.message


def test_where_the_history_does_not_tell_the_head_stands_for_it() -> None:
    verdict = _decide(THERE)

    assert isinstance(verdict, Done)
    assert verdict.record.merged_commit == BASE
    assert f"Commit {BASE[:12]} has v1.1.0 on" in verdict.message


def test_an_author_of_any_length_leaves_the_sentence_readable() -> None:
    verdict = _decide(replace(THERE, commit=ConfigCommit(MERGED, "J" * 5000, "bump")))

    assert isinstance(verdict, Done)
    assert len(verdict.message) < 400
    assert verdict.message.endswith(RESOLVED.config.repository + ".")
