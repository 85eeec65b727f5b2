"""Checks of a commit as GitHub lists them, sane or not, seen through the adapter."""

from typing import Any

import pytest

from album_operator.domain.errors import TerminalError, TransientError
from album_operator.domain.pull_requests import Checks
from album_operator.domain.reasons import Reason
from tests.unit.adapters.github_server import SHA, always, forge, in_turn, reply


def _run(
    conclusion: str | None, started: str | None, completed: str | None, name: str = "unit"
) -> dict[str, Any]:
    times = {"startedAt": _at(started), "completedAt": _at(completed)}
    return {"name": name, "conclusion": conclusion, **times}


def _at(time: str | None) -> str | None:
    return time and f"2026-01-01T{time}:00Z"


def _page(*nodes: object, after: str | None = None) -> dict[str, Any]:
    info = {"hasNextPage": after is not None, "endCursor": after}
    return _answer({"statusCheckRollup": {"contexts": {"pageInfo": info, "nodes": list(nodes)}}})


def _answer(found: object) -> dict[str, Any]:
    return {"data": {"repository": {"nameWithOwner": "o/n", "object": found}}}


@pytest.mark.parametrize(
    ("runs", "state"),
    [
        # Run again: the first one does not count.
        ([("FAILURE", "10:00", "10:05"), ("SUCCESS", "11:00", "11:05")], Checks.PASSING),
        ([("SUCCESS", "11:00", "11:05"), ("CANCELLED", "10:00", "10:05")], Checks.PASSING),
        ([("SUCCESS", "10:00", "10:05"), ("FAILURE", "11:00", "11:05")], Checks.FAILING),
        ([("SUCCESS", "10:00", "10:05"), (None, "11:00", None)], Checks.RUNNING),
        ([("FAILURE", "10:00", "10:05"), (None, None, None)], Checks.FAILING),
        # Jobs of one name in two workflows.
        ([("FAILURE", "10:00", "10:05"), ("SUCCESS", "10:01", "10:02")], Checks.FAILING),
        ([("SUCCESS", "10:01", "10:02"), ("FAILURE", "10:00", "10:05")], Checks.FAILING),
        ([("SUCCESS", "10:00", "10:05"), (None, "10:01", None)], Checks.RUNNING),
    ],
)
async def test_of_runs_of_one_name_the_worst_counts_and_none_that_was_run_again(
    runs: list[tuple[str | None, str | None, str | None]], state: Checks
) -> None:
    async with forge(always(_page(*(_run(*run) for run in runs)))) as github:
        assert await github.adapter.list_checks(github.place, SHA) == {"unit": state}


async def test_pages_are_read_to_the_end() -> None:
    status = {"context": "unit", "state": "EXPECTED"}
    pages = [_page(_run("SUCCESS", "10:00", "10:01"), after="next"), _page(status)]
    async with forge(in_turn(*map(reply, pages))) as github:
        found = await github.adapter.list_checks(github.place, SHA)
    assert found == {"unit": Checks.RUNNING}
    assert [item.body["variables"]["after"] for item in github.asked] == [None, "next"]


async def test_a_list_without_an_end_is_not_taken_for_the_whole() -> None:
    many = [_run("SUCCESS", "10:00", "10:01", f"c{number}") for number in range(5000)]
    async with forge(always(_page(*many, after="more"))) as github:
        with pytest.raises(TransientError) as caught:
            await github.adapter.list_checks(github.place, SHA)
    assert "more than 10000 items" in caught.value.message


async def test_what_a_token_may_not_see_is_not_taken_for_what_is_not_there() -> None:
    error = {"type": "FORBIDDEN", "message": "Resource not accessible by personal access token"}
    body = _page(None, {"context": "ci", "state": "SUCCESS"}) | {"errors": [error]}
    async with forge(always(body)) as github:
        with pytest.raises(TerminalError) as caught:
            await github.adapter.list_checks(github.place, SHA)
    assert caught.value.reason is Reason.CREDENTIALS_REFUSED
    assert "read the checks of o/n: Resource not accessible" in caught.value.message
    assert "fine-grained tokens" in caught.value.remedy


@pytest.mark.parametrize(
    "body",
    [
        _page(None),
        _page({"name": "unit"}),
        _page({"context": "ci"}),
        _answer({}),
        _answer({"statusCheckRollup": {"contexts": None}}),
        _page() | {"errors": [{"type": "INTERNAL", "message": "odd"}]},
    ],
)
async def test_an_odd_answer_is_asked_for_again(body: dict[str, Any]) -> None:
    async with forge(always(body)) as github:
        with pytest.raises(TransientError) as caught:
            await github.adapter.list_checks(github.place, SHA)
    assert caught.value.reason is Reason.FORGE_UNAVAILABLE
