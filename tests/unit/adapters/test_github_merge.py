"""Merging on GitHub, at once or by its auto-merge and merge queue."""

from typing import Any

import pytest

from album_operator.domain.errors import OutsideError, StaleError, TerminalError
from album_operator.domain.places import Draft, MergeMethod
from album_operator.domain.reasons import Reason
from tests.unit.adapters.github_server import (
    OPEN,
    OURS,
    SHA,
    always,
    forge,
    in_turn,
    reply,
)

DRAFT = Draft(OURS, "main", "t", "b")


async def test_a_merge_expects_the_head_and_is_done_once() -> None:
    async with forge(in_turn(reply(OPEN), reply({"merged": True, "sha": "c" * 40}))) as github:
        await github.adapter.merge(github.place, 7, SHA, "main", MergeMethod.SQUASH, by_forge=False)
    assert github.lines == ["GET /repos/o/n/pulls/7", "PUT /repos/o/n/pulls/7/merge"]
    assert github.asked[1].body == {"sha": SHA, "merge_method": "squash"}


async def test_one_that_goes_into_another_branch_by_now_is_not_merged() -> None:
    elsewhere = {**OPEN, "base": {**OPEN["base"], "ref": "develop"}}
    async with forge(always(elsewhere)) as github:
        with pytest.raises(StaleError) as caught:
            await github.adapter.merge(
                github.place, 7, SHA, "main", MergeMethod.SQUASH, by_forge=False
            )
    assert "develop" in caught.value.sentence
    assert github.lines == ["GET /repos/o/n/pulls/7"]


async def test_one_that_was_merged_meanwhile_is_success() -> None:
    merged = {**OPEN, "state": "closed", "merged_at": "2026-01-01T00:00:00Z"}
    async with forge(always(merged)) as github:
        await github.adapter.merge(github.place, 7, SHA, "main", MergeMethod.MERGE, by_forge=False)
    assert github.lines == ["GET /repos/o/n/pulls/7"]


@pytest.mark.parametrize("status", [405, 409])
async def test_one_that_is_merged_already_is_success(status: int) -> None:
    said = reply({"message": "Pull Request is not mergeable"}, status)
    answers = in_turn(reply(OPEN), said, reply(b"", 204))
    async with forge(answers) as github:
        await github.adapter.merge(github.place, 7, SHA, "main", MergeMethod.MERGE, by_forge=False)


@pytest.mark.parametrize("status", [405, 409])
async def test_one_that_is_not_merged_now_is_looked_at_again(status: int) -> None:
    said = reply({"message": "Base branch was modified"}, status)
    answers = in_turn(reply(OPEN), said, reply({}, 404))
    async with forge(answers) as github:
        with pytest.raises(StaleError):
            await github.adapter.merge(
                github.place, 7, SHA, "main", MergeMethod.MERGE, by_forge=False
            )


async def test_a_method_that_is_not_allowed_needs_a_person() -> None:
    said = {"message": "Squash merges are not allowed on this repository."}
    async with forge(in_turn(reply(OPEN), reply(said, 405))) as github:
        with pytest.raises(TerminalError) as caught:
            await github.adapter.merge(
                github.place, 7, SHA, "main", MergeMethod.SQUASH, by_forge=False
            )
    assert "spec.config.pullRequest.method" in caught.value.sentence


async def test_a_user_who_may_not_merge_there_needs_a_person() -> None:
    said = {"message": "You're not authorized to push to this branch."}
    async with forge(in_turn(reply(OPEN), reply(said, 405))) as github:
        with pytest.raises(TerminalError) as caught:
            await github.adapter.merge(
                github.place, 7, SHA, "main", MergeMethod.MERGE, by_forge=False
            )
    assert caught.value.reason is Reason.CREDENTIALS_REFUSED
    assert "Manual" in caught.value.sentence


def armable(**change: Any) -> dict[str, Any]:  # noqa: ANN401
    found = {
        "id": "PR_7",
        "state": "OPEN",
        "headRefOid": SHA,
        "baseRefName": "main",
        "mergeStateStatus": "BLOCKED",
        "isMergeQueueEnabled": False,
        "autoMergeRequest": None,
        "mergeQueueEntry": None,
    }
    allowed = change.pop("allowed", True)
    repository = {
        "nameWithOwner": "o/n",
        "autoMergeAllowed": allowed,
        "pullRequest": found | change,
    }
    return {"data": {"repository": repository}}


