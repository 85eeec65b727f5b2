"""What is so and the way out of it are kept apart, and read as one sentence."""

from album_operator.domain.errors import TerminalError, TransientError
from album_operator.domain.reasons import Reason
from album_operator.domain.remedy import SET_RETRY
from album_operator.domain.verdict import Halt

SAID = "Tag v1.0.0 does not exist."


def test_a_way_out_ends_with_the_annotation_that_lets_the_release_go_on() -> None:
    error = TerminalError(Reason.TAG_NOT_FOUND, SAID, "Push it")

    assert (error.message, error.remedy) == (SAID, "Push it")
    assert error.sentence == f"{SAID} Push it, then set the annotation album.dev/retry."
    assert str(error) == error.sentence


def test_what_nobody_can_do_anything_about_asks_nobody() -> None:
    assert TransientError(Reason.GIT_UNAVAILABLE, SAID).sentence == SAID
    assert Halt(Reason.BUILD_FAILED, SAID).sentence == SAID


def test_a_sentence_may_end_in_another_way() -> None:
    halt = Halt(Reason.TAG_NOT_FOUND, SAID, "Push it", f" and {SET_RETRY} if you like.")

    assert halt.sentence == f"{SAID} Push it and set the annotation album.dev/retry if you like."


def test_a_halt_says_what_the_error_said() -> None:
    error = TerminalError(Reason.TAG_NOT_FOUND, SAID, "Push it", " if you like.")
    halt = Halt.of(error)

    assert (halt.reason, halt.message, halt.remedy) == (error.reason, SAID, "Push it")
    assert halt.sentence == error.sentence
