"""The testbed for end-to-end tests: brought up once, the operator on it with its shipped rights."""

import os
from collections.abc import Iterator

import pytest

from testbed import Testbed, lifecycle
from testbed.deploy import deploy
from testbed.settings import from_environment
from tests.e2e.world import World


@pytest.fixture(scope="session")
def testbed() -> Testbed:
    """A testbed of its own name; `make test` takes it down."""
    os.environ.setdefault("TESTBED_NAME", "album-test")
    settings = from_environment()
    lifecycle.up(settings)
    return Testbed.from_settings(settings)


@pytest.fixture(scope="session")
def operator(testbed: Testbed) -> str:
    """The operator in the cluster, with exactly the shipped rights; its image's name."""
    return deploy(testbed)


@pytest.fixture(scope="session")
def session_world(testbed: Testbed, operator: str) -> World:  # noqa: ARG001 - must run
    return World.of(testbed)


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
