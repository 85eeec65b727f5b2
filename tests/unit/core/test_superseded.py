"""With `policy.concurrency: Supersede` an older release gives way to a newer one of its app."""

import random
from typing import Any

import pytest

from album_operator.domain.pull_requests import PullRequestState
from album_operator.domain.release import Ref
from tests.fakes.builders import NAMESPACE, raw_pipeline
from tests.fakes.cluster import fail_build, finish_build
from tests.fakes.faults import Fault, Killed
from tests.unit.core.stage import REPOSITORY, Stage

OLD, NEW = "backend-v1.1.0", "backend-v1.2.0"


async def _settle(stage: Stage, *names: str) -> None:
    """Let each have its passes, and tell all of what became of it."""
    for name in names:
        await stage.settle(name)
        stage.tell_of_releases()


async def _proposed(stage: Stage, name: str = OLD, **spec: object) -> None:
    stage.apply(name, **spec)
    await _settle(stage, name)
    finish_build(stage.cluster, stage.jobs[-1])
    await _settle(stage, name)


async def _open(stage: Stage) -> list[int]:
    numbers = range(1, stage.forge.count(REPOSITORY) + 1)
    seen = [await stage.forge.get(stage.forge_place, number) for number in numbers]
    return [one.number for one in seen if one.state is PullRequestState.OPEN]


def _join(stage: Stage, *names: str) -> None:
    for name in names:
        stage.wakeups.join(Ref(NAMESPACE, name), None)


async def test_a_newer_version_takes_over_what_the_older_one_has_proposed() -> None:
    stage = Stage()
    await _proposed(stage)
    _join(stage, OLD)
    stage.apply(NEW)
    await _settle(stage, NEW)
    assert stage.wakeups.has_news(Ref(NAMESPACE, OLD))
    await _settle(stage, OLD)

    assert stage.ready() == ("False", "Superseded")
    assert stage.conditions()["Stalled"] == stage.conditions()["Finished"] == "True"
    by = {"release": f"{NAMESPACE}/{NEW}", "version": "v1.2.0"}
    assert stage.status()["supersededBy"] == by
    assert await _open(stage) == []
    assert list(stage.config.branches) == ["main"]
    [comment] = stage.forge.comments(REPOSITORY, 1)
    assert f"AlbumRelease `{NAMESPACE}/{NEW}`" in comment
    assert "/compare/backend-v1.1.0...backend-v1.2.0" in comment
    await stage.release(NEW)
    assert stage.ready(NEW) == ("True", "Released")


async def test_a_newer_version_stops_the_build_of_the_older_one() -> None:
    stage = Stage()
    stage.apply(OLD)
    await _settle(stage, OLD)
    stage.apply(NEW)
    await _settle(stage, NEW, OLD)

    assert stage.ready() == ("False", "Superseded")
    [job] = stage.jobs
    assert NEW in job["metadata"]["labels"]["album.dev/release"]


async def test_an_older_version_that_comes_later_does_not_begin() -> None:
    stage = Stage()
    stage.apply(NEW)
    await _settle(stage, NEW)
    stage.apply(OLD)
    await _settle(stage, OLD, NEW)

    assert stage.ready() == ("False", "Superseded")
    assert stage.ready(NEW) == ("Unknown", "Building")
    assert len(stage.jobs) == 1


@pytest.mark.parametrize(
    "newer",
    [
        {"tag": "backend-v9.9.9"},  # There is no such tag: it is not past its checks.
        {"tag": NEW, "cancel": True},
        {"tag": NEW, "suspend": True},
        {"tag": NEW, "mode": "Plan"},
        {"tag": NEW, "mode": "Follow"},
        {"tag": "frontend-v1.1.0"},
        {"tag": OLD},
    ],
    ids=str,
)
async def test_nothing_else_takes_over(newer: dict[str, Any]) -> None:
    stage = Stage()
    await _proposed(stage)
    stage.apply("other", **newer)
    await _settle(stage, "other", OLD)

    assert stage.ready() == ("Unknown", "AwaitingMerge")
    assert await _open(stage) == [1]


async def test_a_newer_version_of_another_pipeline_is_of_another_app() -> None:
    stage = Stage()
    await _proposed(stage)
    other = raw_pipeline()
    other["metadata"] |= {"name": "other", "uid": "uid-of-other"}
    stage.cluster.apply(other)
    consent = {"album.dev/authorized-pipeline": f"{NAMESPACE}/album-app, {NAMESPACE}/other"}
    stage.application()["metadata"]["annotations"] |= consent
    stage.apply("other", tag=NEW, pipelineRef={"name": "other"})
    await _settle(stage, "other", OLD)

    assert stage.ready("other") == ("Unknown", "Building")
    assert stage.ready() == ("Unknown", "AwaitingMerge")


