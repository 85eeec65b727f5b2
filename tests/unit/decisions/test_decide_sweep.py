"""Which branches that releases left behind go: those of pull requests that are over, alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from album_operator.decisions.sweep import REOPENED_FOR, Fate, is_untouched, judge
from album_operator.domain.claims import ReleaseSeen
from album_operator.domain.history import Ended
from album_operator.domain.pull_requests import PullRequestState
from album_operator.domain.record import Outcome, StepName
from album_operator.domain.release import OnDelete
from tests.fakes.builders import BRANCH_SEEN, NOW, PULL_REQUEST

HEAD = PULL_REQUEST.head_sha
FLYING = ReleaseSeen("app", "backend", "v1.1.0", StepName.MERGED, Outcome.WORKING)
ENDED = replace(
    FLYING, step=None, outcome=Outcome.STALLED, ended=Ended("uid", "1", NOW - REOPENED_FOR)
)
JUST_ENDED = replace(ENDED, ended=Ended("uid", "1", NOW - REOPENED_FOR + timedelta(seconds=1)))
OPEN, MERGED, CLOSED = PullRequestState.OPEN, PullRequestState.MERGED, PullRequestState.CLOSED


@pytest.mark.parametrize(
    ("release", "state", "fate"),
    [
        (ENDED, MERGED, Fate.GOES),
        (JUST_ENDED, MERGED, Fate.GOES),
        (None, MERGED, Fate.GOES),
        (ENDED, CLOSED, Fate.GOES),
        (JUST_ENDED, CLOSED, Fate.STAYS),
        (None, CLOSED, Fate.GOES),
        (ENDED, OPEN, Fate.STAYS),
        (None, OPEN, Fate.TAKEN_BACK),
        (FLYING, MERGED, Fate.STAYS),
        (FLYING, CLOSED, Fate.STAYS),
    ],
)
def test_what_becomes_of_a_branch_by_its_release_and_pull_request(
    release: ReleaseSeen | None, state: PullRequestState, fate: Fate
) -> None:
    assert judge(HEAD, release, replace(PULL_REQUEST, state=state), NOW) is fate


def test_a_branch_without_a_pull_request_of_its_head_stays() -> None:
    merged = replace(PULL_REQUEST, state=MERGED)

    assert judge(HEAD, ENDED, None, NOW) is Fate.STAYS
    assert judge("f" * 40, ENDED, merged, NOW) is Fate.STAYS
    assert judge("f" * 40, None, PULL_REQUEST, NOW) is Fate.STAYS


def test_what_a_release_left_that_was_deleted_unseen_is_taken_back_unless_it_is_to_be_kept() -> (
    None
):
    for pull_request in (None, PULL_REQUEST):
        assert judge(HEAD, None, pull_request, NOW) is Fate.TAKEN_BACK
        assert judge(HEAD, None, pull_request, NOW, OnDelete.KEEP) is Fate.STAYS


def test_one_that_a_gone_release_has_marked_and_somebody_merged_first_is_mended_before() -> None:
    merged = replace(PULL_REQUEST, state=MERGED, title="Taken back: it")

    assert judge(HEAD, None, merged, NOW) is Fate.TAKEN_BACK
    assert judge(HEAD, ENDED, merged, NOW) is Fate.GOES
    assert judge(HEAD, FLYING, merged, NOW) is Fate.STAYS


def test_only_a_head_by_the_pipelines_author_that_nobody_amended_is_untouched() -> None:
    author = (BRANCH_SEEN.author_name, BRANCH_SEEN.author_email)

    assert is_untouched(BRANCH_SEEN, author)
    assert not is_untouched(BRANCH_SEEN, ("somebody", author[1]))
    assert not is_untouched(BRANCH_SEEN, (author[0], "somebody@example.org"))
    assert not is_untouched(replace(BRANCH_SEEN, is_amended=True), author)
