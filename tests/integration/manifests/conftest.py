"""An API server on which an admin has installed the operator as the manifests say."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from testbed.commands import wait_until
from tests.integration.apiserver import Answer, ApiServer, ensure_programs, running_api_server
from tests.integration.manifests.applications import (
    APPLICATIONS,
    CRD,
    MANIFESTS,
    UNKNOWN_FIELDS_STAY,
    application,
)

SYSTEM = "album-system"
OPERATOR = "album-operator"
OWN_KINDS = tuple(
    f"/apis/album.dev/v1alpha1/namespaces/album/{plural}"
    for plural in ("albumreleases", "albumpipelines")
)


@dataclass(frozen=True)
class Installed:
    """The API server with the overlay `default` applied.

    Attributes:
        server: used as the admin.
        token: of the operator's ServiceAccount.
    """

    server: ApiServer
    token: str

    def as_operator(
        self, method: str, path: str, body: object = None, content_type: str | None = None
    ) -> Answer:
        """Send one request as the operator's ServiceAccount."""
        headers = {"Content-Type": content_type} if content_type else {}
        return self.server.request(method, path, body, headers=headers, token=self.token)


@contextmanager
def installing(folder: Path, manifests: Path = MANIFESTS) -> Iterator[Installed]:
    """Install by plain `kubectl apply -k`, into an API server that runs until the block ends.

    Args:
        folder: an empty folder for the server's files.
        manifests: those of the version that is installed.
    """
    with running_api_server(ensure_programs(), folder) as server:
        yield install(server, manifests)


def install(server: ApiServer, manifests: Path = MANIFESTS) -> Installed:
    """Install into a server that has nothing of ours, and wait until all of it holds."""
    server.create_namespace("argocd")
    server.request("POST", CRD, UNKNOWN_FIELDS_STAY)
    server.run_kubectl("apply", "-k", str(manifests / "overlays" / "default"))
    result = Installed(server, server.issue_token(SYSTEM, OPERATOR))
    _await_guard(result)
    return result


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """Install into a server of its own: the guard is cluster-wide."""
    with installing(tmp_path_factory.mktemp("manifests")) as result:
        yield result


def _await_guard(installed: Installed) -> None:
    """Wait until the API server's watches have brought it rights, policy and binding."""

    def are_served() -> bool:
        # Not found at first, then "storage is (re)initializing".
        paths = (APPLICATIONS, *OWN_KINDS)
        return all(installed.server.request("GET", path).status == 200 for path in paths)

    wait_until(are_served, part="CRDs", what="become served", seconds=30)
    created = installed.server.request("POST", APPLICATIONS, application("guard-is-up"))
    assert created.status == 201, created.message
    patch = {"metadata": {"labels": {"probe": "yes"}}}

    def is_refused() -> bool:
        path = f"{APPLICATIONS}/guard-is-up?dryRun=All"
        return (
            "album-operator may not change" in installed.as_operator("PATCH", path, patch).message
        )

    wait_until(is_refused, part="guard of Applications", what="refuse", seconds=30)
