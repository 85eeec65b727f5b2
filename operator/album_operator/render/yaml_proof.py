"""Proof that an edit of a YAML file changed what it was to change, and nothing else.

It is libyaml's: what ruamel.yaml read before is what libyaml reads then (`check_agreement`), and
what libyaml reads afterwards differs in the edits alone (`check_only_changed`). So two parsers that
share no code must be wrong alike for an edit to be wrong.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, zip_longest
from typing import Any, TypeAlias

import yaml
from ruamel.yaml.events import Event, MappingEndEvent, ScalarEvent, SequenceEndEvent

from album_operator.domain.keys import Item
from album_operator.render.yaml_growth import Growth, Tree, new_item
from album_operator.render.yaml_nodes import RefusedError, is_plain_string

Check = Callable[["Shape"], bool]

STARTS = frozenset({"MappingStartEvent", "SequenceStartEvent"})

Shape: TypeAlias = tuple[str, str | None, str | None, str | None, str | bool | None]
"""All of an event that a reader of the file can see: its class, anchor, tag, value, and style."""


def check_agreement(ours: Sequence[Event], theirs: Iterable[yaml.Event]) -> None:
    """Compare what ruamel.yaml and libyaml read of one file; what scalars say becomes libyaml's.

    Args:
        ours: ruamel.yaml's events, of a text in which blanks stand for tabs.
        theirs: libyaml's, of the text itself.

    Raises:
        RefusedError: they differ.
    """
    for event, other in zip_longest(ours, theirs):
        here, there = shape(event), shape(other)
        if here == there:
            continue
        said = str(there[3])
        had_tabs = here == (*there[:3], said.replace("\t", " "), None) and there[4] is None
        if isinstance(event, ScalarEvent) and had_tabs:
            event.value = said
            continue
        mark = (event or ours[-1]).start_mark
        raise RefusedError(
            (mark.line + 1, mark.column + 1),
            "two readers of YAML, ruamel.yaml and libyaml, do not agree on what stands there",
            "Write it in another way",
        )


def shape(event: Any) -> Shape:  # noqa: ANN401 - of either library, or None
    """Give what can be seen of an event of either library."""
    kind = type(event).__name__
    if kind == "ScalarEvent":
        return kind, event.anchor, event.tag, event.value, event.style or None
    if kind in STARTS:
        return kind, event.anchor, event.tag, None, event.flow_style or None
    return kind, event.anchor if kind == "AliasEvent" else None, None, None, None


def check_only_changed(
    before: Sequence[Event],
    after: Iterable[yaml.Event],
    wanted: Mapping[int, str],
    grown: Mapping[int, Growth],
) -> None:
    """Compare the events of a file before and after an edit.

    Args:
        before: events of the file as it was.
        after: events of the file as it would be; each is looked at once, so that they need not
            be kept beside those of `before`.
        wanted: new value of each scalar to change, by its position in `before`.
        grown: what is new, by position in `before`: right before the event there where that ends
            a mapping or list (or, in a file without a document, the stream), else in its place.

    Raises:
        RefusedError: anything else differs, or a value reads otherwise than wanted.
    """
    checks = _checks(before, wanted, grown)
    same = all(
        new == check if isinstance(check, tuple) else check is not None and check(new)
        for check, new in zip_longest(checks, map(shape, after))
    )
    if not same:
        mark = before[min(chain(wanted, grown))].start_mark
        raise RefusedError(
            (mark.line + 1, mark.column + 1),
            "the edit would change more than this value, or read as another one",
            "Report this as a bug of the operator, with the file",
        )


def _checks(
    before: Sequence[Event], wanted: Mapping[int, str], grown: Mapping[int, Growth]
) -> Iterator[Shape | Check]:
    """Give for each event the file must have afterwards what it is, or what tells whether it is."""
    for number, old in enumerate(before):
        tree = grown.get(number)
        if tree is None:
            yield partial(_is_wanted, wanted[number], old) if number in wanted else shape(old)
        elif isinstance(old, ScalarEvent):
            yield from _whole(tree)
        elif isinstance(old, MappingEndEvent | SequenceEndEvent):
            yield from _members(tree)
            yield shape(old)
        else:
            yield partial(_is_bare, "DocumentStartEvent")
            yield from _whole(tree)
            yield partial(_is_bare, "DocumentEndEvent")
            yield shape(old)


def _whole(tree: Tree) -> Iterator[Check]:
    """Check a new value."""
    if isinstance(tree, str):
        yield partial(_is_text, tree)
        return
    is_list = any(isinstance(step, Item) for step in tree)
    kind = "Sequence" if is_list else "Mapping"
    yield partial(_is_bare, f"{kind}StartEvent")
    yield from _members(tree)
    yield partial(_is_bare, f"{kind}EndEvent")


def _members(tree: Growth) -> Iterator[Check]:
    """Check the new keys of a mapping, or the new items of a list."""
    for step, below in tree.items():
        if isinstance(step, Item):
            yield from _whole(new_item(step, below))
        else:
            yield partial(_is_text, step)
            yield from _whole(below)


def _is_bare(kind: str, new: Shape) -> bool:
    """Tell whether an event is of a kind, without anchor and tag."""
    return new[:3] == (kind, None, None)


def _is_text(text: str, new: Shape) -> bool:
    """Tell whether an event is a string for every reader."""
    return new[:4] == ("ScalarEvent", None, None, text) and _is_string(new)


def _is_string(new: Shape) -> bool:
    return new[4] in {"'", '"'} or is_plain_string(str(new[3]))


def _is_wanted(value: str, old: Event, new: Shape) -> bool:
    kind, anchor, tag, *_ = shape(old)
    # A plain one could read as a number; a text between quotes or in a block cannot.
    is_text = new[4] in {"'", '"', "|"}
    return new[:4] == (kind, anchor, tag, value) and (is_text or new == shape(old))
