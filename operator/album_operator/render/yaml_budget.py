"""How much of a processor a text of YAML may cost, told before ruamel.yaml reads it."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import yaml

from album_operator.render.yaml_nodes import MAX_DEPTH, MAX_EVENTS, RefusedError, refuse_events

SMALL_BYTES = 16 * 1024
SMALL_MARKS = 500

MARKS = b",[]{}:?-!&*\n"
"""Each event of YAML needs one of these, but for the few around a document."""

EVENTS_OF_A_CHARACTER = 4
"""`?` alone is a mapping of nothing to nothing: its start, key, value and end."""


TAG_LENGTH = 1024
"""Longest tag: ruamel.yaml takes the square of its length."""


def are_small(files: Iterable[bytes]) -> bool:
    """Tell whether some files together are edited in some 50 ms of CPU, whatever is in them.

    Measured of ruamel.yaml 0.19: no more than 30 µs for a mark and 1.2 µs for any other character.
    """
    sizes, marks = 0, 0
    for data in files:
        sizes += len(data)
        if sizes > SMALL_BYTES:
            return False
        marks += sum(map(data.count, (bytes([mark]) for mark in MARKS)))
    return marks <= SMALL_MARKS


def check_events(text: str) -> None:
    """Count the events of a text by libyaml, which takes a fiftieth of ruamel.yaml's time.

    What libyaml takes for no YAML, or for less of it, and what is nested too deep, is left to
    `parse_events`, which refuses that and counts too.
    A few kinds of text cost libyaml the square of their size, and it cannot be interrupted: not
    for the operator's own process.

    Raises:
        RefusedError: there are more than `MAX_EVENTS`, or a tag is too long.
    """
    if len(text) * EVENTS_OF_A_CHARACTER <= MAX_EVENTS:
        return
    with suppress(yaml.YAMLError):
        depth = 0
        for number, event in enumerate(yaml.parse(text, yaml.CSafeLoader), 1):
            if number > MAX_EVENTS:
                raise refuse_events(event.start_mark)
            if len(getattr(event, "tag", None) or "") > TAG_LENGTH:
                raise _refuse_tag(event.start_mark)
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                return


def _refuse_tag(mark: Any) -> RefusedError:  # noqa: ANN401 - libyaml's
    return RefusedError(
        (mark.line + 1, mark.column + 1),
        f"the tag there has more than {TAG_LENGTH} characters",
        "Remove the tag (a word with `!`)",
    )
