"""libyaml reads each file too, before and after an edit; what it does not read is refused."""

import pytest

from album_operator.domain.release import Edit
from album_operator.render import yaml_again
from album_operator.render.values import edit_values
from album_operator.render.yaml_again import read_again, without_tabs
from album_operator.render.yaml_nodes import RefusedError, parse_events
from album_operator.render.yaml_proof import check_agreement, shape

TAG = Edit("v.yaml", "tag")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [\n", "says libyaml"),
        ("\x07", "control characters are not allowed, says libyaml"),
        ("a: \ud800", "surrogates not allowed, says libyaml"),
        ("[" * 200, "nested deeper than 100"),
        ("%YAML 1.3\n--- a\n", "incompatible YAML document, says libyaml"),
    ],
)
def test_what_libyaml_does_not_read_is_refused(text: str, said: str) -> None:
    with pytest.raises(RefusedError) as caught:
        list(read_again(text))
    assert said in caught.value.said


def test_what_is_too_much_is_told_while_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_again, "MAX_EVENTS", 10)
    with pytest.raises(RefusedError, match="more than"):
        list(read_again("[a, a, a, a, a, a, a]"))


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("a: 1\n", "a: 1\n"),
        ("a:\t1\t# c\td\n", "a: 1 # c d\n"),
        ("a: 'x\ty'\t\n", "a: 'x\ty' \n"),
        ("a: x\ty\n", "a: x y\n"),
        ("\ufeffa:\t'x\ty'\n", "\ufeffa: 'x\ty'\n"),
        ("a: |\t# c\n  x\ty\nb:\t1\n", "a: | # c\n  x\ty\nb: 1\n"),
        ("é:\t'😀\t'\t\n", "é: '😀\t' \n"),
    ],
)
def test_blanks_stand_for_tabs_but_in_what_a_scalar_says(text: str, without: str) -> None:
    assert without_tabs(text) == without
    events = list(parse_events(without))
    check_agreement(events, read_again(text))
    assert list(map(shape, events)) == list(map(shape, read_again(text)))


def test_a_plain_scalar_keeps_the_tab_in_it() -> None:
    assert edit_values(b"a: x\ty\ntag: v1\n", {TAG: "v2"}) == b'a: x\ty\ntag: "v2"\n'
    assert edit_values(b"tag: x\ty\n", {TAG: "v2"}) == b'tag: "v2"\n'
    assert edit_values(b'tag: "x\ty"\n', {TAG: "x y"}) == b'tag: "x y"\n'


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("a: 1\n", "a: 2\n"),
        ("a: 1\n", "a: 1\n---\n"),
        ("a: 1\n---\n", "a: 1\n"),
        ("a: 1\n", "a: '1'\n"),
        ("a: &a 1\n", "a: &b 1\n"),
        ("a: !a 1\n", "a: !b 1\n"),
        ("a: {}\n", "a: []\n"),
        ("a: [1]\n", "a:\n- 1\n"),
        ("a: 'x y'\n", "a: 'x\ty'\n"),
    ],
)
def test_two_readers_that_do_not_agree_are_noticed(ours: str, theirs: str) -> None:
    with pytest.raises(RefusedError, match="do not agree"):
        check_agreement(list(parse_events(ours)), read_again(theirs))
