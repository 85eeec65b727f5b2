"""One value of a values file is exchanged, or the file is refused with place and way out."""

import json
from pathlib import Path
from typing import TypeAlias

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from album_operator.domain.reasons import Reason
from album_operator.render.values import NotEditableError, edit_values, read_value
from album_operator.render.yaml_nodes import RefusedError, parse_events
from album_operator.render.yaml_proof import check_only_changed

Tree: TypeAlias = "str | list[Tree] | dict[str, Tree]"

CORPUS = Path(__file__).parent / "corpus"
KEY, VERSION = "image.tag", "v1.1.0"

CASES = sorted(
    path.name.removesuffix(".yaml")
    for path in CORPUS.glob("*.yaml")
    if not path.name.endswith(".edited.yaml")
)


def test_the_corpus_is_there() -> None:
    assert len(CASES) > 60


@pytest.mark.parametrize("name", CASES)
def test_a_file_of_the_corpus_comes_out_as_recorded(name: str) -> None:
    data = (CORPUS / f"{name}.yaml").read_bytes()
    refused = CORPUS / f"{name}.refused.txt"
    if refused.exists():
        with pytest.raises(NotEditableError) as caught:
            edit_values("values.yaml", data, [(KEY, VERSION)])
        assert f"{caught.value.reason}: {caught.value.message}\n" == refused.read_text()
        with pytest.raises(NotEditableError):
            read_value("values.yaml", data, KEY) or edit_values("", data, [(KEY, VERSION)])
    else:
        edited = edit_values("values.yaml", data, [(KEY, VERSION)])
        assert edited == (CORPUS / f"{name}.edited.yaml").read_bytes()
        assert read_value("values.yaml", edited, KEY) == VERSION
        assert edit_values("values.yaml", edited, [(KEY, VERSION)]) is edited


@pytest.mark.parametrize("name", [name for name in CASES if not name.startswith("refused")])
def test_an_edit_of_the_corpus_changes_one_line(name: str) -> None:
    before = (CORPUS / f"{name}.yaml").read_bytes().splitlines(keepends=True)
    after = (CORPUS / f"{name}.edited.yaml").read_bytes().splitlines(keepends=True)
    assert len(before) == len(after)
    changed = sum(old != new for old, new in zip(before, after, strict=True))
    assert changed == (0 if name.startswith("already-there") else 1)


def test_several_keys_are_edited_in_one_go() -> None:
    data = b"b: {tag: 'x'}\na:\n  tag:\n  digest: old\n"
    edits = [("a.digest", "new"), ("b.tag", "v2"), ("a.tag", "v1"), ("b.tag", "v2")]
    assert edit_values("v.yaml", data, edits) == (
        b'b: {tag: \'v2\'}\na:\n  tag: "v1"\n  digest: "new"\n'
    )


def test_two_edits_that_want_one_key_different_are_refused() -> None:
    with pytest.raises(NotEditableError, match=r"a cannot be set at v\.yaml:1:4: two edits"):
        edit_values("v.yaml", b"a: x\n", [("a", "1"), ("a", "2")])


def test_a_key_that_is_wanted_as_it_is_does_not_keep_another_from_its_edit() -> None:
    data = b"a: x\nb: 'y'\n"
    assert edit_values("v.yaml", data, [("a", "x"), ("b", "z")]) == b"a: x\nb: 'z'\n"


@pytest.mark.parametrize("plain", ["1.10", "on", "1:20", "0o14", "2024-01-01", "null", "1e3"])
def test_a_plain_value_that_some_reader_takes_for_no_string_is_quoted(plain: str) -> None:
    data = f"a: {plain}\n".encode()
    assert edit_values("v.yaml", data, [("a", plain)]) == f'a: "{plain}"\n'.encode()


@pytest.mark.parametrize("plain", ["v1.2.3", "1.2.3", "latest", "sha256:0f"])
def test_a_plain_value_that_is_this_string_for_every_reader_stays(plain: str) -> None:
    data = f"a: {plain} # note\n".encode()
    assert edit_values("v.yaml", data, [("a", plain)]) is data


def test_a_value_that_its_quotes_cannot_hold_is_refused_by_the_proof() -> None:
    with pytest.raises(
        NotEditableError, match=r"v\.yaml:1:4: the edit would change more"
    ) as caught:
        edit_values("v.yaml", b"a: 'x'\n", [("a", "two\nlines")])
    assert caught.value.reason is Reason.VALUES_NOT_EDITABLE


