"""A small testbed of network and registry, on the machine's engine, for tests of images."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from testbed import engine, network, registry, state
from testbed.engine import Engine
from testbed.offline import origin, recipes
from testbed.settings import Settings, from_environment
from testbed.state import State


@dataclass(frozen=True)
class Upstream:
    """A registry of the testbed's own kind, in the part of a public one."""

    settings: Settings
    docker: Engine
    state: State
    loopback: str

    def push(self, image: str, path: str) -> None:
        """Make an image of the engine available upstream."""
        registry.push(image, path, self.docker, self.settings)


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstream]:
    base = from_environment()
    folder: Path = tmp_path_factory.mktemp("upstream")
    settings = Settings(f"upstream-{os.getpid()}", base.cache, folder)
    docker = engine.ensure(settings)
    known = State()
    try:
        images = recipes.service_images()[:1] + recipes.base_images()[:1]
        for image in images:
            origin.obtain(image, docker, settings)
        network.ensure(docker, settings, known)
        registry.ensure(images[1:], docker, settings, known)
        published = docker.docker("port", f"{settings.name}-registry", "5000/tcp")
        yield Upstream(settings, docker, known, published.splitlines()[0])
    finally:
        network.remove(docker, settings)
        engine.release(settings)
    assert state.load(settings).subnet == known.subnet
