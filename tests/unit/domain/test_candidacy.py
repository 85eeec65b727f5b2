"""Who was elected."""

from album_operator.domain.candidacy import Leader


def test_a_leader_is_known_by_its_name_where_its_address_is_not() -> None:
    assert Leader("album-operator-0") == Leader("album-operator-0", "")
