"""The edit alone: how long it takes on a large file, and how often it composes the file."""

import sys
import time
from dataclasses import dataclass
from statistics import median
from types import FrameType

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
    """What was measured: size of the file, seconds of each run, and how often it was parsed."""

    size: int
    seconds: tuple[float, ...]
    parses: int

    @property
    def median_seconds(self) -> float:
        """Give the median of the runs."""
        return median(self.seconds)


def measure_editing(runs: int) -> Editing:
    """Edit one value of a large file several times.

    Raises:
        WrongResultError: it changed something else.
    """
    data = _large_file()
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        edited = edit_values(data, {Edit(PATH, KEY): VERSION})
        seconds.append(time.perf_counter() - began)
        if edited != released(data, VERSION):
            raise WrongResultError("The edit of a large file changed other bytes than the value.")
    return Editing(len(data), tuple(seconds), _count_parses())


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
