"""What people do to a release on its way: suspend, retry, edit, delete, close, change."""

from datetime import timedelta

import pytest

from tests.fakes.builders import BRANCH, IMAGE, raw_pipeline
from tests.fakes.cluster import fail_build, finish_build
from tests.unit.core.stage import REPOSITORY, Stage

PATH = "/apis/album.dev/v1alpha1/namespaces/album/albumreleases/backend-v1.1.0"


async def _stage_at_merge() -> Stage:
    stage = Stage()
    stage.apply()
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[0])
    await stage.settle()
    assert stage.ready() == ("Unknown", "AwaitingMerge")
    return stage


async def test_a_suspended_release_does_nothing_until_it_is_resumed() -> None:
    stage = Stage()
    stage.apply(tag="backend-v1.1.0", suspend=True)
    assert (await stage.settle()).after is None
    assert stage.ready() == ("Unknown", "Suspended")
    assert stage.jobs == []
    written = len(stage.faults.writes)
    await stage.run_pass()
    assert len(stage.faults.writes) == written

    stage.edit("backend-v1.1.0", {"spec": {"suspend": False}})
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert stage.status()["observedGeneration"] == 2


async def test_a_release_suspended_on_its_way_goes_on_where_it_was() -> None:
    stage = await _stage_at_merge()
    stage.edit("backend-v1.1.0", {"spec": {"suspend": True}})
    await stage.settle()
    assert stage.ready() == ("Unknown", "Suspended")
    assert "Reconciling" not in stage.conditions()
    stage.merge()
    await stage.settle()
    assert stage.conditions()["Merged"] == "Unknown"

    stage.edit("backend-v1.1.0", {"spec": {"suspend": False}})
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert len(stage.jobs) == 1
    assert stage.forge.count(REPOSITORY) == 1


async def test_a_failed_build_says_why_and_a_retry_builds_as_the_second_attempt() -> None:
    stage = Stage()
    stage.cluster.apply(raw_pipeline(build={"failureLog": True}))
    stage.apply()
    await stage.settle()
    fail_build(stage.cluster, stage.jobs[0], 2, "undefined: foo")
    assert (await stage.settle()).after is None
    assert stage.ready() == ("False", "BuildFailed")
    failure = stage.status()["failure"]
    assert (failure["step"], failure["container"], failure["exitCode"]) == (
        "ImageReady",
        "build",
        2,
    )
    assert failure["message"] == "undefined: foo"
    assert stage.config.pushes == []

    stage.annotate(retry="2026-11-20T12:05:00Z")
    await stage.release()
    first, second = (job["metadata"]["name"] for job in stage.jobs)
    assert (first[-2:], second[-2:]) == ("-1", "-2")
    assert stage.ready() == ("True", "Released")
    assert stage.status()["attempt"] == 2
    assert stage.status()["lastHandledRetry"] == "2026-11-20T12:05:00Z"


async def test_a_retry_builds_nothing_where_the_commit_is_the_same() -> None:
    stage = await _stage_at_merge()
    stage.forge.close_pull_request(REPOSITORY, 1)
    await stage.settle()
    assert stage.ready() == ("False", "PullRequestClosed")

    stage.forge.reopen(REPOSITORY, 1)
    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert stage.status()["attempt"] == 2
    assert len(stage.jobs) == 1
    assert stage.forge.count(REPOSITORY) == 1


async def test_a_closed_one_whose_branch_was_made_anew_goes_on_once_both_are_put_back() -> None:
    stage = await _stage_at_merge()
    branch, head = "release/backend_v1.1.0", stage.forge.head(REPOSITORY, 1)
    stage.forge.close_pull_request(REPOSITORY, 1)
    stage.config.branches[branch] = stage.config.branches["main"]
    await stage.settle()
    assert stage.ready() == ("False", "PullRequestClosed")
    assert f"refs/pull/1/head && git push --force origin FETCH_HEAD:refs/heads/{branch}" in (
        stage.message()
    )

    stage.config.branches[branch] = head
    stage.forge.reopen(REPOSITORY, 1)
    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert stage.forge.count(REPOSITORY) == 1


@pytest.mark.parametrize("mode", ["Apply", "Plan"])
async def test_a_rule_that_wants_signed_commits_is_told_before_the_build(mode: str) -> None:
    stage = Stage()
    stage.config.signed.append("release/")
    stage.apply(tag="backend-v1.1.0", mode=mode)
    await stage.settle()
    assert stage.ready() == ("False", "PushRefused")
    assert "wants signed commits there, and the operator's are not signed." in stage.message()
    assert (stage.jobs, stage.config.pushes) == ([], [])

    stage.config.signed.clear()
    stage.annotate(retry="1")
    stage.edit("backend-v1.1.0", {"spec": {"mode": "Apply"}})
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_a_retry_after_the_tag_was_moved_builds_the_new_commit() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[0])
    stage.config.protected.append("release/")
    await stage.settle()
    assert stage.ready() == ("False", "PushRefused")

    stage.config.protected.clear()
    moved = stage.source.write("main", {"backend/main.go": "package main\n"})
    stage.source.tags["backend-v1.1.0"] = moved
    stage.annotate(retry="1")
    await stage.settle()
    assert stage.ready() == ("False", "ImageExistsFromOtherCommit")
    assert f"and tag backend-v1.1.0 is commit {moved[:12]}" in stage.message()

    stage.registry.delete(IMAGE, "v1.1.0")
    stage.annotate(retry="2")
    await stage.release()
    assert len(stage.jobs) == 2
    assert stage.status()["image"]["revision"] == moved
    assert stage.ready() == ("True", "Released")


