"""One value of a values file is exchanged, or the file is refused with place and way out."""

from dataclasses import replace
from pathlib import Path

import pytest

from album_operator.domain.reasons import Reason
from album_operator.domain.release import Edit, EditFormat, EditValue
from album_operator.render.values import NotEditableError, edit_values, read_values
from album_operator.render.yaml_again import read_again
from album_operator.render.yaml_nodes import RefusedError, parse_events
from album_operator.render.yaml_proof import check_only_changed
from tests.unit.render.yaml_files import is_within

CORPUS = Path(__file__).parent / "corpus"
EDIT, VERSION = Edit("values.yaml", "image.tag"), "v1.1.0"

IMAGE = "ghcr.io/owner/app"
FOLDERS = {
    ".": EDIT,
    "create": replace(EDIT, create=True),
    "kustomize": Edit("kustomization.yaml", IMAGE, format=EditFormat.KUSTOMIZE),
    "kustomize-create": Edit("kustomization.yaml", IMAGE, format=EditFormat.KUSTOMIZE, create=True),
}

CASES = sorted(
    (folder, path.name.removesuffix(".yaml"))
    for folder in FOLDERS
    for path in (CORPUS / folder).glob("*.yaml")
    if not path.name.endswith(".edited.yaml")
)
EDITED = [(folder, name) for folder, name in CASES if not name.startswith("refused")]
OTHER_B = Edit("v.yaml", "b.tag", EditValue.REPOSITORY)


def at(key: str) -> Edit:
    return Edit("v.yaml", key)


def test_the_corpus_is_there() -> None:
    assert len(CASES) > 180


@pytest.mark.parametrize(("folder", "name"), CASES)
def test_a_file_of_the_corpus_comes_out_as_recorded(folder: str, name: str) -> None:
    edit = FOLDERS[folder]
    data = (CORPUS / folder / f"{name}.yaml").read_bytes()
    refused = CORPUS / folder / f"{name}.refused.txt"
    if refused.exists():
        with pytest.raises(NotEditableError) as caught:
            edit_values(data, {edit: VERSION})
        assert f"{caught.value.reason}: {caught.value.sentence}\n" == refused.read_text()
        with pytest.raises(NotEditableError):
            read_values(data, [edit])[edit] or edit_values(data, {edit: VERSION})
    else:
        edited = edit_values(data, {edit: VERSION})
        assert edited == (CORPUS / folder / f"{name}.edited.yaml").read_bytes()
        assert read_values(edited, [edit]) == {edit: VERSION}
        assert edit_values(edited, {edit: VERSION}) is edited


@pytest.mark.parametrize(("folder", "name"), [case for case in EDITED if "create" not in case[0]])
def test_an_edit_of_the_corpus_changes_one_line(folder: str, name: str) -> None:
    before = (CORPUS / folder / f"{name}.yaml").read_bytes().splitlines(keepends=True)
    after = (CORPUS / folder / f"{name}.edited.yaml").read_bytes().splitlines(keepends=True)
    assert len(before) == len(after)
    changed = sum(old != new for old, new in zip(before, after, strict=True))
    assert changed == (0 if name.startswith("already-there") else 1)


@pytest.mark.parametrize(
    ("folder", "name"), [case for case in EDITED if "create" in case[0] and case[1] != "exchanged"]
)
def test_what_is_added_to_the_corpus_leaves_every_byte_that_was_there(
    folder: str, name: str
) -> None:
    before = (CORPUS / folder / f"{name}.yaml").read_bytes()
    after = (CORPUS / folder / f"{name}.edited.yaml").read_bytes()
    assert is_within(before, after)


def test_several_keys_are_edited_in_one_go() -> None:
    data = b"b: {tag: 'x'}\na:\n  tag:\n  digest: old\n"
    edits = {at("a.digest"): "new", at("b.tag"): "v2", at("a.tag"): "v1", OTHER_B: "v2"}
    assert edit_values(data, edits) == (b'b: {tag: \'v2\'}\na:\n  tag: "v1"\n  digest: "new"\n')


def test_two_edits_that_want_one_key_different_are_refused() -> None:
    with pytest.raises(NotEditableError, match=r"a cannot be set at v\.yaml:1:4: two edits"):
        edit_values(b"a: x\n", {at("a"): "1", Edit("v.yaml", "a", EditValue.DIGEST): "2"})


def test_a_key_that_is_wanted_as_it_is_does_not_keep_another_from_its_edit() -> None:
    data = b"a: x\nb: 'y'\n"
    assert edit_values(data, {at("a"): "x", at("b"): "z"}) == b"a: x\nb: 'z'\n"


@pytest.mark.parametrize("plain", ["1.10", "on", "1:20", "0o14", "2024-01-01", "null", "1e3"])
def test_a_plain_value_that_some_reader_takes_for_no_string_is_quoted(plain: str) -> None:
    data = f"a: {plain}\n".encode()
    assert edit_values(data, {at("a"): plain}) == f'a: "{plain}"\n'.encode()


@pytest.mark.parametrize("plain", ["v1.2.3", "1.2.3", "latest", "sha256:0f"])
def test_a_plain_value_that_is_this_string_for_every_reader_stays(plain: str) -> None:
    data = f"a: {plain} # note\n".encode()
    assert edit_values(data, {at("a"): plain}) is data


