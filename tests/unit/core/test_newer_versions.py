"""What a newer version of the operator knows is not left out in silence by this one."""

from typing import Any

import pytest

from tests.fakes.builders import raw_pipeline
from tests.unit.core.stage import REPOSITORY, Stage

NEWER: list[dict[str, Any]] = [{"sbom": True}, {"type": "Nix"}]


@pytest.mark.parametrize("build", NEWER, ids=["field", "word"])
async def test_a_release_waits_while_its_pipeline_has_it_and_then_goes_on(
    build: dict[str, Any],
) -> None:
    stage = Stage()
    known = stage.pipeline()
    stage.cluster.apply(raw_pipeline(build=build))
    stage.apply()
    await stage.settle()

    assert stage.ready() == ("Unknown", "OperatorTooOld")
    assert f"spec.build.{next(iter(build))} of AlbumPipeline album-app" in stage.message()
    assert (stage.jobs, stage.config.pushes, stage.forge.count(REPOSITORY)) == ([], [], 0)
    stage.cluster.apply(known)
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_a_release_in_flight_waits_too_and_loses_nothing() -> None:
    stage = Stage()
    known = stage.pipeline()
    stage.apply()
    await stage.settle()
    resolved = stage.status()["resolved"]
    stage.cluster.apply(raw_pipeline(build={"sbom": True}))
    await stage.settle()

    assert stage.ready() == ("Unknown", "OperatorTooOld")
    assert stage.status()["resolved"] == resolved
    stage.cluster.apply(known)
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert len(stage.jobs) == 1


async def test_a_release_that_asks_for_it_itself_waits() -> None:
    stage = Stage()
    stage.apply(tag="backend-v1.1.0", mode="Promote")
    await stage.settle()

    assert stage.ready() == ("Unknown", "OperatorTooOld")
    assert "spec.mode of AlbumRelease backend-v1.1.0" in stage.message()
    assert stage.jobs == []


async def test_a_pipeline_says_so_and_neither_makes_nor_deletes_releases() -> None:
    stage = Stage()
    known = stage.pipeline()
    wish = {"triggers": {}, "policy": {"history": {"released": 1}}}
    stage.cluster.apply(raw_pipeline(build={"sbom": True}, **wish))
    status = await stage.look_at_pipeline()

    (ready,) = (item for item in status["conditions"] if item["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("Unknown", "OperatorTooOld")
    assert "spec.build.sbom of AlbumPipeline album-app" in ready["message"]
    assert stage.cluster.all_of("AlbumRelease") == []
    stage.cluster.apply(known)
    status = await stage.look_at_pipeline()
    (ready,) = (item for item in status["conditions"] if item["type"] == "Ready")
    assert ready["status"] == "True"


async def test_what_a_newer_version_began_with_it_is_not_gone_on_with() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    stage.edit("backend-v1.1.0", {"status": {"resolved": {"build": {"sbom": True}}}})
    await stage.settle()

    assert stage.ready() == ("False", "StatusInvalid")
    assert "status.resolved.build.sbom: this version of the operator" in stage.message()
    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")
