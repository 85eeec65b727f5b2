"""Releases that others make: nothing is written but the status, and all of it is proved."""

from typing import Any

from tests.fakes.builders import DIGEST, IMAGE
from tests.fakes.git_history import Commit
from tests.unit.core.stage import VALUES, Stage

APPLICATION = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/album-app-backend"
CONSENT = "album.dev/authorized-pipeline"
OWN_WRITES = {"patch albumreleases/status", "patch albumreleases", "create events"}
AWAITED = ("Unknown", "AwaitingCommit")


def _stage(**more: Any) -> Stage:  # noqa: ANN401 - of a stage
    stage = Stage(**more)
    stage.apply(tag="backend-v1.1.0", mode="Follow")
    # Neither is needed to look.
    stage.cluster.edit(APPLICATION, {"metadata": {"annotations": {CONSENT: None}}})
    stage.cluster.is_guarded = False
    return stage


def _commit(stage: Stage, version: str = "v1.1.0", message: str = "change") -> str:
    text = VALUES.format(app="backend", image=IMAGE).replace("v1.0.0", version)
    return stage.config.write("main", {"backend/values.yaml": text}, message)


async def _to_the_commit(stage: Stage) -> None:
    """Have the image there, and the release wait for the commit."""
    stage.push("v1.1.0", DIGEST)
    await stage.settle()


async def test_each_thing_is_waited_for_and_nothing_is_written() -> None:
    stage = _stage()
    await stage.settle()
    assert stage.ready() == ("Unknown", "AwaitingImage")
    await _to_the_commit(stage)
    assert stage.ready() == AWAITED
    made = _commit(stage)
    await stage.settle()
    assert stage.ready() == ("Unknown", "Syncing")
    stage.argocd.sync("album-app-backend")
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert stage.status()["config"] == {"branch": "main", "commit": made, "mergedCommit": made}
    assert stage.status()["image"]["digest"] == DIGEST
    assert {what for what in stage.faults.writes if "album" not in what} <= OWN_WRITES
    assert stage.jobs == []
    assert stage.config.pushes == []


async def test_the_commit_is_found_among_later_ones() -> None:
    stage = _stage(is_built=True)
    before = stage.config.branches["main"]
    made = _commit(stage)
    for number in range(5):
        stage.config.write("main", {"frontend/other.yaml": f"a: {number}\n"})
    await stage.settle()

    assert stage.status()["config"]["mergedCommit"] == made
    assert made not in {before, stage.config.branches["main"]}


async def test_a_merge_that_brings_the_value_is_the_commit() -> None:
    stage = _stage(is_built=True)
    await stage.settle()
    base = stage.config.branches["main"]
    stage.config.branches["bump"] = base
    text = VALUES.format(app="backend", image=IMAGE).replace("v1.0.0", "v1.1.0")
    bump = stage.config.write("bump", {"backend/values.yaml": text})
    other = stage.config.write("main", {"frontend/other.yaml": "a: 1\n"})
    files = {**stage.config.commits[other].files, **stage.config.commits[bump].files}
    merged = stage.config.add(Commit((other, bump), files, "Merge #6"))
    stage.config.branches["main"] = merged
    await stage.settle()

    assert stage.status()["config"]["mergedCommit"] == merged


async def test_a_newer_version_in_its_place_supersedes_it() -> None:
    stage = _stage(is_built=True)
    await stage.settle()
    _commit(stage, "v1.2.0")
    await stage.settle()

    assert stage.ready() == ("False", "Superseded")


async def test_a_pipeline_that_builds_and_proposes_is_followed_alike() -> None:
    stage = _stage(
        pull_request={"merge": "Auto"},
        build={"tags": ["latest"], "proof": "Builder"},
        is_built=True,
    )
    stage.cluster.edit(
        "/apis/album.dev/v1alpha1/namespaces/album/albumpipelines/album-app",
        {"spec": {"feedback": {"comment": True, "commitStatus": True}}},
    )
    await stage.settle()

    assert stage.ready() == AWAITED
    resolved = stage.status()["resolved"]
    assert resolved["build"]["type"] == "External"
    assert resolved["argocd"]["sync"] == "Observe"
    assert "tags" not in resolved["build"]
    assert "feedback" not in resolved


async def test_a_restart_goes_on_where_it_was() -> None:
    stage = _stage(is_built=True)
    await stage.settle()
    made = _commit(stage)
    stage.restart()
    await stage.settle()

    assert stage.status()["config"]["mergedCommit"] == made
