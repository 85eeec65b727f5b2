"""`policy.requireChecks`: nothing is built or used before the tag's commit has passed them."""

from datetime import timedelta
from typing import Any

import pytest

from album_operator.domain.image_labels import REVISION
from tests.fakes.builders import IMAGE, SOURCE, raw_pipeline
from tests.unit.core.stage import Stage

NAME = "backend-v1.1.0"


def _stage(*checks: str, **pipeline: object) -> Stage:
    stage = Stage()
    stage.cluster.apply(raw_pipeline(policy={"requireChecks": list(checks)}, **pipeline))
    stage.apply()
    return stage


def _say(stage: Stage, check: str, state: str) -> None:
    stage.forge.set_check(stage.source.tags[NAME], check, state)


async def test_checks_that_have_passed_let_a_build_begin() -> None:
    stage = _stage("unit", "lint")
    _say(stage, "unit", "success")
    _say(stage, "lint", "success")
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert stage.status()["resolved"]["policy"]["requireChecks"] == ["unit", "lint"]


async def test_nothing_is_built_while_a_check_is_missing_or_runs() -> None:
    stage = _stage("unit", "lint")
    _say(stage, "unit", "success")
    _say(stage, "Lint", "success")
    due = await stage.settle()
    assert stage.ready() == ("Unknown", "AwaitingChecks")
    assert (due.after, due.is_poll) == (timedelta(seconds=60), True)
    assert due.commit == stage.source.tags[NAME]
    assert "lint is not there. The commit has the checks Lint and unit." in stage.message()

    _say(stage, "lint", "pending")
    await stage.settle()
    assert "lint runs. The release goes on by itself." in stage.message()
    assert stage.jobs == []

    _say(stage, "lint", "success")
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_a_check_that_failed_is_run_again_and_lets_the_build_begin() -> None:
    stage = _stage("unit")
    _say(stage, "unit", "failure")
    await stage.settle()
    assert stage.ready() == ("Unknown", "AwaitingChecks")
    assert "unit fails. Run what fails again on this commit" in stage.message()
    assert stage.jobs == []

    _say(stage, "unit", "success")
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_a_check_that_is_taken_out_of_the_pipeline_is_waited_for_no_more() -> None:
    stage = _stage("unti")
    await stage.settle()
    assert "take it out of the pipeline and set the annotation" in stage.message()

    stage.cluster.apply(raw_pipeline())
    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_checks_are_asked_for_no_more_once_the_build_runs() -> None:
    stage = _stage("unit")
    _say(stage, "unit", "success")
    await stage.settle()
    asked = stage.forge.requests.count("list_checks")
    _say(stage, "unit", "failure")
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert stage.forge.requests.count("list_checks") == asked


@pytest.mark.parametrize(
    ("build", "before"),
    [({}, "AwaitingChecks"), ({"type": "External"}, "AwaitingImage")],
)
async def test_an_image_that_was_built_before_or_elsewhere_is_used_once_the_checks_have_passed(
    build: dict[str, Any], before: str
) -> None:
    stage = _stage("unit", build=build)
    await stage.settle()
    assert stage.ready() == ("Unknown", before)
    stage.registry.push(IMAGE, "v1.1.0", {REVISION: stage.source.tags[NAME]})
    _say(stage, "unit", "failure")
    await stage.settle()
    assert stage.ready() == ("Unknown", "AwaitingChecks")

    _say(stage, "unit", "success")
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert stage.jobs == []


async def test_an_image_that_must_not_be_used_is_told_whatever_the_checks_say() -> None:
    stage = _stage("unit")
    stage.registry.push(IMAGE, "v1.1.0", {REVISION: "9" * 40})
    await stage.settle()
    assert stage.ready() == ("False", "ImageExistsFromOtherCommit")


async def test_a_secret_for_another_forge_is_told_before_anything_is_done() -> None:
    forge = {"apiURL": "https://forge.example.com/api/v1"}
    stage = _stage("unit", source={"repository": SOURCE, "forge": forge})
    await stage.settle()
    assert stage.ready() == ("False", "HostNotAllowed")
    assert "is not sent to https://forge.example.com/api/v1" in stage.message()
    assert "resolved" not in stage.status()
    assert "list_checks" not in stage.forge.requests


async def test_checks_are_asked_for_with_the_secret_of_the_sources_forge() -> None:
    forge = {"secretRef": {"name": "source-forge"}}
    stage = _stage("unit", source={"repository": SOURCE, "forge": forge})
    await stage.settle()
    assert stage.ready() == ("False", "CredentialsMissing")
    assert "Secret album/source-forge with the forge credential" in stage.message()

    secret = stage.cluster.objects["/api/v1/namespaces/album/secrets/album-git"]
    named = {**secret, "metadata": {**secret["metadata"], "name": "source-forge"}}
    stage.cluster.apply(named)
    stage.annotate(retry="1")
    await stage.settle()
    assert stage.ready() == ("Unknown", "AwaitingChecks")


async def _planned(*said: str) -> Stage:
    stage = Stage()
    stage.cluster.apply(raw_pipeline(policy={"requireChecks": ["unit"]}))
    for state in said:
        _say(stage, "unit", state)
    stage.apply(NAME, tag=NAME, mode="Plan")
    await stage.settle()
    return stage


async def test_a_plan_of_a_commit_whose_check_fails_is_not_ready() -> None:
    stage = await _planned("failure")
    assert stage.conditions()["ReadyToRelease"] == "False"
    assert stage.ready() == ("False", "AwaitingChecks")
    assert "would wait until its required checks" in stage.message()

    _say(stage, "unit", "success")
    stage.annotate(retry="1")
    await stage.settle()
    assert stage.conditions()["ReadyToRelease"] == "True"
    assert "checks" not in stage.message()


async def test_a_plan_tells_of_a_check_that_runs_or_that_nobody_has_reported() -> None:
    stage = await _planned()
    assert stage.conditions()["ReadyToRelease"] == "True"
    assert "unit is not there. The commit has no other check." in stage.message()
    stage = await _planned("pending")
    assert "It would wait until its required checks" in stage.message()
    assert "unit runs." in stage.message()
