"""Proof that an edit of a YAML file changed what it was to change, and nothing else."""

from collections.abc import Mapping, Sequence

from ruamel.yaml.events import AliasEvent, CollectionStartEvent, Event, ScalarEvent

from album_operator.render.yaml_nodes import RefusedError


def check_only_changed(
    before: Sequence[Event], after: Sequence[Event], wanted: Mapping[int, str]
) -> None:
    """Compare the events of a file before and after an edit.

    Args:
        before: events of the file as it was.
        after: events of the file as it would be.
        wanted: new value of each scalar to change, by its position in `before`.

    Raises:
        RefusedError: anything else differs, or a value reads otherwise than wanted.
    """
    same = len(before) == len(after) and all(
        _is_wanted(new, wanted[number], old)
        if number in wanted
        else _signature(old) == _signature(new)
        for number, (old, new) in enumerate(zip(before, after, strict=True))
    )
    if not same:
        at = next(iter(wanted))
        mark = before[at].start_mark
        raise RefusedError(
            (mark.line + 1, mark.column + 1),
            "the edit would change more than this value, or read as another one",
            "Report this as a bug of the operator, with the file",
        )


def _is_wanted(new: Event, value: str, old: Event) -> bool:
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
