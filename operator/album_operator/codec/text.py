"""Times as the resources write them."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from album_operator.domain.names import shorten

Raw = Mapping[str, Any]

REFRESH = "album.dev/refresh"

REQUEST_LENGTH = 253
"""Longest value of a request's annotation that the status repeats; the schema allows as much."""


def parse_request(metadata: Raw, annotation: str) -> str | None:
    """Read the annotation that asks for something, None where it does not.

    An annotation has no schema and may be long; a hash then keeps two values apart.
    """
    value = (metadata.get("annotations") or {}).get(annotation)
    return shorten(str(value), REQUEST_LENGTH) if value is not None else None


def parse_time(text: str) -> datetime:
    """Read an RFC 3339 time; `Z` is UTC."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def render_time(time: datetime) -> str:
    """Write a time of UTC with microseconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_times(raw: Raw, *keys: str) -> Iterator[datetime | None]:
    """Read the times at some keys, None where there is none."""
    for key in keys:
        yield parse_time(raw[key]) if raw.get(key) else None


def cut(text: str, limit: int) -> str:
    """Make a text fit by leaving out its middle: messages end with what is to be done."""
    if len(text) <= limit:
        return text
    head = limit * 2 // 3
    return f"{text[:head]} … {text[head + 3 - limit :]}"


def without_nothing(raw: Raw) -> dict[str, Any]:
    """Leave out what is None or empty: absence is how a status says "not known yet"."""
    return {key: value for key, value in raw.items() if value is not None and value not in ({}, [])}


def render_optional(time: datetime | None) -> str | None:
    """Write a time, None for none."""
    return render_time(time) if time is not None else None
