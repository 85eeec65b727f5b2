"""Who may write the status of a release or pipeline, whatever RBAC says: the operator."""

import itertools

import pytest

from testbed.commands import PartError
from tests.integration.manifests.applications import Raw
from tests.integration.manifests.conftest import OPERATOR, SYSTEM, Installed
from tests.integration.objects import pipeline

RELEASES = "/apis/album.dev/v1alpha1/namespaces/{}/albumreleases"
STATUS: Raw = {"status": {"supersededBy": {"version": "v6.6.6"}}}
USER = f"system:serviceaccount:{SYSTEM}:{OPERATOR}"
TENANT = "album-tenant"
REFUSED = f"only {USER} may write the status of AlbumRelease"

NUMBERS = itertools.count(1)
"""Of the releases: each test has its own."""


@pytest.fixture
def path(installed: Installed) -> str:
    """Give the path of a new release of namespace `album`."""
    return _create(installed, "album")


def _create(installed: Installed, namespace: str, token: str | None = None, **more: object) -> str:
    name = f"guarded-{next(NUMBERS)}"
    raw = {
        "apiVersion": "album.dev/v1alpha1",
        "kind": "AlbumRelease",
        "metadata": {"name": name},
        "spec": {"pipelineRef": {"name": "album-app"}, "tag": "backend-v1.1.0", "suspend": True},
        **more,
    }
    path = RELEASES.format(namespace)
    answer = installed.server.request("POST", path, raw, token=token)
    assert answer.status == 201, answer.message
    return f"{path}/{name}"


@pytest.fixture(scope="module")
def tenant(installed: Installed) -> str:
    """Give a token with every right in a namespace, of an account with the operator's name."""
    server = installed.server
    server.create_namespace(TENANT)
    server.run_kubectl("create", "serviceaccount", "-n", TENANT, OPERATOR)
    account = f"--serviceaccount={TENANT}:{OPERATOR}"
    binding = ("create", "rolebinding", "-n", TENANT, "owner", "--clusterrole=cluster-admin")
    server.run_kubectl(*binding, account)
    return server.issue_token(TENANT, OPERATOR)


def _read(installed: Installed, path: str) -> Raw:
    status: Raw = installed.server.request("GET", path).body["status"]
    return status


def test_the_operator_writes_it(installed: Installed, path: str) -> None:
    answer = installed.as_operator("PATCH", f"{path}/status", STATUS)
    assert answer.status == 200, answer.message
    assert _read(installed, path)["supersededBy"] == {"version": "v6.6.6"}


def test_who_owns_the_namespace_does_not(installed: Installed, tenant: str) -> None:
    server, path = installed.server, _create(installed, TENANT)
    whole = {**server.request("GET", path).body, **STATUS}
    applied = {key: whole[key] for key in ("apiVersion", "kind", "status")}
    applied["metadata"] = {"name": whole["metadata"]["name"]}
    operations = [{"op": "add", "path": "/status/supersededBy", "value": {"version": "v6.6.6"}}]
    for method, query, body, kind in (
        ("PATCH", "", STATUS, "application/merge-patch+json"),
        ("PATCH", "", operations, "application/json-patch+json"),
        ("PATCH", "?fieldManager=x&force=true", applied, "application/apply-patch+yaml"),
        ("PUT", "", whole, "application/json"),
    ):
        answer = server.request(
            method, f"{path}/status{query}", body, headers={"Content-Type": kind}, token=tenant
        )
        assert answer.status == 403, (method, kind, answer.message)
        assert REFUSED in answer.message
    assert _read(installed, path) == {"observedGeneration": -1}


def test_a_status_beside_the_spec_is_dropped(installed: Installed, tenant: str) -> None:
    server, path = installed.server, _create(installed, TENANT, tenant, **STATUS)
    patch = {"spec": {"suspend": False}, **STATUS}
    answer = server.request("PATCH", path, patch, token=tenant)
    assert answer.status == 200, answer.message
    assert not answer.body["spec"]["suspend"]
    whole = {**answer.body, **STATUS}
    answer = server.request("PUT", path, whole, token=tenant)
    assert answer.status == 200, answer.message
    assert _read(installed, path) == {"observedGeneration": -1}


def test_an_admin_does_it_only_in_the_operators_name(installed: Installed, path: str) -> None:
    server = installed.server
    answer = server.request("PATCH", f"{path}/status", STATUS)
    assert answer.status == 403
    # The way out the message names.
    _, _, said = answer.message.partition("kubectl ")
    patch = '{"status":{"supersededBy":{"version":"v6.6.6"}}}'
    command = [patch if word == "..." else word for word in said.split(" ")]
    assert command[-2:] == [f"--as={USER}", "--as-group=system:masters"]
    with pytest.raises(PartError, match=REFUSED):
        server.run_kubectl(*command[:-2])
    server.run_kubectl(*command)
    assert _read(installed, path)["supersededBy"] == {"version": "v6.6.6"}


def test_all_else_of_a_release_is_for_whoever_has_the_right(
    installed: Installed, path: str
) -> None:
    labelled = {"metadata": {"labels": {"team": "music"}}, "spec": {"suspend": False}}
    assert installed.server.request("PATCH", path, labelled).status == 200
    assert installed.server.request("DELETE", path).status == 200


def test_of_a_pipeline_too_the_operator_alone_writes_it(installed: Installed, tenant: str) -> None:
    server = installed.server
    for namespace in ("album", TENANT):
        place = RELEASES.format(namespace).replace("albumreleases", "albumpipelines")
        body = {**pipeline(), "metadata": {"name": f"guarded-{next(NUMBERS)}"}}
        created = server.request("POST", place, body)
        assert created.status == 201, created.message
        path = f"{place}/{body['metadata']['name']}/status"
        status = {"status": {"lastHandledRefresh": "now"}}
        if namespace == "album":
            answer = installed.as_operator("PATCH", path, status)
            assert answer.status == 200, answer.message
        else:
            answer = server.request("PATCH", path, status, token=tenant)
            assert answer.status == 403
            assert f"only {USER} may write the status of AlbumPipeline {TENANT}/" in answer.message
            assert "kubectl patch albumpipelines -n" in answer.message
