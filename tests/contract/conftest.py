"""Stages of the contract tests: each test runs on the fakes and on a real Gitea."""

import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.contract.fake_stage import FakeStage
from tests.contract.gitea_server import GiteaServer, running_gitea
from tests.contract.gitea_stage import GiteaStage
from tests.contract.stages import Stage


@pytest.fixture(scope="session")
def gitea(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GiteaServer]:
    with running_gitea(tmp_path_factory.mktemp("gitea")) as server:
        yield server


@pytest_asyncio.fixture(params=["fake", "real"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    if request.param == "fake":
        yield FakeStage()
        return
    real = GiteaStage(request.getfixturevalue("gitea"), tmp_path / "store")
    try:
        yield real
    finally:
        await real.close()


@pytest_asyncio.fixture
async def gitea_stage(gitea: GiteaServer, tmp_path: Path) -> AsyncIterator[GiteaStage]:
    real = GiteaStage(gitea, tmp_path / "store")
    try:
        yield real
    finally:
        await real.close()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Name a repository of one test's own: the server is shared."""
    digest = zlib.crc32(request.node.nodeid.encode())
    return f"{request.node.originalname.removeprefix('test_')[:60]}-{digest:x}"
