"""In which time an operator may write."""

import math

import pytest

from album_operator.term import NotLeadingError, Term, since_boot


class _Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_nothing_is_written_before_a_term_has_begun() -> None:
    term = Term(10, _Clock())
    assert (term.left, term.is_running) == (None, False)
    with pytest.raises(NotLeadingError, match="does not lead, and writes nothing any more"):
        term.check()


def test_a_term_is_counted_from_when_its_renewal_was_sent_however_late_the_answer_came() -> None:
    clock = _Clock()
    term = Term(10, clock)
    clock.now = 104
    term.renew(100)
    assert term.left == 6
    term.check()

    clock.now = 110
    with pytest.raises(NotLeadingError):
        term.check()


def test_a_renewal_prolongs_a_term_that_runs() -> None:
    clock = _Clock()
    term = Term(10, clock)
    term.renew(100)
    clock.now = 109
    term.renew(108)
    assert term.left == 9


def test_a_term_that_is_over_does_not_begin_again() -> None:
    clock = _Clock()
    term = Term(10, clock)
    term.renew(100)
    clock.now = 111
    term.renew(111)
    assert not term.is_running


def test_a_term_that_was_ended_is_over_at_once() -> None:
    term = Term(10, _Clock())
    term.renew(100)
    term.end()
    term.renew(100)
    assert (term.left, term.is_running) == (0, False)


def test_without_an_election_the_term_has_no_end() -> None:
    term = Term.endless()
    assert term.left == math.inf
    term.check()


def test_the_clock_only_grows() -> None:
    assert 0 < since_boot() <= since_boot()
