"""A real forge of the tests' own, and the sample repositories on disk."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.forge import Forge
from testbed.gitea import OWNER, REVIEWER
from testbed.samples.git import Git
from testbed.samples.history import ALBUM_APP, ALBUM_APP_CONFIG, write
from testbed.samples.publish import addresses
from tests.contract.gitea_server import running_gitea

FORGE_URL = "http://198.51.100.7:3000"
REGISTRY = "198.51.100.8:5000"


@pytest.fixture(scope="session")
def forges(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Forge, Forge]]:
    """A Gitea, as the owner of the repositories and as the reviewer."""
    with running_gitea(tmp_path_factory.mktemp("gitea")) as server:
        tokens = []
        for user in (OWNER, REVIEWER):
            server.make_user(user)
            tokens.append(server.make_token("tests", "all", user))
        yield Forge(server.url, tokens[0]), Forge(server.url, tokens[1])


@pytest.fixture(scope="session")
def album_app(tmp_path_factory: pytest.TempPathFactory) -> Git:
    folder = tmp_path_factory.mktemp("album-app")
    return write(ALBUM_APP, folder, addresses(FORGE_URL, REGISTRY))


@pytest.fixture(scope="session")
def album_app_config(tmp_path_factory: pytest.TempPathFactory) -> Git:
    folder = tmp_path_factory.mktemp("album-app-config")
    return write(ALBUM_APP_CONFIG, folder, addresses(FORGE_URL, REGISTRY))


@pytest.fixture(scope="session")
def values(album_app_config: Git) -> dict[str, Path]:
    """Path of each app's values file, as the config repository has it."""
    return {app: album_app_config.folder / app / "values.yaml" for app in ("backend", "frontend")}
