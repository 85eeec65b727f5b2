"""What pipelines say before the first release, and how many releases they keep after the last."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from testbed.demo import condition
from testbed.deploy import secrets
from tests.e2e.troubled_builds import apply, await_rendered, consent
from tests.e2e.world import ALBUM, World, wait_for

pytestmark = pytest.mark.e2e

NAME = "asked"


@pytest.fixture
def asked(world: World) -> Iterator[dict[str, Any]]:
    """The Secret of a pipeline of its own, which is for another host."""
    secret = dict(secrets(world.testbed, world.namespace)[0])
    secret["metadata"] = {"name": NAME, "namespace": world.namespace}
    other = {"url": "https://git.example.org", "token": "x"}
    apply(world.testbed, {**secret, "stringData": other})
    await_rendered(world)
    yield secret
    consent(world, [f"{world.namespace}/album-app"])
    for kind in ("albumpipeline", "secret"):
        world.testbed.kubectl("delete", kind, NAME, "-n", world.namespace)


def _status(world: World) -> dict[str, Any]:
    found = world.objects.get_namespaced_custom_object(
        *ALBUM, world.namespace, "albumpipelines", NAME
    )
    status: dict[str, Any] = found.get("status", {})
    return status


def _await_misses(world: World, *reasons: str) -> dict[str, str]:
    """Wait until a pipeline names just these reasons; give the way out of each."""

    def look() -> bool:
        return sorted(miss["reason"] for miss in _status(world).get("misses", [])) == [*reasons]

    wait_for(f"{NAME} lacks {reasons}", look, 60)
    return {miss["reason"]: miss["remedy"] for miss in _status(world)["misses"]}


def test_a_pipeline_names_all_that_its_releases_would_lack_and_is_ready_once_it_is_there(
    world: World, asked: dict[str, Any]
) -> None:
    apps = [{"name": "backend"}]
    world.pipeline(NAME, apps=apps, source__secretRef={"name": NAME})
    remedies = _await_misses(world, "HostNotAllowed", "NotAuthorized")
    ready = condition({"status": _status(world)}, "Ready")
    assert ready["status"] == "False", ready["message"]

    apply(world.testbed, asked)
    _, _, command = remedies["NotAuthorized"].partition("kubectl ")
    world.testbed.kubectl(*shlex.split(command))
    refresh = ("albumpipeline", NAME, "-n", world.namespace, "album.dev/refresh=now")
    world.testbed.kubectl("annotate", *refresh)

    wait_for(
        f"{NAME} is ready",
        lambda: condition({"status": _status(world)}, "Ready").get("status") == "True",
        60,
    )
    (app,) = _status(world)["apps"]
    assert app["base"]["commit"] == world.commits("main")[0]["sha"]
    assert _status(world).get("misses", []) == []


def test_of_releases_that_failed_a_pipeline_keeps_as_many_as_it_says(world: World) -> None:
    world.pipeline(policy={"history": {"others": 1}})
    names = [f"backend-v9.9.{number}" for number in range(3)]
    for name in names:
        assert world.await_finished(world.release(name), 60)["reason"] == "TagNotFound"

    def left() -> list[str]:
        found = world.testbed.kubectl(
            "get", "albumrelease", *names, "-n", world.namespace, "--ignore-not-found", "-o", "name"
        )
        return found.split()

    wait_for("the last alone is left", lambda: len(left()) == 1, 60)
    assert left() == [f"albumrelease.album.dev/{names[-1]}"]
