r"""Keys of edits: the way to a value of a YAML file.

Names joined by dots, `image.tag`; an item of a list in brackets, by one of its keys or by its
index, `containers[name=app].args[0]`. A backslash makes the next character part of a name, as in
`labels.app\.kubernetes\.io/version`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

_NAME = r"(?:[^.[\]\\ ]|\\.)+"
_FIELD = r"(?:[^=[\]\\]|\\.)+"
_VALUE = r"(?:[^[\]\\]|\\.)+"
_BRACKETS = rf"\[(?:\d{{1,6}}|{_FIELD}={_VALUE})\]"

KEY = rf"(?:{_NAME}|{_BRACKETS})(?:\.{_NAME}|{_BRACKETS})*"
"""A whole key of printable characters, for Python's `re` and for RE2 alike; short, for the API
server takes a rule's cost from its length."""

PRINTABLE = r"[^\x00-\x1f\x7f-\x9f]*"

_STEP = re.compile(
    rf"\.?(?P<name>{_NAME})|\[(?P<index>\d{{1,6}})\]|\[(?P<field>{_FIELD})=(?P<value>{_VALUE})\]",
    re.ASCII,
)


@dataclass(frozen=True)
class Item:
    """The one item of a list that is a mapping with this value at this key."""

    field: str
    value: str

    def __str__(self) -> str:
        return f"item with {self.field} {self.value}"


@dataclass(frozen=True)
class Index:
    """The item of a list at an index, counted from 0."""

    number: int

    def __str__(self) -> str:
        return f"item [{self.number}]"


Step: TypeAlias = str | Item | Index
"""From a mapping to the value of a key, or from a list to an item."""


def parse_key(key: str) -> tuple[Step, ...]:
    """Read a key.

    Raises:
        ValueError: it is none.
    """
    if re.fullmatch(KEY, key, re.ASCII) is None or re.fullmatch(PRINTABLE, key) is None:
        raise ValueError(f"`{key}` is no key: names joined by dots, items of lists in brackets")
    return tuple(map(_step, _STEP.finditer(key)))


def render_key(steps: Iterable[Step]) -> str:
    """Write a way as a key."""
    parts: list[str] = []
    for step in steps:
        match step:
            case Item():
                field, value = _escape(r"=\[\]\\", step.field), _escape(r"\[\]\\", step.value)
                parts.append(f"[{field}={value}]")
            case Index():
                parts.append(f"[{step.number}]")
            case _:
                parts += ["."] * bool(parts)
                parts.append(_escape(r".\[\]\\ ", step))
    return "".join(parts)


def _step(found: re.Match[str]) -> Step:
    if found["name"] is not None:
        return _unescape(found["name"])
    if found["index"] is not None:
        return Index(int(found["index"]))
    return Item(_unescape(found["field"]), _unescape(found["value"]))


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _escape(special: str, text: str) -> str:
    return re.sub(rf"([{special}])", r"\\\1", text)
