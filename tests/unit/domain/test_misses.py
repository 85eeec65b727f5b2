"""Several things that stop a release are told together."""

import pytest

from album_operator.domain.errors import TransientError
from album_operator.domain.misses import TOLD_LENGTH, join, listed
from album_operator.domain.reasons import Reason
from album_operator.domain.record import MOST_MISSES, Miss, SupersededBy
from album_operator.domain.verdict import Halt

TAG = Halt(Reason.TAG_NOT_FOUND, "Tag v1 does not exist.", "Push it")
FILE = Halt(Reason.VALUES_FILE_NOT_FOUND, "a.yaml does not exist.", "Add the file")
NO_REMEDY = Halt(Reason.REJECTED, "Nobody knows why.")
OLDER = Halt(Reason.SUPERSEDED, "v2 is there.", ending=".", superseded_by=SupersededBy("v2"))
UNTOLD = TransientError(Reason.GIT_UNAVAILABLE, "git.example.org does not answer.")


def test_nothing_is_no_verdict_and_one_thing_is_told_as_it_is() -> None:
    assert join([]) is None
    assert join([None, None], UNTOLD) is None
    one = join([None, TAG, None])

    assert one is not None
    assert (one.reason, one.sentence) == (TAG.reason, TAG.sentence)
    assert one.misses == (TAG,)


def test_several_are_counted_and_each_is_told_with_its_way_out() -> None:
    halt = join([TAG, FILE, NO_REMEDY])

    assert halt is not None
    assert halt.reason is Reason.TAG_NOT_FOUND
    assert halt.sentence == (
        "3 things are missing or wrong, each in status.misses: (1) Tag v1 does not exist. Push it. "
        "(2) a.yaml does not exist. Add the file. (3) Nobody knows why. Mend all of them, then set "
        "the annotation album.dev/retry."
    )
    assert halt.misses == (TAG, FILE, NO_REMEDY)


def test_what_is_said_twice_is_told_once_and_what_was_joined_is_taken_apart() -> None:
    halt = join([join([TAG, FILE]), FILE, TAG, NO_REMEDY])

    assert halt is not None
    assert halt.misses == (TAG, FILE, NO_REMEDY)


def test_so_many_are_told_as_are_still_read() -> None:
    files = [Halt(FILE.reason, f"{name * 200} is not there.", "Add it") for name in "abcd"]
    halt = join(files)

    assert halt is not None
    assert halt.message.startswith("4 things")
    assert "(2)" in halt.message
    assert halt.message.endswith(" …")
    assert "(3)" not in halt.message
    assert len(halt.misses) == 4
    whole = join([Halt(FILE.reason, "x" * 2 * TOLD_LENGTH), TAG])
    assert whole is not None
    assert "x" * 2 * TOLD_LENGTH in whole.message


@pytest.mark.parametrize("halts", [[TAG], [TAG, FILE]])
def test_what_could_not_be_looked_at_is_told_beside_what_is_missing(halts: list[Halt]) -> None:
    halt = join(halts, UNTOLD)

    assert halt is not None
    assert "could not be told: git.example.org does not answer." in halt.message
    assert halt.misses == tuple(halts)


def test_a_release_that_is_superseded_lacks_nothing_more() -> None:
    assert join([OLDER, FILE], UNTOLD) == OLDER
    halt = join([TAG, OLDER])
    assert halt is not None
    assert halt.superseded_by is None
    assert halt.misses == (TAG, OLDER)


def test_each_thing_is_listed_as_many_as_a_status_has() -> None:
    assert listed(TAG) == (Miss(TAG.reason, TAG.message, TAG.remedy),)
    halt = join([TAG, FILE])
    assert halt is not None
    assert [miss.reason for miss in listed(halt)] == [TAG.reason, FILE.reason]
    many = join([Halt(Reason.REJECTED, f"{number}.") for number in range(MOST_MISSES + 9)])
    assert many is not None
    assert len(listed(many)) == MOST_MISSES