async def test_what_is_merged_is_not_taken_back() -> None:
    stage = Stage()
    await _proposed(stage)
    stage.apply(NEW)
    await _settle(stage, NEW)
    stage.forge.before_withdraw = stage.merge
    await _settle(stage, OLD)

    assert stage.ready() == ("Unknown", "Syncing")
    assert "supersededBy" not in stage.status()


async def test_a_retry_releases_the_older_version_once_the_newer_one_has_failed() -> None:
    stage = Stage()
    await _proposed(stage)
    stage.apply(NEW)
    await _settle(stage, NEW, OLD)
    assert "should that one not do, set the annotation album.dev/retry" in stage.message()
    fail_build(stage.cluster, stage.jobs[-1])
    await _settle(stage, NEW)
    assert stage.ready(NEW) == ("False", "BuildFailed")
    stage.annotate(retry="1")
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert stage.forge.count(REPOSITORY) == 2


async def test_who_goes_back_on_purpose_gives_way_to_what_was_wanted_later_only() -> None:
    stage = Stage()
    stage.apply(NEW)
    await _settle(stage, NEW)
    stage.apply(OLD)
    await _settle(stage, OLD)
    assert "spec.allowDowngrade: true" in stage.message()
    stage.apply("back", tag=OLD, allowDowngrade=True)
    await _settle(stage, "back")
    assert stage.ready("back") == ("Unknown", "Building")

    stage.source.tags["backend-v1.3.0"] = stage.source.tags[OLD]
    path = stage.apply("backend-v1.3.0")
    stage.cluster.edit(path, {"metadata": {"creationTimestamp": "2026-11-20T12:59:00Z"}})
    await _settle(stage, "backend-v1.3.0", "back")
    assert stage.ready("back") == ("False", "Superseded")


async def test_what_a_commit_on_the_base_branch_supersedes_takes_its_proposal_back() -> None:
    stage = Stage()
    await _proposed(stage)
    main = stage.config.commits[stage.config.branches["main"]].files["backend/values.yaml"]
    newer = main.data.decode().replace("v1.0.0", "v2.0.0")
    stage.config.write("main", {"backend/values.yaml": newer})
    await _settle(stage, OLD)

    assert stage.ready() == ("False", "Superseded")
    assert await _open(stage) == []
    assert list(stage.config.branches) == ["main"]


TAGS = [f"backend-v2.{number}.0" for number in range(100)]
NEWEST = TAGS[-1]


async def _turn(stage: Stage, order: list[str]) -> None:
    for name in order:
        if stage.status(name).get("conditions") and stage.conditions(name).get("Finished"):
            continue
        await stage.run_pass(name)
        stage.tell_of(name)
    for job in stage.jobs:
        if "status" not in job:
            finish_build(stage.cluster, job)


def _ended(stage: Stage) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in TAGS:
        reason = stage.ready(name)[1] if "conditions" in stage.status(name) else "None"
        found[reason] = found.get(reason, 0) + 1
    return found


@pytest.mark.parametrize("deaths", [0, 5])
async def test_of_a_hundred_tags_at_once_the_newest_is_released(deaths: int) -> None:
    chance = random.Random(deaths)  # noqa: S311 - a test
    stage = Stage()
    order = chance.sample(TAGS, len(TAGS))
    for name in TAGS:
        stage.source.tags[name] = stage.source.tags[OLD]
        stage.apply(name)
    for _ in range(40):
        if deaths:
            stage.faults.at = len(stage.faults.writes) + chance.randint(1, 60)
            stage.faults.fault = chance.choice([Fault.DIE_BEFORE, Fault.DIE_AFTER])
        try:
            await _turn(stage, order)
        except Killed:
            deaths -= 1
            stage.restart()
            stage.tell_of_releases()
            stage.faults.at = None
        if _ended(stage).get("AwaitingMerge") == 1 and _ended(stage).get("Superseded") == 99:
            break
    assert deaths == 0
    assert len(await _open(stage)) == 1
    assert [job["metadata"]["labels"]["album.dev/release"] for job in stage.jobs] == [NEWEST]
    await stage.release(NEWEST)

    assert stage.ready(NEWEST) == ("True", "Released")
    assert _ended(stage) == {"Released": 1, "Superseded": 99}
    assert set(stage.config.branches) <= {"main", "release/backend_v2.99.0"}
