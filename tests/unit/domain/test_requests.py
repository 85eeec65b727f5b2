"""What became of a request to others."""

import pytest

from album_operator.domain.errors import TerminalError, TransientError
from album_operator.domain.reasons import Reason
from album_operator.domain.requests import RequestResult, judge_error, judge_status, tell_nobody


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (TransientError(Reason.RATE_LIMITED, "Later."), RequestResult.RATE_LIMITED),
        (TransientError(Reason.GIT_UNAVAILABLE, "Down."), RequestResult.TRANSIENT),
        (TerminalError(Reason.CREDENTIALS_REFUSED, "No."), RequestResult.REFUSED),
        (ValueError("a bug"), RequestResult.TRANSIENT),
    ],
)
def test_an_error_says_whether_it_passes_by_itself(error: Exception, result: RequestResult) -> None:
    assert judge_error(error) is result


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (None, RequestResult.OK),
        (200, RequestResult.OK),
        (404, RequestResult.OK),
        (409, RequestResult.OK),
        (401, RequestResult.REFUSED),
        (403, RequestResult.REFUSED),
        (429, RequestResult.RATE_LIMITED),
        (503, RequestResult.TRANSIENT),
    ],
)
def test_a_status_says_whether_it_was_answered(status: int | None, result: RequestResult) -> None:
    assert judge_status(status) is result


def test_a_challenge_refuses_nothing() -> None:
    assert judge_status(401, is_challenge=True) is RequestResult.OK


def test_where_nobody_counts_nothing_happens() -> None:
    tell_nobody("git.example.org:443", RequestResult.OK, 0.1)
