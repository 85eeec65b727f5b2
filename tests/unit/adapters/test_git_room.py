"""Works share room on disk and in memory: each has some anyway, none has the others'."""

import os
import resource
from dataclasses import replace
from pathlib import Path

import pytest

from album_operator.adapters.git.limits import LIMITS, TooLargeError, check_excess
from album_operator.adapters.git.room import Claim, FullError, Room, make_rooms
from album_operator.domain.errors import TransientError
from album_operator.domain.places import Credential, GitPlace

URL = "https://git.example.org/o/n"
PLACE = GitPlace(URL, Credential("album-git", URL, "x", "some-token"))
MIB = 1024 * 1024
SMALL = replace(LIMITS, fetch=20 * MIB)


def test_a_room_is_for_all_and_what_is_free_for_each() -> None:
    room = Room(100, 10)
    room.hold("a", 60)
    room.hold("b", 40)
    room.hold("c", 10)
    for who, size in (("a", 61), ("b", 41), ("c", 11)):
        with pytest.raises(FullError):
            room.hold(who, size)
    room.leave("a")
    room.hold("b", 100)
    room.hold("b", 10)
    room.hold("a", 100)


def test_bytes_on_disk_are_counted_from_where_a_work_began(tmp_path: Path) -> None:
    (tmp_path / "before").write_bytes(bytes(30 * MIB))
    claim = Claim(make_rooms(SMALL), PLACE, [tmp_path, tmp_path / "none"])
    claim.hold_disk(SMALL)
    claim.hold_disk(SMALL, 20 * MIB)
    (tmp_path / "more").write_bytes(bytes(MIB))
    with pytest.raises(TooLargeError, match=r"more than 20971520 bytes.*Raise ALBUM_FETCH_BYTES"):
        claim.hold_disk(SMALL, 20 * MIB)


def test_a_fetch_that_finds_the_room_taken_is_tried_again(tmp_path: Path) -> None:
    rooms = make_rooms(SMALL)
    claims = [Claim(rooms, PLACE, [tmp_path]) for _ in range(3)]
    for claim in claims:
        claim.hold_disk(SMALL)
    for claim in claims[:2]:
        claim.hold_disk(SMALL, 19 * MIB)
    with pytest.raises(TransientError, match="no room for more at once"):
        claims[2].hold_disk(SMALL, 19 * MIB)
    claims[0].close()
    claims[2].hold_disk(SMALL, 19 * MIB)


def test_the_memory_of_a_process_counts_too(tmp_path: Path) -> None:
    # This very process has more than a tenth of what three small ones may have.
    limits = replace(LIMITS, memory=MIB, processor=None)
    claim = Claim(make_rooms(limits), PLACE, [tmp_path])
    with pytest.raises(TooLargeError, match="ALBUM_GIT_MEMORY_BYTES"):
        claim.hold_process(limits, os.getpid())
    limits = replace(limits, memory=1024 * MIB)
    rooms = make_rooms(limits)
    rooms.memory.hold("others", 3 * 1024 * MIB)
    with pytest.raises(TransientError, match="no memory for more at once"):
        Claim(rooms, PLACE, [tmp_path]).hold_process(limits, os.getpid())


def test_a_process_that_computes_too_long_is_refused(tmp_path: Path) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    limits = replace(LIMITS, memory=1024 * MIB, processor=int(used / 2))
    claim = Claim(make_rooms(limits), PLACE, [tmp_path])
    with pytest.raises(TooLargeError, match="computes more than"):
        claim.hold_process(limits, os.getpid())
    claim.hold_process(replace(limits, processor=None), os.getpid())


@pytest.mark.parametrize(
    ("said", "way_out"),
    [
        ("fatal: Out of memory, malloc failed (tried to allocate 9 bytes)", "GIT_MEMORY_BYTES"),
        ("fatal: mmap failed: Cannot allocate memory", "GIT_MEMORY_BYTES"),
        ("error: cannot create async thread: Resource temporarily", "GIT_MEMORY_BYTES"),
        ("fatal: cannot pwrite pack data: File too large", "FETCH_BYTES"),
    ],
)
def test_what_git_says_when_it_meets_a_limit_is_known(said: str, way_out: str) -> None:
    with pytest.raises(TooLargeError, match=way_out):
        check_excess(PLACE, LIMITS, 128, f"warning: something\n{said}\n")


@pytest.mark.parametrize(
    "said",
    [
        "remote: fatal: Out of memory, malloc failed",
        "fatal: remote error: Cannot allocate memory",
        "fatal: the remote end hung up unexpectedly",
    ],
)
def test_a_server_s_own_trouble_is_not_taken_for_ours(said: str) -> None:
    check_excess(PLACE, LIMITS, 128, said)
    check_excess(PLACE, LIMITS, 0, "fatal: Out of memory")
