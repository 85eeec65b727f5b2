"""The results as tables for people and as JSON for programs."""

import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks import plain_git
from benchmarks.applications import Watched, application_goals, render_applications
from benchmarks.builds import Builds, build_goals, render_builds
from benchmarks.comparisons import Comparisons, comparison_goals, render_comparisons
from benchmarks.contention import Contention
from benchmarks.distance import Distance, distance_goals, render_distance
from benchmarks.editing import Editing
from benchmarks.goals import Goal, all_goals
from benchmarks.neighbours import Neighbours, neighbour_goals, render_neighbours
from benchmarks.observing import Observing, observing_goals, render_observing
from benchmarks.pipelines import Answering, pipeline_goals, render_pipelines
from benchmarks.pull_request_report import render_pull_requests
from benchmarks.pull_requests import PullRequestResults, pull_request_goals
from benchmarks.scale import Scale, render_scale, scale_goals
from benchmarks.served import ROOT
from benchmarks.settings import PAIRS
from benchmarks.tables import table
from benchmarks.tags import Tags, render_tags, tag_goals
from benchmarks.takeover import Takeovers, render_takeovers, takeover_goals
from benchmarks.writeback import SHALLOW, WAYS, WriteBack

HEADINGS = (
    "files", "way", "seconds", "fastest to slowest", "times faster", "CPU s",
    "received KiB", "sent KiB", "requests", "disk KiB",
)  # fmt: skip


@dataclass(frozen=True)
class WriteBackResults:
    """All that was measured of the write-back.

    Attributes:
        pairs: runs of each way.
        sizes: one by size.
        contention: None where no size has enough apps.
    """

    pairs: int
    sizes: tuple[WriteBack, ...]
    contention: Contention | None
    editing: Editing


REPORTED: tuple[
    tuple[str, Callable[[Any], tuple[Goal, ...]], Callable[[Any], Iterator[str]]], ...
] = (
    ("pull_requests", pull_request_goals, render_pull_requests),
    ("neighbours", neighbour_goals, render_neighbours),
    ("distance", distance_goals, render_distance),
    ("scale", scale_goals, render_scale),
    ("applications", application_goals, render_applications),
    ("tags", tag_goals, render_tags),
    ("pipelines", pipeline_goals, render_pipelines),
    ("takeovers", takeover_goals, render_takeovers),
    ("observing", observing_goals, render_observing),
    ("builds", build_goals, render_builds),
    ("comparisons", comparison_goals, render_comparisons),
)
"""The parts beside the write-back in their order: the field of each, its goals, and its lines."""


@dataclass(frozen=True)
class Results:
    """All that a run measured; None for a part that was left out."""

    write_back: WriteBackResults | None
    pull_requests: PullRequestResults | None
    neighbours: Neighbours | None = None
    distance: Distance | None = None
    scale: Scale | None = None
    builds: Builds | None = None
    applications: Watched | None = None
    comparisons: Comparisons | None = None
    tags: Tags | None = None
    pipelines: Answering | None = None
    takeovers: Takeovers | None = None
    observing: Observing | None = None

    @property
    def goals(self) -> tuple[Goal, ...]:
        """Every goal of the parts that ran, measured or not."""
        goals: tuple[Goal, ...] = ()
        if self.write_back is not None:
            goals += all_goals(self.write_back.sizes, self.write_back.editing)
        for part, goals_of, _ in REPORTED:
            found = getattr(self, part)
            goals += goals_of(found) if found is not None else ()
        return goals


def render_text(results: Results) -> str:
    """Give the whole report as text; its tables are Markdown."""
    lines: list[str] = []
    if results.write_back is not None:
        lines += [*_about_write_back(results.write_back), ""]
    for part, _, render in REPORTED:
        found = getattr(results, part)
        lines += [*render(found), ""] if found is not None else []
    return "\n".join([*lines, *(goal.line for goal in results.goals), "", _summary(results)])


