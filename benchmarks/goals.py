"""What must be reached, and whether it was."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.editing import Editing
from benchmarks.measures import Sample
from benchmarks.writeback import COLD, FULL, SHALLOW, WARM, WriteBack

COMPARED_AT = 20_000
SMALL, LARGE = 1_000, 100_000

TIMES_FASTER = {COLD: 30.0, WARM: 40.0}
"""Than the shallow checkout, at `COMPARED_AT` files."""

TIMES_FASTER_THAN_BEST = 5.0
GROWTH = 1.3
PARSES = 1
EDIT_IN_PARSES = 1.3


@dataclass(frozen=True)
class Goal:
    """A figure that must be reached.

    Attributes:
        name: what is measured.
        wanted: the bound.
        at_least: whether the bound is the least and not the most.
        unit: of both.
        measured: None where this run does not measure it.
    """

    name: str
    wanted: float
    at_least: bool
    unit: str
    measured: float | None

    @property
    def outcome(self) -> str:
        """`met`, `MISSED` or `not measured`."""
        if self.measured is None:
            return "not measured"
        is_met = self.measured >= self.wanted if self.at_least else self.measured <= self.wanted
        return "met" if is_met else "MISSED"

    @property
    def line(self) -> str:
        """The goal as one line of the report."""
        sign = "≥" if self.at_least else "≤"
        measured = "-" if self.measured is None else f"{self.measured:.2f}{self.unit}"
        return (
            f"goal {self.name}: {sign} {self.wanted:g}{self.unit} "
            f"measured {measured} {self.outcome}"
        )


def all_goals(results: Sequence[WriteBack], editing: Editing) -> tuple[Goal, ...]:
    """Give every goal of the write-back, measured where the sizes of this run allow it."""
    by_size = {result.files: result for result in results}
    return (
        *_faster(by_size.get(COMPARED_AT)),
        *_growth(by_size),
        Goal("edit, times the file is parsed", PARSES, at_least=False, unit="",
             measured=float(editing.parses)),
        Goal("edit with its proof, parses of the same file", EDIT_IN_PARSES, at_least=False,
             unit="", measured=editing.in_parses),
    )  # fmt: skip


def _faster(result: WriteBack | None) -> Iterator[Goal]:
    at = f"at {COMPARED_AT:,} files"
    for way, wanted in TIMES_FASTER.items():
        yield Goal(
            f"{way}, {at}, times faster than the shallow checkout", wanted, at_least=True,
            unit="x", measured=times_faster(result, way, SHALLOW),
        )  # fmt: skip
    for way in TIMES_FASTER:
        yield Goal(
            f"{way}, {at}, times faster than the faster of the two", TIMES_FASTER_THAN_BEST,
            at_least=True, unit="x", measured=times_faster(result, way, SHALLOW, FULL),
        )  # fmt: skip


def times_faster(result: WriteBack | None, way: str, *others: str) -> float | None:
    """Tell how many times faster a way is than the fastest of others; None if not measured."""
    if result is None:
        return None
    return min(result.median(other).seconds for other in others) / result.median(way).seconds


def _growth(by_size: Mapping[int, WriteBack]) -> Iterator[Goal]:
    small, large = by_size.get(SMALL), by_size.get(LARGE)
    for way in (COLD, WARM):
        for what in ("seconds", "bytes both ways"):
            measured = None
            if small is not None and large is not None:
                measured = _cost(large.median(way), what) / _cost(small.median(way), what)
            yield Goal(
                f"{way}, {what} at {LARGE:,} files over those at {SMALL:,}", GROWTH,
                at_least=False, unit="x", measured=measured,
            )  # fmt: skip


def _cost(sample: Sample, what: str) -> float:
    return sample.seconds if what == "seconds" else sample.received + sample.sent
