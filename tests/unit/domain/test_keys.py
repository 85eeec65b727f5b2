"""Keys name the way to a value, through lists and through any name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from album_operator.domain.keys import Index, Item, Step, parse_key, render_key

NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=6)
STEPS = NAMES | st.builds(Item, NAMES, NAMES) | st.builds(Index, st.integers(0, 999_999))


@pytest.mark.parametrize(
    ("key", "steps"),
    [
        ("image.tag", ("image", "tag")),
        ("containers[name=app].image.tag", ("containers", Item("name", "app"), "image", "tag")),
        ("args[0]", ("args", Index(0))),
        ("[1].tag", (Index(1), "tag")),
        ("a[0][12].b", ("a", Index(0), Index(12), "b")),
        (r"labels.app\.kubernetes\.io/version", ("labels", "app.kubernetes.io/version")),
        (r"a\[0\].b\\c", ("a[0]", r"b\c")),
        (r"a\ b.c", ("a b", "c")),
        ("images[name=ghcr.io/o/n].newTag", ("images", Item("name", "ghcr.io/o/n"), "newTag")),
        ("a[x=y z=1].b", ("a", Item("x", "y z=1"), "b")),
        (r"a[x\=y=\]].b", ("a", Item("x=y", "]"), "b")),
        ("a=b.$x.ключ", ("a=b", "$x", "ключ")),
        ("a[0x=1].b", ("a", Item("0x", "1"), "b")),
        ("containers.0.tag", ("containers", "0", "tag")),
    ],
)
def test_a_key_is_read_as_its_steps(key: str, steps: tuple[Step, ...]) -> None:
    assert parse_key(key) == steps
    assert parse_key(render_key(steps)) == steps


@pytest.mark.parametrize(
    "key",
    [
        "",
        ".",
        "image.",
        ".tag",
        "image..tag",
        "a b",
        " a",
        "a\n",
        "a\tb",
        "a[",
        "a[0",
        "a]",
        "a[]",
        "a[x]",
        "a[-1]",
        "a[x=]",
        "a[=x]",
        "a[1000000]",
        "a[0]b",
        "a[[0]]",
        "a.[0]",
        "a\\",
        "a\\\n",
        "a[x=y\n]",
        "a\x7fb",
        "a[name=app",
        "a[name=[app]]",
    ],
)
def test_other_texts_are_no_keys(key: str) -> None:
    with pytest.raises(ValueError, match="is no key"):
        parse_key(key)


@given(st.lists(STEPS, min_size=1, max_size=5).map(tuple))
def test_any_way_can_be_written_as_a_key_and_read_again(steps: tuple[Step, ...]) -> None:
    assert parse_key(render_key(steps)) == steps
