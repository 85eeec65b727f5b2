"""Edits in a block of text that is YAML itself: one value changes, and no other byte."""

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from album_operator.domain.reasons import Reason
from album_operator.domain.release import Document, Edit, EditFormat, EditValue
from album_operator.render.values import (
    NotEditableError,
    edit_values,
    exchange_values,
    read_values,
)

DIGEST = f"sha256:{'f' * 64}"
TAG = Edit("apps/shop.yaml", "spec.values.image.tag")
HEAD = "kind: Application\nspec:\n  name: shop\n"


def _edited(text: str, edit: Edit = TAG, value: str = "v1.1.0") -> str:
    return edit_values(text.encode(), {edit: value}).decode()


@pytest.mark.parametrize(
    "block",
    [
        "  values: |\n    image:\n      tag: v1.0.0\n",
        "  values: |-\n    image: {name: shop, tag: v1.0.0}\n",
        "  values: |+ # of the chart\n    image:\n      tag: v1.0.0\n\n\n",
        "  values: &v !!str |\n    image:\n      tag: v1.0.0\n",
        "  values: |\n\n    # one\n    image:\n        tag:   v1.0.0   # ours\n    a: b",
        "  values: |\n      other: |\n        - x\n      image:\n        tag: v1.0.0\n  after: x\n",
        "  values: |\n    image:\n      # ü\n      tag: v1.0.0\n    text: >\n      folded\n# end\n",
    ],
)
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_one_value_of_a_text_is_replaced_and_no_other_byte(block: str, bom: str, ends: str) -> None:
    text = (bom + HEAD + block).replace("\n", ends)

    assert _edited(text) == text.replace("v1.0.0", '"v1.1.0"')
    assert read_values(text.encode(), [TAG]) == {TAG: "v1.0.0"}
    again = text.replace("v1.0.0", '"v1.1.0"')
    assert _edited(again) == again


def test_several_edits_of_texts_and_beside_them_are_one_change() -> None:
    text = (
        "spec:\n  tag: v1.0.0\n  values: |\n    image:\n      tag: v1.0.0\n      digest: ''\n"
        "  more:\n  - name: other\n    text: |\n      tag: v1.0.0\n"
    )
    wanted = {
        Edit("a.yaml", "spec.tag"): "v1.1.0",
        Edit("a.yaml", "spec.values.image.tag"): f"v1.1.0@{DIGEST}",
        Edit("a.yaml", "spec.values.image.digest", EditValue.DIGEST): DIGEST,
        Edit("a.yaml", "spec.more[name=other].text.tag"): "v1.1.0",
    }
    exchanged = exchange_values(text.encode(), wanted)

    assert exchanged.data.decode() == text.replace("v1.0.0", '"v1.1.0"').replace(
        "''", f"'{DIGEST}'"
    )
    assert [exchanged.before[edit] for edit in wanted] == ["v1.0.0", "v1.0.0", "", "v1.0.0"]


def test_a_text_in_a_text_in_one_of_several_documents_is_reached() -> None:
    text = (
        "kind: Other\n---\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  values.yaml: |\n"
        "    inner: |\n      tag: v1.0.0\n"
    )
    document = Document(kind="ConfigMap", name="a")
    edit = Edit("a.yaml", r"data.values\.yaml.inner.tag", document=document)

    assert _edited(text, edit) == text.replace("v1.0.0", '"v1.1.0"')


def test_a_key_that_is_missing_in_a_text_is_added_on_wish() -> None:
    text = f"{HEAD}  values: |\n    image:\n      name: shop\n    a: b\n  after: x\n"
    edit = Edit("a.yaml", "spec.values.image.tag", create=True)

    after = text.replace("name: shop\n    a", 'name: shop\n      tag: "v1.1.0"\n    a')
    assert _edited(text, edit) == after


@pytest.mark.parametrize("end", ["\n", "\n\n", ""])
@pytest.mark.parametrize("mark", ["|", "|-", "|+"])
def test_a_key_that_is_added_at_the_end_of_a_text_stays_in_it(mark: str, end: str) -> None:
    text = f"{HEAD}  values: {mark}\n    image:\n      name: shop{end}"
    edit = Edit("a.yaml", "spec.values.image.tag", create=True)
    after = yaml.safe_load(_edited(text, edit))

    image = {"name": "shop", "tag": "v1.1.0"}
    assert yaml.safe_load(after["spec"]["values"]) == {"image": image}


