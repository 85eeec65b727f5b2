"""A pull request on its way to the merge, seen through whole passes."""

import asyncio
import logging
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from album_operator.domain.errors import TransientError
from album_operator.domain.places import Draft, ForgePlace
from album_operator.domain.pull_requests import Checks, Fit, Gate, PullRequestSeen, Review
from album_operator.domain.reasons import Reason
from tests.fakes.builders import BRANCH
from tests.fakes.cluster import finish_build
from tests.unit.core.stage import REPOSITORY, Stage

VALUES = "backend/values.yaml"


async def _open(stage: Stage) -> None:
    """Run a release until its pull request waits."""
    stage.apply()
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[-1])
    await stage.settle()
    assert stage.ready() == ("Unknown", "AwaitingMerge")


def _edit(stage: Stage, old: str, new: str) -> None:
    """Let somebody push an edit of the values to the base."""
    text = stage.config.commits[stage.config.branches["main"]].files[VALUES].data.decode()
    assert old in text
    stage.config.write("main", {VALUES: text.replace(old, new)})


def _merged_condition(stage: Stage) -> dict[str, Any]:
    conditions = stage.status()["conditions"]
    (found,) = (item for item in conditions if item["type"] == "Merged")
    assert isinstance(found, dict)
    return found


async def test_what_a_pull_request_waits_for_is_the_reason_of_merged() -> None:
    stage = Stage()
    await _open(stage)
    for gate, reason in [
        (Gate(review=Review.REQUIRED, is_blocked=True), "ReviewRequired"),
        (Gate(checks=Checks.FAILING, failing=("unit",)), "ChecksFailing"),
        (Gate(), "AwaitingMerge"),
    ]:
        stage.forge.set_gate(REPOSITORY, 1, gate)
        due = await stage.settle()
        condition = _merged_condition(stage)
        assert (condition["status"], condition["reason"]) == ("Unknown", reason)
        assert stage.ready() == ("Unknown", "AwaitingMerge")
        assert due.pull_request is not None
        assert (due.pull_request.number, due.branch) == (1, BRANCH)


async def test_the_age_of_a_wait_outlives_a_trouble_of_the_forge() -> None:
    stage = Stage()
    await _open(stage)
    before = dict(stage.status()["pullRequest"])
    assert (before["waitsFor"], before["state"]) == ("AwaitingMerge", "Open")
    stage.forge.trouble = TransientError(Reason.FORGE_UNAVAILABLE, "It does not answer.")
    stage.clock.advance(timedelta(minutes=5))
    await stage.settle()
    assert stage.ready() == ("Unknown", "ForgeUnavailable")
    assert stage.status()["pullRequest"] == before
    stage.forge.trouble = None
    stage.clock.advance(timedelta(minutes=5))
    await stage.settle()
    after = stage.status()["pullRequest"]
    assert after["waitsSince"] == before["waitsSince"]
    assert after["seenAt"] > before["seenAt"]
    written = deepcopy(stage.status())
    stage.clock.advance(timedelta(minutes=5))
    await stage.settle()
    assert stage.status() == written


async def test_a_conflict_is_mended_by_the_same_edit_on_the_new_base() -> None:
    stage = Stage()
    await _open(stage)
    first = stage.config.branches[BRANCH]
    _edit(stage, "# the release", "# set by releases")
    await stage.settle()

    assert stage.config.branches[BRANCH] != first
    assert stage.forge.count(REPOSITORY) == 1
    assert stage.ready() == ("Unknown", "AwaitingMerge")
    assert stage.status()["config"]["commit"] == stage.config.branches[BRANCH]
    stage.merge()
    await stage.release()
    assert stage.ready() == ("True", "Released")
    text = stage.config.commits[stage.config.branches["main"]].files[VALUES].data.decode()
    assert 'tag: "v1.1.0" # set by releases' in text


async def test_a_base_that_has_the_value_by_now_ends_the_wait_and_the_pull_request() -> None:
    stage = Stage()
    await _open(stage)
    _edit(stage, "v1.0.0", "v1.1.0")
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert _merged_condition(stage)["reason"] == "NoChange"
    assert stage.status()["pullRequest"]["state"] == "Closed"
    (comment,) = stage.forge.comments(REPOSITORY, 1)
    assert "already holds v1.1.0" in comment


