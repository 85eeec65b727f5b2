"""Keys reach everything: lists, any name and document, and what is shared if that is wished."""

from dataclasses import replace

import pytest

from album_operator.domain.reasons import Reason
from album_operator.domain.release import Anchors, Document, Edit, EditFormat, EditValue
from album_operator.render.values import (
    Exchanged,
    NotEditableError,
    edit_values,
    exchange_values,
    read_values,
)

POD = """\
spec:
  containers:
  - name: web
    image: nginx:1.27
  - {name: app, image: "acme/app:v1", env: [{name: A, value: "1"}, {name: B, value: x}]}
  - # the last
    name: "sidecar"
    args: [--level, debug]
"""
TWO = """\
kind: HelmRepository
metadata: {name: shop}
tag: a
---
# the release
kind: HelmRelease
metadata:
  name: shop
tag: b
---
kind: HelmRelease
metadata: {name: other}
tag: c
...
"""
SHARED = """\
base: &base
  tag: &tag v1
  name: x
web: *base
api:
  <<: *base
  replicas: 2
list: [*tag, {image: *tag}]
"""


def at(key: str, *, create: bool = False, document: Document | None = None) -> Edit:
    return Edit("v.yaml", key, create=create, document=document)


def shared(key: str, *, create: bool = False) -> Edit:
    return replace(at(key, create=create), anchors=Anchors.EDIT)


def edited(data: str, edit: Edit, value: str = "v2") -> str:
    exchanged = exchange_values(data.encode(), {edit: value})
    assert exchange_values(exchanged.data, {edit: value}).data is exchanged.data
    return exchanged.data.decode()


def refusal(data: str, edit: Edit) -> NotEditableError:
    with pytest.raises(NotEditableError) as caught:
        edit_values(data.encode(), {edit: "v2"})
    return caught.value


@pytest.mark.parametrize(
    ("key", "old", "new"),
    [
        ("spec.containers[name=web].image", "nginx:1.27", '"v2"'),
        ("spec.containers[0].image", "nginx:1.27", '"v2"'),
        ("spec.containers[name=app].image", '"acme/app:v1"', '"v2"'),
        ("spec.containers[name=app].env[name=B].value", "value: x", 'value: "v2"'),
        ("spec.containers[1].env[0].value", '"1"', '"v2"'),
        ("spec.containers[image=nginx:1.27].name", "web", '"v2"'),
        ("spec.containers[name=sidecar].args[1]", "debug", '"v2"'),
        ("spec.containers[name=sidecar].args[0]", "--level", '"v2"'),
    ],
)
def test_a_key_goes_through_lists(key: str, old: str, new: str) -> None:
    edit = at(key)
    after = edit_values(POD.encode(), {edit: "v2"}).decode()

    assert after == POD.replace(old, new)
    [before] = read_values(POD.encode(), [edit]).values()
    assert before in old


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("spec.containers[name=none].image", "the list that begins there has no item with name"),
        ("spec.containers[7].image", "has 3 items and no item [7]"),
        ("spec.containers[name=sidecar].args[2]", "has 2 items and no item [2]"),
        ("spec.containers[0].tag", "the mapping that begins there has no key tag"),
    ],
)
def test_what_a_list_does_not_have_is_not_found(key: str, said: str) -> None:
    error = refusal(POD, at(key))

    assert error.reason is Reason.VALUES_KEY_NOT_FOUND
    assert said in error.sentence


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("spec.containers.0.image", "items of lists are named as [0] or [name=…]"),
        ("spec[0].containers", "what is there is no list with the item [0]"),
        ("spec[name=app].image", "what is there is no list with the item with name app"),
        ("spec.containers[name=app]", "the key ends with the item with name app of a list"),
        ("spec.containers[name=app].name", "the very value by which its item is told"),
        ("spec.containers[0]", "what is there is a mapping, not one value"),
        ("spec.containers[name=sidecar].args[--level=x].y", "is no mapping with the key --level"),
        ("spec.containers[0", "is no key"),
        ("spec.containers]", "is no key"),
        ("a" + "[0]" * 101, "the key has more than 100 steps"),
        ("a." * 127 + "a", "the key has more than 100 steps"),
    ],
)
@pytest.mark.parametrize("create", [False, True])
def test_a_key_that_can_lead_nowhere_is_refused(key: str, said: str, create: bool) -> None:
    error = refusal(POD, at(key, create=create))

    assert error.reason is Reason.VALUES_NOT_EDITABLE
    assert said in error.sentence


