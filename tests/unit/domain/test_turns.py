"""Who asks for much keeps nobody waiting who asks for little."""

from album_operator.domain.turns import in_turns


def _order(waiting: str, **running: int) -> str:
    return "".join(in_turns(waiting, str.lower, running))


def test_of_one_owner_who_came_first_is_first() -> None:
    assert _order("aAa") == "aAa"


def test_owners_take_turns() -> None:
    assert _order("aaabc") == "abcaa"


def test_who_has_more_at_work_comes_later() -> None:
    assert _order("aaabb", a=1) == "babaa"
    assert _order("ab", a=2, b=1) == "ba"


def test_nobody_waits() -> None:
    assert _order("") == ""
