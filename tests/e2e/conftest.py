"""The operator on the tests' testbed, with its shipped rights."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed import Testbed
from testbed.deploy import deploy
from tests.e2e.world import World


@pytest.fixture(scope="session")
def operator(testbed: Testbed) -> str:
    """The operator in the cluster, with exactly the shipped rights; its image's name."""
    return deploy(testbed)


@pytest.fixture(scope="session")
def session_world(testbed: Testbed, operator: str) -> World:  # noqa: ARG001 - must run
    return World.of(testbed)


KANIKO_ARCHIVE = "TESTBED_KANIKO_IMAGE"


@pytest.fixture(scope="session", params=["BuildKit", "Kaniko"])
def each_engine(request: pytest.FixtureRequest, session_world: World) -> str:
    """Each engine in turn, where the testbed has it."""
    engine: str = request.param
    if engine == "Kaniko":
        _load_kaniko(session_world)
    return engine


def _load_kaniko(world: World) -> None:
    archive = os.environ.get(KANIKO_ARCHIVE)
    if not archive:
        pytest.skip(f"not built with kaniko: {KANIKO_ARCHIVE} names no archive of its executor")
    world.testbed.load_image(Path(archive))


@pytest.fixture
def kaniko(world: World) -> Iterator[World]:
    """The world with kaniko as its engine, where the testbed has it."""
    _load_kaniko(world)
    before, world.engine = world.engine, "Kaniko"
    yield world
    world.engine = before


@pytest.fixture
def engine(each_engine: str, world: World) -> Iterator[str]:
    """Each engine in turn, for tests of what is built; pipelines have it from here on."""
    before, world.engine = world.engine, each_engine
    world.pipeline()
    yield world.engine
    world.engine = before


@pytest.fixture
def world(session_world: World) -> Iterator[World]:
    """The world with the samples' pipeline; releases made in a test are deleted after it."""
    session_world.made.clear()
    session_world.pipeline()
    yield session_world
    for name in session_world.made:
        session_world.testbed.kubectl(
            "delete", "albumrelease", name, "-n", "album", "--ignore-not-found", "--timeout=60s"
        )
