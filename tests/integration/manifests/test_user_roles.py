"""What the shipped ClusterRoles let people do, bound alone and as parts of Kubernetes' own."""

import shlex
from collections.abc import Iterator

import pytest

from testbed.commands import wait_until
from tests.integration.apiserver import ApiServer, ensure_programs, running_controllers
from tests.integration.manifests.conftest import Installed
from tests.unit.docs.documents import fences, read, section

PLACE = "people"
"""A namespace of these tests."""

LOOK = {"get", "list", "watch"}
WRITE = {"create", "update", "patch", "delete", "deletecollection"}
NOTHING: set[str] = set()

MAY = {
    "view": {"albumreleases": LOOK, "albumpipelines": LOOK},
    "edit": {"albumreleases": LOOK | WRITE, "albumpipelines": LOOK},
    "admin": {"albumreleases": LOOK | WRITE, "albumpipelines": LOOK | WRITE},
}
REFUSED = ("albumreleases/status", "albumpipelines/status")
"""What a release acts on; its guard refuses people with more rights, too."""


@pytest.fixture(scope="module")
def people(installed: Installed) -> ApiServer:
    """Bind each role, ours and Kubernetes' own, to a user of its name."""
    server = installed.server
    server.create_namespace(PLACE)
    for role in (*MAY, *map(_ours, MAY)):
        bind = ("create", "rolebinding", "-n", PLACE, role, f"--clusterrole={role}")
        server.run_kubectl(*bind, f"--user={role}")
    return server


@pytest.fixture(scope="module")
def _aggregated(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run what puts ClusterRoles together; a bare API server has none."""
    folder = tmp_path_factory.mktemp("controllers")
    with running_controllers(
        installed.server, ensure_programs(), folder, "clusterrole-aggregation-controller"
    ):
        yield


def _ours(role: str) -> str:
    return f"album-release-operator-{role}"


def _allowed(server: ApiServer, user: str, resource: str, namespace: str = PLACE) -> set[str]:
    """Give the verbs that a user may use on a resource of ours."""
    kind, _, part = resource.partition("/")
    return {verb for verb in LOOK | WRITE if _may(server, user, verb, kind, part, namespace)}


def _may(server: ApiServer, user: str, verb: str, resource: str, part: str, namespace: str) -> bool:
    where = {"namespace": namespace, "group": "album.dev", "resource": resource}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "resourceAttributes": {**where, "subresource": part, "verb": verb}},
    }
    answer = server.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    return bool(answer.body["status"]["allowed"])


@pytest.mark.parametrize("role", MAY)
def test_a_role_that_is_bound_by_itself_gives_exactly_these(people: ApiServer, role: str) -> None:
    for resource, verbs in MAY[role].items():
        assert _allowed(people, _ours(role), resource) == verbs
        assert _allowed(people, _ours(role), resource, "default") == NOTHING
    for resource in REFUSED:
        assert _allowed(people, _ours(role), resource) == NOTHING


@pytest.mark.usefixtures("_aggregated")
@pytest.mark.parametrize("role", MAY)
def test_a_role_of_kubernetes_has_ours_in_it(people: ApiServer, role: str) -> None:
    def has_ours() -> bool:
        return all(
            _allowed(people, role, resource) == verbs for resource, verbs in MAY[role].items()
        )

    wait_until(has_ours, part=role, what="have our rights", seconds=60)
    for resource in REFUSED:
        assert _allowed(people, role, resource) == NOTHING


def test_who_makes_releases_as_the_install_page_says_reads_no_secret(people: ApiServer) -> None:
    (commands,) = fences(section(read("docs/install.md"), "Who may release"))
    for command in commands.text.replace("\\\n", "").splitlines():
        people.run_kubectl(*shlex.split(command)[1:])
    said = people.run_kubectl(
        *("auth", "can-i", "--list", "--no-headers"),
        *("-n", "album", "--as=system:serviceaccount:album:releaser"),
    )
    assert "albumreleases.album.dev" in said
    assert not [word for word in ("secrets", "pods", "jobs", "/status") if word in said]