def test_an_edit_that_breaks_the_file_is_refused() -> None:
    with pytest.raises(NotEditableError, match=r"U\+0007"):
        edit_values("v.yaml", b"a: 'x'\n", [("a", "\x07")])


@pytest.mark.parametrize(
    "after",
    ["a: 'y'\nb: 2\n", "a: 'y'\n", "a: y\nb: 1\n", "a: [y]\nb: 1\n", "a: *y\nb: 1\n"],
)
def test_the_proof_notices_any_other_change(after: str) -> None:
    with pytest.raises(RefusedError):
        check_only_changed(parse_events("a: 'x'\nb: 1\n"), parse_events(after), {4: "y"})


def test_the_proof_is_content_with_the_wanted_change() -> None:
    check_only_changed(parse_events("a: 'x'\nb: 1\n"), parse_events("a: 'y'\nb: 1 # c\n"), {4: "y"})


def test_a_file_over_one_mebibyte_is_refused_without_parsing() -> None:
    # It is no YAML either, which only a parser could tell.
    data = b"a: [\n" + b"#" * (1 << 20)
    with pytest.raises(NotEditableError, match="1048581 bytes"):
        edit_values("v.yaml", data, [("a", "y")])


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_refused_where_it_passes_the_limit_not_at_its_end(opening: str) -> None:
    text = opening * 100_000
    with pytest.raises(NotEditableError, match="nested deeper than 100") as caught:
        edit_values("v.yaml", text.encode(), [("a", "y")])
    assert f"v.yaml:1:{100 * len(opening) + 1}:" in caught.value.message


def test_an_alias_of_nothing_is_left_to_others() -> None:
    assert edit_values("v.yaml", b"a: x\nb: *c\n", [("a", "y")]) == b'a: "y"\nb: *c\n'


KEYS = st.sampled_from(["tag", "image", "a b", "on", "'", '"', "x#y", "ключ", "1", "-a"])
WORDS = st.text(st.sampled_from("ab1.v-_:#'\"{}[],&*!|>%@` \\é😀"), min_size=0, max_size=8)
PLAIN = st.from_regex(r"[a-z0-9]([a-z0-9._-]{0,6}[a-z0-9])?", fullmatch=True)
TREES = st.recursive(
    WORDS | PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, min_size=1, max_size=4)
    ),
    max_leaves=12,
)
COMMENTS = st.sampled_from(["", "", "", ' # tag: "v0"', "   #", " ", "  # {{ x }} 'é😀"])