def render_json(results: Results) -> Mapping[str, object]:
    """Give all that was measured, with the machine it was measured on."""
    measured = results.write_back
    parts = {part: getattr(results, part) for part, *_ in REPORTED}
    return {
        "machine": {
            "cores": os.cpu_count(),
            "platform": platform.platform(),
            "python": platform.python_version(),
            "git": plain_git.text(ROOT, "--version"),
        },
        **(_render_write_back(measured) if measured is not None else {}),
        **{part: asdict(found) if found is not None else None for part, found in parts.items()},
        "goals": [asdict(goal) | {"outcome": goal.outcome} for goal in results.goals],
    }


def _render_write_back(results: WriteBackResults) -> Mapping[str, object]:
    contention = results.contention
    return {
        "pairs": results.pairs,
        "write_back": [
            asdict(result) | {"medians": {way: asdict(result.median(way)) for way in WAYS}}
            for result in results.sizes
        ],
        "contention": asdict(contention) if contention is not None else None,
        "editing": asdict(results.editing),
    }


def _about_write_back(results: WriteBackResults) -> Iterator[str]:
    yield (
        f"Write-back, medians of {results.pairs} alternating runs of each way; "
        "times faster than the shallow checkout:"
    )
    yield ""
    yield from table(HEADINGS, [row for result in results.sizes for row in _rows(result)])
    yield ""
    yield from _about_sed(results.sizes)
    yield from _about_contention(results.contention)
    yield from _about_editing(results.editing)


def _rows(result: WriteBack) -> Iterator[tuple[str, ...]]:
    slow = result.median(SHALLOW)
    for way in WAYS:
        found = result.median(way)
        yield (
            f"{result.files:,}",
            way,
            f"{found.seconds:.3f}",
            result.span(way),
            f"{slow.seconds / found.seconds:.1f}",
            f"{found.cpu:.3f}",
            _kibibytes(found.received),
            _kibibytes(found.sent),
            str(found.requests),
            _kibibytes(found.disk),
        )


def _kibibytes(size: int) -> str:
    return f"{size / 1024:,.1f}"


def _about_sed(results: Sequence[WriteBack]) -> Iterator[str]:
    lines = {result.sed_lines for result in results}
    yield (f"Lines changed: ours 1 (checked byte by byte after each run), sed {max(lines)}.")


def _about_contention(found: Contention | None) -> Iterator[str]:
    if found is None:
        yield "Contention: not measured, no size of this run has enough apps."
        return
    times = found.per_second / found.checkouts_per_second
    whole = found.releases / found.checkouts_per_second
    yield (
        f"Contention, {found.files:,} files: {found.releases} releases of {found.releases} apps "
        f"at once in {found.seconds:.1f} s ({found.per_second:.1f} releases/s, {found.retries} "
        f"retries), {found.base_pushes} pushes to the base meanwhile; every branch right, no push "
        f"lost. For each release {found.traffic.requests / found.releases:.1f} requests, "
        f"{_kibibytes(found.traffic.received // found.releases)} KiB received, "
        f"{_kibibytes(found.traffic.sent // found.releases)} KiB sent."
    )
    yield (
        f"One checkout after another: {found.checkouts_per_second:.2f} releases/s "
        f"({len(found.checkout_seconds)} measured; {found.releases} would take {whole:.0f} s, "
        f"multiplied, not measured). Ours: {times:.1f} times as many."
    )


def _about_editing(found: Editing) -> Iterator[str]:
    yield (
        f"The edit alone, for information: {found.size / 1024:.0f} KiB in "
        f"{found.median_seconds:.2f} s of CPU, {found.in_parses:.2f} parses of it; parsed by "
        f"ruamel.yaml {found.parses} times."
    )


def _summary(results: Results) -> str:
    outcomes = [goal.outcome for goal in results.goals]
    counts = ", ".join(
        f"{outcomes.count(outcome)} {outcome}" for outcome in ("met", "MISSED", "not measured")
    )
    measured = results.write_back
    has_few = measured is not None and measured.pairs < int(PAIRS)
    few = f" Fewer than {PAIRS} pairs: no result to quote." if has_few else ""
    return f"{len(outcomes)} goals: {counts}.{few}"
