"""What holds of every file: 10,000 generated ones each time the unit tests run."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from album_operator.domain.keys import parse_key, render_key
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Anchors, Document, Edit, EditFormat, EditValue
from album_operator.render.values import (
    NotEditableError,
    edit_values,
    exchange_values,
    read_values,
)
from tests.unit.render.yaml_files import (
    PLAIN,
    SNIPPETS,
    WORDS,
    Tree,
    any_kustomization,
    any_mapping_of,
    files,
    is_within,
    loaded,
    loaded_all,
    scalar_keys,
    streams,
    with_value,
)

CASES = {
    "exchange": 1500,
    "create": 1300,
    "documents": 1000,
    "shared": 600,
    "kustomize": 1200,
    "any text": 2200,
    "damage": 2200,
}

CORPUS = sorted(
    path
    for path in (Path(__file__).parent / "corpus").rglob("*.yaml")
    if not path.name.endswith(".edited.yaml")
)
IMAGE = "ghcr.io/owner/app"
TAG = Edit("v.yaml", "image.tag")
CREATED = Edit("v.yaml", "image.tag", create=True)
ENTRY = Edit("v.yaml", IMAGE, EditValue.DIGEST, EditFormat.KUSTOMIZE)
EDITS = st.sampled_from([TAG, CREATED, ENTRY, replace(ENTRY, create=True)])
NEW_NAMES = st.sampled_from(["new", "a-b", "off", "7", "_", "null"])


def test_at_least_ten_thousand_files_are_tried() -> None:
    assert sum(CASES.values()) >= 10_000


@settings(deadline=None, max_examples=CASES["exchange"])
@given(files(), st.data(), PLAIN | WORDS)
def test_any_scalar_of_any_file_is_exchanged_and_nothing_else_and_back_again(
    file: tuple[dict[str, Tree], bytes], data: st.DataObject, value: str
) -> None:
    tree, before = file
    assert loaded(before) == tree
    keys = scalar_keys(tree) if "{{" not in f"{tree}{value}" else []
    assume(keys)
    key = data.draw(st.sampled_from(keys))
    edit = Edit("v.yaml", render_key(key))
    [old] = read_values(before, [edit]).values()

    after = edit_values(before, {edit: value})

    assert loaded(after) == with_value(tree, key, value)
    assert read_values(after, [edit]) == {edit: value}
    lines, new_lines = before.split(b"\n"), after.split(b"\n")
    assert len(lines) == len(new_lines)
    assert sum(was != now for was, now in zip(lines, new_lines, strict=True)) <= 1
    back = edit_values(after, {edit: old})
    # A plain value comes back in quotes, and from then on it is the same bytes every time.
    assert back == before or (len(back) == len(before) + 2 and is_within(before, back))
    assert edit_values(edit_values(back, {edit: value}), {edit: old}) == back


@settings(deadline=None, max_examples=CASES["create"])
@given(files(), st.data(), st.lists(NEW_NAMES, min_size=1, max_size=3), PLAIN | WORDS)
def test_a_new_path_comes_into_any_mapping_of_any_file_and_nothing_else(
    file: tuple[dict[str, Tree], bytes], data: st.DataObject, names: list[str], value: str
) -> None:
    tree, before = file
    assume("{{" not in f"{tree}{value}")
    key = (*data.draw(any_mapping_of(tree)), *names)
    edit = Edit("v.yaml", render_key(key), create=True)
    beside = Edit("v.yaml", f"{edit.key}-too", EditValue.DIGEST, create=True)
    wanted = {edit: value, beside: "two"} if data.draw(st.booleans()) else {edit: value}

    after = edit_values(before, wanted)

    expected: Tree = tree
    for one, text in wanted.items():
        expected = with_value(expected, parse_key(one.key), text)
    assert loaded(after) == expected
    assert is_within(before, after)
    assert b"\r\n" in before or b"\r" not in after
    assert after.endswith(b"\n") == before.endswith(b"\n")
    assert read_values(after, wanted) == wanted
    assert edit_values(after, wanted) is after


@settings(deadline=None, max_examples=CASES["documents"])
@given(streams(), st.data(), PLAIN | WORDS)
def test_any_scalar_of_any_document_is_exchanged_and_nothing_else(
    file: tuple[list[dict[str, Tree]], bytes], data: st.DataObject, value: str
) -> None:
    trees, before = file
    assert loaded_all(before) == trees
    assume("{{" not in f"{trees}{value}")
    number = data.draw(st.integers(0, len(trees) - 1))
    keys = scalar_keys(trees[number])
    assume(keys)
    key = data.draw(st.sampled_from(keys))
    edit = Edit("v.yaml", render_key(key), document=Document(number))

    after = edit_values(before, {edit: value})

    assert loaded_all(after) == [
        with_value(tree, key, value) if index == number else tree
        for index, tree in enumerate(trees)
    ]
    lines, new_lines = before.split(b"\n"), after.split(b"\n")
    assert sum(was != now for was, now in zip(lines, new_lines, strict=True)) <= 1
    assert edit_values(after, {edit: value}) is after


@settings(deadline=None, max_examples=CASES["shared"])
@given(
    st.lists(st.booleans(), min_size=1, max_size=6),
    st.lists(st.booleans(), max_size=4),
    st.data(),
    PLAIN,
)
def test_what_an_anchor_shares_is_left_alone_or_edited_in_all_places(
    keys: list[bool], items: list[bool], data: st.DataObject, value: str
) -> None:
    rows = [f"k{number}: {'*a' if uses else 'own'}\n" for number, uses in enumerate(keys)]
    listed = "".join(f"- {'*a' if uses else 'own'}\n" for uses in items)
    before = f"base: &a old # c\n{''.join(rows)}list:\n{listed or '- own'}\n".encode()
    uses = [f"k{number}" for number, is_alias in enumerate(keys) if is_alias]
    uses += [f"list[{number}]" for number, is_alias in enumerate(items) if is_alias]
    place = data.draw(st.sampled_from(["base", *uses]))
    edit = Edit("v.yaml", place)

    refused = attempt(before, {edit: value})
    assert isinstance(refused, NotEditableError) is bool(uses)
    wished = exchange_values(before, {replace(edit, anchors=Anchors.EDIT): value})

    assert wished.data == before.replace(b"&a old", f'&a "{value}"'.encode())
    assert all(use in "".join(wished.notes) for use in uses)
    after = loaded(wished.data)
    assert str(after).count("'old'") == 0


@settings(deadline=None, max_examples=CASES["kustomize"])
@given(
    any_kustomization(IMAGE),
    st.sets(st.sampled_from(["newTag", "digest", "newName"]), min_size=1),
    st.booleans(),
    PLAIN,
)
def test_an_entry_of_any_kustomization_is_set_and_nothing_else(
    file: tuple[dict[str, Tree], bytes], fields: set[str], create: bool, value: str
) -> None:
    tree, before = file
    kinds = {"newTag": "Tag", "digest": "Digest", "newName": "Repository"}
    edits = {
        Edit(
            "v.yaml", IMAGE, EditValue(kinds[name]), EditFormat.KUSTOMIZE, create
        ): f"{name}{value}"
        for name in sorted(fields)
    }
    images = tree.get("images") or []
    assert isinstance(images, list)
    entries = [dict(entry) for entry in images if isinstance(entry, dict)]
    own = next((entry for entry in entries if entry["name"] == IMAGE), None)
    hidden = own is not None and "digest" in own and "digest" not in fields
    lacks = own is None or not fields <= own.keys()

    after = attempt(before, edits)

    if isinstance(after, NotEditableError):
        if "where its items begin is not certain" in after.sentence:
            assert own is None
            assert b'images": &' in before or b"images: &" in before or b"images': &" in before
            return
        assert hidden or (lacks and not create)
        assert hidden or after.reason is Reason.VALUES_KEY_NOT_FOUND
        return
    assert not hidden
    assert create or not lacks
    if own is None:
        own = {"name": IMAGE}
        entries.append(own)
    own |= {name: f"{name}{value}" for name in fields}
    assert loaded(after) == {**tree, "images": entries}
    assert read_values(after, edits) == edits
    assert edit_values(after, edits) is after


@settings(deadline=None, max_examples=CASES["any text"])
@given(st.lists(SNIPPETS | st.text(max_size=3), max_size=30).map("".join), EDITS)
def test_any_text_at_all_is_edited_with_proof_or_refused_with_a_place(
    text: str, edit: Edit
) -> None:
    check_edit_or_refusal(text.encode("utf-8", "replace"), edit)


@settings(deadline=None, max_examples=CASES["damage"])
@given(st.sampled_from(CORPUS), st.data(), EDITS)
def test_any_damage_to_a_file_of_the_corpus_leads_to_an_edit_or_a_refusal(
    path: Path, data: st.DataObject, edit: Edit
) -> None:
    before = path.read_bytes()
    at = data.draw(st.integers(0, len(before)))
    cut = data.draw(st.integers(0, 3))
    middle = data.draw(SNIPPETS | st.text(max_size=2)).encode("utf-8", "replace")
    check_edit_or_refusal(before[:at] + middle + before[at + cut :], edit)


def attempt(before: bytes, edits: Mapping[Edit, str]) -> bytes | NotEditableError:
    try:
        return edit_values(before, edits)
    except NotEditableError as error:
        return error


def check_edit_or_refusal(before: bytes, edit: Edit) -> None:
    wanted = {edit: "v1.1.0"}
    after = attempt(before, wanted)
    if isinstance(after, NotEditableError):
        assert after.reason in {Reason.VALUES_KEY_NOT_FOUND, Reason.VALUES_NOT_EDITABLE}
        assert "cannot be set at v.yaml:" in after.message
        assert "Report this as a bug" not in after.message
        return
    assert read_values(after, [edit]) == wanted
    assert edit_values(after, wanted) is after
