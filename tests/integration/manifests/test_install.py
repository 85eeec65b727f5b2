"""The manifests are taken by the API server as users are told to apply them."""

import shutil
from pathlib import Path

import pytest
import yaml

from testbed.commands import capture
from tests.integration.apiserver import Answer
from tests.integration.manifests.applications import MANIFESTS, Raw
from tests.integration.manifests.conftest import OPERATOR, SYSTEM, Installed

LAST_APPLIED_LIMIT = 262144
"""Bytes all annotations of an object may take together; plain `kubectl apply` keeps it in one."""

BUDGET = "poddisruptionbudget.policy/album-operator"

ALLOWED_CLUSTER_WIDE = {
    "CustomResourceDefinition",
    "Namespace",
    # Roles of people; who is given them says whoever binds them.
    "ClusterRole",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
}


def render(kubectl: Path, overlay: str) -> list[Raw]:
    """Render a kustomization with kubectl's own kustomize."""
    text = capture([kubectl, "kustomize", MANIFESTS / overlay], part="kustomize", timeout=60)
    return list(yaml.safe_load_all(text))


def find(objects: list[Raw], kind: str, name: str) -> Raw:
    """Find an object by kind and by name, with or without kustomize's digest behind it."""
    (found,) = (
        one for one in objects if one["kind"] == kind and one["metadata"]["name"].startswith(name)
    )
    return found


def test_the_overlay_is_applied_by_kubectl_and_again_without_a_change(installed: Installed) -> None:
    folder = str(MANIFESTS / "overlays/default")
    apply = ("apply", "-k", folder, "--server-side", "--force-conflicts", "--dry-run=server")
    lines = installed.server.run_kubectl(*apply).splitlines()
    assert len(lines) >= 13
    assert all(line.endswith("serverside-applied (server dry run)") for line in lines)


def test_applying_twice_changes_nothing(installed: Installed) -> None:
    before = _versions(installed)
    lines = installed.server.run_kubectl("apply", "-k", str(MANIFESTS / "overlays/default"))
    changed = [line for line in lines.splitlines() if not line.endswith(" unchanged")]
    # kubectl sends its selector each time (`patchStrategy: replace` in policy/v1).
    assert changed == [f"{BUDGET} configured"]
    assert _versions(installed) == before


def _versions(installed: Installed) -> str:
    return installed.server.run_kubectl(
        "get", "-n", SYSTEM, BUDGET, "-o", "jsonpath={.metadata.resourceVersion}"
    )


@pytest.mark.parametrize("overlay", ["base", "overlays/default"])
def test_every_object_fits_into_the_annotation_of_plain_apply(kubectl: Path, overlay: str) -> None:
    for one in render(kubectl, overlay):
        assert len(yaml.safe_dump(one)) < LAST_APPLIED_LIMIT, one["metadata"]["name"]


@pytest.mark.parametrize("overlay", ["base", "overlays/default"])
def test_no_right_is_cluster_wide(kubectl: Path, overlay: str) -> None:
    cluster_wide = {
        one["kind"] for one in render(kubectl, overlay) if "namespace" not in one["metadata"]
    }
    assert cluster_wide <= ALLOWED_CLUSTER_WIDE


def test_the_overlay_says_the_image_once_for_operator_and_build_jobs(kubectl: Path) -> None:
    deployment = find(render(kubectl, "overlays/default"), "Deployment", OPERATOR)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    fixed = {entry["name"]: entry.get("value") for entry in container["env"]}
    image = "album-operator:0.1.0"
    assert (container["image"], fixed["ALBUM_OPERATOR_IMAGE"]) == (image, image)


def test_another_namespace_is_served_by_a_kustomization_of_two_lines(
    kubectl: Path, tmp_path: Path
) -> None:
    for part in ("namespace", "argocd"):
        shutil.copytree(MANIFESTS / part, tmp_path / part)
    (tmp_path / "kustomization.yaml").write_text("namespace: music\nresources: [namespace]\n")
    text = capture([kubectl, "kustomize", tmp_path], part="kustomize", timeout=60)
    objects = list(yaml.safe_load_all(text))
    assert {one["metadata"]["namespace"] for one in objects} == {"music"}
    (subject,) = find(objects, "RoleBinding", OPERATOR)["subjects"]
    assert subject["namespace"] == SYSTEM


def _create_pod(installed: Installed, spec: Raw) -> Answer:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "operator-"},
        "spec": spec,
    }
    path = f"/api/v1/namespaces/{SYSTEM}/pods?dryRun=All"
    return installed.server.request("POST", path, pod)


def test_the_operator_pod_passes_the_restricted_standard(installed: Installed) -> None:
    path = f"/apis/apps/v1/namespaces/{SYSTEM}/deployments/{OPERATOR}"
    spec = installed.server.request("GET", path).body["spec"]["template"]["spec"]
    answer = _create_pod(installed, spec)
    assert answer.status == 201, answer.message
    del spec["containers"][0]["securityContext"]
    assert "violates PodSecurity" in _create_pod(installed, spec).message
