"""One API server for all integration tests, and our CRDs in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.commands import wait_until
from testbed.offline import gotools
from tests.integration.apiserver import ApiServer, ensure_programs, running_api_server

CRDS = Path(__file__).parents[2] / "crds"
PLURALS = ("albumreleases", "albumpipelines")


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Run a real API server with RBAC and nothing of ours in it."""
    with running_api_server(ensure_programs(), tmp_path_factory.mktemp("api-server")) as server:
        yield server


@pytest.fixture(scope="session")
def crds_installed(api_server: ApiServer) -> ApiServer:
    """Give the API server with the CRDs of `crds/` established in it."""
    api_server.run_kubectl("apply", "-f", str(CRDS))

    def is_served() -> bool:
        return all(
            api_server.request("GET", f"/apis/album.dev/v1alpha1/{plural}").status == 200
            for plural in PLURALS
        )

    wait_until(is_served, part="CRDs", what="become served", seconds=30)
    return api_server


@pytest.fixture(scope="session")
def kubectl() -> Path:
    """Give the kubectl that users are told to apply the manifests with."""
    return gotools.ensure(["kubectl"]) / "kubectl"
