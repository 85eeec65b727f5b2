"""`External`: the image is built elsewhere; the release waits for it and proves it."""

from datetime import timedelta

import pytest

from album_operator.domain.image_labels import BUILD, REVISION
from tests.fakes.builders import IMAGE, raw_pipeline
from tests.unit.core.stage import Stage

NAME, TAG = "backend-v1.1.0", "v1.1.0"
STRANGE = "9" * 40


def _stage(**build: object) -> Stage:
    """Give a stage whose pipeline builds nothing, with no Secret to push with and no Dockerfile."""
    stage = Stage()
    stage.cluster.apply(raw_pipeline(build={"type": "External", **build}))
    path = next(path for path in stage.cluster.objects if path.endswith("/album-registry"))
    del stage.cluster.objects[path]
    stage.source.tags[NAME] = stage.source.commit("main", {"backend/Dockerfile": None}, "none")
    stage.apply()
    return stage


def _push(stage: Stage) -> str:
    labels = {REVISION: stage.source.tags[NAME]}
    return stage.registry.push(IMAGE, TAG, labels, platforms=("linux/amd64", "linux/arm64"))


async def test_a_release_waits_for_the_image_that_is_built_elsewhere_and_proves_it() -> None:
    stage = _stage()
    due = await stage.settle()
    assert stage.ready() == ("Unknown", "AwaitingImage")
    assert due.is_poll
    assert f"with the label {REVISION}={stage.source.tags[NAME]}" in stage.message()
    assert stage.registry.asked == [f"{IMAGE}:{TAG}"]

    digest = _push(stage)
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert stage.status()["image"] == {
        "reference": f"{IMAGE}:{TAG}",
        "digest": digest,
        "revision": stage.source.tags[NAME],
        "origin": "External",
    }
    assert stage.jobs == []


async def test_the_longer_it_takes_the_more_seldom_the_registry_is_asked() -> None:
    stage = _stage()
    waits: list[timedelta] = []
    for _ in range(12):
        due = await stage.settle()
        assert due.after is not None
        waits.append(due.after)
        stage.clock.advance(due.after)

    assert waits[0] == timedelta(seconds=15)
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(minutes=5)
    assert len(stage.registry.asked) == 12


async def test_an_image_of_another_commit_is_told_and_the_right_one_lets_it_go_on() -> None:
    stage = _stage()
    stage.registry.push(IMAGE, TAG, {REVISION: STRANGE})
    await stage.settle()
    assert stage.ready() == ("False", "ImageExistsFromOtherCommit")
    commit = stage.source.tags[NAME]
    assert f"Push the image of commit {commit[:12]} under that tag" in stage.message()

    _push(stage)
    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_an_image_of_another_commit_that_comes_while_it_waits_is_told_as_well() -> None:
    stage = _stage()
    await stage.settle()
    stage.registry.push(IMAGE, TAG, {BUILD: f"{STRANGE}.0123456789abcdef"})
    await stage.settle()
    assert stage.ready() == ("False", "ImageExistsFromOtherCommit")


@pytest.mark.parametrize("way_out", ["label", "adopt"])
async def test_an_image_without_a_label_is_told_with_the_label_it_lacks(way_out: str) -> None:
    stage = _stage()
    stage.registry.push(IMAGE, TAG, {})
    await stage.settle()
    assert stage.ready() == ("False", "ImageSourceUnknown")
    assert f"Push it with label {REVISION}={stage.source.tags[NAME]}, or set" in stage.message()

    if way_out == "label":
        _push(stage)
    else:
        wish = {"type": "External", "existingImage": "Adopt"}
        stage.cluster.apply(raw_pipeline(build=wish))
    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")
    origin = {"label": "External", "adopt": "Adopted"}[way_out]
    assert stage.status()["image"]["origin"] == origin


async def test_an_image_that_an_operator_built_elsewhere_counts_whatever_its_recipe() -> None:
    stage = _stage()
    stage.registry.push(IMAGE, TAG, {BUILD: f"{stage.source.tags[NAME]}.0123456789abcdef"})
    await stage.release()
    assert stage.status()["image"]["origin"] == "External"
