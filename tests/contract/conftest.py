"""Stages of the contract tests: each test runs on the fakes and on a real Gitea."""

import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from testbed.github.server import GitHubServer, running_github
from tests.contract.fake_stage import FakeStage
from tests.contract.gitea_server import GiteaServer, running_gitea
from tests.contract.gitea_stage import GiteaStage
from tests.contract.github_stage import OWNER, REVIEWER, GitHubStage
from tests.contract.stages import Stage

STAGES = ["fake", "real"]

ON_GITHUB = {
    "test_commit_checks.py",
    "test_lost_answers.py",
    "test_pull_request_gates.py",
    "test_pull_requests.py",
}


@pytest.fixture(scope="session")
def gitea(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GiteaServer]:
    with running_gitea(tmp_path_factory.mktemp("gitea")) as server:
        yield server


@pytest.fixture(scope="session")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitHubServer]:
    with running_github(tmp_path_factory.mktemp("github")) as server:
        server.make_user(OWNER)
        server.make_user(REVIEWER)
        # All tests are one account there; what they do in a minute is a day's work elsewhere.
        for limit in vars(server.limits):
            setattr(server.limits, limit, 1_000_000)
        yield server


ONLY_GITHUB = "test_deployments.py"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let each test play on all stages there are for it; those of a forge on GitHub's, too."""
    if "stage" in metafunc.fixturenames:
        name = Path(str(metafunc.module.__file__)).name
        stages = STAGES + ["github"] * (name in ON_GITHUB)
        stages = ["fake", "github"] if name == ONLY_GITHUB else stages
        metafunc.parametrize("stage", stages, indirect=True)


@pytest_asyncio.fixture
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    if request.param == "fake":
        yield FakeStage()
        return
    real: GiteaStage | GitHubStage
    if request.param == "github":
        server: GitHubServer = request.getfixturevalue("github")
        real = GitHubStage(server, server.make_token(OWNER), tmp_path / "store")
    else:
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
