"""Whom is told what, and with what it is signed."""

import base64

import pytest

from album_operator.domain.notifications import TOLD, ReleaseEvent, Sink, SinkFormat, find_key


def _key(count: int) -> str:
    return f"whsec_{base64.b64encode(b'k' * count).decode()}"


@pytest.mark.parametrize("count", [24, 32, 64])
def test_a_key_is_of_24_to_64_bytes(count: int) -> None:
    assert find_key(_key(count)) == b"k" * count


@pytest.mark.parametrize(
    "text",
    [
        _key(23),
        _key(65),
        "",
        "whsec_",
        "k" * 40,
        f"WHSEC_{'a' * 40}",
        f"whsec_{'a' * 41}",
        "whsec_!",
    ],
)
def test_anything_else_is_no_key(text: str) -> None:
    assert find_key(text) is None


def test_a_sink_is_told_of_its_events_in_its_namespaces() -> None:
    sink = Sink("a", "https://x.example.org", SinkFormat.SLACK, TOLD[SinkFormat.SLACK])
    assert sink.wants(ReleaseEvent.FAILED, "album")
    assert not sink.wants(ReleaseEvent.BUILT, "album")
    one = Sink("a", "https://x.example.org", SinkFormat.SLACK, sink.events, None, frozenset({"a"}))
    assert one.wants(ReleaseEvent.FAILED, "a")
    assert not one.wants(ReleaseEvent.FAILED, "album")
