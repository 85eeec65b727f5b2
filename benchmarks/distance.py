"""What the distance to the server makes of a release: the reason to speak git's protocol."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.goals import COMPARED_AT, Goal, times_faster
from benchmarks.layout import Layout
from benchmarks.served import GitServer, far_away
from benchmarks.tables import table
from benchmarks.writeback import (
    COLD,
    COMMANDS_COLD,
    COMMANDS_WARM,
    LAZY,
    SHALLOW,
    WARM,
    WriteBack,
    measure_write_back,
)
from testbed.progress import note

WAYS = (COLD, COMMANDS_COLD, WARM, COMMANDS_WARM, LAZY, SHALLOW)

COMPARED_FROM = 50
"""Milliseconds of the round trip the goals are for: a forge on the same continent."""

TIMES_FASTER = 1.5
"""Than git's commands, or the protocol is not worth to be spoken here (docs/decisions.md)."""

HEADINGS = (
    "round trip ms", "way", "seconds", "fastest to slowest", "CPU s", "received KiB", "requests",
)  # fmt: skip


@dataclass(frozen=True)
class Distance:
    """What was measured on one repository.

    Attributes:
        files: of the repository.
        pairs: runs of each way.
        by_round_trip: the runs, by milliseconds.
    """

    files: int
    pairs: int
    by_round_trip: Mapping[int, WriteBack]


def measure_distance(
    server: GitServer,
    repository: str,
    layout: Layout,
    round_trips: Sequence[int],
    pairs: int,
    folder: Path,
) -> Distance:
    """Measure the same ways at each distance.

    Args:
        server: serves the repository.
        repository: its name there.
        layout: what is in it.
        round_trips: in milliseconds.
        pairs: how often each way is run.
        folder: an empty folder for caches and checkouts.

    Raises:
        WrongResultError: a way pushed something else than the release.
        PartError: a way failed.
    """
    found = {}
    for round_trip in round_trips:
        work = folder / str(round_trip)
        work.mkdir()
        note(f"{round_trip} ms away:")
        with far_away(server, round_trip) as far:
            found[round_trip] = measure_write_back(far, repository, layout, pairs, work, WAYS)
    return Distance(layout.files, pairs, found)


def distance_goals(found: Distance) -> tuple[Goal, ...]:
    """Give the goals."""
    far = found.by_round_trip.get(COMPARED_FROM) if found.files == COMPARED_AT else None
    return tuple(
        Goal(f"{way}, {COMPARED_FROM} ms away, times faster than by git's commands", TIMES_FASTER,
             at_least=True, unit="x", measured=times_faster(far, way, by_commands))
        for way, by_commands in ((COLD, COMMANDS_COLD), (WARM, COMMANDS_WARM))
    )  # fmt: skip


def render_distance(found: Distance) -> Iterator[str]:
    """Give the lines of the report; the table is Markdown."""
    yield (
        f"Write-back at a distance, {found.files:,} files, medians of {found.pairs} alternating "
        "runs of each way:"
    )
    yield ""
    yield from table(
        HEADINGS,
        [
            _row(round_trip, way, measured)
            for round_trip, measured in found.by_round_trip.items()
            for way in WAYS
        ],
    )


def _row(round_trip: int, way: str, measured: WriteBack) -> tuple[str, ...]:
    median = measured.median(way)
    return (
        str(round_trip),
        way,
        f"{median.seconds:.3f}",
        measured.span(way),
        f"{median.cpu:.3f}",
        f"{median.received / 1024:,.1f}",
        str(median.requests),
    )
