"""Proposed: a commit on the release branch and its pull request, each made once."""

from dataclasses import replace
from typing import Any

import pytest

from album_operator.decisions import propose
from album_operator.decisions.propose import ProposeSeen
from album_operator.domain.pull_requests import PullRequestSeen, PullRequestState
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Record, StepName, SupersededBy
from album_operator.domain.release import EditValue, PullRequestWish
from album_operator.domain.seen import BranchSeen
from album_operator.domain.verdict import (
    Act,
    Done,
    Halt,
    OpenPullRequest,
    ProposeAction,
    PushBranch,
    Verdict,
    Wait,
)
from tests.fakes.builders import (
    BASE,
    BRANCH,
    BRANCH_SEEN,
    CONFIG_SEEN,
    DIFF,
    EDIT,
    LATER,
    MERGED_PULL_REQUEST,
    NEW_VALUES,
    OLD_VALUES,
    OURS,
    PULL_REQUEST,
    RELEASE,
    RESOLVED,
    VALUES,
    record_before,
)

RECORD = record_before(StepName.PROPOSED)

NOTHING_YET = ProposeSeen(
    config=CONFIG_SEEN,
    current={EDIT: "v1.0.0"},
    edited={VALUES: NEW_VALUES},
    branch_is_ours=False,
    branch_diff="",
    pull_request=None,
)
PUSHED = replace(
    NOTHING_YET,
    config=replace(CONFIG_SEEN, branch=BRANCH_SEEN),
    branch_is_ours=True,
    branch_diff=DIFF,
)
OPENED = replace(PUSHED, pull_request=PULL_REQUEST)
CLOSED = replace(PULL_REQUEST, state=PullRequestState.CLOSED, actor="reviewer")


def _decide(seen: ProposeSeen, record: Record = RECORD) -> Verdict[ProposeAction]:
    return propose.decide(RELEASE, record, RESOLVED, seen)


def test_without_a_branch_the_edit_is_pushed_on_the_present_base() -> None:
    verdict = _decide(NOTHING_YET)

    assert isinstance(verdict, Act)
    assert verdict.action == PushBranch(BASE, {VALUES: NEW_VALUES}, before="v1.0.0")
    assert verdict.reason is Reason.PROPOSING


def test_our_branch_gets_a_pull_request_with_its_diff() -> None:
    verdict = _decide(PUSHED)

    assert isinstance(verdict, Act)
    assert verdict.action == OpenPullRequest(DIFF, "v1.0.0")


def test_branch_and_pull_request_are_taken_as_they_are() -> None:
    verdict = _decide(OPENED)

    assert isinstance(verdict, Done)
    assert verdict.record.proposal is not None
    assert (verdict.record.proposal.branch, verdict.record.proposal.commit) == (BRANCH, OURS)
    assert verdict.record.proposal.diff == DIFF
    assert verdict.record.pull_request is not None
    assert verdict.record.pull_request.number == 6
    assert "#6" in verdict.message


def test_a_pull_request_that_does_not_show_the_branchs_commit_is_looked_at_again() -> None:
    pull_request = replace(PULL_REQUEST, head_sha="9" * 40)
    verdict = _decide(replace(OPENED, pull_request=pull_request))

    assert isinstance(verdict, Wait)
    assert verdict.retry_after == propose.BETWEEN_LOOKS
    assert "#6" in verdict.message


OTHER_BYTES = b"# changed since\n" + OLD_VALUES
MOVED_ON = replace(PUSHED.config, base_commit=LATER)
CHANGED = replace(MOVED_ON, files={VALUES: OTHER_BYTES})


@pytest.mark.parametrize("pull_request", [None, PULL_REQUEST])
def test_our_commit_is_left_alone_while_the_base_moves_elsewhere(
    pull_request: PullRequestSeen | None,
) -> None:
    verdict = _decide(replace(PUSHED, config=MOVED_ON, pull_request=pull_request))

    assert verdict == _decide(replace(PUSHED, pull_request=pull_request))


