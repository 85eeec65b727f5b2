"""What is written to take a release back, and how that is told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from album_operator.decisions import take_back
from album_operator.domain.pull_requests import Gate, PullRequestSeen, PullRequestState
from album_operator.domain.reasons import Reason
from album_operator.domain.record import Outcome, Record, StepName
from album_operator.domain.release import Delivery, Mode, OnDelete
from album_operator.domain.verdict import (
    DisarmPullRequest,
    Done,
    GiveTitleBack,
    MergeAction,
    Verdict,
    Wait,
    WithdrawPullRequest,
)
from tests.fakes.builders import (
    CREATED,
    MERGED_PULL_REQUEST,
    OURS,
    PULL_REQUEST,
    RECORD,
    RELEASE,
    RESOLVED,
    record_before,
)

CLOSED = replace(PULL_REQUEST, state=PullRequestState.CLOSED)


@pytest.mark.parametrize(
    ("record", "may"),
    [
        (RECORD, False),
        (record_before(StepName.IMAGE_READY), False),
        (record_before(StepName.PROPOSED), True),
        (replace(RECORD, attempt=2), True),
    ],
    ids=["new", "building", "built", "retried"],
)
def test_nothing_is_proposed_before_the_image(record: Record, may: bool) -> None:
    assert take_back.may_have_proposed(record) is may


PROPOSED = record_before(StepName.MERGED)


def _policy(on_delete: OnDelete) -> Record:
    policy = replace(RESOLVED.policy, on_delete=on_delete)
    return replace(PROPOSED, resolved=replace(RESOLVED, policy=policy))


def test_a_deleted_release_leaves_what_it_has_proposed() -> None:
    assert take_back.leaves_proposal(RELEASE, PROPOSED)
    assert take_back.leaves_proposal(RELEASE, _policy(OnDelete.CANCEL))


def test_one_that_ended_leaves_a_proposal_only_while_that_is_open() -> None:
    ended, seen = replace(PROPOSED, outcome=Outcome.STALLED), PROPOSED.pull_request
    assert seen is not None
    closed = replace(ended, pull_request=replace(seen, state=PullRequestState.CLOSED))

    assert take_back.leaves_proposal(RELEASE, ended)
    assert not take_back.leaves_proposal(RELEASE, closed)


@pytest.mark.parametrize(
    ("record", "mode"),
    [
        (RECORD, Mode.APPLY),
        (PROPOSED, Mode.FOLLOW),
        (record_before(StepName.IMAGE_READY), Mode.APPLY),
        (record_before(StepName.DEPLOYED), Mode.APPLY),
        (replace(PROPOSED, reason=Reason.CANCELLED), Mode.APPLY),
        (replace(PROPOSED, reason=Reason.SUPERSEDED), Mode.APPLY),
        (_policy(OnDelete.KEEP), Mode.APPLY),
        (
            replace(
                PROPOSED,
                resolved=replace(
                    RESOLVED, config=replace(RESOLVED.config, delivery=Delivery.COMMIT)
                ),
            ),
            Mode.APPLY,
        ),
    ],
    ids=["new", "followed", "building", "merged", "cancelled", "superseded", "kept", "commit"],
)
def test_nothing_else_is_left(record: Record, mode: Mode) -> None:
    assert not take_back.leaves_proposal(replace(RELEASE, mode=mode), record)


def test_what_stays_behind_is_named_with_why() -> None:
    said = take_back.left_behind(RELEASE, RESOLVED, PROPOSED, "The forge is away.")
    assert "pull request #6 (https://git.example.org/owner/album-app-config/pulls/6)" in said
    assert "and branch release/backend_v1.1.0 of" in said
    assert "may stay behind: The forge is away. Close and delete there" in said
    alone = take_back.left_behind(RELEASE, RESOLVED, RECORD, "It is away.")
    assert "was deleted, and branch release/backend_v1.1.0 of" in alone


@pytest.mark.parametrize(
    ("seen", "head", "own"),
    [
        (PULL_REQUEST, OURS, True),
        (PULL_REQUEST, None, False),
        (PULL_REQUEST, "1" * 40, False),
        (MERGED_PULL_REQUEST, None, True),
        (replace(MERGED_PULL_REQUEST, merged_at=CREATED - timedelta(days=1)), None, False),
    ],
    ids=["ours", "no branch", "another head", "merged since", "merged before"],
)
def test_a_pull_request_is_known_by_its_head_or_by_its_merge(
    seen: PullRequestSeen, head: str | None, *, own: bool
) -> None:
    assert take_back.is_own(RELEASE, seen, head) is own


@pytest.mark.parametrize("seen", [None, CLOSED, MERGED_PULL_REQUEST])
def test_nothing_is_written_where_nothing_is_open(seen: PullRequestSeen | None) -> None:
    assert take_back.next_write(seen, "why") is None


@pytest.mark.parametrize(
    "gate", [Gate(is_armed=True), Gate(may_be_armed=True), Gate(queue_position=3)]
)
def test_the_forge_is_kept_from_merging_before_anything_else(gate: Gate) -> None:
    write = take_back.next_write(replace(PULL_REQUEST, gate=gate), "why")
    assert write == DisarmPullRequest(PULL_REQUEST.number)


@pytest.mark.parametrize("gate", [None, Gate()])
def test_an_open_one_is_closed_and_marked(gate: Gate | None) -> None:
    write = take_back.next_write(replace(PULL_REQUEST, gate=gate), "why")
    assert write == WithdrawPullRequest(6, "why", "Taken back: release: backend v1.1.0")


def test_a_mark_is_made_once_and_fits() -> None:
    marked = replace(PULL_REQUEST, title="Taken back: it")
    assert take_back.next_write(marked, "why") == WithdrawPullRequest(6, "why", "Taken back: it")
    long = take_back.next_write(replace(PULL_REQUEST, title="x" * 255), "why")
    assert isinstance(long, WithdrawPullRequest)
    assert long.title is not None
    assert len(long.title) == 255


def test_one_that_was_merged_first_gets_its_title_back() -> None:
    marked = replace(MERGED_PULL_REQUEST, title="Taken back: it")
    assert take_back.next_write(marked, "why") == GiveTitleBack(marked.number, "it")
    assert take_back.next_write(replace(marked, is_archived=True), "why") is None
    assert take_back.next_write(replace(CLOSED, title="Taken back: it"), "why") is None


def test_what_is_cancelled_says_how_to_release_it_after_all() -> None:
    halt = take_back.cancelled(RELEASE)
    assert halt.reason is Reason.CANCELLED
    assert halt.remedy == (
        "To release tag backend-v1.1.0 after all, create another AlbumRelease of it"
    )
    named = replace(RELEASE, tag=None, app="backend", version="v1.1.0")
    assert "To release backend v1.1.0 after all" in take_back.cancelled(named).remedy


def test_a_merge_says_that_it_came_before_the_cancel() -> None:
    done: Verdict[MergeAction] = Done(RECORD, Reason.SUCCEEDED, "#6 was merged.")
    wait: Verdict[MergeAction] = Wait(Reason.AWAITING_MERGE, "It waits.", timedelta())
    cancelled = replace(RELEASE, cancel=True)
    assert take_back.tell_too_late(RELEASE, done) is done
    assert take_back.tell_too_late(cancelled, wait) is wait
    told = take_back.tell_too_late(cancelled, done)
    assert isinstance(told, Done)
    assert told.message.startswith("#6 was merged. That was before it could be taken back")
    assert told.message.endswith("spec.rollbackOf.name: backend-v1.1.0.")
