"""Merged: wait for the reviewer, and accept what was decided."""

from dataclasses import replace
from datetime import timedelta

import pytest

from album_operator.decisions import merge
from album_operator.domain.pull_requests import (
    Checks,
    Fit,
    Gate,
    PullRequestSeen,
    PullRequestState,
    Review,
)
from album_operator.domain.reasons import Reason
from album_operator.domain.record import ProposalRecord, StepName, SupersededBy
from album_operator.domain.release import MergeMode, PullRequestWish
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import (
    Act,
    DisarmPullRequest,
    Done,
    GiveTitleBack,
    Halt,
    MergeAction,
    MergePullRequest,
    OpenPullRequest,
    ProposeAction,
    PushBranch,
    Verdict,
    Wait,
    WithdrawPullRequest,
)
from tests.fakes.builders import (
    BRANCH,
    DIFF,
    MERGED,
    MERGED_PULL_REQUEST,
    NOW,
    OURS,
    PULL_REQUEST,
    RESOLVED,
    record_before,
)

POLL = merge.LOOK
RECORD = record_before(StepName.MERGED)


def _decide(seen: PullRequestSeen | None) -> Verdict[MergeAction]:
    return merge.decide(RECORD, RESOLVED, seen, NOW)


def test_an_open_pull_request_is_polled() -> None:
    verdict = _decide(PULL_REQUEST)

    assert isinstance(verdict, Wait)
    assert verdict.reason is Reason.AWAITING_MERGE
    assert verdict.is_poll
    assert verdict.retry_after == POLL
    assert PULL_REQUEST.url in verdict.message


def test_a_wait_is_as_old_as_its_reason_whatever_came_between() -> None:
    needs_review = replace(PULL_REQUEST, gate=Gate(review=Review.REQUIRED))
    record = RECORD
    for minutes, seen, waits_for, since in [
        (0, PULL_REQUEST, Reason.AWAITING_MERGE, 0),
        (1, needs_review, Reason.REVIEW_REQUIRED, 1),
        (9, needs_review, Reason.REVIEW_REQUIRED, 1),
        (10, PULL_REQUEST, Reason.AWAITING_MERGE, 10),
    ]:
        now = NOW + timedelta(minutes=minutes)
        verdict = merge.decide(record, RESOLVED, seen, now)
        assert isinstance(verdict, Wait)
        assert verdict.record is not None
        record, shown = verdict.record, verdict.record.pull_request
        assert shown is not None
        assert (shown.waits_for, shown.seen_at) == (waits_for, now)
        assert shown.waits_since == NOW + timedelta(minutes=since)
        assert f"(since 2026-11-20 12:{since:02}:00 UTC)" in verdict.message
    other = merge.decide(record, RESOLVED, replace(PULL_REQUEST, number=7), NOW)
    assert isinstance(other, Wait)
    assert "(since 2026-11-20 12:00:00 UTC)" in other.message


def test_a_merged_pull_request_waits_for_nothing() -> None:
    waited = merge.decide(RECORD, RESOLVED, PULL_REQUEST, NOW)
    assert isinstance(waited, Wait)
    assert waited.record is not None
    verdict = merge.decide(waited.record, RESOLVED, MERGED_PULL_REQUEST, NOW)
    assert isinstance(verdict, Done)
    assert verdict.record.pull_request is not None
    assert verdict.record.pull_request.waits_for is None


@pytest.mark.parametrize(("actor", "said"), [("reviewer", "by reviewer"), (None, "was merged as")])
def test_a_merge_is_taken_with_its_commit(actor: str | None, said: str) -> None:
    verdict = _decide(replace(MERGED_PULL_REQUEST, actor=actor))

    assert isinstance(verdict, Done)
    assert verdict.record.merged_commit == MERGED
    assert verdict.record.pull_request is not None
    assert verdict.record.pull_request.state == "Merged"
    assert said in verdict.message


@pytest.mark.parametrize("base", ["main", "develop"])
def test_a_merge_that_came_before_the_close_gets_its_title_back_first(base: str) -> None:
    seen = replace(MERGED_PULL_REQUEST, title="Taken back: it", base=base)
    verdict = _decide(seen)

    assert isinstance(verdict, Act)
    assert verdict.action == GiveTitleBack(seen.number, "it")
    assert not merge.needs_look(RECORD, RESOLVED, seen)


def test_the_title_of_somebody_elses_pull_request_is_left() -> None:
    strange = replace(MERGED_PULL_REQUEST, title="Taken back: it", head="theirs", head_sha="9" * 40)

    assert isinstance(_decide(strange), Halt)


