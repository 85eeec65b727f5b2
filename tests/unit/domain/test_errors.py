"""What errors keep beside their sentence."""

from datetime import timedelta

from album_operator.domain.errors import UnansweredError
from album_operator.domain.reasons import Reason


def test_an_answer_that_did_not_come_is_told_with_and_without_its_address() -> None:
    wait = timedelta(seconds=5)
    error = UnansweredError(Reason.GIT_UNAVAILABLE, "a.example: timed out.", "timed out", wait)

    assert (error.message, error.said) == ("a.example: timed out.", "timed out")
    assert (error.reason, error.retry_after) == (Reason.GIT_UNAVAILABLE, wait)
