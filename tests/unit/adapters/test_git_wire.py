"""Version 2 of git's wire protocol, read from bytes."""

import io

import pytest

from album_operator.adapters.git.streams import TooLongError, read_exactly
from album_operator.adapters.git.wire.protocol import (
    DELIMITER,
    FLUSH,
    RESPONSE_END,
    Fetched,
    ServerError,
    WireError,
    fetch_request,
    packet,
    read_capabilities,
    read_fetched,
    read_refs,
    refs_request,
)

A, B = "a" * 40, "b" * 40
LIMIT = 1000


def band(number: int, data: bytes) -> bytes:
    return b"%04x%c%b" % (len(data) + 5, number, data)


def test_a_packet_counts_its_length() -> None:
    assert packet("command=fetch") == b"0012command=fetch\n"


def test_exactly_so_many_bytes_are_read_or_none() -> None:
    assert read_exactly(io.BytesIO(b"abc"), 2) == b"ab"
    with pytest.raises(EOFError):
        read_exactly(io.BytesIO(b"a"), 2)


def test_the_capabilities_are_read_by_name() -> None:
    lines = [packet(line) for line in ("version 2", "agent=git/2", "fetch=shallow filter", "x")]
    stream = io.BytesIO(b"".join([*lines, FLUSH, b"rest"]))
    assert read_capabilities(stream) == {"agent": "git/2", "fetch": "shallow filter", "x": ""}
    assert stream.read() == b"rest"


@pytest.mark.parametrize("greeting", [b"", packet("version 1"), packet("# service=git")])
def test_another_greeting_is_refused(greeting: bytes) -> None:
    with pytest.raises(WireError, match="greets"):
        read_capabilities(io.BytesIO(greeting + FLUSH))


def test_refs_are_asked_for_by_their_beginnings() -> None:
    assert refs_request({"refs/heads/b", "HEAD"}) == (
        b"0014command=ls-refs\n00010009peel\n000csymrefs\n"
        b"0014ref-prefix HEAD\n001cref-prefix refs/heads/b\n0000"
    )


def test_refs_are_read_with_what_they_stand_for() -> None:
    lines = [
        packet(f"{A} HEAD symref-target:refs/heads/main"),
        packet(f"{A} refs/heads/main"),
        packet(f"{A} refs/tags/v1 peeled:{B}"),
    ]
    assert read_refs(io.BytesIO(b"".join([*lines, FLUSH, RESPONSE_END]))) == {
        "HEAD": A,
        "ref:HEAD": "refs/heads/main",
        "refs/heads/main": A,
        "refs/tags/v1": A,
        "refs/tags/v1^{}": B,
    }
    assert read_refs(io.BytesIO(FLUSH + RESPONSE_END)) == {}
    assert read_refs(io.BytesIO(b"0004" + FLUSH + RESPONSE_END)) == {"": ""}


def test_objects_are_asked_for_without_their_history() -> None:
    asked = fetch_request({B, A}, "tree:0")
    assert asked.startswith(packet("command=fetch") + DELIMITER)
    assert asked.endswith(packet(f"want {A}") + packet(f"want {B}") + packet("done") + FLUSH)
    assert packet("deepen 1") + packet("filter tree:0") in asked


def test_a_pack_is_put_together_from_its_parts() -> None:
    answer = [
        packet("shallow-info"),
        packet(f"shallow {A}"),
        DELIMITER,
        packet("packfile"),
        band(1, b"PACK"),
        band(2, b"progress"),
        b"0004",
        band(1, b"more"),
        FLUSH,
        RESPONSE_END,
    ]
    assert read_fetched(io.BytesIO(b"".join(answer)), LIMIT) == Fetched(b"PACKmore", [A])


def test_a_pack_that_is_too_long_is_not_read_to_its_end() -> None:
    stream = io.BytesIO(packet("packfile") + band(1, b"x" * 600) * 2 + b"rest")
    with pytest.raises(TooLongError):
        read_fetched(stream, LIMIT)
    assert stream.read() == b"rest"


@pytest.mark.parametrize(
    "answer",
    [
        packet("packfile") + band(1, b"PACK") + RESPONSE_END,
        packet("packfile") + RESPONSE_END,
        FLUSH + RESPONSE_END,
        RESPONSE_END,
    ],
)
def test_half_a_pack_is_none(answer: bytes) -> None:
    with pytest.raises(WireError, match="no end"):
        read_fetched(io.BytesIO(answer), LIMIT)


def test_half_a_list_of_refs_is_none() -> None:
    for answer in (RESPONSE_END, packet(f"{A} HEAD") + RESPONSE_END):
        with pytest.raises(WireError, match="no end"):
            read_refs(io.BytesIO(answer))


@pytest.mark.parametrize("answer", [b"000", b"0010short", b"", packet("packfile")])
def test_a_stream_that_ends_too_early_is_told(answer: bytes) -> None:
    with pytest.raises(EOFError):
        read_fetched(io.BytesIO(answer), LIMIT)


@pytest.mark.parametrize("answer", [b"zzzz", b"0003", b"<htm"])
def test_what_is_no_packet_is_refused(answer: bytes) -> None:
    with pytest.raises(WireError, match="not the length of a packet"):
        read_refs(io.BytesIO(answer))


@pytest.mark.parametrize(
    "answer",
    [
        packet("ERR upload-pack: not our ref"),
        packet("packfile") + band(3, b"upload-pack: not our ref\n"),
    ],
)
def test_the_servers_own_words_are_handed_on(answer: bytes) -> None:
    with pytest.raises(ServerError, match=r"^upload-pack: not our ref$"):
        read_fetched(io.BytesIO(answer), LIMIT)
