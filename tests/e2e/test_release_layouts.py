"""Layouts of a config repository beside the samples' own: environments, and an app of apps."""

import json
from typing import Any

import pytest
import yaml

from tests.e2e.applications import APP, application, applied, ensure_file, image_of
from tests.e2e.world import World, wait_for

pytestmark = pytest.mark.e2e

BOTH = ("staging", "prod")


class _Blocks(yaml.SafeDumper):
    """Writes texts of several lines as blocks, as people do."""

    def represent_scalar(self, tag: str, value: str, style: str | None = None) -> yaml.ScalarNode:
        return super().represent_scalar(tag, value, "|" if "\n" in value else style)


def test_one_app_is_released_to_two_environments_of_one_repository(world: World) -> None:
    applications = []
    for environment in BOTH:
        name = f"{APP}-{environment}"
        ensure_file(world, f"backend/{environment}.yaml", 'image:\n  tag: "v1.0.0"\n')
        source = {"path": "backend", "helm": {"valueFiles": [f"{environment}.yaml"]}}
        applications.append(application(world, name, name, source))
        app = {
            "name": "backend",
            "edits": [{"path": f"backend/{environment}.yaml", "key": "image.tag"}],
            "applications": [{"namespace": "argocd", "name": name}],
        }
        names = {"branch": "${environment}/${app}_${version}", "title": "${environment}: ${tag}"}
        world.pipeline(name, environment=environment, apps=[app], config__pullRequest=names)
    tag = world.new_tag()
    version = tag.removeprefix("backend-")
    with applied(world, *applications):
        releases = {one: world.release(tag, f"{tag}-{one}", f"{APP}-{one}") for one in BOTH}
        for environment, release in releases.items():
            status = world.await_reason(release, "AwaitingMerge")["status"]
            assert status["config"]["branch"] == f"{environment}/backend_{version}"
            (found,) = world.pull_requests(status["config"]["branch"])
            assert found["title"] == f"{environment}: {tag}"

        world.merge_and_finish(releases["staging"])
        assert image_of(world, f"{APP}-staging").endswith(f":{version}")
        assert world.reason(releases["prod"]) == "AwaitingMerge"

        world.merge_and_finish(releases["prod"])
        assert image_of(world, f"{APP}-prod").endswith(f":{version}")


def test_a_tag_in_the_application_that_an_app_of_apps_renders_is_proved_on_it(
    world: World,
) -> None:
    child, parent = f"{APP}-child", f"{APP}-parent"
    helm = {"values": "image:\n  tag: v1.0.0\n"}
    rendered = application(world, child, parent, {"path": "backend", "helm": helm})
    rendered["spec"]["syncPolicy"] = {
        "automated": {"selfHeal": True},
        "syncOptions": ["ApplyOutOfSyncOnly=true"],
    }
    ensure_file(world, "texts/child.yaml", yaml.dump(rendered, Dumper=_Blocks))
    renders = application(world, parent, parent, {"path": "texts"})
    renders["spec"]["destination"]["namespace"] = "argocd"
    renders["spec"]["syncPolicy"] = {"automated": {}}
    app = {
        "name": "backend",
        "edits": [{"path": "texts/child.yaml", "key": "spec.source.helm.values.image.tag"}],
        "applications": [{"namespace": "argocd", "name": name} for name in (child, parent)],
    }
    world.pipeline(parent, apps=[app])
    tag = world.new_tag()
    with applied(world, renders):
        wait_for(f"{parent} renders {child}", lambda: _is_healthy(world, parent))
        wait_for(f"{child} runs", lambda: _is_healthy(world, child))

        release = world.merge_and_finish(world.release(tag, pipeline=parent))

        assert image_of(world, child).endswith(f":{tag.removeprefix('backend-')}")
        merged = release["status"]["pullRequest"]["mergeCommit"]
        for one in release["status"]["applications"]:
            assert (one["revision"], one["acceptedBecause"]) == (merged, "Equal")
        helm = world.application(child)["status"]["sync"]["comparedTo"]["source"]["helm"]
        assert helm["values"] == f'image:\n  tag: "{tag.removeprefix("backend-")}"\n'


def _is_healthy(world: World, name: str) -> bool:
    found = world.testbed.kubectl(
        "get", "application", name, "-n", "argocd", "--ignore-not-found", "-o", "json"
    )
    status: dict[str, dict[str, Any]] = json.loads(found or "{}").get("status", {})
    sync, health = status.get("sync", {}), status.get("health", {})
    return (sync.get("status"), health.get("status")) == ("Synced", "Healthy")
