"""Releases that an Application applies, on Argo CD's pages: their health, and what waits for it."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from testbed import Testbed
from testbed.deploy import NAMESPACE
from tests.e2e.world import CONFIG, World, wait_for

pytestmark = pytest.mark.e2e

FINALIZER = "resources-finalizer.argocd.argoproj.io"
IGNORED = {"argocd.argoproj.io/ignore-healthcheck": "true"}


@pytest.fixture(scope="module", autouse=True)
def _pages(testbed: Testbed) -> None:
    testbed.kubectl("apply", "--server-side", "-k", "manifests/argocd/pages")


def _release(name: str, annotations: dict[str, str], **spec: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "apiVersion": "album.dev/v1alpha1",
        "kind": "AlbumRelease",
        "metadata": {"name": name, "namespace": NAMESPACE, "annotations": annotations},
        "spec": {"pipelineRef": {"name": "nobody"}, "tag": "backend-v0.0.1", **spec},
    }


def _later(name: str) -> dict[str, Any]:
    """Give what is of a later wave than all that says nothing of its own."""
    wave = {"argocd.argoproj.io/sync-wave": "1"}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": NAMESPACE, "annotations": wave},
    }


@contextmanager
def _applied(world: World, name: str, *objects: dict[str, Any]) -> Iterator[None]:
    """Have objects applied by an Application of their own; take them all away in the end."""
    where = f"/repos/{CONFIG}/contents/pages/{name}/all.yaml"
    content = base64.b64encode(yaml.safe_dump_all(objects).encode()).decode()
    body = {"branch": "main", "content": content, "message": f"Apply {name} in a test"}
    known = world.reviewer.find(where)
    known_sha = {} if known is None else {"sha": known["sha"]}
    world.reviewer.call("PUT" if known else "POST", where, {**body, **known_sha})
    source = world.application("album-app-backend")["spec"]["source"]["repoURL"]
    application = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": "argocd", "finalizers": [FINALIZER]},
        "spec": {
            "project": "default",
            "source": {"repoURL": source, "path": f"pages/{name}", "targetRevision": "HEAD"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": NAMESPACE},
            "syncPolicy": {"automated": {}},
        },
    }
    world.testbed.kubectl("apply", "-f", "-", stdin=json.dumps(application))
    try:
        yield
    finally:
        world.testbed.kubectl("delete", "application", name, "-n", "argocd", "--timeout=60s")


def _await(world: World, name: str, health: str, phase: str) -> dict[str, Any]:
    """Wait until an Application has a health, and its operation is in a phase."""

    def look() -> dict[str, Any] | None:
        status: dict[str, Any] = world.application(name).get("status", {})
        now = status.get("health", {}).get("status"), _operation(world, name).get("phase")
        return status if now == (health, phase) else None

    return wait_for(f"Application {name} {health} and {phase}", look, 120, pause=0.5)


def _operation(world: World, name: str) -> dict[str, Any]:
    state: dict[str, Any] = world.application(name).get("status", {}).get("operationState", {})
    return state


def _has_config_map(world: World, name: str) -> bool:
    found = world.testbed.kubectl(
        "get", "configmap", name, "-n", NAMESPACE, "--ignore-not-found", "-o", "name"
    )
    return bool(found.strip())


def test_a_release_that_waits_for_a_person_suspends_its_application(world: World) -> None:
    name = "pages-waits"
    with _applied(world, name, _release(name, {}, suspend=True)):
        status = _await(world, name, "Suspended", "Succeeded")
        assert status["sync"]["status"] == "Synced"


def test_a_release_that_has_stopped_turns_its_application_red(world: World) -> None:
    name = "pages-stopped"
    with _applied(world, name, _release(name, {})):
        _await(world, name, "Degraded", "Succeeded")


def test_argo_cd_lets_a_later_wave_wait_for_what_is_suspended_and_not_ignored(world: World) -> None:
    name = "pages-held-up"
    with _applied(world, name, _release(name, {}, suspend=True), _later(name)):
        held_up = f"waiting for healthy state of album.dev/AlbumRelease/{name}"
        wait_for(
            f"Application {name} {held_up}",
            lambda: _operation(world, name).get("message") == held_up,
            pause=0.5,
        )
        assert not _has_config_map(world, name)
        annotation = "".join(f"{key}={value}" for key, value in IGNORED.items())
        world.testbed.kubectl("annotate", "albumrelease", name, "-n", NAMESPACE, annotation)
        _await(world, name, "Healthy", "Succeeded")


@pytest.mark.parametrize("spec", [{"suspend": True}, {}], ids=["waits", "stopped"])
def test_a_release_whose_health_is_ignored_turns_nothing_red_and_holds_up_no_wave(
    world: World, spec: dict[str, Any]
) -> None:
    name = "pages-ignored" + "-stopped" * (not spec)
    with _applied(world, name, _release(name, IGNORED, **spec), _later(name)):
        _await(world, name, "Healthy", "Succeeded")
        assert _has_config_map(world, name)


def test_a_release_that_waits_for_its_review_is_told_on_its_applications_page(world: World) -> None:
    world.pipeline(argocd__notice=True)
    release = world.release(world.new_tag())
    proposed = world.await_reason(release, "AwaitingMerge")["status"]["pullRequest"]["url"]

    def told() -> dict[str, str]:
        annotations = world.application("album-app-backend")["metadata"]["annotations"]
        return {key: value for key, value in annotations.items() if "notice" in key}

    notice = wait_for("a notice on the Application", told)
    assert notice["notice.argocd.argoproj.io/url"] == proposed
    assert notice["notice.argocd.argoproj.io/content"].endswith(f"waits for review: {proposed}")
    assert notice["album.dev/notice"] == f"{NAMESPACE}/{release}"

    world.merge_and_finish(release)
    assert told() == {}
