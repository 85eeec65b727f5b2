"""Fields of objects of others: null is what is not there, and another kind of value is told.

All raise ValueError, naming the field.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from album_operator.adapters.cluster.cluster import parse_time


def _value(raw: Mapping[str, Any], key: str, what: str, is_good: Callable[[object], bool]) -> Any:  # noqa: ANN401 - as checked
    value = raw.get(key)
    if value is not None and not is_good(value):
        raise ValueError(f"`{key}` is no {what}")
    return value


def read_map(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Give a map; empty where it is not there."""
    found: Mapping[str, Any] | None = _value(raw, key, "map", lambda it: isinstance(it, Mapping))
    return found or {}


def read_maps(raw: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    """Give a list of maps."""
    found: Sequence[Mapping[str, Any]] | None = _value(
        raw, key, "list of maps", lambda it: _is_list_of(it, Mapping)
    )
    return found or []


def read_texts(raw: Mapping[str, Any], key: str) -> Sequence[str]:
    """Give a list of texts."""
    found: Sequence[str] | None = _value(raw, key, "list of texts", lambda it: _is_list_of(it, str))
    return found or []


def read_text(raw: Mapping[str, Any], key: str) -> str:
    """Give a text; empty where it is not there."""
    found: str | None = _value(raw, key, "text", lambda it: isinstance(it, str))
    return found or ""


def read_count(raw: Mapping[str, Any], key: str) -> int:
    """Give a whole number; 0 where it is not there."""
    return _value(raw, key, "number", lambda it: type(it) is int) or 0


def read_flag(raw: Mapping[str, Any], key: str) -> bool:
    """Give a boolean; False where it is not there."""
    return bool(_value(raw, key, "boolean", lambda it: isinstance(it, bool)))


def _is_list_of(value: object, kind: type) -> bool:
    return isinstance(value, list) and all(isinstance(item, kind) for item in value)


def read_needed(raw: Mapping[str, Any], key: str) -> str:
    """Give a text of the metadata that is always there."""
    text = read_text(raw, key)
    if not text:
        raise ValueError(f"`metadata` has no `{key}`")
    return text


def read_time(raw: Mapping[str, Any], key: str) -> datetime | None:
    """Give a time with its zone."""
    text = read_text(raw, key)
    time = parse_time(text)
    if text and (time is None or time.tzinfo is None):
        raise ValueError(f"`{key}: {text[:64]}` is no time")
    return time
