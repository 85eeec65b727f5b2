"""A pack is weighed by what it unpacks to, while it arrives."""

import pytest

from album_operator.adapters.git.streams import TooLongError
from album_operator.adapters.git.wire.pack import OBJECT_COST, Scales
from album_operator.adapters.git.wire.protocol import WireError
from tests.contract import hostile_packs as hostile

FILE = b"tag: v1\n" * 1000


def weigh(pack: bytes, limit: int, step: int) -> None:
    """Weigh a pack that comes in pieces."""
    scales = Scales(limit)
    for at in range(0, len(pack), step):
        scales.weigh(pack[at : at + step])


GOOD = hostile.pack(
    hostile.entry(hostile.BLOB, FILE),
    hostile.entry(hostile.TREE, hostile.wide_tree(3)),
    hostile.entry(hostile.BLOB, b""),
    *hostile.delta_bomb(100_000),
)
WEIGHT = len(FILE) + len(hostile.wide_tree(3)) + 65536 + 9 + 65535 + 5 * OBJECT_COST


@pytest.mark.parametrize("step", [1, 7, 65536])
def test_what_unpacks_to_the_limit_is_taken_in_pieces_of_any_length(step: int) -> None:
    weigh(GOOD, WEIGHT, step)
    with pytest.raises(TooLongError):
        weigh(GOOD, WEIGHT - 1, step)


def test_what_a_delta_makes_counts_before_it_is_made() -> None:
    base, delta = hostile.delta_bomb(500 * 2**20)
    with pytest.raises(TooLongError):
        weigh(hostile.pack(base, delta), 100 * 2**20, 65536)


def test_many_objects_weigh_something_though_they_are_empty() -> None:
    pack = hostile.pack(*[hostile.entry(hostile.BLOB, b"")] * 100)
    with pytest.raises(TooLongError):
        weigh(pack, 99 * OBJECT_COST, 65536)


def test_a_size_is_refused_before_the_object_comes() -> None:
    heading = hostile.entry(hostile.BLOB, b"", size=2**40)
    with pytest.raises(TooLongError):
        weigh(hostile.pack(heading)[:20], 2**30, 65536)


@pytest.mark.parametrize(
    ("pack", "said"),
    [
        (b"KCAP" + bytes(30), "its pack is none"),
        (hostile.pack(b"\x31" + b"not zlib at all"), "cannot be unpacked"),
        (hostile.pack(hostile.entry(hostile.BLOB, FILE, size=10)), "more bytes than it says"),
        (
            hostile.pack(hostile.entry(hostile.REFERENCE_DELTA, b"\x80", head=bytes(20))),
            "says no size",
        ),
    ],
)
def test_what_is_no_pack_is_said_so(pack: bytes, said: str) -> None:
    with pytest.raises(WireError, match=said):
        weigh(pack, 10**6, 65536)


def test_the_checksum_at_its_end_is_left_to_git() -> None:
    weigh(GOOD + b"more", WEIGHT, 65536)
