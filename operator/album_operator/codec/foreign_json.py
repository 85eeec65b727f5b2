"""JSON that others wrote: what it may cost is known before it is parsed.

Python's parser takes some 25 times the bytes of `[{},{},…]` and ends at a depth it does not tell
from a bug, so bytes, values and depth are counted first, at a few nanoseconds a byte.
"""

import json
from itertools import accumulate
from typing import Any

BYTES = 8 * 1024 * 1024
"""Most bytes: a page of 100 pull requests of GitHub has some 2 MiB."""

VALUES = 400_000
"""Most values, each comma in a text counted for one; that page has some 50,000."""

DEPTH = 64
"""How deep lists and objects may be nested; answers and webhooks of forges have some 12."""

STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}

OTHERS = bytes(set(range(256)) - STEPS.keys())


class ExcessiveError(ValueError):
    """The JSON is more than any honest one; the message says of what."""


def parse_json(data: bytes | str, limit: int = BYTES) -> Any:  # noqa: ANN401 - JSON
    """Read JSON (RFC 8259, so UTF-8) that is no more than it should be.

    Args:
        data: the text, whole.
        limit: most bytes it may have.

    Raises:
        ExcessiveError: it has more bytes, values or depth.
        ValueError: it is no JSON.
    """
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if len(raw) > limit:
        raise ExcessiveError(f"it has more than {limit} bytes")
    openings = raw.count(b"[") + raw.count(b"{")
    if openings + raw.count(b",") > VALUES:
        raise ExcessiveError(f"it has more than {VALUES} values")
    if openings > DEPTH and _depth(raw) > DEPTH:
        raise ExcessiveError(f"it is nested more than {DEPTH} deep")
    return json.loads(raw.decode())


def _depth(raw: bytes) -> int:
    """Count how deep brackets are nested outside of strings."""
    # Without escapes, each second part between quotes is the inside of a string.
    # Of JSON with so few values there are no more quotes than that.
    text = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    parts = text.split(b'"', 4 * VALUES)
    brackets = b"".join(parts[::2]).translate(None, OTHERS)
    return max(accumulate(map(STEPS.__getitem__, brackets)), default=0)
