from album_operator.domain.reasons import Reason


def test_a_reason_of_a_newer_operator_is_read_as_not_known_yet() -> None:
    assert Reason("Teleported") is Reason.PENDING


def test_every_reason_is_camel_case() -> None:
    assert all(reason.isalpha() and reason[0].isupper() for reason in Reason)


def test_an_older_operators_word_is_read_as_what_it_is_called_now() -> None:
    assert Reason("BuildQueued") is Reason.QUEUED
