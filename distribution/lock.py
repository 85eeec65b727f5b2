"""The files of `requirements/`, as `uv pip compile` writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
OURSELVES = "album-release-operator"

_PIN = re.compile(r"([a-z0-9-]+)(?:\[[a-z0-9,-]+\])?==([^ ;]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_WANTED_BY = re.compile(r"^    # +(?:via +)?([a-z0-9-]+)(?:\[[a-z0-9,-]+\])?(?: \(.+\))?$")


@dataclass(frozen=True)
class Pin:
    """A package as it is locked.

    Attributes:
        name: Its name, normalized.
        version: Its one version.
        hashes: SHA-256 of each of its files, of all platforms; one of them is installed.
        wanted_by: Packages that depend on it; `OURSELVES` where we do.
    """

    name: str
    version: str
    hashes: tuple[str, ...]
    wanted_by: tuple[str, ...]


def read_pins(name: str) -> list[Pin]:
    """Read `requirements/<name>.txt`, in its order."""
    return list(_pins((ROOT / f"requirements/{name}.txt").read_text("utf-8")))


def _pins(text: str) -> Iterator[Pin]:
    for part in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE):
        if found := _PIN.match(part):
            lines = (_WANTED_BY.match(line) for line in part.splitlines())
            wanted_by = tuple(line[1] for line in lines if line and line[1] != "via")
            yield Pin(found[1], found[2], tuple(_HASH.findall(part)), wanted_by)
