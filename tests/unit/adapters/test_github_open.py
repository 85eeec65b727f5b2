"""Opening pull requests on GitHub, with all that belongs to them."""

from dataclasses import replace
from typing import Any

import pytest

from album_operator.domain.errors import OutsideError, StaleError, TerminalError, TransientError
from album_operator.domain.places import Draft
from album_operator.domain.reasons import Reason
from tests.unit.adapters.github_server import (
    OPEN,
    OURS,
    Forge,
    always,
    forge,
    in_turn,
    reply,
)

DRAFT = Draft(OURS, "main", "t", "b")


async def test_one_that_is_open_already_is_given_back() -> None:
    said = {
        "message": "Validation Failed",
        "errors": [{"code": "custom", "message": "A pull request already exists for o:x."}],
    }
    async with forge(in_turn(reply(said, 422), reply([OPEN]))) as github:
        assert (await github.adapter.open(github.place, DRAFT)).number == 7


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        ({"field": "head", "code": "invalid"}, TransientError, Reason.FORGE_UNAVAILABLE),
        ({"field": "base", "code": "invalid"}, TransientError, Reason.FORGE_UNAVAILABLE),
        ({"message": "No commits between main and x"}, StaleError, Reason.PROPOSING),
        ({"message": "Draft pull requests are not supported in this repository."},
         TerminalError, Reason.PUSH_REFUSED),
        ({"field": "body", "message": "body is too long"}, TerminalError, Reason.PUSH_REFUSED),
        ("No commits between main and x", StaleError, Reason.PROPOSING),
    ],
)  # fmt: skip
async def test_what_cannot_be_opened_says_why(
    error: object, kind: type[OutsideError], reason: Reason
) -> None:
    body = {"message": "Validation Failed", "errors": [error]}
    async with forge(always(body, 422)) as github:
        with pytest.raises(kind) as caught:
            await github.adapter.open(github.place, DRAFT)
    assert caught.value.reason is reason


async def extras(github: Forge, **wish: Any) -> Any:  # noqa: ANN401
    return await github.adapter.open(github.place, replace(DRAFT, **wish))


async def test_nothing_is_added_where_nothing_is_missing() -> None:
    there = OPEN | {
        "labels": [{"name": "Release"}],
        "assignees": [{"login": "Ann"}],
        "requested_reviewers": [{"login": "bob"}],
        "milestone": {"title": "May"},
    }
    async with forge(always(there, 201)) as github:
        opened = await extras(
            github, labels=("release",), assignees=("ann",), reviewers=("bob",), milestone="May"
        )
    assert github.lines == ["POST /repos/o/n/pulls"]
    assert (opened.labels, opened.milestone) == ({"Release"}, "May")


async def test_what_is_missing_is_added() -> None:
    answers = in_turn(
        reply(OPEN, 201),
        reply([{"name": "release"}]),
        reply({"assignees": [{"login": "ann"}]}, 201),
        reply([{"number": 4, "title": "May"}]),
        reply({}),
        reply(OPEN | {"requested_reviewers": [{"login": "bob"}]}, 201),
    )
    async with forge(answers) as github:
        opened = await extras(
            github, labels=("release",), assignees=("ann",), reviewers=("bob",), milestone="May"
        )
    assert (opened.labels, opened.assignees) == ({"release"}, {"ann"})
    assert (opened.reviewers, opened.milestone) == ({"bob"}, "May")
    assert github.lines == [
        "POST /repos/o/n/pulls",
        "POST /repos/o/n/issues/7/labels",
        "POST /repos/o/n/issues/7/assignees",
        "GET /repos/o/n/milestones",
        "PATCH /repos/o/n/issues/7",
        "POST /repos/o/n/pulls/7/requested_reviewers",
    ]


@pytest.mark.parametrize(
    ("wish", "answer", "field"),
    [
        ({"reviewers": ("nobody",)}, reply({"message": "not a collaborator"}, 422), "reviewers"),
        ({"assignees": ("nobody",)}, reply({"assignees": []}, 201), "assignees"),
        ({"milestone": "June"}, reply([{"number": 4, "title": "May"}]), "milestone"),
    ],
)
async def test_what_the_forge_does_not_know_is_named_with_its_field(
    wish: dict[str, Any],
    answer: Any,  # noqa: ANN401
    field: str,
) -> None:
    async with forge(in_turn(reply(OPEN, 201), answer)) as github:
        with pytest.raises(TerminalError) as caught:
            await extras(github, **wish)
    assert caught.value.reason is Reason.PUSH_REFUSED
    assert f"spec.config.pullRequest.{field}" in caught.value.sentence


async def test_a_comment_is_written_once_for_its_key() -> None:
    async with forge(in_turn(reply([{"body": "hello"}]), reply({}, 201))) as github:
        await github.adapter.comment(github.place, 7, "released:a", "It runs.")
    written = github.asked[1].body["body"]
    assert written == "It runs.\n\n<!-- album:released:a -->"
    quoted = "> It runs.\n>\n> <!-- album:released:a -->"
    async with forge(in_turn(reply([{"body": quoted}]), reply({}, 201))) as github:
        await github.adapter.comment(github.place, 7, "released:a", "It runs.")
    assert len(github.asked) == 2
    async with forge(always([{"body": "hi"}, {"body": written + "\n"}])) as github:
        await github.adapter.comment(github.place, 7, "released:a", "It runs.")
    assert len(github.asked) == 1


async def test_a_pointless_pull_request_is_closed() -> None:
    async with forge(always(OPEN | {"state": "closed"})) as github:
        await github.adapter.withdraw(github.place, 7)
    assert github.lines == ["PATCH /repos/o/n/pulls/7"]
