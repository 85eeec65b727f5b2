"""What the operator's ServiceAccount may do, no more and no less."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from kubernetes.aio import client

from album_operator.adapters.cluster.cluster import Cluster
from album_operator.adapters.cluster.crashes import ClusterCrashes
from album_operator.adapters.cluster.rights import find_missing
from tests.integration.apiserver import ApiServer
from tests.integration.manifests.conftest import SYSTEM, Installed
from tests.unit.docs.documents import fences, read, section

Right = tuple[str, str, str]
"""Verb, API group and resource."""

ALBUM = "album.dev"


def _rights(group: str, resource: str, *verbs: str) -> set[Right]:
    return {(verb, group, resource) for verb in verbs}


SERVED = (
    _rights(ALBUM, "albumreleases", "get", "list", "watch", "patch", "create", "delete")
    | _rights(ALBUM, "albumreleases/status", "patch")
    | _rights(ALBUM, "albumpipelines", "get", "list", "watch")
    | _rights(ALBUM, "albumpipelines/status", "patch")
    | _rights("batch", "jobs", "get", "list", "watch", "create", "delete")
    | _rights("", "pods", "list")
    | _rights("", "events", "list", "create")
    | _rights("", "secrets", "get")
)
ARGOCD = _rights("argoproj.io", "applications", "get", "list", "watch", "patch")


def _granted(server: ApiServer, token: str, namespace: str) -> set[Right]:
    answer = server.request(
        "POST",
        "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        },
        token=token,
    )
    assert not answer.body["status"]["incomplete"]
    return {
        (verb, group, resource)
        for rule in answer.body["status"]["resourceRules"]
        for verb in rule["verbs"]
        for group in rule.get("apiGroups", [])
        for resource in rule.get("resources", [])
    }


@pytest.fixture(scope="module")
def any_token(installed: Installed) -> str:
    """Give the token of a ServiceAccount that has only what Kubernetes gives to all of them."""
    installed.server.run_kubectl("create", "serviceaccount", "-n", "default", "anybody")
    return installed.server.issue_token("default", "anybody")


@pytest.mark.parametrize(
    ("namespace", "expected"),
    [
        ("album", SERVED),
        ("argocd", ARGOCD),
        (SYSTEM, set()),
        ("default", set()),
        ("kube-system", set()),
    ],
)
def test_the_rights_in_a_namespace_are_exactly_these(
    installed: Installed, any_token: str, namespace: str, expected: set[Right]
) -> None:
    granted = _granted(installed.server, installed.token, namespace)
    assert granted - _granted(installed.server, any_token, namespace) == expected


REFUSED = [
    ("GET", "/api/v1/secrets"),
    ("GET", "/api/v1/namespaces/album/secrets"),
    ("GET", "/api/v1/namespaces/argocd/secrets/argocd-secret"),
    ("GET", f"/api/v1/namespaces/{SYSTEM}/secrets/any"),
    ("GET", "/api/v1/namespaces"),
    ("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"),
    ("GET", "/apis/album.dev/v1alpha1/albumreleases"),
    ("GET", "/apis/argoproj.io/v1alpha1/applications"),
    ("GET", "/apis/argoproj.io/v1alpha1/namespaces/argocd/appprojects"),
    ("PATCH", "/apis/argoproj.io/v1alpha1/namespaces/default/applications/any"),
    ("PUT", "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/any"),
    ("DELETE", "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/any"),
    ("POST", "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications"),
    ("PATCH", "/apis/batch/v1/namespaces/album/jobs/any"),
    ("POST", "/apis/batch/v1/namespaces/argocd/jobs"),
    ("POST", "/api/v1/namespaces/album/pods"),
    ("PATCH", "/apis/album.dev/v1alpha1/namespaces/album/albumpipelines/any"),
    ("DELETE", "/apis/album.dev/v1alpha1/namespaces/album/albumpipelines/any"),
    (
        "PATCH",
        "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/"
        "album-operator-applications",
    ),
]


@pytest.mark.parametrize(("method", "path"), REFUSED, ids=lambda value: str(value))
def test_a_request_beyond_the_rights_is_forbidden(
    installed: Installed, method: str, path: str
) -> None:
    body: dict[str, str] | None = {} if method in {"POST", "PUT", "PATCH"} else None
    answer = installed.as_operator(method, path, body)
    assert answer.status == 403
    assert "is forbidden: User" in answer.message


def test_an_application_cannot_be_made_by_server_side_apply(installed: Installed) -> None:
    path = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/new?fieldManager=x"
    raw = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "new"},
        "spec": {"project": "default"},
    }
    answer = installed.as_operator("PATCH", path, raw, "application/apply-patch+yaml")
    assert answer.status == 403


@asynccontextmanager
async def _as_operator(installed: Installed) -> AsyncIterator[Cluster]:
    settings = client.Configuration(host=installed.server.url)
    settings.ssl_ca_cert = str(installed.server.ca)
    settings.api_key = {"BearerToken": installed.token}
    settings.api_key_prefix = {"BearerToken": "Bearer"}
    cluster = Cluster(client.ApiClient(settings))
    try:
        yield cluster
    finally:
        await cluster.close()


async def test_what_the_operator_asks_for_is_granted_where_it_serves_and_only_there(
    installed: Installed,
) -> None:
    async with _as_operator(installed) as cluster:
        assert await find_missing(cluster, "album") == []
        assert "get secrets" in await find_missing(cluster, "default")


async def test_why_an_app_crashes_may_be_seen_by_the_role_of_the_install_page(
    installed: Installed,
) -> None:
    (role,) = fences(section(read("docs/install.md"), "Why an app crashes"))
    installed.server.create_namespace("shop")
    async with _as_operator(installed) as cluster:
        crashes = ClusterCrashes(cluster)
        assert not await crashes.may_look("shop")
        installed.server.run_kubectl("apply", "-f", "-", stdin=role.text)

        assert await crashes.may_look("shop")
        assert await crashes.find("shop", bool) is None
