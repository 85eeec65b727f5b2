"""What an Application takes: values beside its path, from the root, by `ref`, and hydrated."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.applications import APP, application, applied, ensure_file, image_of
from tests.e2e.world import CONFIG, World, wait_for

pytestmark = pytest.mark.e2e

HYDRATED = f"{APP}-hydrated"


def _values_of(world: World, name: str) -> str:
    """Make a values file of its own for an Application; give its path."""
    path = f"envs/{name}/backend.yaml"
    ensure_file(world, path, 'image:\n  tag: "v1.0.0"\n')
    return path


def _takes(world: World, layout: str) -> dict[str, Any]:
    """Apply a pipeline of a layout's name, and give the Application that takes its values so."""
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
    branch = {"branch": f"{layout}/${{app}}_${{version}}"}
    world.pipeline(name, apps=[app], config__pullRequest=branch)
    return made


def test_values_outside_of_the_path_are_released(world: World) -> None:
    layouts = ("beside", "root", "ref")
    made = [_takes(world, layout) for layout in layouts]
    tag = world.new_tag()
    with applied(world, *made):
        releases = [world.release(tag, f"{tag}-{one}", f"{APP}-{one}") for one in layouts]
        for name in releases:
            number = world.await_reason(name, "AwaitingMerge")["status"]["pullRequest"]["number"]
            world.reviewer.merge(CONFIG, number)
        for layout, name in zip(layouts, releases, strict=True):
            ready = world.await_finished(name)
            assert ready["status"] == "True", ready["message"]
            assert image_of(world, f"{APP}-{layout}").endswith(f":{tag.removeprefix('backend-')}")
            (told,) = world.get(name)["status"]["applications"]
            assert told["acceptedBecause"] in {"Equal", "Descendant"}


@pytest.fixture
def _pushes(world: World) -> Iterator[None]:
    """Let Argo CD's hydrator push to the config repository."""
    testbed = world.testbed
    label = {"argocd.argoproj.io/secret-type": "repository-write"}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": HYDRATED, "namespace": "argocd", "labels": label},
        "stringData": {
            "type": "git",
            "url": f"{testbed.forge_url}/{CONFIG}",
            "username": testbed.forge_user,
            "password": testbed.forge_token,
        },
    }
    testbed.kubectl("apply", "-f", "-", stdin=json.dumps(secret))
    yield
    testbed.kubectl("delete", "secret", HYDRATED, "-n", "argocd")


@pytest.mark.usefixtures("_pushes")
def test_manifests_that_argo_cd_hydrates_are_proved_by_their_dry_commit(world: World) -> None:
    path = _values_of(world, HYDRATED)
    made = application(world, HYDRATED, HYDRATED, {})
    dry = {**made["spec"].pop("source"), "path": "backend", "helm": {"valueFiles": [f"/{path}"]}}
    sync = {"targetBranch": "environments/hydrated", "path": "backend"}
    made["spec"]["sourceHydrator"] = {"drySource": dry, "syncSource": sync}
    made["metadata"]["labels"] = {"album-app": HYDRATED}
    app = {
        "name": "backend",
        "edits": [{"path": path, "key": "image.tag"}],
        "applicationSelector": {"matchLabels": {"album-app": HYDRATED}},
    }
    world.pipeline(HYDRATED, apps=[app])
    tag = world.new_tag()

    def is_compared() -> bool:
        status = world.application(HYDRATED).get("status", {})
        return bool(status.get("sync", {}).get("revision"))

    with applied(world, made):
        wait_for("the first manifests are hydrated", is_compared)
        status = world.merge_and_finish(world.release(tag, pipeline=HYDRATED))["status"]

        assert image_of(world, HYDRATED).endswith(f":{tag.removeprefix('backend-')}")
    names = [{"namespace": "argocd", "name": HYDRATED}]
    assert status["resolved"]["argocd"]["applications"] == names
    (told,) = status["applications"]
    merged = status["pullRequest"]["mergeCommit"]
    assert (told["revision"], told["acceptedBecause"]) == (merged, "Equal")