def test_a_merge_whose_commit_the_forge_does_not_tell_yet_is_asked_for_again() -> None:
    verdict = _decide(replace(MERGED_PULL_REQUEST, merge_commit=None))

    assert isinstance(verdict, Wait)
    assert verdict.is_poll


def test_a_closed_pull_request_ends_the_release() -> None:
    verdict = _decide(replace(PULL_REQUEST, state=PullRequestState.CLOSED))

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.PULL_REQUEST_CLOSED
    assert verdict.record is not None
    assert verdict.record.pull_request is not None
    assert verdict.record.pull_request.state == PullRequestState.CLOSED


WAITS = [
    (replace(PULL_REQUEST, is_draft=True), Gate(), Reason.DRAFT, "mark it ready for review"),
    (PULL_REQUEST, Gate(queue_position=2), Reason.QUEUED, "number 2 in the merge queue"),
    (
        PULL_REQUEST,
        Gate(review=Review.CHANGES_REQUESTED, checks=Checks.FAILING),
        Reason.CHANGES_REQUESTED,
        "asks for changes",
    ),
    (
        PULL_REQUEST,
        Gate(review=Review.REQUIRED, checks=Checks.FAILING, failing=("unit", "lint")),
        Reason.CHECKS_FAILING,
        "checks that fail (unit and lint)",
    ),
    (PULL_REQUEST, Gate(checks=Checks.FAILING), Reason.CHECKS_FAILING, "checks that fail;"),
    (
        PULL_REQUEST,
        Gate(review=Review.REQUIRED, checks=Checks.RUNNING),
        Reason.REVIEW_REQUIRED,
        "waits for a review",
    ),
    (PULL_REQUEST, Gate(checks=Checks.RUNNING), Reason.CHECKS_RUNNING, "waits for its checks"),
    (PULL_REQUEST, Gate(fit=Fit.BEHIND), Reason.BEHIND, "brought up to date"),
    (
        PULL_REQUEST,
        Gate(review=Review.APPROVED, checks=Checks.PASSING),
        Reason.AWAITING_MERGE,
        "waits for a merge",
    ),
]


@pytest.mark.parametrize(("seen", "gate", "detail", "said"), WAITS)
def test_a_waiting_pull_request_says_what_it_waits_for(
    seen: PullRequestSeen, gate: Gate, detail: Reason, said: str
) -> None:
    verdict = _decide(replace(seen, gate=gate))

    assert isinstance(verdict, Wait)
    assert (verdict.reason, verdict.detail) == (Reason.AWAITING_MERGE, detail)
    assert said in verdict.message
    assert verdict.is_poll


AUTO = replace(
    RESOLVED,
    config=replace(RESOLVED.config, pull_request=PullRequestWish(merge=MergeMode.AUTO)),
)


@pytest.mark.parametrize(
    ("gate", "by_forge"),
    [
        (Gate(), False),
        (Gate(checks=Checks.FAILING), False),
        (Gate(is_blocked=True, checks=Checks.RUNNING), True),
        (Gate(fit=Fit.BEHIND), True),
    ],
)
def test_merge_auto_merges_or_lets_the_forge_do_it_where_something_blocks(
    gate: Gate, by_forge: bool
) -> None:
    verdict = merge.decide(RECORD, AUTO, replace(PULL_REQUEST, gate=gate), NOW)

    assert isinstance(verdict, Act)
    assert verdict.action == MergePullRequest(6, OURS, by_forge=by_forge)
    assert verdict.reason is Reason.MERGING


@pytest.mark.parametrize(
    "seen",
    [
        replace(PULL_REQUEST, gate=Gate(fit=Fit.UNKNOWN)),
        replace(PULL_REQUEST, is_draft=True, gate=Gate()),
        replace(PULL_REQUEST, gate=Gate(is_blocked=True, is_armed=True)),
        replace(PULL_REQUEST, gate=Gate(is_blocked=True, queue_position=1)),
    ],
)
def test_merge_auto_waits_where_there_is_nothing_to_do(seen: PullRequestSeen) -> None:
    assert isinstance(merge.decide(RECORD, AUTO, seen, NOW), Wait)


def test_what_the_forge_merges_by_itself_is_said() -> None:
    armed = Gate(is_blocked=True, is_armed=True, checks=Checks.RUNNING)
    verdict = merge.decide(RECORD, AUTO, replace(PULL_REQUEST, gate=armed), NOW)

    assert isinstance(verdict, Wait)
    assert verdict.message == (
        f"Pull request #6 waits for its checks: {PULL_REQUEST.url} "
        "(since 2026-11-20 12:00:00 UTC). The forge merges it by itself then."
    )


