"""Builds on a testbed that is up: what the operator adds to them, and what a layer cache saves."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from benchmarks.build_overhead import (
    BuildOverhead,
    measure_overhead,
    overhead_goals,
    render_overhead,
)
from benchmarks.goals import Goal
from benchmarks.rebuilds import (
    Rebuild,
    find_engines,
    measure_rebuilds,
    rebuild_goals,
    render_rebuilds,
)
from testbed.access import Testbed
from testbed.deploy import deploy
from testbed.settings import from_environment
from tests.e2e.world import World


@dataclass(frozen=True)
class Builds:
    """What was measured."""

    overheads: tuple[BuildOverhead, ...]
    rebuilds: tuple[Rebuild, ...]


def measure_builds(builds: int, changes: int) -> Builds:
    """Measure on the testbed of the environment, with the operator of this checkout.

    Args:
        builds: releases that are compared with empty Jobs, of each engine.
        changes: of one line, each built with the cache and without.

    Raises:
        PartError: the testbed is not up, or a part failed.
        WrongResultError: a second release of a tag built again.
    """
    testbed = Testbed.from_settings(from_environment())
    image = deploy(testbed)
    world, engines = World.of(testbed), tuple(find_engines(testbed))
    rebuilds = measure_rebuilds(testbed, image, engines, changes)
    overheads = [measure_overhead(replace(world, engine=each), image, builds) for each in engines]
    world.pipeline()
    return Builds(tuple(overheads), rebuilds)


def build_goals(found: Builds) -> tuple[Goal, ...]:
    """Give the goals."""
    overheads = [goal for each in found.overheads for goal in overhead_goals(each)]
    return (*overheads, *rebuild_goals(found.rebuilds))


def render_builds(found: Builds) -> Iterator[str]:
    """Give the lines of the report."""
    for overhead in found.overheads:
        yield from render_overhead(overhead)
        yield ""
    yield from render_rebuilds(found.rebuilds)
