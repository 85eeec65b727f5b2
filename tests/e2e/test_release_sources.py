"""What an Application takes: values beside its path, from the root, by `ref`, and hydrated."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from testbed.deploy import NAMESPACE, ROOT
from testbed.offline import gotools
from testbed.settings import from_environment
from tests.e2e.applications import APP, application, applied, ensure_file, image_of
from tests.e2e.world import CONFIG, World, wait_for

pytestmark = pytest.mark.e2e

HYDRATING = "hydrating"
"""Namespace of an Argo CD with a hydrator, which the testbed's own has not."""

LEFT_OUT = ("dex", "notifications", "applicationset", "argocd-server")


def _values_of(world: World, name: str) -> str:
    """Make a values file of its own for an Application; give its path."""
    path = f"envs/{name}/backend.yaml"
    ensure_file(world, path, 'image:\n  tag: "v1.0.0"\n')
    return path


@pytest.mark.parametrize("layout", ["beside", "root", "ref"])
def test_values_outside_of_the_path_are_released(world: World, layout: str) -> None:
    name = f"{APP}-{layout}"
    path = _values_of(world, name)
    files = {"beside": f"../{path}", "root": f"/{path}", "ref": f"$values/{path}"}
    made = application(
        world, name, name, {"path": "backend", "helm": {"valueFiles": [files[layout]]}}
    )
    if layout == "ref":
        first = made["spec"].pop("source")
        lent = {key: first[key] for key in ("repoURL", "targetRevision")}
        made["spec"]["sources"] = [first, {**lent, "ref": "values"}]
    app = {
        "name": "backend",
        "edits": [{"path": path, "key": "image.tag"}],
        "applications": [{"namespace": "argocd", "name": name}],
    }
    world.pipeline(name, apps=[app])
    tag = world.new_tag()
    with applied(world, made):
        release = world.merge_and_finish(world.release(tag, pipeline=name))

        assert image_of(world, name).endswith(f":{tag.removeprefix('backend-')}")
        (told,) = release["status"]["applications"]
        assert told["acceptedBecause"] in {"Equal", "Descendant"}


@pytest.fixture
def hydrating(world: World) -> Iterator[str]:
    """An Argo CD of its own, whose hydrator may push, and where the operator has its rights."""
    testbed = world.testbed
    folder = gotools.module_folder(
        "github.com/argoproj/argo-cd/v3",
        from_environment(),
        ROOT / "testbed" / "offline" / "go" / "argocd",
    )
    manifest = (folder / "manifests" / "namespace-install-with-hydrator.yaml").read_text()
    rights = testbed.kubectl("kustomize", str(ROOT / "manifests" / "argocd"))
    parts = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HYDRATING}},
        *filter(None, yaml.safe_load_all(manifest)),
        *yaml.safe_load_all(rights.replace("namespace: argocd", f"namespace: {HYDRATING}")),
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": HYDRATING},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": "cluster-admin",
            },
            "subjects": [
                {
                    "kind": "ServiceAccount",
                    "name": "argocd-application-controller",
                    "namespace": HYDRATING,
                }
            ],
        },
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AppProject",
            "metadata": {"name": "default"},
            "spec": {
                "sourceRepos": ["*"],
                "destinations": [{"namespace": "*", "server": "*"}],
                "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
            },
        },
        *_credentials(world),
    ]
    wanted = [part for part in parts if _is_wanted(part)]
    for part in wanted:
        if part["metadata"]["name"] == "argocd-cmd-params-cm":
            part.setdefault("data", {})["hydrator.enabled"] = "true"
    server_side = ("apply", "--server-side", "--force-conflicts", "-n", HYDRATING, "-f", "-")
    testbed.kubectl(*server_side, stdin=json.dumps(wanted[0]))
    testbed.kubectl(*server_side, stdin=yaml.dump_all(wanted[1:]))
    yield HYDRATING
    testbed.kubectl("delete", "application", "--all", "-n", HYDRATING, "--timeout=60s")
    testbed.kubectl("delete", "clusterrolebinding", HYDRATING)
    testbed.kubectl("delete", "namespace", HYDRATING, "--wait=false")


def _is_wanted(part: dict[str, Any]) -> bool:
    name = part["metadata"]["name"]
    # The testbed's network knows no policies.
    return part["kind"] != "NetworkPolicy" and not any(word in name for word in LEFT_OUT)


def _credentials(world: World) -> Iterator[dict[str, object]]:
    testbed = world.testbed
    for name, kind in (("pull", "repository"), ("push", "repository-write")):
        yield {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "labels": {"argocd.argoproj.io/secret-type": kind}},
            "stringData": {
                "type": "git",
                "url": f"{testbed.forge_url}/{CONFIG}",
                "username": testbed.forge_user,
                "password": testbed.forge_token,
            },
        }


def test_manifests_that_argo_cd_hydrates_are_proved_by_their_dry_commit(
    world: World, hydrating: str
) -> None:
    name = f"{APP}-hydrated"
    path = _values_of(world, name)
    made = application(world, name, name, {})
    dry = {**made["spec"].pop("source"), "path": "backend", "helm": {"valueFiles": [f"/{path}"]}}
    sync = {"targetBranch": "environments/hydrated", "path": "backend"}
    made["spec"]["sourceHydrator"] = {"drySource": dry, "syncSource": sync}
    made["metadata"] |= {"namespace": hydrating, "labels": {"album-app": "backend"}}
    app = {
        "name": "backend",
        "edits": [{"path": path, "key": "image.tag"}],
        "applicationSelector": {"matchLabels": {"album-app": "backend"}},
    }
    world.pipeline(name, apps=[app], argocd__namespace=hydrating)
    tag = world.new_tag()
    testbed = world.testbed
    testbed.kubectl("apply", "-f", "-", stdin=json.dumps(made))

    def is_compared() -> bool:
        path = "jsonpath={.status.sync.revision}"
        return bool(testbed.kubectl("get", "application", name, "-n", hydrating, "-o", path))

    wait_for("the first manifests are hydrated", is_compared)
    release = world.merge_and_finish(world.release(tag, pipeline=name))

    status = release["status"]
    assert status["resolved"]["argocd"]["applications"] == [{"namespace": hydrating, "name": name}]
    (told,) = status["applications"]
    merged = status["pullRequest"]["mergeCommit"]
    assert (told["revision"], told["acceptedBecause"]) == (merged, "Equal")
    assert image_of(world, name).endswith(f":{tag.removeprefix('backend-')}")
    testbed.kubectl("delete", "albumpipeline", name, "-n", NAMESPACE)