class Writer:
    """Writes a tree as YAML in a style drawn anew at every turn."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def scalar(self, text: str) -> str:
        styles = ['"', "'"]
        if text.isascii() and text.replace(".", "a").isalnum():
            styles.append("plain")
        match self._draw(st.sampled_from(styles)):
            case '"':
                return json.dumps(text, ensure_ascii=False)
            case "'":
                return "'" + text.replace("'", "''") + "'"
        return text

    def flow(self, tree: Tree) -> str:
        blank = self._draw(st.sampled_from(["", " ", "  "]))
        if isinstance(tree, dict):
            items = [f"{self.scalar(key)}: {self.flow(item)}" for key, item in tree.items()]
            return "{" + blank + f",{blank} ".join(items) + blank + "}"
        if isinstance(tree, list):
            return "[" + f"{blank}, ".join(self.flow(item) for item in tree) + blank + "]"
        return self.scalar(tree)

    def block(self, tree: Tree, indent: str) -> str:
        """Write all lines of a mapping or list, each with its line end."""
        lines = []
        items = tree.items() if isinstance(tree, dict) else (("", item) for item in tree)
        for key, item in items:
            if self._draw(st.booleans()):
                lines.append(self._draw(st.sampled_from(["\n", "# tag: x\n", "    # a\n", "  \n"])))
            head = indent + (f"{self.scalar(key)}:" if isinstance(tree, dict) else "-")
            comment = self._draw(COMMENTS)
            if item and isinstance(item, (dict, list)) and self._draw(st.booleans()):
                deeper = indent + " " * self._draw(st.integers(1, 4))
                lines.append(f"{head}{comment}\n{self.block(item, deeper)}")
            else:
                gap = " " * self._draw(st.integers(1, 3))
                lines.append(f"{head}{gap}{self.flow(item)}{comment}\n")
        return "".join(lines)


def scalar_keys(tree: Tree, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if isinstance(tree, dict):
        return [key for name, item in tree.items() for key in scalar_keys(item, (*prefix, name))]
    return [] if isinstance(tree, list) else [prefix]


@st.composite
def files(draw: st.DrawFn) -> tuple[dict[str, Tree], bytes]:
    tree = draw(st.dictionaries(KEYS, TREES, min_size=1, max_size=4))
    writer = Writer(draw)
    text = writer.block(tree, "") if draw(st.booleans()) else writer.flow(tree) + "\n"
    text = draw(st.sampled_from(["", "", "---\n", "# head\n\n"])) + text
    if draw(st.booleans()):
        text = text.removesuffix("\n")
    text = text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))
    return tree, (draw(st.sampled_from(["", "\ufeff"])) + text).encode()


def loaded(data: bytes) -> object:
    """Read with PyYAML, which shares no code path with what is tested; scalars stay texts."""
    return yaml.load(data.decode("utf-8-sig"), Loader=yaml.BaseLoader)  # noqa: S506


def with_value(tree: Tree, key: tuple[str, ...], value: str) -> Tree:
    if not key:
        return value
    assert isinstance(tree, dict)
    return {**tree, key[0]: with_value(tree[key[0]], key[1:], value)}


@given(files(), st.data(), PLAIN | WORDS)
def test_any_scalar_of_any_file_is_exchanged_and_nothing_else(
    file: tuple[dict[str, Tree], bytes], data: st.DataObject, value: str
) -> None:
    tree, before = file
    assert loaded(before) == tree
    keys = scalar_keys(tree) if "{{" not in f"{tree}{value}" else []
    assume(keys)
    key = data.draw(st.sampled_from(keys))
    after = edit_values("v.yaml", before, [(".".join(key), value)])
    assert loaded(after) == with_value(tree, key, value)
    assert read_value("v.yaml", after, ".".join(key)) == value
    old, new = before.split(b"\n"), after.split(b"\n")
    assert len(old) == len(new)
    assert sum(was != now for was, now in zip(old, new, strict=True)) <= 1


MARKS = st.sampled_from("\n\t\r \"'{}[]|>,~!%@`#\x00\x85\u2028\ufeff\ud7ffé😀")
TOKENS = st.sampled_from(["image:", "\n  ", "tag:", "*t", "&t ", "!!str ", ">-", "- ", "? ", ": "])
RARE = st.sampled_from(["---\n", "...\n", "<<: ", "{{", "\\ud800", "\\U99999999", "%YAML 1.1\n"])
SNIPPETS = TOKENS | MARKS | RARE | st.sampled_from(["%TAG ! tag:x,2000:\n", "!<tag:y.z:str> "])


@given(st.lists(SNIPPETS | st.text(max_size=3), max_size=30).map("".join))
def test_any_text_at_all_is_edited_with_proof_or_refused_with_a_place(text: str) -> None:
    check_edit_or_refusal(text.encode("utf-8", "replace"))


@given(st.sampled_from(CASES), st.data())
def test_any_damage_to_a_file_of_the_corpus_leads_to_an_edit_or_a_refusal(
    name: str, data: st.DataObject
) -> None:
    before = (CORPUS / f"{name}.yaml").read_bytes()
    at = data.draw(st.integers(0, len(before)))
    cut = data.draw(st.integers(0, 3))
    middle = data.draw(SNIPPETS | st.text(max_size=2)).encode("utf-8", "replace")
    check_edit_or_refusal(before[:at] + middle + before[at + cut :])


def check_edit_or_refusal(before: bytes) -> None:
    try:
        after = edit_values("v.yaml", before, [(KEY, VERSION)])
    except NotEditableError as error:
        refusal = error
    else:
        assert read_value("v.yaml", after, KEY) == VERSION
        assert edit_values("v.yaml", after, [(KEY, VERSION)]) is after
        return
    assert refusal.reason in {Reason.VALUES_KEY_NOT_FOUND, Reason.VALUES_NOT_EDITABLE}
    assert refusal.message.startswith("image.tag cannot be set at v.yaml:")
