"""The edit alone: how long it takes on a large file, beside one parse of the same file."""

import sys
import time
from dataclasses import dataclass
from statistics import median
from types import FrameType

from ruamel.yaml import YAML

from album_operator.domain.release import Edit
from album_operator.render.values import edit_values
from benchmarks.layout import KEY, VALUES, released
from benchmarks.tasks import WrongResultError

FILE_BYTES = 266 * 1024
PATH = "values.yaml"
VERSION = "v2.0.0"

PARSE_BEGINS = "parse_stream_start"
"""Method of ruamel.yaml's parser that runs once whenever a text is parsed or composed."""


@dataclass(frozen=True)
class Editing:
    """What was measured.

    Attributes:
        size: of the file, in bytes.
        seconds: CPU of each edit, proof included.
        parse_seconds: CPU of one parse by ruamel.yaml, beside each.
        parses: how often ruamel.yaml parses for an edit.
    """

    size: int
    seconds: tuple[float, ...]
    parse_seconds: tuple[float, ...]
    parses: int

    @property
    def median_seconds(self) -> float:
        """Give the median of the runs."""
        return median(self.seconds)

    @property
    def in_parses(self) -> float:
        """Give the edit's time in parses of the same file."""
        return self.median_seconds / median(self.parse_seconds)


def measure_editing(runs: int) -> Editing:
    """Edit one value of a large file several times.

    Raises:
        WrongResultError: it changed something else.
    """
    data = _large_file()
    seconds, parse_seconds = [], []
    for _ in range(runs):
        began = time.process_time()
        edited = edit_values(data, {Edit(PATH, KEY): VERSION})
        seconds.append(time.process_time() - began)
        began = time.process_time()
        events = list(YAML(typ="safe", pure=True).parse(data.decode()))
        parse_seconds.append(time.process_time() - began)
        del events
        if edited != released(data, VERSION):
            raise WrongResultError("The edit of a large file changed other bytes than the value.")
    return Editing(len(data), tuple(seconds), tuple(parse_seconds), _count_parses())


def _count_parses() -> int:
    """Count how often one edit parses, in a run that is not timed: counting slows it down."""
    data = _values("app-00000").encode()
    parses = 0

    def watch(frame: FrameType, event: str, _: object) -> None:
        nonlocal parses
        parses += event == "call" and frame.f_code.co_name == PARSE_BEGINS

    sys.setprofile(watch)
    try:
        edit_values(data, {Edit(PATH, KEY): VERSION})
    finally:
        sys.setprofile(None)
    return parses


def _large_file() -> bytes:
    """Give a values file of the generated shape, with the values of many other apps after it."""
    parts = [_values("app-00000")]
    size, number = len(parts[0]), 0
    while size < FILE_BYTES:
        number += 1
        name = f"app-{number:05d}"
        lines = _values(name).replace('"   # set by releases', '"').splitlines()
        part = "".join(f"  {line}".rstrip(" ") + "\n" for line in lines)
        parts.append(f"{name}:\n{part}")
        size += len(parts[-1])
    return "".join(parts).encode()


def _values(name: str) -> str:
    return VALUES.format(name=name, team="team-000", version="v1.0.0", replicas=1, digest="0" * 64)
