"""Several platforms on a node of one architecture: with kaniko two variants, and one it is not."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest

from album_operator.domain.image_labels import BUILD
from album_operator.domain.reasons import Reason
from testbed.demo import condition
from tests.contract.registry_stages import RealRegistryStage
from tests.e2e.world import World, wait_for

pytestmark = pytest.mark.e2e

PATH = "album/album-app-backend"
BASELINE, NEWER, MISSING = "linux/amd64", "linux/amd64/v2", "linux/arm64"


@pytest.fixture
async def images(session_world: World) -> AsyncIterator[RealRegistryStage]:
    """The registry as the operator asks it."""
    stage = RealRegistryStage(session_world.testbed.registry, PATH, None, lambda _: "")
    yield stage
    await stage.registry.close()


async def test_buildkit_builds_for_an_architecture_no_node_has_where_no_step_runs(
    world: World, images: RealRegistryStage
) -> None:
    branch = f"copied-{uuid.uuid4().hex[:8]}"
    world.branch_source("backend/Dockerfile", "FROM scratch\nCOPY . /\n", branch)
    world.pipeline(build__platforms=[BASELINE, MISSING], build__tags=["latest-of-copied"])
    tag = world.new_tag(target=branch)
    status = world.await_reason(world.release(tag), "AwaitingMerge")["status"]

    index = await images.registry.find(images.place, tag.removeprefix("backend-"))
    assert index is not None
    assert (index.digest, status["image"]["origin"]) == (status["image"]["digest"], "Built")
    assert sorted(index.platforms) == [BASELINE, MISSING]
    assert BUILD in index.labels
    assert len(world.jobs(tag)) == 1
    latest = await images.registry.find(images.place, "latest-of-copied")
    assert latest is not None
    assert latest.digest == index.digest


async def test_two_jobs_build_one_image_that_runs(kaniko: World, images: RealRegistryStage) -> None:
    kaniko.pipeline(build__platforms=[BASELINE, NEWER], build__tags=["latest-of-two"])
    tag = kaniko.new_tag()
    version = tag.removeprefix("backend-")
    name = kaniko.release(tag)

    status = kaniko.merge_and_finish(name)["status"]

    built = {each["platform"]: each for each in status["build"]["platforms"]}
    assert sorted(each["job"] for each in built.values()) == sorted(kaniko.jobs(name))
    index = await images.registry.find(images.place, version)
    assert index is not None
    assert index.digest == status["image"]["digest"]
    assert sorted(index.images) == sorted(each["digest"] for each in built.values())
    assert sorted(index.platforms) == [BASELINE, NEWER]
    assert BUILD in index.labels
    latest = await images.registry.find(images.place, "latest-of-two")
    assert latest is not None
    assert latest.digest == index.digest


def test_an_index_that_is_there_is_used_by_the_next_release_of_its_tag(
    kaniko: World,
) -> None:
    kaniko.pipeline(build__platforms=[BASELINE, NEWER])
    tag = kaniko.new_tag()
    first = kaniko.await_reason(kaniko.release(tag), "AwaitingMerge")["status"]["image"]
    kaniko.testbed.kubectl("delete", "albumrelease", tag, "-n", kaniko.namespace)
    second = kaniko.await_reason(kaniko.release(tag), "AwaitingMerge", 60)["status"]["image"]

    assert (first["origin"], second["origin"]) == ("Built", "Reused")
    assert second["digest"] == first["digest"]
    assert kaniko.jobs(tag) == []


def test_a_platform_without_a_node_is_told_by_its_architecture_and_left_out_by_a_retry(
    kaniko: World,
) -> None:
    kaniko.pipeline(build__platforms=[BASELINE, MISSING], build__timeout="40s")
    name = kaniko.release(kaniko.new_tag())
    message = condition(kaniko.await_reason(name, Reason.UNSCHEDULABLE, 60), "Ready")["message"]
    assert f"{MISSING}: Pod " in message
    assert "It needs a node whose label kubernetes.io/arch is arm64." in message

    ready = kaniko.await_finished(name, 120)
    assert ready["reason"] == Reason.BUILD_TIMED_OUT, ready["message"]
    assert ready["message"].startswith(f"{MISSING}: The build was not done within build.timeout")
    status = kaniko.get(name)["status"]
    assert status["failure"]["platform"] == MISSING
    assert [each.get("digest", "")[:7] for each in status["build"]["platforms"]] == ["sha256:", ""]

    kaniko.pipeline(build__platforms=[BASELINE])
    annotation = ("albumrelease", name, "-n", kaniko.namespace, "album.dev/retry=again")
    kaniko.testbed.kubectl("annotate", *annotation)
    wait_for(f"{name} AwaitingMerge", lambda: kaniko.reason(name) == "AwaitingMerge")
    assert kaniko.get(name)["status"]["image"]["origin"] == "Built"