def test_a_selector_that_two_items_meet_is_refused_and_their_index_is_not() -> None:
    data = "list:\n- {name: a, tag: x}\n- {name: a, tag: y}\n"

    error = refusal(data, at("list[name=a].tag"))
    assert "v.yaml:3:3: an item with name a is there twice" in error.sentence
    assert edited(data, at("list[1].tag")) == data.replace("tag: y", 'tag: "v2"')
    twice = refusal("list: [{name: a, name: b, tag: x}]\n", at("list[name=a].tag"))
    assert "the key name is there twice" in twice.sentence


def test_an_item_may_have_its_key_by_an_alias_or_a_merge() -> None:
    data = "n: &n app\nb: &b {name: web}\nlist: [{name: *n, tag: x}, {<<: *b, tag: y}, {tag: z}]\n"

    assert edited(data, at("list[name=app].tag")) == data.replace("tag: x", 'tag: "v2"')
    assert edited(data, at("list[name=web].tag")) == data.replace("tag: y", 'tag: "v2"')
    assert "has no item with name none" in refusal(data, at("list[name=none].tag")).sentence


@pytest.mark.parametrize(
    ("data", "key", "after"),
    [
        ("a: [{id: k}]", "a[id=new].tag", 'a: [{id: k}, {id: "new", tag: "v2"}]'),
        ("a:\n- id: k", "a[id=new].b.tag", 'a:\n- id: k\n- id: new\n  b:\n    tag: "v2"'),
        ("a:\n  - id: k\n", "a[id=k].tag", 'a:\n  - id: k\n    tag: "v2"\n'),
        ("a:\n- id: k\n", "a[0].tag", 'a:\n- id: k\n  tag: "v2"\n'),
        ("a:\n", "a[id=1].b[m=on].tag", 'a:\n- id: "1"\n  b:\n  - m: "on"\n    tag: "v2"\n'),
        ("{a: }", "a[id=new].tag", '{a: [{id: "new", tag: "v2"}] }'),
        (
            "a: &a\n  - id: k\nb: 1\n",
            "a[id=m].tag",
            'a: &a\n  - id: k\n  - id: m\n    tag: "v2"\nb: 1\n',
        ),
        ("a: 1\n", r"b\.c.d\[0\]", 'a: 1\nb.c:\n  "d[0]": "v2"\n'),
    ],
)
def test_what_is_missing_in_a_list_is_added(data: str, key: str, after: str) -> None:
    assert edited(data, at(key, create=True)) == after


@pytest.mark.parametrize(
    ("data", "key", "said"),
    [
        ("a: []\n", "a[0].tag", "has 0 items and no item [0]"),
        ("a: [{n: x}]\n", "a[1].tag", "has 1 items and no item [1]"),
        ("{}\n", "a[0].tag", "no key a"),
        ("a:\n-\n", "a[0].tag", "the item of the list there is empty"),
        ("a: &a\n-\n  n: x\nb: 1\n", "a[n=z].tag", "where its items begin is not certain"),
        ("a: &a\n  ? n\n  : x\n", "a.tag", "where its items begin is not certain"),
    ],
)
def test_what_would_not_be_certain_in_a_list_is_not_added(data: str, key: str, said: str) -> None:
    assert said in refusal(data, at(key, create=True)).sentence


def test_an_empty_item_of_a_list_is_not_filled() -> None:
    assert "Write a value there" in refusal("a:\n- \n- x\n", at("a[0]")).sentence
    assert edited("a:\n- ''\n- x\n", at("a[0]")) == "a:\n- 'v2'\n- x\n"


def test_a_list_for_one_edit_and_a_mapping_for_another_is_a_contradiction() -> None:
    edits = {at("a[n=x].b", create=True): "1", at("a.c", create=True): "2"}
    for order in (list(edits), list(edits)[::-1]):
        with pytest.raises(NotEditableError, match="two edits want it different"):
            edit_values(b"{}\n", {edit: edits[edit] for edit in order})


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ("podLabels: {app.kubernetes.io/version: v1}", r"podLabels.app\.kubernetes\.io/version"),
        ("image.attributes.tag: v1", r"image\.attributes\.tag"),
        ("'a b':\n  c[0]: v1", r"a\ b.c\[0\]"),
        ('"a\\\\b": v1', r"a\\b"),
        ("ключ/😀: v1", "ключ/😀"),
        ("0: {on: v1}", "0.on"),
    ],
)
def test_a_key_goes_through_any_name(data: str, key: str) -> None:
    assert edited(f"{data}\n", at(key)) == f"{data}\n".replace("v1", '"v2"')


