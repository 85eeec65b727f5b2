"""Proof that an edit of a YAML file changed what it was to change, and nothing else."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, zip_longest

from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from album_operator.render.yaml_growth import Growth, Tree, new_item
from album_operator.render.yaml_nodes import RefusedError, is_plain_string
from album_operator.render.yaml_places import Item

Check = Callable[[Event], bool]


def check_only_changed(
    before: Sequence[Event],
    after: Iterable[Event],
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
        check is not None and event is not None and check(event)
        for check, event in zip_longest(checks, after)
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
) -> Iterator[Check]:
    """Give for each event the file must have afterwards what tells whether it is that."""
    for number, old in enumerate(before):
        tree = grown.get(number)
        if tree is None:
            yield (
                partial(_is_wanted, wanted[number], old)
                if number in wanted
                else partial(_is_same, old)
            )
        elif isinstance(old, ScalarEvent):
            yield from _whole(tree)
        elif isinstance(old, MappingEndEvent | SequenceEndEvent):
            yield from _members(tree)
            yield partial(_is_same, old)
        else:
            yield lambda new: isinstance(new, DocumentStartEvent)
            yield from _whole(tree)
            yield lambda new: isinstance(new, DocumentEndEvent)
            yield partial(_is_same, old)


def _whole(tree: Tree) -> Iterator[Check]:
    """Check a new value."""
    if isinstance(tree, str):
        yield partial(_is_text, tree)
        return
    is_list = any(isinstance(step, Item) for step in tree)
    yield partial(_is_bare, SequenceStartEvent if is_list else MappingStartEvent)
    yield from _members(tree)
    yield partial(_is_bare, SequenceEndEvent if is_list else MappingEndEvent)


def _members(tree: Growth) -> Iterator[Check]:
    """Check the new keys of a mapping, or the new items of a list."""
    for step, below in tree.items():
        if isinstance(step, Item):
            yield from _whole(new_item(step, below))
        else:
            yield partial(_is_text, step)
            yield from _whole(below)


def _is_bare(kind: type[Event], new: Event) -> bool:
    """Tell whether an event is of a kind, without anchor and tag."""
    if isinstance(new, CollectionStartEvent):
        return isinstance(new, kind) and new.anchor is None and new.tag is None
    return isinstance(new, kind)


def _is_text(text: str, new: Event) -> bool:
    """Tell whether an event is a string for every reader."""
    if not isinstance(new, ScalarEvent):
        return False
    if (new.value, new.tag, new.anchor) != (text, None, None):
        return False
    return new.style in {"'", '"'} or is_plain_string(text)


def _is_same(old: Event, new: Event) -> bool:
    return _signature(old) == _signature(new)


def _is_wanted(value: str, old: Event, new: Event) -> bool:
    if not isinstance(new, ScalarEvent) or not isinstance(old, ScalarEvent):
        return False
    if (new.value, new.tag, new.anchor) != (value, old.tag, None):
        return False
    return new.style in {"'", '"'} or _signature(new) == _signature(old)


def _signature(event: Event) -> tuple[object, ...]:
    """Give all of an event that a reader of the file can see."""
    match event:
        case ScalarEvent():
            return (type(event), event.anchor, event.tag, event.value, event.style)
        case CollectionStartEvent():
            return (type(event), event.anchor, event.tag, event.flow_style)
        case AliasEvent():
            return (type(event), event.anchor)
    return (type(event),)
