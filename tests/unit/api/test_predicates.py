"""One condition, in CEL and in Python."""

import pytest

from album_operator.api.model import Rule, Rules, obeys
from album_operator.api.predicates import (
    begins,
    contains,
    ends,
    finds,
    is_not,
    matches,
    upper_matches,
)


def test_a_condition_of_several_is_written_with_the_parentheses_cel_needs() -> None:
    condition = (matches("a+") | begins("b")) & ~(contains("c") & ends("d")) | is_not("e")

    assert str(condition) == (
        "(self.matches(r'^a+$') || self.startsWith('b')) && "
        "!(self.contains('c') && self.endsWith('d')) || self != 'e'"
    )
    assert condition.holds("aa")
    assert not (matches("a") & ~matches("a")).holds("a")


def test_the_end_of_a_text_is_no_line_break_before_it() -> None:
    assert finds("x$").holds("ax")
    assert not finds("x$").holds("ax\n")
    assert not matches("[a-z]+").holds("a\n")


def test_capital_letters_are_looked_at() -> None:
    assert upper_matches("(.*_)?TOKEN").holds("my_Token")


def test_rules_refuse_with_their_message() -> None:
    rules = Rules(Rule(begins("a"), "must begin"), Rule(ends("z"), "must end"))

    rules.check("az")
    with pytest.raises(ValueError, match="must end"):
        rules.check("ab")


def test_a_rule_only_the_api_server_knows_refuses_to_judge() -> None:
    with pytest.raises(TypeError, match="for the API server alone"):
        Rule("self.size() > 1", "longer").check("ab")


def test_a_type_without_rules_cannot_be_obeyed() -> None:
    with pytest.raises(TypeError, match="has no rule"):
        obeys(str)