def test_a_value_that_its_quotes_cannot_hold_is_refused_by_the_proof() -> None:
    with pytest.raises(
        NotEditableError, match=r"v\.yaml:1:4: the edit would change more"
    ) as caught:
        edit_values(b"a: 'x'\n", {at("a"): "two\nlines"})
    assert caught.value.reason is Reason.VALUES_NOT_EDITABLE


def test_an_edit_that_breaks_the_file_is_refused() -> None:
    with pytest.raises(NotEditableError, match="control characters are not allowed, says libyaml"):
        edit_values(b"a: 'x'\n", {at("a"): "\x07"})


@pytest.mark.parametrize(
    "after",
    ["a: 'y'\nb: 2\n", "a: 'y'\n", "a: y\nb: 1\n", "a: [y]\nb: 1\n", "a: *y\nb: 1\n"],
)
def test_the_proof_notices_any_other_change(after: str) -> None:
    with pytest.raises(RefusedError):
        check_only_changed(list(parse_events("a: 'x'\nb: 1\n")), read_again(after), {4: "y"}, {})


def test_the_proof_is_content_with_the_wanted_change() -> None:
    check_only_changed(
        list(parse_events("a: 'x'\nb: 1\n")), read_again("a: 'y'\nb: 1 # c\n"), {4: "y"}, {}
    )


def test_a_file_over_one_mebibyte_is_refused_without_parsing() -> None:
    # It is no YAML either, which only a parser could tell.
    data = b"a: [\n" + b"#" * (1 << 20)
    with pytest.raises(NotEditableError, match="1048581 bytes"):
        edit_values(data, {at("a"): "y"})


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_refused_where_it_passes_the_limit_not_at_its_end(opening: str) -> None:
    text = opening * 100_000
    with pytest.raises(NotEditableError, match="nested deeper than 100") as caught:
        edit_values(text.encode(), {at("a"): "y"})
    assert f"v.yaml:1:{100 * len(opening) + 1}:" in caught.value.sentence


def test_an_alias_of_nothing_is_left_to_others() -> None:
    assert edit_values(b"a: x\nb: *c\n", {at("a"): "y"}) == b'a: "y"\nb: *c\n'


def test_a_file_of_fifty_megabytes_is_refused_for_its_size() -> None:
    with pytest.raises(NotEditableError, match="52428800 bytes"):
        edit_values(b"#" * (50 << 20), {at("a"): "y"})


def test_several_keys_that_are_missing_come_in_one_go() -> None:
    data = b"image:\n    repository: x"
    edits = {
        replace(at(key), create=True): key
        for key in ("image.tag", "image.pull.policy", "image.pull.by", "chart.version")
    }
    assert edit_values(data, edits) == (
        data + b'\n    tag: "image.tag"\n    pull:\n        policy: "image.pull.policy"\n'
        b'        by: "image.pull.by"\nchart:\n    version: "chart.version"'
    )


@pytest.mark.parametrize("data", [b"", b"image:\n", b"{}", b"image: {}\n", b"a: 1\nimage:"])
def test_one_edit_cannot_add_a_value_where_another_adds_a_mapping(data: bytes) -> None:
    edits = {replace(at("image"), create=True): "x", replace(at("image.tag"), create=True): "y"}
    for order in (list(edits), list(edits)[::-1]):
        with pytest.raises(NotEditableError, match=r"two edits want it different|not one value"):
            edit_values(data, {edit: edits[edit] for edit in order})


def test_two_edits_that_add_one_key_must_agree() -> None:
    first = replace(at("a"), create=True)
    second = replace(first, value=EditValue.REPOSITORY)
    assert edit_values(b"", {first: "1", second: "1"}) == b'a: "1"\n'
    with pytest.raises(NotEditableError, match="two edits want it different"):
        edit_values(b"", {first: "1", second: "2"})


@pytest.mark.parametrize("key", ["on", "1", "null", "-", "0x1", "1e3", "y"])
def test_a_new_key_that_some_reader_takes_for_no_string_is_quoted(key: str) -> None:
    assert edit_values(b"", {replace(at(key), create=True): "x"}) == f'"{key}": "x"\n'.encode()


@pytest.mark.parametrize(
    "after",
    [
        "a: {b: 1, c: 'x'}\n",
        "a: {b: 1, c: x, d: 1}\n",
        "a: {b: 1, d: x}\n",
        "a: {b: 1, &c c: x}\n",
        "a: {b: 1}\nc: x\n",
        "a: {b: 1, c: y}\n",
        "a: {b: 1, c: [x]}\n",
        "a: {b: '1', c: x}\n",
    ],
)
def test_the_proof_notices_whatever_else_came_into_being(after: str) -> None:
    before = list(parse_events("a: {b: 1}\n"))
    end = 7  # the end of the inner mapping
    if after == "a: {b: 1, c: 'x'}\n":
        check_only_changed(before, read_again(after), {}, {end: {"c": "x"}})
    else:
        with pytest.raises(RefusedError):
            check_only_changed(before, read_again(after), {}, {end: {"c": "x"}})


def test_a_tag_beside_a_digest_that_is_edited_too_is_set() -> None:
    data = f"images:\n- name: {IMAGE}\n  digest: sha256:0\n  newTag: a\n".encode()
    tag = FOLDERS["kustomize"]
    edited = edit_values(data, {tag: "v1", replace(tag, value=EditValue.DIGEST): "sha256:1"})
    assert edited == f'images:\n- name: {IMAGE}\n  digest: "sha256:1"\n  newTag: "v1"\n'.encode()
