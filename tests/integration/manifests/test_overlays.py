"""The guards bind the operator under whatever name and in whatever namespace an overlay puts it."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from testbed.commands import capture, wait_until
from tests.integration.manifests.applications import APPLICATIONS, MANIFESTS, Raw, application
from tests.integration.manifests.conftest import Installed
from tests.integration.manifests.operator_process import running_operator

GUARD = "team-album-operator-applications"


@dataclass(frozen=True)
class Overlay:
    """An overlay of ours, and where it puts the operator.

    Attributes:
        fields: of its kustomization, besides `resources`.
        resource: folder below `manifests` it is made of.
        account: the operator's ServiceAccount.
        namespace: the operator's namespace.
    """

    fields: Raw
    resource: str
    account: str
    namespace: str


OVERLAYS = [
    Overlay({}, "overlays/default", "album-operator", "album-system"),
    Overlay({"namePrefix": "team-"}, "overlays/default", "team-album-operator", "album-system"),
    Overlay({"nameSuffix": "-eu"}, "overlays/default", "album-operator-eu", "album-system"),
    Overlay(
        {"namePrefix": "team-", "nameSuffix": "-eu", "namespace": "tools"},
        "base",
        "team-album-operator-eu",
        "tools",
    ),
]


def _render(kubectl: Path, folder: Path, overlay: Overlay) -> list[Raw]:
    resource = os.path.relpath(MANIFESTS / overlay.resource, folder)
    (folder / "kustomization.yaml").write_text(
        json.dumps({**overlay.fields, "resources": [resource]})
    )
    text = capture([kubectl, "kustomize", folder], part="kustomize", timeout=60)
    return list(yaml.safe_load_all(text))


@pytest.mark.parametrize(
    "overlay", OVERLAYS, ids=lambda overlay: f"{overlay.namespace}/{overlay.account}"
)
def test_the_guards_follow_the_account_of_the_deployment(
    kubectl: Path, tmp_path: Path, overlay: Overlay
) -> None:
    objects = _render(kubectl, tmp_path, overlay)
    (deployment,) = (one for one in objects if one["kind"] == "Deployment")
    account = deployment["spec"]["template"]["spec"]["serviceAccountName"]
    assert (account, deployment["metadata"]["namespace"]) == (overlay.account, overlay.namespace)
    policies = {
        one["metadata"]["name"] for one in objects if one["kind"] == "ValidatingAdmissionPolicy"
    }
    bindings = [one["spec"] for one in objects if one["kind"] == "ValidatingAdmissionPolicyBinding"]
    assert {binding["policyName"] for binding in bindings} == policies
    for binding in bindings:
        place = binding["paramRef"]["namespace"], binding["paramRef"]["name"]
        assert place == (overlay.namespace, overlay.account)
    leases = [
        rule
        for one in objects
        if one["kind"] == "Role" and one["metadata"]["namespace"] == overlay.namespace
        for rule in one["rules"]
        if rule["resources"] == ["leases"]
    ]
    assert [rule.get("resourceNames") for rule in leases] == [[overlay.account], None]


def test_a_moved_guard_is_taken_by_the_api_server(
    installed: Installed, kubectl: Path, tmp_path: Path
) -> None:
    # kustomize gives these cluster-wide objects a namespace, which the API server drops.
    guards = [
        one
        for one in _render(kubectl, tmp_path, OVERLAYS[-1])
        if one["kind"].startswith("ValidatingAdmissionPolicy")
    ]
    said = installed.server.run_kubectl("apply", "--dry-run=server", "-f", "-", stdin=_list(guards))
    assert said.count("created (server dry run)") == len(guards) == 10


@dataclass(frozen=True)
class Renamed:
    """A second operator, under a name of its own.

    Attributes:
        operator: the API server, and the token of its account, which has the operator's rights.
        guard: the guard of Applications as its overlay makes it, not yet applied.
    """

    operator: Installed
    guard: str

    def install_guard(self) -> None:
        """Apply the guard."""
        self.operator.server.run_kubectl("apply", "-f", "-", stdin=self.guard)


def _list(items: list[Raw]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


@pytest.fixture
def renamed(installed: Installed, kubectl: Path, tmp_path: Path) -> Iterator[Renamed]:
    """Install account and rights of a second operator; take all of it away in the end."""
    server, overlay = installed.server, OVERLAYS[1]
    objects = _render(kubectl, tmp_path, overlay)
    rights = {"ServiceAccount", "Role", "RoleBinding"}
    account = _list([one for one in objects if one["kind"] in rights])
    guard = _list([one for one in objects if one["metadata"]["name"] == GUARD])
    server.run_kubectl("apply", "-f", "-", stdin=account)
    token = server.issue_token(overlay.namespace, overlay.account)
    yield Renamed(Installed(server, token), guard)
    server.run_kubectl("delete", "--ignore-not-found", "-f", "-", stdin=guard)
    server.run_kubectl("delete", "-f", "-", stdin=account)


def test_an_operator_that_no_guard_holds_serves_nothing_until_one_does(
    renamed: Renamed, tmp_path: Path
) -> None:
    raw = application("unheld")
    assert renamed.operator.server.request("POST", APPLICATIONS, raw).status == 201
    with running_operator(renamed.operator, tmp_path) as operator:

        def is_refused() -> bool:
            answer = operator.find_answer("/readyz")
            return answer is not None and "no guard holds its ServiceAccount" in answer[1]

        wait_until(is_refused, part="operator", what="miss its guard", seconds=60)
        answer = operator.find_answer("/readyz")
        assert answer is not None
        assert answer[0] == 503
        assert operator.find_answer("/healthz") == (200, "ok\n")
        renamed.install_guard()
        wait_until(operator.is_ready, part="operator", what="find its guard", seconds=60)


def test_an_operator_under_another_name_is_held_by_the_api_server(renamed: Renamed) -> None:
    operator = renamed.operator
    renamed.install_guard()
    raw = application("renamed")
    assert operator.server.request("POST", APPLICATIONS, raw).status == 201
    path = f"{APPLICATIONS}/renamed"

    def is_held() -> bool:
        # A dry run: until the API server has seen the new guard, it would be done.
        source = {"spec": {"source": {"targetRevision": "evil"}}}
        answer = operator.as_operator("PATCH", f"{path}?dryRun=All", source)
        return "album-operator may not change spec.source" in answer.message

    wait_until(is_held, part="guard", what="hold the renamed operator", seconds=30)
    refresh = {"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}}
    answer = operator.as_operator("PATCH", path, refresh)
    assert answer.status == 200, answer.message