def test_an_archived_repository_ends_the_release() -> None:
    verdict = _decide(replace(PULL_REQUEST, is_archived=True))

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.REPOSITORY_ARCHIVED


CONFLICT = replace(PULL_REQUEST, gate=Gate(fit=Fit.CONFLICT))
CHANGED = replace(PULL_REQUEST, head_sha="9" * 40)


@pytest.mark.parametrize(
    ("seen", "needed"),
    [
        (None, False),
        (PULL_REQUEST, False),
        (CONFLICT, True),
        (CHANGED, True),
        (replace(PULL_REQUEST, has_branch=False), True),
        (replace(CONFLICT, is_archived=True), False),
        (replace(PULL_REQUEST, state=PullRequestState.CLOSED), True),
        (MERGED_PULL_REQUEST, False),
        (replace(PULL_REQUEST, base="develop", has_branch=False), False),
        (replace(MERGED_PULL_REQUEST, base="develop"), True),
        (replace(CHANGED, head="another"), False),
    ],
)
def test_only_what_does_not_fit_is_looked_at_again(
    seen: PullRequestSeen | None, needed: bool
) -> None:
    assert merge.needs_look(RECORD, RESOLVED, seen) is needed


PUSH = Act(PushBranch("1" * 40, {}), Reason.PROPOSING, "Pushing it.")


def _decide_again(seen: PullRequestSeen, proposed: Verdict[ProposeAction]) -> Verdict[MergeAction]:
    return merge.decide_again(RECORD, RESOLVED, seen, proposed, NOW)


def test_a_conflict_is_mended_by_the_same_edit_on_the_new_base() -> None:
    push = Act(PushBranch("1" * 40, {}, OURS), Reason.PROPOSING, "Pushing it again.")
    verdict = _decide_again(CONFLICT, push)

    assert isinstance(verdict, Act)
    assert verdict.action == push.action
    assert verdict.reason is Reason.MERGE_CONFLICT
    assert verdict.message.endswith("base any more; pushing it again.")


def test_a_branch_that_is_gone_is_not_made_again() -> None:
    push = Act(PushBranch("1" * 40, {}), Reason.PROPOSING, "Pushing it.")
    verdict = _decide_again(replace(PULL_REQUEST, has_branch=False), push)

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.BRANCH_DELETED


def test_what_the_pull_request_still_lacks_is_added_while_its_branch_is_looked_at() -> None:
    add = Act(OpenPullRequest(DIFF), Reason.PROPOSING, "Opening the pull request.")
    assert _decide_again(CONFLICT, add) == add


def test_a_head_somebody_changed_ends_the_release() -> None:
    verdict = _decide_again(CHANGED, Halt(Reason.BRANCH_TAKEN, "It is not ours."))

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.HEAD_CHANGED
    assert "999999999999" in verdict.sentence


ALREADY = Done(replace(RECORD, merged_commit=MERGED), Reason.NO_CHANGE, "main already holds it.")


def test_a_base_that_holds_the_value_already_needs_no_pull_request() -> None:
    verdict = _decide_again(CONFLICT, ALREADY)

    assert isinstance(verdict, Act)
    assert verdict.action == WithdrawPullRequest(6, "main already holds it. Closing this one.")


def test_one_that_is_closed_as_the_base_holds_the_value_holds_nothing_up() -> None:
    verdict = _decide_again(replace(PULL_REQUEST, state=PullRequestState.CLOSED), ALREADY)

    assert isinstance(verdict, Done)
    assert verdict.record.merged_commit == MERGED
    assert verdict.record.pull_request is not None
    assert verdict.record.pull_request.state == "Closed"


def test_one_that_a_person_closed_is_a_no() -> None:
    no = replace(PULL_REQUEST, state=PullRequestState.CLOSED, actor="reviewer")
    push = Act(PushBranch("1" * 40, {}), Reason.PROPOSING, "Pushing it.")
    verdict = _decide_again(no, push)

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.PULL_REQUEST_CLOSED
    assert "closed by reviewer" in verdict.sentence


TAKEN_BACK = replace(PULL_REQUEST, state=PullRequestState.CLOSED, title="Taken back: it")


@pytest.mark.parametrize(
    "proposed",
    [PUSH, Act(OpenPullRequest(DIFF), Reason.PROPOSING, "It."), Halt(Reason.BRANCH_TAKEN, "No.")],
    ids=["push", "open", "halt"],
)
def test_one_that_was_taken_back_is_proposed_anew(proposed: Verdict[ProposeAction]) -> None:
    assert _decide_again(TAKEN_BACK, proposed) == proposed


