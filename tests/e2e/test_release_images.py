"""Images that are there already or are pushed by others, and builds that wait for their turn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from album_operator.domain.build_slots import BuildLimits
from album_operator.domain.image_labels import BUILD, REVISION
from album_operator.domain.reasons import Reason
from testbed.demo import condition
from tests.contract.registry_stages import RealRegistryStage
from tests.e2e.registry import Repository
from tests.e2e.troubled_builds import consent
from tests.e2e.world import SOURCE, World, wait_for

pytestmark = pytest.mark.e2e

PATH = "album/album-app-backend"


@pytest.fixture
def others(world: World) -> RealRegistryStage:
    """Whoever else pushes to the backend's repository."""
    return RealRegistryStage(world.testbed.registry, PATH, None, lambda _: "")


def _commit_of(world: World, tag: str) -> str:
    return str(world.forge.call("GET", f"/repos/{SOURCE}/tags/{tag}")["commit"]["sha"])


def _retry(world: World, name: str) -> dict[str, Any]:
    """Ask for another attempt, and give the status once that waits for its merge."""
    annotation = ("albumrelease", name, "-n", world.namespace, "album.dev/retry=again")
    world.testbed.kubectl("annotate", *annotation)
    wait_for(f"{name} AwaitingMerge", lambda: world.reason(name) == "AwaitingMerge")
    found: dict[str, Any] = world.get(name)["status"]
    return found


def test_an_image_of_another_commit_is_neither_used_nor_built_over_until_its_tag_is_gone(
    world: World, others: RealRegistryStage
) -> None:
    tag = world.new_tag()
    version = tag.removeprefix("backend-")
    digest = others.push(version, {REVISION: "a" * 40})
    name = world.release(tag)

    ready = world.await_finished(name, 60)

    assert ready["reason"] == Reason.IMAGE_EXISTS_FROM_OTHER_COMMIT, ready["message"]
    assert f"with the label of commit {'a' * 12}" in ready["message"]
    assert world.jobs(name) == []
    images = Repository(world.testbed.registry, PATH)
    assert images.digest(version) == digest
    images.delete(version)
    image = _retry(world, name)["image"]
    assert (image["origin"], image["revision"]) == ("Built", _commit_of(world, tag))


@pytest.mark.parametrize(
    ("reason", "built"),
    [
        (Reason.IMAGE_SOURCE_UNKNOWN, ""),
        (Reason.IMAGE_EXISTS_FROM_OTHER_BUILD, ".0123456789abcdef"),
    ],
)
def test_an_image_that_is_not_told_to_be_ours_is_taken_only_where_the_pipeline_says_so(
    reason: Reason, built: str, world: World, others: RealRegistryStage
) -> None:
    tag = world.new_tag()
    labels = {BUILD: f"{_commit_of(world, tag)}{built}"} if built else {}
    digest = others.push(tag.removeprefix("backend-"), labels)
    name = world.release(tag)
    ready = world.await_finished(name, 60)
    assert ready["reason"] == reason, ready["message"]

    world.pipeline(build__existingImage="Adopt")
    image = _retry(world, name)["image"]

    assert (image["origin"], image["digest"]) == ("Adopted", digest)
    assert "revision" not in image
    assert world.jobs(name) == []


def test_an_image_that_is_built_elsewhere_is_taken_once_the_registry_tells_of_it(
    world: World, others: RealRegistryStage
) -> None:
    world.pipeline(build__type="External")
    tag = world.new_tag()
    name = world.release(tag)
    world.await_reason(name, Reason.AWAITING_IMAGE)

    digest = others.push(tag.removeprefix("backend-"), {REVISION: _commit_of(world, tag)})

    # Sooner than it would ask by itself.
    status = world.await_reason(name, "AwaitingMerge", 12)["status"]
    assert (status["image"]["origin"], status["image"]["digest"]) == ("External", digest)
    assert world.jobs(name) == []


@pytest.fixture
def pipelines(world: World) -> Iterator[list[str]]:
    """Two more than may build at once: of one pipeline a newer release takes over."""
    names = [f"limit-{number}" for number in range(BuildLimits().each + 2)]
    consent(world, [f"{world.namespace}/{name}" for name in ("album-app", *names)])
    yield names
    consent(world, [f"{world.namespace}/album-app"])
    world.testbed.kubectl("delete", "albumpipeline", *names, "-n", world.namespace)


def test_a_build_over_the_limit_is_told_its_place_and_begins_once_another_has_ended(
    world: World, pipelines: list[str]
) -> None:
    *slow, before, behind = pipelines
    for pipeline in slow:
        world.pipeline(pipeline, build__resources__requests={"cpu": "60"})
    running = [world.release(world.new_tag(), pipeline=pipeline) for pipeline in slow]
    for name in running:
        world.await_reason(name, Reason.UNSCHEDULABLE)
    for pipeline in (before, behind):
        world.pipeline(pipeline)

    # Of two that were made in one second the name decides.
    first, second = (
        world.release(tag := world.new_tag(), f"{place}-{tag}", pipeline)
        for place, pipeline in (("a", before), ("b", behind))
    )

    message = condition(world.await_reason(first, Reason.QUEUED), "Ready")["message"]
    assert f"in the line of namespace {world.namespace}. Of at most {len(running)}" in message
    message = condition(world.await_reason(second, Reason.QUEUED), "Ready")["message"]
    assert f"Place 2 of 2 in the line of namespace {world.namespace}, before it {first}." in message
    for name in (second, running[0]):
        world.testbed.kubectl("delete", "albumrelease", name, "-n", world.namespace)
    world.await_reason(first, "AwaitingMerge")
