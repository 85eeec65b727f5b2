"""What the API server takes for a rollback."""

import pytest

from tests.integration.apiserver import ApiServer
from tests.integration.objects import changed, collection, release

NAMESPACE = "rollbacks"


@pytest.fixture(scope="module")
def server(crds_installed: ApiServer) -> ApiServer:
    crds_installed.create_namespace(NAMESPACE)
    return crds_installed


def _create(server: ApiServer, of: str, mode: str) -> str:
    raw = changed(release("back"), "spec.rollbackOf", {"name": of})
    answer = server.request(
        "POST", f"{collection(raw, NAMESPACE)}?dryRun=All", changed(raw, "spec.mode", mode)
    )
    return "" if answer.status == 201 else answer.message


def test_a_rollback_names_another_release_and_is_done(server: ApiServer) -> None:
    assert _create(server, "backend-v1.2.0", "Apply") == ""
    assert "a release does not take itself back" in _create(server, "back", "Apply")
    assert "neither planned nor followed" in _create(server, "backend-v1.2.0", "Plan")
