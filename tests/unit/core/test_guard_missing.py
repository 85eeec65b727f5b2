"""Nothing is begun while no guard holds the operator's ServiceAccount."""

import pytest

from tests.unit.core.stage import REPOSITORY, Stage


def _is_untouched(stage: Stage) -> bool:
    return (stage.jobs, stage.config.pushes, stage.forge.count(REPOSITORY)) == ([], [], 0)


async def test_without_the_guard_a_release_waits_and_goes_on_by_itself_once_it_holds() -> None:
    stage = Stage()
    stage.cluster.is_guarded = False
    stage.apply()
    due = await stage.settle()

    assert due.after is not None
    assert stage.ready() == ("Unknown", "GuardMissing")
    assert "manifests/base/application-guard.yaml" in stage.message()
    assert _is_untouched(stage)
    assert "labels" not in stage.application()["metadata"]
    stage.cluster.is_guarded = True
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_an_admin_may_do_without() -> None:
    stage = Stage(ALBUM_REQUIRE_GUARD="false")
    stage.cluster.is_guarded = False
    stage.apply()
    await stage.release()

    assert stage.ready() == ("True", "Released")


@pytest.mark.parametrize("spoil", ["source", "consent"])
async def test_what_a_person_must_mend_is_told_before(spoil: str) -> None:
    stage = Stage()
    stage.cluster.is_guarded = False
    if spoil == "source":
        stage.application()["spec"]["source"]["targetRevision"] = "v1.0.0"
    else:
        stage.application()["metadata"]["annotations"].clear()
    stage.apply()
    await stage.settle()

    assert stage.ready()[1] in {"ApplicationMismatch", "NotAuthorized"}
    assert _is_untouched(stage)