def test_a_pinned_tag_stays_pinned() -> None:
    text = f"{HEAD}  values: |\n    image:\n      tag: v1.0.0@sha256:{'0' * 64}\n"

    assert f'"v1.1.0@{DIGEST}"' in _edited(text, value=f"v1.1.0@{DIGEST}")


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("  values: |\n    image:\n      name: x\n", "a.yaml:6:7: the mapping that begins there"),
        ("  values: |\n    image:\n      tag: {}\n", "a.yaml:6:12: what is there is a mapping"),
        ("  values: |\n    image: [\n", "a.yaml:"),
        ("  values: |\n    image:\n      tag: {{ .x }}\n", "looks like a Go template"),
        ("  values: |\n    just words\n", "a.yaml:5:5: what is there is a text, not a mapping"),
        ("  values: >\n    image: {tag: v1}\n", "what is there is a text, not a mapping"),
        ('  values: "image: {tag: v1}"\n', "what is there is a text, not a mapping"),
        ("  values: |\n", "it cannot be told what the text there says"),
        ("  values: |2\n       image: {tag: v1}\n", "it cannot be told what the text there says"),
        ("  values: |\n    a: b\n    ---\n    image: {tag: v1}\n", "has several documents"),
        ("  values: &v |\n    image: {tag: v1}\n  more: *v\n", "the anchor &v is there"),
        (
            f"  values: |\n    image: {{tag: v1, digest: '{DIGEST}'}}\n",
            "image.digest has the value sha256:",
        ),
    ],
)
def test_what_cannot_be_edited_in_a_text_is_told_by_line_and_key_of_the_file(
    block: str, said: str
) -> None:
    edit = Edit("a.yaml", "spec.values.image.tag")
    with pytest.raises(NotEditableError) as refused:
        edit_values((HEAD + block).encode(), {edit: "v1.1.0"})
    assert refused.value.message.startswith("spec.values.image.tag cannot be set at a.yaml:")
    assert said in refused.value.message
    assert refused.value.remedy


def test_a_missing_key_of_a_text_is_one_of_the_file_for_readers_too() -> None:
    with pytest.raises(NotEditableError) as refused:
        read_values(f"{HEAD}  values: |\n    a: b\n".encode(), [TAG])
    assert refused.value.reason is Reason.VALUES_KEY_NOT_FOUND
    assert refused.value.message.startswith("spec.values.image.tag cannot be set at apps/shop.yaml")


def test_a_list_in_a_text_is_a_text_where_it_is_asked_for_by_its_file() -> None:
    edit = Edit("kustomization.yaml", "shop", format=EditFormat.KUSTOMIZE)
    with pytest.raises(NotEditableError, match="a text, not a list with an item with name shop"):
        edit_values(b"images: |\n  - name: shop\n    newTag: v1\n", {edit: "v1.1.0"})


def test_an_encrypted_file_keeps_its_texts() -> None:
    text = f"{HEAD}  values: |\n    image: {{tag: v1}}\nsops: {{mac: 'ENC[x]', lastmodified: a}}\n"
    with pytest.raises(NotEditableError, match="encrypted by SOPS"):
        _edited(text)


names = st.text("abc", min_size=1, max_size=3)
scalars = st.one_of(st.text("ab \u00fc#:'\"", max_size=6), st.integers(0, 99), st.booleans())
trees = st.dictionaries(
    names, st.recursive(scalars, lambda below: st.lists(below, max_size=3), max_leaves=5)
)


@given(trees, trees, st.sampled_from(["|", "|-", "|+"]), st.integers(1, 6))
def test_any_mapping_in_a_text_is_edited_alone(
    before: dict[str, object], after: dict[str, object], mark: str, indent: int
) -> None:
    said = {**before, "the": {"tag": "v1.0.0"}, **{f"{key}z": after[key] for key in after}}
    lines = yaml.safe_dump(said, sort_keys=False, allow_unicode=True).splitlines()
    body = "".join(f"{' ' * indent}{line}".rstrip() + "\n" for line in lines)
    text = f"first: 1\nvalues: {mark}\n{body}last: 2\n"
    edit = Edit("a.yaml", "values.the.tag")
    # Not so where the blanks at the end of a line of a scalar went.
    assume(yaml.safe_load(yaml.safe_load(text)["values"]) == said)

    edited = edit_values(text.encode(), {edit: "v1.1.0"}).decode()

    assert edited == text.replace("tag: v1.0.0", 'tag: "v1.1.0"')
    now = yaml.safe_load(edited)
    assert yaml.safe_load(now["values"]) == {**said, "the": {"tag": "v1.1.0"}}
    assert (now["first"], now["last"]) == (1, 2)


@pytest.mark.parametrize("text", [">\n    image: {tag: v1.0.0}\n", "'image: {tag: v1.0.0}'\n"])
def test_a_text_that_is_not_looked_into_can_be_written_as_a_block(text: str) -> None:
    with pytest.raises(NotEditableError) as refused:
        _edited(f"{HEAD}  values: {text}")
    assert refused.value.remedy.endswith("or write the text as a block (|), which is looked into")

    assert '"v1.1.0"' in _edited(f"{HEAD}  values: |\n    image: {{tag: v1.0.0}}\n")
