"""JSON of others: bounded in bytes, values and depth before it is parsed."""

import json
import tracemalloc

import pytest

from album_operator.codec.foreign_json import DEPTH, VALUES, ExcessiveError, parse_json


@pytest.mark.parametrize(
    "value",
    [None, 7, "text", [], {"a": [1, {"b": "[[["}]}, "é\ud83d\ude00", '"', "\\", "[" * 1000],
)
def test_what_is_sane_is_read(value: object) -> None:
    text = json.dumps(value)
    assert parse_json(text) == json.loads(text)
    assert parse_json(text.encode()) == json.loads(text)


@pytest.mark.parametrize(
    "text", ["", "{", '"', '"\\', "[1,]", "]", "[" * DEPTH, "[" * 20 + "]" * 99, b"\xff", b"[\x00"]
)
def test_what_is_no_json_is_told_from_what_is_too_much(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        parse_json(text)
    assert not isinstance(caught.value, ExcessiveError)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 65 + "]" * 65,
        "[" * 5_000_000,
        '{"a":' * 1_000,
        '[{"a":' * 60 + "1" + "}]" * 60,
        '["\\\\",' + "[" * 65,
        '["\\"",' + "[" * 65,
        '["[]",' + "[" * 65,
    ],
)
def test_a_depth_no_honest_answer_has_is_refused_before_it_is_parsed(text: str) -> None:
    with pytest.raises(ExcessiveError):
        parse_json(text)


def test_the_deepest_that_is_taken_is_taken() -> None:
    assert parse_json("[" * DEPTH + "]" * DEPTH)
    wide = [[[["["] * 40] * 40]]
    assert parse_json(json.dumps(wide)) == wide


def test_bytes_are_counted_as_utf_8() -> None:
    assert parse_json('"éé"', limit=6) == "éé"
    with pytest.raises(ExcessiveError, match="more than 5 bytes"):
        parse_json('"éé"', limit=5)


def test_a_lone_surrogate_is_no_json() -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_json('"\ud800"')


@pytest.mark.parametrize("item", ["[]", "{}", "0", '{"a":0}', '""'])
def test_many_small_values_take_no_more_than_a_known_amount_of_memory(item: str) -> None:
    text = f"[{','.join([item] * (8_000_000 // (len(item) + 1)))}]"
    tracemalloc.start()
    try:
        with pytest.raises(ExcessiveError, match=f"more than {VALUES} values"):
            parse_json(text)
        most = text[: text.rindex(",", 0, VALUES // 2 * (len(item) + 1))] + "]"
        assert parse_json(most)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 96 * 1024 * 1024


@pytest.mark.parametrize("text", ['"' + '\\"' * 2_000_000, '"' * 3_000_001, "]" * 4_000_000])
def test_a_text_made_to_be_read_slowly_is_looked_at_once(text: str) -> None:
    # Looked at once for each quote, each of these would take hours.
    with pytest.raises(ValueError, match=r"\w"):
        parse_json("[" * 65 + text)