async def test_a_tag_moved_on_the_way_changes_nothing() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    commit = stage.source.tags["backend-v1.1.0"]
    stage.source.tags["backend-v1.1.0"] = stage.source.write("main", {"x": "y"})
    await stage.release()

    assert stage.status()["image"]["revision"] == commit


async def test_a_pipeline_edited_on_the_way_changes_nothing() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    stage.cluster.apply(raw_pipeline(config={"branch": "prod"}))
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert stage.status()["resolved"]["config"]["baseBranch"] == "main"


async def test_a_released_release_that_is_retried_finds_all_done() -> None:
    stage = Stage()
    stage.apply()
    await stage.release()
    stage.annotate(retry="1")
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert stage.status()["attempt"] == 2
    assert len(stage.jobs) == 1
    assert len(stage.config.pushes) == 1
    assert stage.forge.count(REPOSITORY) == 1


async def test_a_refresh_is_noted_and_changes_nothing_else() -> None:
    stage = await _stage_at_merge()
    stage.annotate(refresh="1")
    await stage.settle()

    assert stage.status()["lastHandledRefresh"] == "1"
    assert stage.ready() == ("Unknown", "AwaitingMerge")


async def test_a_status_somebody_else_changed_meanwhile_is_looked_at_again() -> None:
    stage = Stage()
    stage.apply()
    original = stage.cluster.merge
    raced: list[str] = []

    async def merge(path: str, body: dict[str, object]) -> dict[str, object]:
        if not raced:
            raced.append(path)
            stage.annotate(retry="1")
        return await original(path, body)

    stage.cluster.merge = merge  # type: ignore[assignment,method-assign]
    due = await stage.run_pass()

    assert raced
    assert due.after == timedelta()
    assert stage.status() == {"observedGeneration": -1}
    assert stage.events() == []
    assert stage.jobs == []
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert stage.status()["lastHandledRetry"] == "1"


@pytest.mark.parametrize("way", ["gone", "going"])
async def test_a_release_that_is_deleted_does_nothing_more(way: str) -> None:
    stage = await _stage_at_merge()
    written = len(stage.faults.writes)
    stage.merge()
    if way == "gone":
        del stage.cluster.objects[PATH]
    else:
        metadata = stage.cluster.objects[PATH]["metadata"]
        metadata["deletionTimestamp"] = "2026-11-20T12:05:00Z"

    assert (await stage.run_pass()).after is None
    assert len(stage.faults.writes) == written


async def test_a_release_deleted_in_the_middle_of_a_pass_writes_nothing_more() -> None:
    stage = Stage()
    stage.apply()
    original = stage.cluster.merge

    async def merge(path: str, body: dict[str, object]) -> dict[str, object]:
        stage.cluster.objects.pop(PATH, None)
        return await original(path, body)

    stage.cluster.merge = merge  # type: ignore[assignment,method-assign]
    await stage.settle()

    assert stage.jobs == []


async def test_a_closed_pull_request_is_a_no() -> None:
    stage = await _stage_at_merge()
    stage.forge.close_pull_request(REPOSITORY, 1)
    due = await stage.settle()

    assert due.after is None
    assert stage.ready() == ("False", "PullRequestClosed")
    assert stage.status()["pullRequest"]["number"] == 1
    assert BRANCH in stage.config.branches


async def test_a_head_that_somebody_changed_is_not_waited_for() -> None:
    stage = await _stage_at_merge()
    stage.config.write(BRANCH, {"backend/values.yaml": "mine\n"})
    await stage.settle()

    assert stage.ready() == ("False", "HeadChanged")


@pytest.mark.parametrize("style", ["merge", "squash", "rebase"])
async def test_every_way_to_merge_is_understood(style: str) -> None:
    stage = await _stage_at_merge()
    stage.config.write("main", {"README.md": "meanwhile\n"})
    merged = stage.forge.merge_as(REPOSITORY, 1, style)
    stage.forge.waiting.clear()
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert stage.status()["config"]["mergedCommit"] == merged


async def test_a_version_that_is_there_already_needs_no_pull_request() -> None:
    stage = Stage()
    text = stage.config.commits[stage.config.branches["main"]].files["backend/values.yaml"].data
    stage.config.write("main", {"backend/values.yaml": text.decode().replace("v1.0.0", "v1.1.0")})
    stage.apply()
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert stage.config.pushes == []
    assert stage.forge.count(REPOSITORY) == 0
    reasons = {item["type"]: item["reason"] for item in stage.status()["conditions"]}
    assert (reasons["Proposed"], reasons["Merged"]) == ("NoChange", "NoChange")
    assert stage.status()["config"]["mergedCommit"] == stage.config.branches["main"]


async def test_a_newer_version_merged_while_building_supersedes_the_release() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    stage.apply("backend-v1.2.0")
    await stage.release("backend-v1.2.0")
    await stage.release()

    assert stage.ready() == ("False", "Superseded")
    assert stage.status()["supersededBy"] == {"version": "v1.2.0"}
    assert BRANCH not in stage.config.branches


async def test_an_older_version_is_released_where_that_is_meant() -> None:
    stage = Stage()
    stage.apply("backend-v1.2.0")
    await stage.release("backend-v1.2.0")
    stage.apply(tag="backend-v1.1.0", allowDowngrade=True)
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert stage.application()["status"]["summary"]["images"] == [f"{IMAGE}:v1.1.0"]


async def test_a_release_without_status_brought_back_by_a_backup_does_no_harm() -> None:
    stage = Stage()
    stage.apply()
    await stage.release()
    stage.apply("backend-v1.2.0")
    await stage.release("backend-v1.2.0")
    pushes = list(stage.config.pushes)
    stage.apply()
    await stage.release()

    assert stage.ready() == ("False", "Superseded")
    assert stage.config.pushes == pushes
    assert len(stage.jobs) == 2