async def test_a_newer_version_on_the_base_supersedes_the_release() -> None:
    stage = Stage()
    await _open(stage)
    _edit(stage, "v1.0.0", "v1.2.0")
    await stage.settle()

    assert stage.ready() == ("False", "Superseded")
    assert stage.status()["supersededBy"] == {"version": "v1.2.0"}


async def test_a_deleted_branch_is_not_pushed_again() -> None:
    stage = Stage()
    await _open(stage)
    del stage.config.branches[BRANCH]
    await stage.settle()

    assert stage.ready() == ("False", "BranchDeleted")
    assert BRANCH not in stage.config.branches


async def test_who_closed_a_pull_request_is_told_and_it_stays_closed() -> None:
    stage = Stage()
    await _open(stage)
    stage.forge.close_pull_request(REPOSITORY, 1)
    await stage.settle()
    assert stage.ready() == ("False", "PullRequestClosed")
    assert "closed by reviewer" in stage.message()

    stage.annotate(retry="1")
    await stage.settle()
    assert stage.ready() == ("False", "PullRequestClosed")
    assert stage.forge.count(REPOSITORY) == 1


async def test_an_archived_repository_ends_the_wait() -> None:
    stage = Stage()
    await _open(stage)
    stage.config.is_archived = True
    await stage.settle()

    assert stage.ready() == ("False", "RepositoryArchived")


@pytest.mark.parametrize("method", ["Merge", "Squash", "Rebase"])
async def test_merge_auto_needs_nobody(method: str) -> None:
    stage = Stage(pull_request={"merge": "Auto", "method": method})
    stage.apply()
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert stage.status()["config"]["mergedCommit"] == stage.config.branches["main"]
    assert "merged by album-operator" in _merged_condition(stage)["message"]
    assert BRANCH not in stage.config.branches


async def _open_with(stage: Stage, gate: Gate) -> None:
    """Run a release until its pull request waits, which has this gate from the beginning."""
    opening = stage.forge.open

    async def open_so(place: ForgePlace, draft: Draft) -> PullRequestSeen:
        seen = await opening(place, draft)
        stage.forge.set_gate(REPOSITORY, seen.number, gate)
        return seen

    stage.forge.open = open_so  # type: ignore[method-assign]
    await _open(stage)
    stage.forge.waiting.clear()


async def test_merge_auto_lets_the_forge_merge_what_is_blocked() -> None:
    stage = Stage(pull_request={"merge": "Auto"})
    await _open_with(stage, Gate(checks=Checks.RUNNING, is_blocked=True))
    assert _merged_condition(stage)["reason"] == "ChecksRunning"
    assert "merges it by itself" in _merged_condition(stage)["message"]
    assert stage.forge.requests.count("merge") == 1
    await stage.settle()
    assert stage.forge.requests.count("merge") == 1
    stage.forge.set_gate(REPOSITORY, 1, Gate(checks=Checks.PASSING))
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_merge_auto_looks_again_soon_while_the_forge_looks_for_conflicts() -> None:
    stage = Stage(pull_request={"merge": "Auto"})
    await _open_with(stage, Gate(fit=Fit.UNKNOWN))

    assert stage.forge.requests.count("merge") == 0
    assert (await stage.settle()).after == timedelta(seconds=5)


async def test_labels_and_people_belong_to_the_pull_request() -> None:
    wish = {"labels": ["release"], "reviewers": ["reviewer"], "assignees": ["reviewer"]}
    stage = Stage(pull_request={**wish, "draft": True})
    await _open(stage)
    seen = await stage.forge.get(stage.forge_place, 1)

    assert seen.labels == {"release"}
    assert seen.reviewers == {"reviewer"}
    assert seen.is_draft
    assert _merged_condition(stage)["reason"] == "Draft"


async def test_a_pull_request_tells_what_the_release_brings() -> None:
    stage = Stage()
    files = {"backend/Dockerfile": "FROM scratch\n", "backend/main.go": "package main\n"}
    stage.source.write("main", files, "Serve the albums")
    stage.source.tags["backend-v1.1.0"] = stage.source.branches["main"]
    await _open(stage)

    body = stage.forge.body(REPOSITORY, 1)
    assert "Commits of the source since [backend-v1.0.0](" in body
    assert "Serve the albums" in body


async def test_a_source_that_does_not_tell_its_history_holds_nothing_up() -> None:
    stage = Stage()
    del stage.source.tags["backend-v1.0.0"]
    await _open(stage)

    assert "Commits of the source" not in stage.forge.body(REPOSITORY, 1)