@pytest.mark.parametrize("pull_request", [None, PULL_REQUEST])
def test_our_commit_is_made_anew_where_the_base_has_other_bytes_now(
    pull_request: PullRequestSeen | None,
) -> None:
    edited = {VALUES: b"# changed since\n" + NEW_VALUES}
    verdict = _decide(replace(PUSHED, config=CHANGED, edited=edited, pull_request=pull_request))

    assert isinstance(verdict, Act)
    assert verdict.action == PushBranch(LATER, edited, replaces=OURS)
    assert "again" in verdict.message


def test_a_commit_of_somebody_else_is_never_made_anew() -> None:
    verdict = _decide(replace(PUSHED, config=CHANGED, branch_is_ours=False))

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.BRANCH_TAKEN


def test_our_commit_is_not_made_anew_over_a_newer_version() -> None:
    verdict = _decide(replace(PUSHED, config=CHANGED, current={EDIT: "v2.0.0"}))

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.SUPERSEDED


def test_a_branch_with_another_commit_is_taken() -> None:
    verdict = _decide(replace(PUSHED, branch_is_ours=False))

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.BRANCH_TAKEN
    assert BRANCH in verdict.sentence


@pytest.mark.parametrize("actor", ["reviewer", None])
def test_a_closed_pull_request_is_a_no(actor: str | None) -> None:
    verdict = _decide(replace(PUSHED, pull_request=replace(CLOSED, actor=actor)))

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.PULL_REQUEST_CLOSED
    assert PULL_REQUEST.url in verdict.sentence
    assert ("by reviewer" in verdict.sentence) is (actor is not None)


@pytest.mark.parametrize("head", [BRANCH, None])
def test_how_a_closed_one_gets_its_branch_back_is_told_where_that_is_ours(head: str | None) -> None:
    verdict = _decide(replace(PUSHED, pull_request=replace(CLOSED, head=head)))

    assert isinstance(verdict, Halt)
    assert (f"FETCH_HEAD:refs/heads/{BRANCH}" in verdict.remedy) is (head is not None)


def test_a_pull_request_merged_for_an_earlier_commit_of_the_branch_does_not_count() -> None:
    merged = replace(MERGED_PULL_REQUEST, head_sha="9" * 40)
    verdict = _decide(replace(PUSHED, pull_request=merged, merge_is_in_base=True))

    assert isinstance(verdict, Act)
    assert verdict.action == OpenPullRequest(DIFF, "v1.0.0")


def test_a_merge_between_the_two_looks_is_looked_at_again_and_never_proposed_twice() -> None:
    verdict = _decide(replace(PUSHED, pull_request=MERGED_PULL_REQUEST))

    assert isinstance(verdict, Wait)
    assert verdict.retry_after == propose.BETWEEN_LOOKS


def test_a_change_that_was_merged_and_taken_back_is_not_merged_again_by_its_old_commit() -> None:
    verdict = _decide(replace(PUSHED, pull_request=MERGED_PULL_REQUEST, merge_is_in_base=True))

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.BRANCH_TAKEN
    assert "#6" in verdict.sentence
    assert "delete the branch" in verdict.sentence


def test_a_value_that_is_there_already_needs_no_pull_request() -> None:
    verdict = _decide(replace(NOTHING_YET, edited={}, current={EDIT: "v1.1.0"}))

    assert isinstance(verdict, Done)
    assert verdict.reason is Reason.NO_CHANGE
    assert verdict.record.merged_commit == BASE
    assert verdict.record.pull_request is None
    assert verdict.record.proposal is not None
    assert verdict.record.proposal.commit is None


def test_a_merge_that_happened_while_nobody_looked_is_taken() -> None:
    seen = replace(OPENED, edited={}, pull_request=MERGED_PULL_REQUEST)
    verdict = _decide(seen)

    assert isinstance(verdict, Done)
    assert verdict.record.pull_request is not None
    assert verdict.record.pull_request.state == "Merged"
    assert verdict.record.proposal is not None
    assert verdict.record.proposal.diff == DIFF


