"""The second reader of each file: libyaml, of which the parsers of Helm and kustomize are ports.

It shares no code with ruamel.yaml, takes a thirtieth of its time, and reads tabs wherever YAML lets
them stand between two tokens, where ruamel.yaml refuses them.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from album_operator.render.yaml_nodes import (
    MAX_DEPTH,
    MAX_EVENTS,
    refuse_depth,
    refuse_events,
    refuse_text,
)

BOM = "\ufeff"
LINE = re.compile(r"[^\r\n]*")


def read_again(text: str) -> Iterator[yaml.Event]:
    """Parse with libyaml.

    Its marks count from after a byte order mark.

    Raises:
        RefusedError: it is no YAML, nested too deep or of too many events.
    """
    depth = 0
    try:
        for number, event in enumerate(yaml.parse(text, yaml.CSafeLoader), 1):
            if number > MAX_EVENTS:
                raise refuse_events(event.start_mark)
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise refuse_depth(event.start_mark)
            yield event
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        mark: Any = getattr(error, "problem_mark", None)
        at = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        problem = getattr(error, "problem", None) or getattr(error, "reason", "")
        raise refuse_text(text, at, f"{problem}, says libyaml") from error


def without_tabs(text: str) -> str:
    """Give a text in which blanks stand for tabs, one for one, where YAML takes them for the same.

    That is everywhere but in what a scalar says: libyaml tells where these begin and end. In plain
    scalars they become blanks too, for ruamel.yaml ends them at a tab; what these say is libyaml's.

    Raises:
        RefusedError: libyaml does not read the text, so that nobody knows which tabs may stand.
    """
    if "\t" not in text:
        return text
    parts, at = [], 0
    offset = len(BOM) if text.startswith(BOM) else 0
    for event in read_again(text):
        if isinstance(event, yaml.ScalarEvent) and event.style:
            marks: Any = event.start_mark, event.end_mark
            start, end = (mark.index + offset for mark in marks)
            if event.style in "|>":
                start = _end_of_line(text, start)
            parts += [text[at:start].replace("\t", " "), text[start:end]]
            at = end
    return "".join([*parts, text[at:].replace("\t", " ")])


def _end_of_line(text: str, start: int) -> int:
    """Give where the header of a block scalar ends."""
    found = LINE.match(text, start)
    return found.end() if found is not None else start
