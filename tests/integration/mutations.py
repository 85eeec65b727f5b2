"""Objects with one field changed, drawn from a kind's schema: what people write, and what breaks.

A field that the schema gets later is covered by itself. Nothing is random.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.integration.objects import REMOVED, Raw

Schema = Mapping[str, Any]
Path = tuple[str | int, ...]

OF_ANY_TYPE: tuple[object, ...] = (
    REMOVED,
    None,
    "",
    True,
    0,
    1.5,
    2**63,
    [],
    {},
    {"nope": 1},
    [None],
    ["a", "a"],
)

TEXTS = (
    "a",
    " ",
    "A/é b\n",
    "a\x00",
    "a\u00a0b",
    "a\u2028",
    "\U0001d11e",
    ".",
    "..",
    "-x",
    "a.b",
    "a_b",
    "$(a)",
    "v1.2.3",
    "30m",
    "1h60m60s",
    "https://git.example.org/owner/name",
    "ssh://git@git.example.org/owner/name",
    "ghcr.io/owner/name",
    "refs/heads/main",
    "me@example.org",
    "LD_PRELOAD",
    "\u017fECRET_TOKEN",
)

QUANTITIES = (
    *("1", "1.", ".5", "+1", "-1", "0", "1e2", "1e+2", "1E-2", "1e", "1E", "1Ei", "0.5Ki", "1n"),
    *("1 Gi", "1gi", "1K", "1k", "0x1", "1_0", "1,5", "٣", "1" * 31, f"0.{'0' * 29}1", "1e99"),
    *("64", "64.0001", "64000m", "64000001u", "512Gi", "549755813889", "1Gi\n", 1, 64, 65, -1),
)


@dataclass(frozen=True)
class Mutation:
    """A field of an object, and the value it gets."""

    path: Path
    value: object

    def apply(self, raw: Raw) -> Raw:
        """Give a copy of an object with the field changed; what lacks on the way is made."""
        result = copy.deepcopy(raw)
        place: Any = result
        for part, following in zip(self.path, self.path[1:], strict=False):
            if isinstance(place, list) and len(place) <= int(part):
                place.append({})
            elif isinstance(place, dict) and part not in place:
                place[part] = [] if isinstance(following, int) else {}
            place = place[part]
        last = self.path[-1]
        if self.value is REMOVED:
            place.pop(last, None) if isinstance(place, dict) else place.clear()
        elif isinstance(place, list):
            place[:1] = [self.value]
        else:
            place[last] = self.value
        return result


def mutations(raw: Raw, schema: Schema) -> Iterator[Mutation]:
    """Give all mutations of an object's spec."""
    for path, field in _fields(schema["properties"]["spec"], ("spec",)):
        for value in (*OF_ANY_TYPE, *_values(field), *_lists(field, _at(raw, path))):
            yield Mutation(path, value)


def _fields(schema: Schema, path: Path) -> Iterator[tuple[Path, Schema]]:
    yield path, schema
    for name, field in schema.get("properties", {}).items():
        yield from _fields(field, (*path, name))
    if "items" in schema:
        yield from _fields(schema["items"], (*path, 0))


def _values(field: Schema) -> Sequence[object]:
    if "enum" in field:
        return [*field["enum"], field["enum"][0].lower(), f"{field['enum'][0]} "]
    if "x-kubernetes-int-or-string" in field:
        return QUANTITIES
    if field["type"] == "string":
        most = field.get("maxLength", 64)
        return [*TEXTS, "a" * most, "a" * (most + 1), "é" * most]
    return []


def _lists(field: Schema, present: object) -> Iterator[object]:
    if isinstance(present, list) and present:
        yield present[:1] * 2
        yield [*present, present[0]]
        yield present[:1] * (field["maxItems"] + 1)


def _at(raw: object, path: Path) -> object:
    for part in path:
        if isinstance(raw, dict) and part in raw:
            raw = raw[part]
        elif isinstance(raw, list) and raw:
            raw = raw[0]
        else:
            return None
    return raw