async def test_a_branch_that_may_not_be_deleted_holds_nothing_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = Stage()
    await _open(stage)
    stage.config.protected.append("release/")
    stage.merge()
    with caplog.at_level(logging.WARNING):
        await stage.release()

    assert stage.ready() == ("True", "Released")
    assert BRANCH in stage.config.branches
    assert f"Branch {BRANCH} of AlbumRelease " in caplog.text


async def test_a_death_before_the_merged_branch_is_deleted_is_made_good() -> None:
    stage = Stage()
    await _open(stage)

    async def die(*_: object) -> None:
        raise asyncio.CancelledError

    stage.config_repository.delete_branch = die  # type: ignore
    stage.merge()
    await stage.settle()
    assert stage.conditions()["Merged"] == "True"
    assert BRANCH in stage.config.branches

    stage.restart()
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert BRANCH not in stage.config.branches


def _retarget(stage: Stage, base: str) -> None:
    stage.config.branches.setdefault("develop", stage.config.branches["main"])
    stage.forge.retarget(REPOSITORY, 1, base)


@pytest.mark.parametrize("merge", ["Manual", "Auto"])
async def test_one_that_is_retargeted_waits_until_it_is_set_back(merge: str) -> None:
    stage = Stage(pull_request={"merge": merge})
    await _open_with(stage, Gate(review=Review.REQUIRED, is_blocked=True))
    _retarget(stage, "develop")
    develop = stage.config.branches["develop"]
    await stage.settle()
    stage.forge.set_gate(REPOSITORY, 1, Gate())
    await stage.settle()
    assert stage.ready() == ("Unknown", "BaseChanged")
    assert _merged_condition(stage)["reason"] == "BaseChanged"
    assert "into develop" in stage.message()
    assert stage.config.branches["develop"] == develop

    _retarget(stage, "main")
    if merge == "Manual":
        await stage.settle()
        assert stage.ready() == ("Unknown", "AwaitingMerge")
        stage.forge.merge_as(REPOSITORY, 1)
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_what_was_armed_for_our_base_is_not_merged_into_another() -> None:
    stage = Stage(pull_request={"merge": "Auto"})
    await _open_with(stage, Gate(checks=Checks.RUNNING, is_blocked=True))
    _retarget(stage, "develop")
    develop = stage.config.branches["develop"]
    await stage.settle()
    assert stage.forge.requests.count("disarm") == 1
    stage.forge.set_gate(REPOSITORY, 1, Gate(checks=Checks.PASSING))
    await stage.settle()
    assert stage.ready() == ("Unknown", "BaseChanged")
    assert stage.config.branches["develop"] == develop


async def test_a_merge_that_went_elsewhere_is_told_and_a_retry_proposes_anew() -> None:
    stage = Stage(pull_request={"merge": "Auto"})

    def retarget() -> None:
        stage.forge.before_merge = None
        _retarget(stage, "develop")

    stage.forge.before_merge = retarget
    stage.apply()
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[-1])
    await stage.settle()
    assert stage.ready() == ("False", "BaseChanged")
    assert stage.conditions()["Merged"] == "False"
    assert "merged by album-operator into develop" in stage.message()
    assert BRANCH in stage.config.branches

    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert stage.status()["pullRequest"]["number"] == 2


async def test_a_retry_proposes_anew_what_goes_elsewhere() -> None:
    stage = Stage()
    await _open(stage)
    _retarget(stage, "develop")
    await stage.settle()
    stage.annotate(retry="1")
    await stage.settle()
    assert stage.ready() == ("Unknown", "AwaitingMerge")
    assert stage.status()["pullRequest"]["number"] == 2


async def test_a_base_that_got_the_value_through_another_branch_needs_no_merge() -> None:
    stage = Stage()
    await _open(stage)
    _retarget(stage, "develop")
    stage.forge.merge_as(REPOSITORY, 1)
    stage.config.branches["main"] = stage.config.branches["develop"]
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert _merged_condition(stage)["reason"] == "NoChange"


async def test_a_pull_request_of_a_repository_made_anew_is_not_ours() -> None:
    stage = Stage()
    await _open(stage)
    stage.config.branches["another"] = stage.config.branches["main"]
    item = stage.forge._item(REPOSITORY, 1)
    item.head, item.seen = "another", replace(item.seen, head="another")
    stage.forge.merge_as(REPOSITORY, 1)
    await stage.settle()

    assert stage.ready() == ("False", "HeadChanged")
