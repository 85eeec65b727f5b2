"""A file's cost is told before it is parsed, and nothing takes the square of a file's size."""

import time
from collections.abc import Callable

import pytest
import yaml

from album_operator.domain.release import Anchors, Edit
from album_operator.render import yaml_budget
from album_operator.render.values import NotEditableError, edit_values, exchange_values
from album_operator.render.yaml_budget import are_small, check_events
from album_operator.render.yaml_nodes import MAX_BYTES, MAX_EVENTS, RefusedError, parse_events

TAG = Edit("v.yaml", "image.tag")
HEAD = "image:\n  tag: v1\n"

APP = """\
app-{0}:
  image:
    repository: registry.example.org/team/app-{0}
    tag: "1.2.{0}"
  replicas: 3
  resources:
    limits: {{cpu: 100m, memory: 128Mi}}
  env:
    - name: GREETING
      value: good morning
"""

TOO_MUCH = {
    "flow mapping": "x: {" + "a," * 500_000 + "}\n",
    "flow sequence": "x: [" + "a," * 500_000 + "]\n",
    "pairs": "x: {" + "a: 1, " * 170_000 + "}\n",
    "lists": "x: [" + "[[[[[[]]]]]]," * 75_000 + "]\n",
    "items": "x:\n" + "- - -\n" * 170_000,
    "keys": "x:\n" + " ? a\n" * 200_000,
    "documents": "---\n" * 200_000,
}


@pytest.mark.parametrize("kind", TOO_MUCH)
def test_a_file_of_more_than_can_be_parsed_soon_is_refused_before_it_is_parsed(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("album_operator.render.values.parse_events", _never)
    text = HEAD + TOO_MUCH[kind]
    assert len(text) <= MAX_BYTES

    with pytest.raises(NotEditableError, match=f"v.yaml:[0-9]+:[0-9]+: .* {MAX_EVENTS} .* Split"):
        edit_values(text.encode(), {TAG: "v2"})


def test_a_file_of_one_mebibyte_as_people_write_them_is_within_the_budget() -> None:
    text = "".join(map(APP.format, range(4900)))
    assert len(text) > 0.97 * MAX_BYTES
    check_events(text)


def test_a_file_split_in_two_is_within_the_budget() -> None:
    half = HEAD + "x: {" + "a," * 120_000 + "}\n"
    check_events(half)
    with pytest.raises(RefusedError):
        check_events(half + half.replace("image", "other").replace("x", "y"))


def test_what_libyaml_does_not_read_is_counted_while_it_is_parsed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("album_operator.render.yaml_nodes.MAX_EVENTS", 1000)
    monkeypatch.setattr(yaml_budget, "MAX_EVENTS", 1000)
    text = "%YAML 1.2\n---\nx: [" + "a," * 1000 + "]\n"
    with pytest.raises(yaml.YAMLError):
        list(yaml.parse("%YAML 3.0\n--- a\n", yaml.CSafeLoader))
    with pytest.raises(RefusedError, match="more than 1000"):
        list(parse_events(text))
    check_events(f"\x07{text}")


def test_a_tag_is_not_as_long_as_a_file() -> None:
    text = HEAD + "x: !" + "t" * 200_000 + " 1\n"
    with pytest.raises(NotEditableError, match="tag there has more than 1024") as caught:
        edit_values(text.encode(), {TAG: "v2"})
    assert "v.yaml:3:4" in caught.value.sentence
    edit_values(text.replace("!" + "t" * 200_000, "").encode(), {TAG: "v2"})


def test_what_is_nested_too_deep_is_left_to_the_parser() -> None:
    check_events("[" * 200_000)


def test_a_value_with_many_aliases_takes_no_square_of_them() -> None:
    edit = Edit("v.yaml", "k", anchors=Anchors.EDIT)

    def seconds(size: int) -> float:
        data = ("k: &k v1\nl: [" + "*k," * size + "]\n").encode()
        began = time.process_time()
        assert exchange_values(data, {edit: "v2"}).notes
        return time.process_time() - began

    assert min(seconds(12_000) for _ in range(3)) < 9 * min(seconds(3000) for _ in range(3))


@pytest.mark.parametrize(
    "make",
    [
        lambda size: "a:\n  b: |\n    x\n" + "\n" * size + "    y\n",
        lambda size: "a:\n  b: |+\n    x\n" + "\r\n" * size,
        lambda size: "a:\n  b: x" + " " * size + "# c\n",
        lambda size: "a: {b: x" + "\n# c" * size + "\n}\n",
        lambda size: "a: {b: x" + " #" * size + "\n}\n",
    ],
    ids=["line ends in a block scalar", "at its end", "blanks", "comments", "marks of comments"],
)
def test_adding_a_key_takes_no_square_of_what_it_goes_beside(make: Callable[[int], str]) -> None:
    edit = Edit("v.yaml", "a.c", create=True)

    def seconds(size: int) -> float:
        data = make(size).encode()
        began = time.process_time()
        edit_values(data, {edit: "v2"})
        return time.process_time() - began

    assert min(seconds(16_000) for _ in range(3)) < 9 * min(seconds(4000) for _ in range(3))


def test_a_lack_of_memory_is_no_fault_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def lack(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("album_operator.render.yaml_nodes.YAML.parse", lack)
    with pytest.raises(MemoryError):
        edit_values(HEAD.encode(), {TAG: "v2"})


def test_small_files_are_told_from_others() -> None:
    values = ("image:\n  repository: ghcr.io/owner/app\n  tag: v1\n" * 40).encode()
    assert are_small([values, values])
    assert not are_small([values] * 8)
    assert not are_small([b"{" + b"a," * 600 + b"}"])
    assert not are_small([b"a: " + b"x" * 20_000])


def test_values_are_read_as_they_were_before_the_edit() -> None:
    exchanged = exchange_values(HEAD.encode(), {TAG: "v2"})
    assert exchanged.before == {TAG: "v1"}
    assert exchanged.data == b'image:\n  tag: "v2"\n'
    assert exchanged.notes == ()


def _never(_: str) -> None:
    raise AssertionError("the file was parsed")