@pytest.mark.parametrize(
    ("change", "mutation"),
    [
        ({}, "enablePullRequestAutoMerge"),
        ({"isMergeQueueEnabled": True}, "enablePullRequestAutoMerge"),
        ({"isMergeQueueEnabled": True, "mergeStateStatus": "CLEAN"}, "enqueuePullRequest"),
    ],
)
async def test_the_forge_is_told_to_merge_by_itself(change: dict[str, Any], mutation: str) -> None:
    done = reply({"data": {mutation: {"clientMutationId": None}}})
    async with forge(in_turn(reply(armable(**change)), done)) as github:
        await github.adapter.merge(github.place, 7, SHA, "main", MergeMethod.REBASE, by_forge=True)
    body = github.asked[1].body
    assert f"{mutation}(input: $input)" in body["query"]
    wish = body["variables"]["input"]
    assert (wish["pullRequestId"], wish["expectedHeadOid"]) == ("PR_7", SHA)
    assert wish.get("mergeMethod", "REBASE") == "REBASE"


@pytest.mark.parametrize(
    "change",
    [
        {"state": "MERGED"},
        {"autoMergeRequest": {"enabledAt": "2026-01-01T00:00:00Z"}},
        {"mergeQueueEntry": {"position": 1}},
    ],
)
async def test_armed_or_merged_already_is_success(change: dict[str, Any]) -> None:
    async with forge(always(armable(**change))) as github:
        await github.adapter.merge(github.place, 7, SHA, "main", MergeMethod.MERGE, by_forge=True)
    assert len(github.asked) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"state": "CLOSED"},
        {"headRefOid": "b" * 40},
        {"baseRefName": "develop"},
        {"baseRefName": "develop", "autoMergeRequest": {"enabledAt": "2026-01-01T00:00:00Z"}},
    ],
)
async def test_one_that_changed_meanwhile_is_not_armed(change: dict[str, Any]) -> None:
    async with forge(always(armable(**change))) as github:
        with pytest.raises(StaleError):
            await github.adapter.merge(
                github.place, 7, SHA, "main", MergeMethod.MERGE, by_forge=True
            )
    assert len(github.asked) == 1


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ("Pull request Pull request is in clean status", StaleError, "clean"),
        ("Pull request Pull request is in unstable status", StaleError, "unstable"),
        ("Pull request Auto merge is not allowed for this repository", TerminalError,
         "Allow auto-merge"),
        ("Merge method squash merging is not allowed on this repository", TerminalError,
         "spec.config.pullRequest.method"),
    ],
)  # fmt: skip
async def test_a_forge_that_does_not_arm_says_why(
    said: str, kind: type[OutsideError], words: str
) -> None:
    errors = {"data": None, "errors": [{"type": "UNPROCESSABLE", "message": said}]}
    async with forge(in_turn(reply(armable()), reply(errors))) as github:
        with pytest.raises(kind) as caught:
            await github.adapter.merge(
                github.place, 7, SHA, "main", MergeMethod.SQUASH, by_forge=True
            )
    assert words in caught.value.sentence


async def test_without_auto_merge_in_the_repository_a_person_must_act() -> None:
    async with forge(always(armable(allowed=False))) as github:
        with pytest.raises(TerminalError) as caught:
            await github.adapter.merge(
                github.place, 7, SHA, "main", MergeMethod.MERGE, by_forge=True
            )
    assert "Manual" in caught.value.sentence


async def test_armed_already_in_the_forges_words_is_success() -> None:
    said = {"data": None, "errors": [{"message": "Pull request is already in the queue"}]}
    async with forge(in_turn(reply(armable()), reply(said))) as github:
        await github.adapter.merge(github.place, 7, SHA, "main", MergeMethod.MERGE, by_forge=True)


@pytest.mark.parametrize(
    ("change", "mutations"),
    [
        ({}, []),
        ({"autoMergeRequest": {}}, ["disablePullRequestAutoMerge"]),
        ({"mergeQueueEntry": {}}, ["dequeuePullRequest"]),
    ],
)
async def test_what_the_forge_was_told_to_merge_is_taken_back(
    change: dict[str, Any], mutations: list[str]
) -> None:
    said = {"data": None, "errors": [{"message": "Can't disable auto-merge."}]}
    async with forge(in_turn(reply(armable(**change)), reply(said))) as github:
        await github.adapter.disarm(github.place, 7)
    asked = [item.body["query"] for item in github.asked[1:]]
    assert all(name in text for name, text in zip(mutations, asked, strict=True))


async def test_a_token_that_may_not_take_back_an_auto_merge_needs_a_person() -> None:
    said = {"data": None, "errors": [{"type": "FORBIDDEN", "message": "No."}]}
    async with forge(in_turn(reply(armable(autoMergeRequest={})), reply(said))) as github:
        with pytest.raises(TerminalError) as caught:
            await github.adapter.disarm(github.place, 7)
    assert caught.value.reason is Reason.CREDENTIALS_REFUSED
