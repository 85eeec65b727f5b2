"""YAML that is only read becomes plain data, or nothing is told of it."""

import pytest

from album_operator.render.yaml_plain import read_plain


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("image:\n  tag: v1.0.0\n", {"image": {"tag": "v1.0.0"}}),
        ("a: 1.10\nb: true\nc: '1'\n", {"a": "1.10", "b": "true", "c": "1"}),
        ("a: ~\nb:\nc: 'null'\nd: !!str\n", {"a": None, "b": None, "c": "null", "d": ""}),
        ("- [x, {y: z}]\n", [["x", {"y": "z"}]]),
        ("? [a]\n: 1\nb: 2\n", {"b": "2"}),
        ("a: 1\na: 2\n", {"a": "2"}),
        ("tag:\tv1\n", {"tag": "v1"}),
        ("", {}),
        ("# nothing\n---\n", {}),
    ],
)
def test_a_document_is_read_as_mappings_lists_and_texts(text: str, said: object) -> None:
    assert read_plain(text.encode()) == said


@pytest.mark.parametrize(
    "data",
    [
        b"a: 1\n---\nb: 2\n",
        b"a: &x 1\nb: *x\n",
        b"a: [\n",
        b"a: {{- include x }}\n{{ end }}",
        b"\xff\xfe",
        b"[" * 101 + b"]" * 101,
        b"[" + b"a," * 300_000 + b"]",
    ],
)
def test_of_what_is_no_plain_document_nothing_is_told(data: bytes) -> None:
    assert read_plain(data) is None