def test_the_way_out_of_a_key_with_dots_in_it_is_one() -> None:
    data = "image.attributes.tag: v1\n"

    assert (
        r"Name it as image\.attributes\.tag" in refusal(data, at("image.attributes.tag")).sentence
    )


@pytest.mark.parametrize(
    ("document", "old"),
    [
        (Document(0), "tag: a"),
        (Document(1), "tag: b"),
        (Document(2), "tag: c"),
        (Document(kind="HelmRepository", name="shop"), "tag: a"),
        (Document(kind="HelmRelease", name="shop"), "tag: b"),
    ],
)
def test_one_of_several_documents_is_edited(document: Document, old: str) -> None:
    assert edited(TWO, at("tag", document=document)) == TWO.replace(old, 'tag: "v2"')
    new = edited(TWO, at("more.of", create=True, document=document))
    assert new == TWO.replace(f"{old}\n", f'{old}\nmore:\n  of: "v2"\n')


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (None, "v.yaml:5:1: one of 3 documents of the file begins there. Name one beside the key"),
        (Document(3), "has 3 documents, counted from 0, and no document 3"),
        (Document(kind="HelmRelease", name="none"), "no document of the file is HelmRelease none"),
        (Document(kind="Deployment", name="shop"), "no document of the file is Deployment shop"),
    ],
)
def test_a_document_that_is_not_there_is_told(document: Document | None, said: str) -> None:
    assert (
        said in refusal(TWO.replace("# the release\n", ""), at("tag", document=document)).sentence
    )


def test_two_documents_of_one_name_are_told_apart_by_their_index() -> None:
    data = TWO.replace("other", "shop")
    error = refusal(data, at("tag", document=Document(kind="HelmRelease", name="shop")))

    assert "v.yaml:11:1: a second document that is HelmRelease shop begins there" in error.sentence
    assert edited(data, at("tag", document=Document(2))) == data.replace("tag: c", 'tag: "v2"')


@pytest.mark.parametrize(
    "head", ["[]", "x", "{kind: A}", "{kind: A, metadata: {}}", "{metadata: x}"]
)
def test_a_document_without_a_name_is_not_meant(head: str) -> None:
    data = f"{head}\n---\n{{kind: A, metadata: {{name: b}}, tag: x}}\n"

    after = edited(data, at("tag", document=Document(kind="A", name="b")))
    assert after == data.replace("tag: x", 'tag: "v2"')


def test_edits_of_several_documents_come_in_one_go() -> None:
    edits = {at("tag", document=Document(index)): f"v{index}" for index in range(3)}
    after = edit_values(TWO.encode(), edits).decode()

    assert after == TWO.replace(" a\n", ' "v0"\n').replace(" b\n", ' "v1"\n').replace(
        " c\n", ' "v2"\n'
    )


def test_a_digest_of_another_document_gives_no_pin_away() -> None:
    old, new = f"sha256:{'0' * 64}", f"sha256:{'1' * 64}"
    data = f"tag: v1@{old}\n---\ndigest: {old}\n"
    digest = replace(at("digest", document=Document(1)), value=EditValue.DIGEST)
    edits = {at("tag", document=Document(0)): f"v2@{new}", digest: new}

    after = edit_values(data.encode(), edits).decode()
    assert after == f'tag: "v2@{new}"\n---\ndigest: "{new}"\n'


def test_a_document_of_a_kustomization_may_be_named_too() -> None:
    data = "images: [{name: a, newTag: x}]\n---\nother: y\n"
    edit = Edit("v.yaml", "a", format=EditFormat.KUSTOMIZE, document=Document(0))

    assert edited(data, edit) == data.replace("newTag: x", 'newTag: "v2"')


def test_an_anchor_of_another_document_shares_nothing() -> None:
    data = "tag: &t x\n---\nother: &t y\nmore: *t\n"

    after = edited(data, at("tag", document=Document(0)))
    assert after == data.replace("&t x", '&t "v2"')