def test_what_is_proposed_anew_is_looked_at_from_then_on() -> None:
    record = replace(RECORD, pull_request=None)
    verdict = _decide_again(TAKEN_BACK, Done(record, Reason.SUCCEEDED, "#7"))
    assert isinstance(verdict, Wait)
    assert (verdict.record, verdict.retry_after) == (record, timedelta())


def test_a_base_that_cannot_be_looked_at_is_looked_at_later() -> None:
    later = Wait(Reason.GIT_UNAVAILABLE, "Next try soon.", timedelta(seconds=1))

    assert _decide_again(replace(PULL_REQUEST, state=PullRequestState.CLOSED), later) == later


def test_a_newer_version_on_the_base_supersedes_the_release() -> None:
    newer = Halt(Reason.SUPERSEDED, "v1.2.0 is there.", superseded_by=SupersededBy("v1.2.0"))

    assert _decide_again(CONFLICT, newer) == newer


def test_a_commit_made_again_is_waited_for_until_the_forge_shows_it() -> None:
    proposal = ProposalRecord(BRANCH, "8" * 40, DIFF)
    done = Done(replace(RECORD, proposal=proposal), Reason.SUCCEEDED, "#6")
    early = _decide_again(CONFLICT, done)
    assert isinstance(early, Wait)
    assert (early.detail, early.retry_after) == (Reason.MERGE_CONFLICT, timedelta(seconds=1))
    assert early.record == done.record
    shown = _decide_again(replace(CONFLICT, head_sha="8" * 40), done)
    assert isinstance(shown, Wait)
    assert (shown.detail, shown.retry_after) == (Reason.AWAITING_MERGE, POLL)


def test_an_open_pull_request_without_a_known_commit_is_only_waited_for() -> None:
    verdict = merge.decide(replace(RECORD, proposal=None), RESOLVED, PULL_REQUEST, NOW)

    assert isinstance(verdict, Wait)


def test_without_a_pull_request_nothing_has_to_be_merged() -> None:
    nothing = replace(RECORD, proposal=ProposalRecord(BRANCH, None, ""), pull_request=None)
    verdict = merge.decide(nothing, RESOLVED, None, NOW)

    assert isinstance(verdict, Done)
    assert verdict.reason is Reason.NO_CHANGE


ELSEWHERE = replace(PULL_REQUEST, base="develop")
AUTO = replace(
    RESOLVED,
    config=replace(RESOLVED.config, pull_request=PullRequestWish(merge=MergeMode.AUTO)),
)


@pytest.mark.parametrize("resolved", [RESOLVED, AUTO])
@pytest.mark.parametrize("gate", [None, Gate(), Gate(is_blocked=True), Gate(fit=Fit.BEHIND)])
def test_one_that_goes_into_another_branch_is_never_merged(
    resolved: Resolved, gate: Gate | None
) -> None:
    verdict = merge.decide(RECORD, resolved, replace(ELSEWHERE, gate=gate), NOW)

    assert isinstance(verdict, Wait)
    assert (verdict.reason, verdict.detail) == (Reason.BASE_CHANGED, Reason.BASE_CHANGED)
    assert verdict.is_poll
    assert "goes into develop by now and not into main" in verdict.message
    assert "set its base back to main" in verdict.message


@pytest.mark.parametrize("gate", [Gate(is_armed=True), Gate(may_be_armed=True)])
def test_what_the_forge_was_told_to_merge_is_taken_back(gate: Gate) -> None:
    seen = replace(ELSEWHERE, gate=gate)
    verdict = merge.decide(RECORD, AUTO, seen, NOW)
    assert isinstance(verdict, Act)
    assert (verdict.action, verdict.reason) == (DisarmPullRequest(6), Reason.BASE_CHANGED)
    # What a person has armed stays so.
    assert isinstance(merge.decide(RECORD, RESOLVED, seen, NOW), Wait)


def test_nothing_is_merged_that_a_person_holds() -> None:
    verdict = merge.decide(RECORD, AUTO, replace(PULL_REQUEST, gate=Gate(held="Held.")), NOW)

    assert isinstance(verdict, Wait)
    assert (verdict.reason, verdict.detail) == (Reason.HELD, Reason.HELD)
    assert verdict.is_poll
    assert "#6 is not merged by the operator" in verdict.message
    assert verdict.message.endswith("Held.")


