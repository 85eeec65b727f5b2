"""A pipeline may ask for a privileged build; only an admin can allow it."""

import pytest

from album_operator.settings import read_settings
from tests.fakes.builders import raw_pipeline
from tests.unit.core.stage import REPOSITORY, Stage

BUILDKIT = {"type": "BuildKit"}
SETTING = "ALBUM_ALLOW_PRIVILEGED_BUILDS"


def _stage(allowed: str = "false") -> Stage:
    stage = Stage(ALBUM_ALLOW_PRIVILEGED_BUILDS=allowed)
    stage.cluster.apply(raw_pipeline(build=BUILDKIT))
    return stage


def _set(stage: Stage, value: str) -> None:
    """Restart the operator with the setting at another value."""
    least = {"ALBUM_NAMESPACES": "album", "ALBUM_OPERATOR_IMAGE": "album-operator:test"}
    stage.settings = read_settings({**least, SETTING: value})
    stage.restart()


@pytest.mark.parametrize("mode", ["Apply", "Plan"])
async def test_without_an_admins_word_nothing_is_begun(mode: str) -> None:
    stage = _stage()
    stage.apply(tag="backend-v1.1.0", mode=mode)
    due = await stage.settle()

    assert due.after is None
    assert stage.ready() == ("False", "EngineNotAllowed")
    assert stage.status()["failure"]["step"] == "Preflight"
    assert SETTING in stage.message()
    assert (stage.jobs, stage.config.pushes, stage.forge.count(REPOSITORY)) == ([], [], 0)


async def test_an_admins_word_and_a_retry_let_it_build() -> None:
    stage = _stage()
    stage.apply()
    await stage.settle()
    _set(stage, "true")
    stage.annotate(retry="1")
    await stage.release()

    assert stage.ready() == ("True", "Released")
    (builder,) = stage.jobs[0]["spec"]["template"]["spec"]["containers"]
    assert builder["securityContext"]["privileged"]


@pytest.mark.parametrize("mode", ["UserNamespace", "Rootless"])
async def test_where_buildkit_runs_without_privileges_nobody_has_to_allow_them(mode: str) -> None:
    stage = Stage(ALBUM_BUILDKIT_MODE=mode)
    stage.cluster.apply(raw_pipeline(build=BUILDKIT))
    stage.apply()
    await stage.release()

    assert stage.ready() == ("True", "Released")
    (builder,) = stage.jobs[0]["spec"]["template"]["spec"]["containers"]
    assert not builder["securityContext"]["privileged"]


async def test_another_engine_and_a_retry_let_it_build() -> None:
    stage = _stage()
    stage.apply()
    await stage.settle()
    stage.cluster.apply(raw_pipeline(build={"type": "Kaniko"}))
    stage.annotate(retry="1")
    await stage.release()

    assert stage.ready() == ("True", "Released")


async def test_a_word_that_is_taken_back_holds_for_what_was_resolved_before() -> None:
    stage = _stage(allowed="true")
    path = stage.apply()
    await stage.settle()
    # We died after the status was written and before the Job was made.
    for job in [path for path in stage.cluster.objects if "/jobs/" in path]:
        del stage.cluster.objects[job]
    assert stage.cluster.objects[path]["status"]["resolved"]["build"]["type"] == "BuildKit"
    _set(stage, "false")
    await stage.settle()

    assert stage.ready() == ("False", "EngineNotAllowed")
    assert stage.jobs == []


async def test_a_build_that_runs_when_the_word_is_taken_back_is_finished() -> None:
    stage = _stage(allowed="true")
    stage.apply()
    await stage.settle()
    _set(stage, "false")
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert len(stage.jobs) == 1
