"""Requests and times as the resources write them, and texts made to fit."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from album_operator.domain.marks import REQUESTED_BY
from album_operator.domain.names import shorten

Raw = Mapping[str, Any]

REFRESH = "album.dev/refresh"

REQUEST_LENGTH = 253
"""Longest value of a request's annotation that the status repeats; the schema allows as much."""


REQUESTER_LENGTH = 100


def parse_requester(metadata: Raw) -> str | None:
    """Read who asked for a release, on one line; None where nobody says so."""
    value = str((metadata.get("annotations") or {}).get(REQUESTED_BY, ""))
    words = "".join(letter if letter.isprintable() else " " for letter in value).split()
    return cut(" ".join(words), REQUESTER_LENGTH) or None


def parse_request(metadata: Raw, annotation: str) -> str | None:
    """Read the annotation that asks for something, None where it does not.

    An annotation has no schema and may be long; a hash then keeps two values apart.
    """
    value = (metadata.get("annotations") or {}).get(annotation)
    return shorten(str(value), REQUEST_LENGTH) if value is not None else None


def parse_time(text: str) -> datetime:
    """Read an RFC 3339 time; `Z` is UTC."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def cut(text: str, limit: int) -> str:
    """Make a text fit by leaving out its middle: messages end with what is to be done."""
    if len(text) <= limit:
        return text
    head = limit * 2 // 3
    return f"{text[:head]} … {text[head + 3 - limit :]}"