@pytest.mark.parametrize(
    "gate", [Gate(is_armed=True), Gate(may_be_armed=True), Gate(queue_position=1)]
)
def test_what_is_held_is_kept_from_the_forge_too(gate: Gate) -> None:
    seen = replace(PULL_REQUEST, gate=replace(gate, held="Held."))
    verdict = merge.decide(RECORD, AUTO, seen, NOW)

    assert isinstance(verdict, Act)
    assert (verdict.action, verdict.reason) == (DisarmPullRequest(6), Reason.HELD)
    # What a person has armed stays so.
    waiting = merge.decide(RECORD, RESOLVED, seen, NOW)
    assert isinstance(waiting, Wait)
    assert waiting.reason is Reason.AWAITING_MERGE


@pytest.mark.parametrize("label", ["do-not-merge/hold", "Do-Not-Merge/Hold"])
def test_a_label_holds_what_the_operator_would_merge(label: str) -> None:
    seen = replace(PULL_REQUEST, labels=frozenset({label, "release"}), gate=Gate())
    verdict = merge.decide(RECORD, AUTO, seen, NOW)
    assert isinstance(verdict, Wait)
    assert (verdict.reason, verdict.detail) == (Reason.HELD, Reason.HELD)
    assert verdict.message.endswith("Take that away to go on.")

    armed = merge.decide(RECORD, AUTO, replace(seen, gate=Gate(is_armed=True)), NOW)
    assert isinstance(armed, Act)
    assert armed.action == DisarmPullRequest(6)
    merged = merge.decide(RECORD, AUTO, replace(seen, labels=frozenset({"release"})), NOW)
    assert isinstance(merged, Act)
    assert merged.action == MergePullRequest(6, OURS)
    assert isinstance(merge.decide(RECORD, RESOLVED, seen, NOW), Wait)


def test_one_that_is_set_back_is_merged() -> None:
    away = merge.decide(RECORD, AUTO, ELSEWHERE, NOW)
    assert isinstance(away, Wait)
    assert away.record is not None
    back = merge.decide(away.record, AUTO, replace(PULL_REQUEST, gate=Gate()), NOW)

    assert isinstance(back, Act)
    assert back.action == MergePullRequest(6, OURS)


def test_a_merge_into_another_branch_is_none() -> None:
    went = replace(MERGED_PULL_REQUEST, base="develop")
    for verdict in (merge.decide(RECORD, RESOLVED, went, NOW), _decide_again(went, PUSH)):
        assert isinstance(verdict, Halt)
        assert verdict.reason is Reason.BASE_CHANGED
        assert f"merged by reviewer into develop as {MERGED[:12]} and not into main" in (
            verdict.sentence
        )
    told_little = replace(went, actor=None, merge_commit=None)
    assert isinstance(merge.decide(RECORD, RESOLVED, told_little, NOW), Halt)


def test_a_base_that_holds_the_value_by_another_way_needs_no_merge() -> None:
    verdict = _decide_again(replace(MERGED_PULL_REQUEST, base="develop"), ALREADY)

    assert isinstance(verdict, Done)
    assert verdict.reason is Reason.NO_CHANGE


def test_a_branch_s_name_is_shown_as_a_message_can_hold_it() -> None:
    for state in (PullRequestState.OPEN, PullRequestState.MERGED):
        went = replace(MERGED_PULL_REQUEST, state=state, base="d\n\ud800" + "x" * 100_000)
        verdict = _decide(went)
        assert isinstance(verdict, Wait | Halt)
        assert "into d?xxx" in verdict.message
        assert len(verdict.message) < 1_000


def test_one_that_was_closed_after_it_was_retargeted_is_a_no() -> None:
    verdict = _decide_again(replace(ELSEWHERE, state=PullRequestState.CLOSED), PUSH)

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.PULL_REQUEST_CLOSED


def test_a_base_that_is_gone_is_told_before_the_pull_request_it_closed() -> None:
    gone = Halt(Reason.BASE_BRANCH_NOT_FOUND, "There is no main.")

    assert _decide_again(replace(PULL_REQUEST, state=PullRequestState.CLOSED), gone) == gone


@pytest.mark.parametrize("head", ["another", None])
@pytest.mark.parametrize("known", [PULL_REQUEST, MERGED_PULL_REQUEST])
def test_a_number_that_stands_for_anothers_pull_request_is_not_followed(
    known: PullRequestSeen, head: str | None
) -> None:
    verdict = _decide(replace(known, head=head, head_sha="9" * 40))

    assert isinstance(verdict, Halt)
    assert verdict.reason is Reason.HEAD_CHANGED
    assert "not the one that was proposed" in verdict.sentence
    # A branch that was renamed holds the same commit.
    assert not isinstance(_decide(replace(known, head=head)), Halt)
