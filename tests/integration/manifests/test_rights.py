"""What the operator's ServiceAccount may do, no more and no less."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from kubernetes.aio import client

from album_operator.adapters.cluster.cluster import Cluster
from album_operator.adapters.cluster.crashes import ClusterCrashes
from album_operator.adapters.cluster.rights import find_missing
from tests.integration.apiserver import ApiServer
from tests.integration.manifests.conftest import OPERATOR, SYSTEM, Installed
from tests.unit.docs.documents import fences, read, section

GOLDEN = Path(__file__).parent / "rights.txt"
PAGE = "docs/security.md"
LINE = re.compile(r"(?P<what>\S*) +\[(?P<urls>.*?)\] +\[(?P<names>.*?)\] +\[(?P<verbs>.*?)\]")
"""A line of `kubectl auth can-i --list`: resource, URLs, names of objects, verbs."""

ASKED = ("album", "argocd", SYSTEM, "default", "kube-system")
"""Namespaces, of which the first three are those of the manifests."""


def _granted(server: ApiServer, account: str, namespace: str) -> set[str]:
    """Give what `kubectl auth can-i --list` prints for a ServiceAccount, each line in one form."""
    options = ("--list", "--no-headers", f"--as=system:serviceaccount:{account}")
    said = server.run_kubectl("auth", "can-i", *options, "-n", namespace)
    lines = [LINE.fullmatch(line.strip()) for line in said.splitlines()]
    return {_as_golden(line) for line in lines if line is not None}


def _as_golden(line: re.Match[str]) -> str:
    names = f" named {line['names']}" if line["names"] else ""
    return f"{line['what'] or line['urls']}{names}: {' '.join(sorted(line['verbs'].split()))}"


def test_the_rights_are_exactly_those_of_the_committed_list(
    installed: Installed,
) -> None:
    server, account = installed.server, f"{SYSTEM}:{OPERATOR}"
    granted = [
        f"{namespace} {right}"
        for namespace in ASKED
        for right in sorted(
            _granted(server, account, namespace) - _granted(server, "any:body", namespace)
        )
    ]
    lines = GOLDEN.read_text().splitlines()
    assert granted == [line for line in lines if not line.startswith("#")]


def test_the_security_page_tells_the_same_rights() -> None:
    told = re.findall(r"^\|[^|]*\| `(\S+)`: ([a-z, ]+) \|", section(read(PAGE), "Rights"), re.M)
    lines = [line for line in GOLDEN.read_text().splitlines() if not line.startswith("#")]
    listed = [line.split(" ", 1)[1].split(": ") for line in lines]
    assert {(what, verb) for what, verbs in told for verb in verbs.split(", ")} == {
        (_without_group(what), verb) for what, verbs in listed for verb in verbs.split()
    }


def _without_group(what: str) -> str:
    plural, slash, subresource = what.partition(" named ")[0].partition("/")
    return plural.partition(".")[0] + slash + subresource


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
    ("PUT", f"/apis/coordination.k8s.io/v1/namespaces/{SYSTEM}/leases/any"),
    ("GET", f"/apis/coordination.k8s.io/v1/namespaces/{SYSTEM}/leases"),
    ("DELETE", f"/apis/coordination.k8s.io/v1/namespaces/{SYSTEM}/leases/album-operator"),
    ("POST", "/apis/coordination.k8s.io/v1/namespaces/album/leases"),
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
