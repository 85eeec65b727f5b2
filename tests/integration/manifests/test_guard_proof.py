"""The operator finds out by itself whether the guard holds its very ServiceAccount."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from kubernetes.aio import client

from album_operator.adapters.cluster.cluster import Cluster
from album_operator.adapters.cluster.guard import GuardAtStart, prove_guard
from album_operator.domain.errors import TransientError
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from tests.integration.manifests.applications import APPLICATIONS, CONSENT, application
from tests.integration.manifests.conftest import SYSTEM, Installed

UNGUARDED = "album-renamed"

NUMBERS = itertools.count(1)
"""Of the Applications: each test has its own."""


@asynccontextmanager
async def _connected(installed: Installed, token: str) -> AsyncIterator[Cluster]:
    settings = client.Configuration(host=installed.server.url)
    settings.ssl_ca_cert = str(installed.server.ca)
    settings.api_key = {"BearerToken": token}
    settings.api_key_prefix = {"BearerToken": "Bearer"}
    cluster = Cluster(client.ApiClient(settings))
    try:
        yield cluster
    finally:
        await cluster.close()


@pytest.fixture(scope="module")
def unguarded(installed: Installed) -> str:
    """Give the token of an account with the operator's rights that no guard knows."""
    server = installed.server
    server.run_kubectl("create", "serviceaccount", "-n", SYSTEM, UNGUARDED)
    account = f"--serviceaccount={SYSTEM}:{UNGUARDED}"
    binding = ("create", "rolebinding", "-n", "argocd", UNGUARDED, "--role=album-operator")
    server.run_kubectl(*binding, account)
    return server.issue_token(SYSTEM, UNGUARDED)


@pytest.fixture(params=["album/album-app", ""], ids=["consent", "no consent"])
def app(installed: Installed, request: pytest.FixtureRequest) -> Ref:
    """Give an Application, with or without consent: the guard refuses in other words."""
    raw = application(f"proof-{next(NUMBERS)}")
    raw["metadata"]["annotations"][CONSENT] = request.param
    assert installed.server.request("POST", APPLICATIONS, raw).status == 201
    return Ref("argocd", raw["metadata"]["name"])


async def test_it_is_proved_where_it_holds(installed: Installed, app: Ref) -> None:
    async with _connected(installed, installed.token) as cluster:
        await prove_guard(cluster, app)
        assert await GuardAtStart(cluster, ["argocd"]).find_obstacle() is None


async def test_it_is_missed_where_it_holds_another_account(
    installed: Installed, unguarded: str, app: Ref
) -> None:
    before = installed.server.request("GET", f"{APPLICATIONS}/{app.name}").body
    async with _connected(installed, unguarded) as cluster:
        with pytest.raises(TransientError) as caught:
            await prove_guard(cluster, app)
        assert caught.value.reason is Reason.GUARD_MISSING
        assert await GuardAtStart(cluster, ["argocd"]).find_obstacle()
    assert installed.server.request("GET", f"{APPLICATIONS}/{app.name}").body == before


async def test_a_missing_right_is_no_missing_guard(installed: Installed) -> None:
    async with _connected(installed, installed.token) as cluster:
        with pytest.raises(TransientError) as caught:
            await prove_guard(cluster, Ref("default", "any"))
        assert caught.value.reason is Reason.FORBIDDEN
