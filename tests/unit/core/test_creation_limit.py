"""So many releases an hour are made by triggers in a namespace, whatever forges tell."""

from datetime import datetime, timedelta

import pytest

from album_operator.domain.release import Ref
from album_operator.memory.creation_limit import WINDOW, CreationLimit
from tests.fakes.builders import NOW

TEAM, OTHERS = "team", "others"
SECOND = timedelta(seconds=1)


class Hour:
    """A limit of two, with a clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW
        self.limit = CreationLimit(2, lambda: self.now)

    def claim(self, name: str, namespace: str = TEAM) -> datetime | None:
        return self.limit.claim(Ref(namespace, name))


@pytest.fixture
def hour() -> Hour:
    hour = Hour()
    assert hour.claim("one") is None
    hour.now += SECOND
    assert hour.claim("two") is None
    return hour


def test_what_is_beyond_the_limit_is_told_when_it_may_be_made(hour: Hour) -> None:
    due = hour.claim("three")
    assert due == NOW + WINDOW

    hour.now = due
    assert hour.claim("three") is None
    assert hour.claim("four") == NOW + SECOND + WINDOW


def test_another_namespace_is_not_kept_waiting(hour: Hour) -> None:
    assert hour.claim("one", OTHERS) is None


def test_a_creation_that_is_tried_again_counts_once(hour: Hour) -> None:
    assert hour.claim("one") is None
    assert hour.claim("two") is None


def test_after_a_restart_the_releases_themselves_tell_what_was_made() -> None:
    hour = Hour()
    for name, age in (("one", SECOND), ("two", 2 * SECOND), ("old", WINDOW)):
        hour.limit.note(Ref(TEAM, name), NOW - age)

    assert hour.claim("three") == NOW - 2 * SECOND + WINDOW


def test_a_limit_that_was_lowered_lets_none_through_until_enough_are_old() -> None:
    hour = Hour()
    for number in range(4):
        hour.limit.note(Ref(TEAM, f"made-{number}"), NOW - number * SECOND)

    assert hour.claim("next") == NOW - SECOND + WINDOW