def exchanged(data: str, edit: Edit) -> Exchanged:
    return exchange_values(data.encode(), {edit: "v2"})


@pytest.mark.parametrize(
    ("key", "changed"),
    [
        ("base.tag", "base.tag, web, api.<<, list[0] and list[1].image"),
        ("web.tag", "base.tag, web, api.<<, list[0] and list[1].image"),
        ("api.tag", "base.tag, web, api.<<, list[0] and list[1].image"),
        ("list[0]", "base.tag, web, api.<<, list[0] and list[1].image"),
        ("list[1].image", "base.tag, web, api.<<, list[0] and list[1].image"),
    ],
)
def test_what_an_anchor_shares_is_edited_if_that_is_wished_and_all_of_it_is_told(
    key: str, changed: str
) -> None:
    error = refusal(SHARED, at(key))
    assert error.reason is Reason.VALUES_NOT_EDITABLE
    assert "set anchors: Edit beside the key" in error.sentence

    found = exchanged(SHARED, shared(key))
    assert found.data.decode() == SHARED.replace("&tag v1", '&tag "v2"')
    assert found.before == {shared(key): "v1"}
    assert found.notes == (f"{key} of v.yaml is shared, so {changed} change together.",)


def test_what_is_added_to_what_is_shared_is_told_too() -> None:
    found = exchanged(SHARED, shared("web.more", create=True))

    assert found.data.decode() == SHARED.replace("  name: x\n", '  name: x\n  more: "v2"\n')
    assert found.notes == (
        "web.more of v.yaml is shared, so base, web and api.<< change together.",
    )
    own = exchanged(SHARED, shared("api.more", create=True))
    assert own.data.decode() == SHARED.replace("replicas: 2\n", 'replicas: 2\n  more: "v2"\n')
    assert own.notes == ()


def test_a_wish_to_edit_what_is_shared_says_nothing_where_nothing_is() -> None:
    assert exchanged("a: &a v1\nb: 1\n", shared("a")).notes == ()
    assert exchanged("", shared("a", create=True)).notes == ()
    assert "is no key" in refusal("a: 1\n", shared("a[")).sentence


def test_of_many_places_that_change_together_some_are_named() -> None:
    data = "a: &a v1\n" + "".join(f"k{number}: *a\n" for number in range(500))
    [note] = exchanged(data, shared("a")).notes

    assert "so a, k0, k1," in note
    assert note.endswith(", k10 and 489 more change together.")
    assert exchanged("a: &a v1\nb: *a\n", shared("a")).notes == (
        "a of v.yaml is shared, so a and b change together.",
    )


def test_an_alias_of_nothing_cannot_be_followed() -> None:
    assert "the alias *none is there" in refusal("a: *none\n", shared("a")).sentence


@pytest.mark.parametrize(
    ("data", "key", "after"),
    [
        ("x: &x {t: 1}\ny: &y {t: 2}\nz: {<<: [*y, *x]}\n", "z.t", "&y {t: "),
        ("x: &x {t: 1}\ny: {<<: *x, t: 2}\nz: {<<: *x}\n", "z.t", "&x {t: "),
        ("x: &x {t: 1}\nz: {<<: {<<: *x, u: 2}}\n", "z.t", "&x {t: "),
        ("x: &x {u: 1, <<: *x}\nz: {<<: *x}\n", "z.u", "&x {u: "),
    ],
)
def test_of_several_merged_mappings_the_first_that_has_the_key_is_edited(
    data: str, key: str, after: str
) -> None:
    found = exchanged(data, shared(key)).data.decode()

    assert f'{after}"v2"' in found
    assert len(found) == len(data) + 3


@pytest.mark.parametrize(
    "data",
    [
        "b: &d 'sha256:0'\nimage: {tag: v1, digest: *d}\n",
        "b: &b {digest: 'sha256:0'}\nimage: {<<: *b, tag: v1}\n",
        "b: &b {digest: 'sha256:0'}\nimageTag: v1\nimage: *b\n",
    ],
)
def test_a_digest_outweighs_the_tag_by_an_alias_or_a_merge_too(data: str) -> None:
    key = "imageTag" if "imageTag" in data else "image.tag"

    assert "image.digest has the value sha256:0 there" in refusal(data, at(key)).sentence
