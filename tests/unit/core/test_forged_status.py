"""What somebody else writes into a status is not acted upon."""

import pytest

from tests.fakes.builders import raw_pipeline
from tests.unit.core.stage import Stage

MOUNTED = "../../var/run/secrets/album/registry"


def _forge(stage: Stage, **sections: dict[str, object]) -> None:
    stage.edit("backend-v1.1.0", {"status": {"resolved": sections}})


@pytest.mark.parametrize(
    ("forged", "field"),
    [
        ({"build": {"contextDir": MOUNTED}}, "status.resolved.build.contextDir"),
        ({"build": {"pushSecretName": "other"}}, "status.resolved.build.pushSecretName"),
        ({"build": {"args": [{"name": "A_TOKEN", "value": "x"}]}}, "resolved.build.args[0].name"),
        ({"config": {"delivery": "Commit"}}, "status.resolved.config.branch"),
        ({"config": {"delivery": "Commit", "branch": "main"}}, "config.delivery"),
        ({"config": {"pullRequest": {"merge": "Auto", "method": "Merge"}}}, "config.pullRequest"),
        ({"pipeline": {"generation": 7}}, "status.resolved.pipeline.generation"),
    ],
)
async def test_a_forged_plan_is_not_acted_upon(
    forged: dict[str, dict[str, object]], field: str
) -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    jobs = len(stage.jobs)
    _forge(stage, **forged)

    await stage.settle()

    assert stage.ready() == ("False", "StatusInvalid")
    assert field in stage.message()
    assert MOUNTED not in stage.message()
    assert len(stage.jobs) == jobs
    assert stage.forge.waiting == set()


async def test_nothing_of_a_forged_status_stays_and_a_retry_begins_anew() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    _forge(stage, build={"contextDir": MOUNTED})
    stage.edit(
        "backend-v1.1.0",
        {
            "status": {
                "image": {
                    "reference": "ghcr.io/owner/album-app-backend:v1.1.0",
                    "digest": f"sha256:{'0' * 64}",
                    "revision": "a" * 40,
                }
            }
        },
    )
    await stage.settle()

    assert not {"resolved", "image", "build", "config", "pullRequest"} & stage.status().keys()
    assert stage.events()[-1:] == ["StatusInvalid"]

    stage.annotate(retry="1")
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert stage.status()["resolved"]["build"]["contextDir"] == "backend"
    assert stage.status()["attempt"] == 2


async def test_a_forged_status_of_a_release_that_has_ended_is_left_alone() -> None:
    stage = Stage()
    stage.apply()
    await stage.release()
    _forge(stage, build={"contextDir": MOUNTED})
    before = stage.status()

    await stage.settle()

    assert stage.status() == before


async def test_an_edited_pipeline_is_no_contradiction() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    stage.cluster.apply(raw_pipeline(build={"pushSecretRef": {"name": "other"}}))

    await stage.release()

    assert stage.ready() == ("True", "Released")


async def test_a_release_that_an_older_operator_has_begun_goes_on() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    stage.edit("backend-v1.1.0", {"status": {"resolved": {"config": {"delivery": None}}}})

    await stage.release()

    assert stage.ready() == ("True", "Released")
