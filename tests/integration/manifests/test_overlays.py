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
    Overlay({"nameSuffix": "-eu"}, "overlays/testbed", "album-operator-eu", "album-system"),
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


@pytest.fixture
def renamed(installed: Installed, kubectl: Path, tmp_path: Path) -> Iterator[Installed]:
    """Install a second operator under a name of its own: account, rights, guard of Applications."""
    overlay = OVERLAYS[1]
    items = [
        one
        for one in _render(kubectl, tmp_path, overlay)
        if one["kind"] in {"ServiceAccount", "Role", "RoleBinding"}
        or one["metadata"]["name"] == "team-album-operator-applications"
    ]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    installed.server.run_kubectl("apply", "-f", "-", stdin=text)
    yield Installed(
        installed.server, installed.server.issue_token(overlay.namespace, overlay.account)
    )
    installed.server.run_kubectl("delete", "-f", "-", stdin=text)


def test_an_operator_under_another_name_is_held_by_the_api_server(renamed: Installed) -> None:
    raw = application("renamed")
    assert renamed.server.request("POST", APPLICATIONS, raw).status == 201
    path = f"{APPLICATIONS}/renamed"

    def is_held() -> bool:
        # A dry run: until the API server has seen the new guard, it would be done.
        source = {"spec": {"source": {"targetRevision": "evil"}}}
        answer = renamed.as_operator("PATCH", f"{path}?dryRun=All", source)
        return "album-operator may not change spec.source" in answer.message

    wait_until(is_held, part="guard", what="hold the renamed operator", seconds=30)
    refresh = {"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}}
    answer = renamed.as_operator("PATCH", path, refresh)
    assert answer.status == 200, answer.message
