"""What Argo CD compares to proves a release or ends it: by the values there, and at once."""

import time
from collections.abc import Iterator

import pytest

from tests.e2e.world import CONFIG, World, wait_for

pytestmark = pytest.mark.e2e

APPLICATION = "album-app-backend"
VALUES = "backend/values.yaml"
SKIP, REFRESH = "argocd.argoproj.io/skip-reconcile", "argocd.argoproj.io/refresh"

AT_ONCE = 5.0
"""Seconds from Argo CD's comparison to the end of a release that was overtaken."""


def _merge(world: World, name: str) -> None:
    number = world.await_reason(name, "AwaitingMerge")["status"]["pullRequest"]["number"]
    world.reviewer.merge(CONFIG, number)


def _settle_for_long(world: World) -> str:
    """Give a release whose proof is complete, and will not be over for long."""
    world.pipeline(argocd__settle="30m")
    name = world.release(world.new_tag())
    _merge(world, name)
    world.await_reason(name, "Settling")
    world.pipeline()
    return name


def _seconds_to_end_after_comparison(world: World, name: str, revision: str) -> float:
    """Measure how long a release goes on after its Application was seen to be compared."""

    def is_compared() -> bool:
        sync = world.application(APPLICATION)["status"]["sync"]
        return bool(sync["revision"] == revision)

    wait_for(f"{APPLICATION} compared to {revision}", is_compared)
    begun = time.monotonic()
    world.await_finished(name, 60)
    return time.monotonic() - begun


def test_a_release_overtaken_while_it_settles_ends_by_the_name_of_the_newer(world: World) -> None:
    name = _settle_for_long(world)
    newer = world.release(world.new_tag())
    _merge(world, newer)
    wait_for(f"{newer} merged", lambda: "mergedCommit" in world.get(newer)["status"]["config"])
    revision = world.get(newer)["status"]["config"]["mergedCommit"]

    assert _seconds_to_end_after_comparison(world, name, revision) < AT_ONCE
    status = world.get(name)["status"]
    assert world.reason(name) == "Superseded"
    assert status["supersededBy"]["release"] == f"{world.namespace}/{newer}"
    assert status["supersededBy"]["version"] == world.get(newer)["status"]["version"]
    assert world.condition(name, "Stalled")["status"] == "True"
    ready = world.await_finished(newer)
    assert ready["status"] == "True", ready["message"]


def test_a_change_that_a_person_takes_back_ends_the_release_by_commit_and_author(
    world: World,
) -> None:
    name = _settle_for_long(world)
    version = world.get(name)["status"]["version"]
    world.change_base(VALUES, version, "v1.0.0")
    commit = world.commits("main")[0]
    world.patch_application(APPLICATION, {"metadata": {"annotations": {REFRESH: "normal"}}})

    assert _seconds_to_end_after_comparison(world, name, commit["sha"]) < AT_ONCE
    assert world.reason(name) == "Overwritten"
    assert world.get(name)["status"]["supersededBy"] == {
        "version": "v1.0.0",
        "commit": commit["sha"],
    }
    author = commit["commit"]["author"]["name"]
    assert f"commit {commit['sha'][:12]} by {author}." in world.condition(name, "Ready")["message"]


@pytest.fixture
def deaf_application(world: World) -> Iterator[str]:
    """Let Argo CD look at an Application no more, as where its controller hangs; it is green."""

    def is_green() -> bool:
        status = world.application(APPLICATION)["status"]
        return (status["sync"]["status"], status["health"]["status"]) == ("Synced", "Healthy")

    wait_for(f"{APPLICATION} green", is_green)
    world.patch_application(APPLICATION, {"metadata": {"annotations": {SKIP: "true"}}})
    yield APPLICATION
    world.patch_application(APPLICATION, {"metadata": {"annotations": {SKIP: None}}})


def test_an_old_green_never_ends_a_release(world: World, deaf_application: str) -> None:
    name = world.release(world.new_tag())
    _merge(world, name)
    world.await_reason(name, "Syncing")
    wait_for(
        "a refresh that nobody answers",
        lambda: "is to be compared to" in world.condition(name, "Deployed")["message"],
        60,
    )
    old = world.application(deaf_application)["status"]
    assert (old["sync"]["status"], old["health"]["status"]) == ("Synced", "Healthy")
    assert old["sync"]["revision"] != world.get(name)["status"]["config"]["mergedCommit"]
    assert not world.condition(name, "Finished")

    world.patch_application(deaf_application, {"metadata": {"annotations": {SKIP: None}}})
    ready = world.await_finished(name)
    assert ready["status"] == "True", ready["message"]
