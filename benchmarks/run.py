"""A run of the benchmarks: everything the settings name, measured, printed and written."""

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from album_operator.domain.errors import OutsideError
from benchmarks.applications import Watched, measure_applications
from benchmarks.builds import measure_builds
from benchmarks.comparisons import measure_comparisons
from benchmarks.contention import Contention, measure_contention
from benchmarks.distance import Distance, measure_distance
from benchmarks.editing import measure_editing
from benchmarks.goals import COMPARED_AT
from benchmarks.layout import Layout
from benchmarks.neighbours import Neighbours, measure_neighbours
from benchmarks.observing import Observing, measure_observing
from benchmarks.pipelines import Answering, measure_pipelines
from benchmarks.pull_requests import measure_pull_requests
from benchmarks.report import Results, WriteBackResults, render_json, render_text
from benchmarks.repositories import ensure_repository, serve_copy
from benchmarks.scale import Scale, measure_scale
from benchmarks.served import GitServer, running_server
from benchmarks.settings import (
    APPLICATIONS,
    BUILDS,
    COMPARISONS,
    DISTANCE,
    NEIGHBOURS,
    OBSERVING,
    PIPELINES,
    PULL_REQUESTS,
    SCALE,
    TAGS,
    TAKEOVER,
    WRITE_BACK,
    Settings,
)
from benchmarks.tags import Tags, measure_tags
from benchmarks.takeover import Takeovers, measure_takeovers
from benchmarks.tasks import WrongResultError
from benchmarks.writeback import WriteBack, measure_write_back
from testbed.commands import PartError
from testbed.github.server import ViolationError

REPOSITORY = "config.git"


def run(settings: Settings) -> int:
    """Measure, print the tables, and write the report.

    Returns:
        0, whether goals are met or missed; 1 where a result is wrong or a part failed.
    """
    try:
        results = _measure(settings)
    except (OutsideError, PartError, ViolationError, WrongResultError) as error:
        print(f"No result: {error}", file=sys.stderr)
        return 1
    settings.report.parent.mkdir(parents=True, exist_ok=True)
    settings.report.write_text(json.dumps(render_json(results), indent=2) + "\n")
    print(render_text(results))
    return 0


def _measure(settings: Settings) -> Results:
    settings.runs.mkdir(parents=True, exist_ok=True)
    write_back = pull_requests = neighbours = distance = None
    builds = comparisons = observing = None
    with tempfile.TemporaryDirectory(dir=settings.runs, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if PULL_REQUESTS in settings.parts:
            below = folder / "pull-requests"
            below.mkdir()
            pull_requests = measure_pull_requests(settings.waiting, settings.merges, below)
        if WRITE_BACK in settings.parts:
            write_back = _measure_write_back(settings, folder)
        if NEIGHBOURS in settings.parts:
            neighbours = _measure_neighbours(settings, folder / "neighbours")
        if DISTANCE in settings.parts:
            distance = _measure_distance(settings, folder / "distance")
        scale, applications, tags, pipelines, takeovers = _measure_operator(settings, folder)
        if OBSERVING in settings.parts:
            observing = _measure_observing(settings, folder / OBSERVING)
        if BUILDS in settings.parts:
            builds = measure_builds(settings.builds, settings.changes)
        if COMPARISONS in settings.parts:
            comparisons = measure_comparisons(settings.merges)
    return Results(
        write_back,
        pull_requests,
        neighbours,
        distance,
        scale,
        builds,
        applications,
        comparisons,
        tags,
        pipelines,
        takeovers,
        observing,
    )


def _measure_operator(
    settings: Settings, folder: Path
) -> tuple[Scale | None, Watched | None, Tags | None, Answering | None, Takeovers | None]:
    """Measure what an operator costs beside an API server."""
    scale = applications = tags = pipelines = takeovers = None
    idle, below = settings.idle_seconds, {part: folder / part for part in settings.parts}
    for made in below.values():
        made.mkdir(exist_ok=True)
    if SCALE in below:
        scale = measure_scale(
            settings.finished, settings.suspended, settings.starts, idle, below[SCALE]
        )
    if APPLICATIONS in below:
        applications = measure_applications(settings.applications, idle, below[APPLICATIONS])
    if TAGS in below:
        tags = measure_tags(settings.pushes, settings.polled, below[TAGS])
    if PIPELINES in below:
        pipelines = measure_pipelines(settings.pipelines, idle, below[PIPELINES])
    if TAKEOVER in below:
        takeovers = measure_takeovers(settings.takeovers, below[TAKEOVER])
    return scale, applications, tags, pipelines, takeovers


def _measure_observing(settings: Settings, folder: Path) -> Observing:
    folder.mkdir(exist_ok=True)
    return measure_observing(settings.observed, folder)


def _measure_neighbours(settings: Settings, folder: Path) -> Neighbours:
    """Measure on the smallest repository: how large it is makes no difference to the others."""
    layout = Layout(settings.sizes[0])
    with _serving(settings, layout, folder) as (server, work):
        return measure_neighbours(
            server, REPOSITORY, layout, settings.neighbours, settings.looks, work
        )


def _measure_distance(settings: Settings, folder: Path) -> Distance:
    """Measure on the size nearest to the one the ways are compared at."""
    layout = Layout(min(settings.sizes, key=_from_compared))
    with _serving(settings, layout, folder) as (server, work):
        return measure_distance(
            server, REPOSITORY, layout, settings.round_trips, settings.pairs, work
        )


@contextmanager
def _serving(settings: Settings, layout: Layout, folder: Path) -> Iterator[tuple[GitServer, Path]]:
    """Give a server of one repository, and an empty folder, both in a new one."""
    kept = ensure_repository(settings.repositories, layout)
    served, work = folder / "served", folder / "work"
    for made in (folder, served, work):
        made.mkdir()
    serve_copy(kept, served / REPOSITORY)
    with running_server(served) as server:
        yield server, work


def _from_compared(size: int) -> int:
    return abs(size - COMPARED_AT)


def _measure_write_back(settings: Settings, folder: Path) -> WriteBackResults:
    kept = {size: ensure_repository(settings.repositories, Layout(size)) for size in settings.sizes}
    served = folder / "served"
    served.mkdir()
    with running_server(served) as server:
        sizes = tuple(
            _measure_size(server, Layout(size), kept[size], settings.pairs, folder)
            for size in settings.sizes
        )
        contention = _measure_contention(server, kept, settings.releases, folder)
    return WriteBackResults(settings.pairs, sizes, contention, measure_editing(settings.pairs))


def _measure_size(
    server: GitServer, layout: Layout, kept: Path, pairs: int, folder: Path
) -> WriteBack:
    name = f"config-{layout.files}.git"
    serve_copy(kept, server.folder / name)
    work = folder / f"work-{layout.files}"
    work.mkdir()
    try:
        return measure_write_back(server, name, layout, pairs, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _measure_contention(
    server: GitServer, kept: dict[int, Path], releases: int, folder: Path
) -> Contention | None:
    """Measure on the size nearest to the one the ways are compared at."""
    sizes = [size for size in kept if Layout(size).apps >= releases]
    if not sizes:
        return None
    size = min(sizes, key=_from_compared)
    name = "contention.git"
    serve_copy(kept[size], server.folder / name)
    work = folder / "work-contention"
    work.mkdir()
    return measure_contention(server, name, Layout(size), releases, work)
