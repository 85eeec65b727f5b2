"""A layer cache in which a build could leave nothing is told of beside the image."""

import pytest

from album_operator.domain.errors import OutsideError, TerminalError, TransientError
from album_operator.domain.reasons import Reason
from tests.fakes.builders import IMAGE
from tests.fakes.cluster import finish_build
from tests.unit.core.stage import Stage

CACHE = f"{IMAGE}-cache"
TOLD = f"Nothing is kept for the next build: the cache {CACHE} has no layer."


async def _build(stage: Stage) -> str:
    """Build, and give what the condition of the image says."""
    stage.apply()
    await stage.settle()
    for job in stage.jobs:
        finish_build(stage.cluster, job)
    await stage.settle()
    found = {each["type"]: each for each in stage.status()["conditions"]}
    assert found["ImageReady"]["status"] == "True"
    message: str = found["ImageReady"]["message"]
    return message


async def test_a_cache_that_is_empty_after_a_build_is_told_and_stops_nothing() -> None:
    stage = Stage(build={"cache": {}})
    told = await _build(stage)

    assert TOLD in told
    assert "Let the user of Secret album-registry push there" in told
    assert stage.registry.asked.count(CACHE) == 1
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert stage.registry.asked.count(CACHE) == 1


async def test_of_a_cache_with_a_layer_nothing_is_said() -> None:
    stage = Stage(build={"cache": {}})
    stage.registry.push(CACHE, "0123", {})
    told = await _build(stage)

    assert told == f"{IMAGE}:v1.1.0@{stage.status()['image']['digest']}"
    assert stage.registry.asked.count(CACHE) == 1


async def test_each_platform_has_a_cache_of_its_own_that_is_told() -> None:
    stage = Stage(build={"cache": {}, "platforms": ["linux/amd64", "linux/arm64"]})
    stage.registry.push(f"{CACHE}-arm64", "0123", {})

    assert f"the cache {CACHE}-amd64 has no layer" in await _build(stage)


@pytest.mark.parametrize(
    "build",
    [
        {},
        {"cache": {}, "proof": "Builder"},
        # Its layers are beside the image, in the same repository.
        {"cache": {"repository": "owner/album-app"}},
    ],
    ids=["no cache", "registry not asked", "image's own"],
)
async def test_a_cache_is_asked_for_only_where_that_can_tell(build: dict[str, object]) -> None:
    stage = Stage(build=build)

    assert "Nothing is kept" not in await _build(stage)
    assert [each for each in stage.registry.asked if ":" not in each and "@" not in each] == []


async def test_an_image_that_was_there_left_no_layer_anywhere() -> None:
    stage = Stage(build={"cache": {}}, is_built=True)
    stage.apply()
    await stage.settle()

    assert stage.status()["image"]["origin"] == "Reused"
    assert CACHE not in stage.registry.asked


@pytest.mark.parametrize(
    "trouble",
    [
        TransientError(Reason.REGISTRY_UNAVAILABLE, "It is down."),
        TerminalError(Reason.CREDENTIALS_REFUSED, "It lets nobody list.", "Give the right"),
    ],
)
async def test_a_registry_that_does_not_list_costs_no_release(
    trouble: OutsideError, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(build={"cache": {}})

    async def fail(place: object) -> bool:
        stage.registry.asked.append(str(place))
        raise trouble

    monkeypatch.setattr(stage.registry, "is_empty", fail)

    assert "Nothing is kept" not in await _build(stage)
    assert any(CACHE in each for each in stage.registry.asked)