@pytest.mark.parametrize(("known", "diff"), [(True, DIFF), (False, "")])
def test_a_merged_branch_that_is_deleted_leaves_the_diff_we_know(*, known: bool, diff: str) -> None:
    before = record_before(StepName.MERGED)
    record = replace(RECORD, proposal=before.proposal if known else None)
    verdict = _decide(replace(NOTHING_YET, edited={}, pull_request=MERGED_PULL_REQUEST), record)

    assert isinstance(verdict, Done)
    assert verdict.record.proposal is not None
    assert verdict.record.proposal.commit == OURS
    assert verdict.record.proposal.diff == diff


def test_a_newer_version_that_came_meanwhile_supersedes_the_release() -> None:
    verdict = _decide(replace(NOTHING_YET, current={EDIT: "v2.0.0"}))

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.SUPERSEDED
    assert verdict.superseded_by == SupersededBy("v2.0.0")


def test_a_base_branch_that_is_gone_stops_the_release() -> None:
    verdict = _decide(replace(NOTHING_YET, config=replace(CONFIG_SEEN, base_commit=None)))

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.BASE_BRANCH_NOT_FOUND


MESSAGE = "release: backend v1.1.0"
AUTHOR = (BRANCH_SEEN.author_name, BRANCH_SEEN.author_email)
EXPECTED = {VALUES: NEW_VALUES}


def test_a_branch_with_exactly_our_commit_is_ours() -> None:
    assert propose.is_ours(BRANCH_SEEN, EXPECTED, MESSAGE, AUTHOR)


@pytest.mark.parametrize(
    "branch",
    [
        replace(BRANCH_SEEN, message="something else"),
        replace(BRANCH_SEEN, author_name="Somebody"),
        replace(BRANCH_SEEN, author_email="somebody@example.org"),
        replace(BRANCH_SEEN, changed_paths=frozenset({VALUES, "other"})),
        replace(BRANCH_SEEN, changed_paths=frozenset()),
        replace(BRANCH_SEEN, files={VALUES: b"image: {}\n"}),
        replace(BRANCH_SEEN, files={}),
    ],
    ids=["message", "author", "email", "more paths", "no path", "other bytes", "no file"],
)
def test_a_branch_that_differs_in_anything_is_not_ours(branch: BranchSeen) -> None:
    assert not propose.is_ours(branch, EXPECTED, MESSAGE, AUTHOR)


def test_a_branch_on_whose_parent_our_edit_is_impossible_is_not_ours() -> None:
    assert not propose.is_ours(BRANCH_SEEN, None, MESSAGE, AUTHOR)


@pytest.mark.parametrize(
    ("change", "lacks"),
    [
        ({}, True),
        ({"labels": frozenset({"Release"}), "reviewers": frozenset({"ANN"})}, True),
        (
            {
                "labels": frozenset({"Release", "more"}),
                "reviewers": frozenset({"ANN"}),
                "assignees": frozenset({"bob"}),
            },
            True,
        ),
        (
            {
                "labels": frozenset({"Release", "more"}),
                "reviewers": frozenset({"ANN"}),
                "assignees": frozenset({"bob"}),
                "milestone": "v1.1",
            },
            False,
        ),
    ],
)
def test_a_pull_request_gets_what_it_lacks(change: dict[str, Any], *, lacks: bool) -> None:
    wish = PullRequestWish(
        labels=("release",), reviewers=("ann",), assignees=("Bob",), milestone="v1.1"
    )
    resolved = replace(RESOLVED, config=replace(RESOLVED.config, pull_request=wish))
    seen = replace(OPENED, pull_request=replace(PULL_REQUEST, **change))
    verdict = propose.decide(RELEASE, RECORD, resolved, seen)

    assert isinstance(verdict, Act) is lacks


def test_a_pull_request_of_digests_alone_names_no_version_before() -> None:
    pinned = replace(EDIT, value=EditValue.DIGEST)
    verdict = _decide(replace(PUSHED, current={pinned: "sha256:" + "a" * 64}))

    assert isinstance(verdict, Act)
    assert verdict.action == OpenPullRequest(DIFF)
