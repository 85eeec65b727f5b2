"""What is read of GitHub's pull requests."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from album_operator.domain.errors import TerminalError
from album_operator.domain.places import Draft
from album_operator.domain.pull_requests import Checks, Fit, PullRequestState, Review
from album_operator.domain.reasons import Reason
from tests.unit.adapters.github_server import (
    OPEN,
    OURS,
    PAGE,
    SEEN,
    Asked,
    always,
    forge,
    graphql,
    in_turn,
    reply,
)

DRAFT = Draft(OURS, "main", "t", "b")


async def test_a_forked_branch_of_our_name_is_not_ours() -> None:
    fork = OPEN | {"head": OPEN["head"] | {"repo": {"id": 2}}}
    gone = OPEN | {"head": OPEN["head"] | {"repo": None}}
    async with forge(always([fork, gone])) as github:
        assert await github.adapter.find(github.place, OURS, "main") is None
    asked = github.asked[0].query
    assert (asked["head"], asked["base"], asked["state"]) == (f"o:{OURS}", "main", "all")


async def test_an_open_one_is_preferred_else_the_newest() -> None:
    closed = [OPEN | {"number": number, "state": "closed"} for number in (9, 8)]
    async with forge(always([*closed, OPEN])) as github:
        found = await github.adapter.find(github.place, OURS, "main")
    assert found is not None
    assert found.number == 7
    async with forge(always(closed)) as github:
        found = await github.adapter.find(github.place, OURS, "main")
    assert found is not None
    assert (found.number, found.state) == (9, PullRequestState.CLOSED)


async def test_a_pull_request_is_read_with_all_that_is_known() -> None:
    contexts = [
        {"name": "unit", "conclusion": "FAILURE"},
        {"name": "lint", "conclusion": "SUCCESS"},
        {"context": "ci/old", "state": "ERROR"},
        {"name": "slow", "conclusion": None},
    ]
    rollup = {"state": "PENDING", "contexts": {"nodes": contexts}}
    seen = SEEN | {
        "headRef": None,
        "mergeStateStatus": "BLOCKED",
        "reviewDecision": "CHANGES_REQUESTED",
        "autoMergeRequest": {"enabledAt": "2026-01-01T00:00:00Z"},
        "mergeQueueEntry": {"position": 3},
        "labels": {"nodes": [{"name": "release"}]},
        "reviewRequests": {
            "nodes": [
                {"requestedReviewer": {"login": "ann"}},
                {"requestedReviewer": {}},
                {"requestedReviewer": None},
            ]
        },
        "assignees": {"nodes": [{"login": "bob"}]},
        "milestone": {"title": "May"},
        "commits": {"nodes": [{"commit": {"statusCheckRollup": rollup}}]},
    }
    async with forge(always(graphql(seen, isArchived=True))) as github:
        found = await github.adapter.get(github.place, 7)
    assert (found.has_branch, found.is_archived) == (False, True)
    assert (sorted(found.labels), sorted(found.reviewers)) == (["release"], ["ann"])
    assert (sorted(found.assignees), found.milestone) == (["bob"], "May")
    gate = found.gate
    assert gate is not None
    assert (gate.fit, gate.review) == (Fit.CLEAN, Review.CHANGES_REQUESTED)
    assert (gate.checks, gate.failing) == (Checks.FAILING, ("ci/old", "unit"))
    assert gate.is_blocked
    assert gate.is_armed
    assert gate.queue_position == 3


@pytest.mark.parametrize(
    ("change", "fit", "is_blocked"),
    [
        ({}, Fit.CLEAN, False),
        ({"mergeStateStatus": "UNSTABLE"}, Fit.CLEAN, False),
        ({"mergeStateStatus": "HAS_HOOKS"}, Fit.CLEAN, False),
        ({"mergeStateStatus": "BEHIND"}, Fit.BEHIND, True),
        ({"mergeStateStatus": "DIRTY"}, Fit.CONFLICT, True),
        ({"mergeable": "CONFLICTING"}, Fit.CONFLICT, False),
        ({"mergeable": "UNKNOWN", "mergeStateStatus": "UNKNOWN"}, Fit.UNKNOWN, False),
        ({"isDraft": True}, Fit.CLEAN, True),
        ({"isMergeQueueEnabled": True}, Fit.CLEAN, True),
    ],
)
async def test_each_merge_state_has_its_fit(
    change: dict[str, Any], fit: Fit, is_blocked: bool
) -> None:
    async with forge(always(graphql(SEEN | change))) as github:
        gate = (await github.adapter.get(github.place, 7)).gate
    assert gate is not None
    assert (gate.fit, gate.is_blocked) == (fit, is_blocked)


@pytest.mark.parametrize(
    ("states", "checks", "is_blocked"),
    [
        ({}, Checks.RUNNING, True),
        ({"lint": "SUCCESS"}, Checks.RUNNING, True),
        ({"unit": "SUCCESS"}, Checks.PASSING, False),
        ({"unit": "SKIPPED"}, Checks.PASSING, False),
        ({"unit": "FAILURE"}, Checks.FAILING, True),
    ],
)
async def test_checks_that_are_required_are_waited_for_before_they_begin(
    states: dict[str, str], checks: Checks, is_blocked: bool
) -> None:
    nodes = [{"name": name, "conclusion": state} for name, state in states.items()]
    whole = "FAILURE" if "FAILURE" in states.values() else "SUCCESS"
    rollup = {"state": whole, "contexts": {"nodes": nodes}} if states else None
    seen = SEEN | {
        "mergeStateStatus": "UNKNOWN",
        "baseRef": {"refUpdateRule": {"requiredStatusCheckContexts": ["unit"]}},
        "commits": {"nodes": [{"commit": {"statusCheckRollup": rollup}}]},
    }
    async with forge(always(graphql(seen))) as github:
        gate = (await github.adapter.get(github.place, 7)).gate
    assert gate is not None
    assert (gate.fit, gate.checks, gate.is_blocked) == (Fit.UNKNOWN, checks, is_blocked)


async def test_who_merged_and_who_closed_is_told() -> None:
    merged = SEEN | {
        "state": "MERGED",
        "mergedAt": "2026-01-01T00:00:00Z",
        "mergeCommit": {"oid": "c" * 40},
        "mergedBy": {"login": "ann"},
    }
    async with forge(always(graphql(merged))) as github:
        found = await github.adapter.get(github.place, 7)
    assert (found.state, found.actor, found.gate) == (PullRequestState.MERGED, "ann", None)
    assert found.merge_commit == "c" * 40
    assert found.merged_at == datetime(2026, 1, 1, tzinfo=UTC)
    closed = SEEN | {
        "state": "CLOSED",
        "timelineItems": {"nodes": [{"actor": {"login": "bob"}}]},
    }
    async with forge(always(graphql(closed))) as github:
        found = await github.adapter.get(github.place, 7)
    assert (found.state, found.actor) == (PullRequestState.CLOSED, "bob")


async def test_many_are_read_fifty_at_a_time_and_what_is_gone_is_left_out() -> None:
    def answer(asked: Asked) -> Any:  # noqa: ANN401
        numbers = [n for n in range(200) if f"p{n}:" in asked.body["query"]]
        found = {f"p{n}": SEEN | {"number": n} if n != 3 else None for n in numbers}
        errors = [{"type": "NOT_FOUND", "path": ["repository", "p3"], "message": "no #3"}]
        repository = {"nameWithOwner": "O/n", "url": PAGE, "isArchived": False, **found}
        return reply({"data": {"repository": repository}, "errors": errors})

    async with forge(answer) as github:
        found = await github.adapter.get_many(github.place, range(120))
        assert set(found) == set(range(120)) - {3}
        assert len(github.asked) == 3
        with pytest.raises(TerminalError) as caught:
            await github.adapter.get(github.place, 3)
    assert caught.value.reason is Reason.PULL_REQUEST_CLOSED


async def test_one_that_may_not_be_read_is_not_taken_for_gone() -> None:
    errors = [{"type": "FORBIDDEN", "path": ["repository", "p7"], "message": "not accessible"}]
    async with forge(always(graphql(None) | {"errors": errors})) as github:
        with pytest.raises(TerminalError) as caught:
            await github.adapter.get(github.place, 7)
    assert caught.value.reason is Reason.CREDENTIALS_REFUSED


async def test_checks_that_may_not_be_read_leave_the_rest() -> None:
    path = ["repository", "p7", "commits", "nodes", 0, "commit", "statusCheckRollup"]
    errors = [{"type": "FORBIDDEN", "path": path, "message": "not accessible"}]
    async with forge(always(graphql(SEEN) | {"errors": errors})) as github:
        assert (await github.adapter.get(github.place, 7)).number == 7


async def test_what_changed_is_told_as_it_looks_now() -> None:
    def at(number: int, second: int, **change: Any) -> dict[str, Any]:  # noqa: ANN401
        return OPEN | {"number": number, "updated_at": f"2026-01-01T00:00:{second:02}Z"} | change

    since = datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC)
    before = [at(3, 31), at(2, 30), at(1, 10)]
    after = [at(4, 31), at(3, 31, state="closed"), at(2, 30), at(1, 10)]
    async with forge(in_turn(reply(before), reply(after), reply(after))) as github:
        first = await github.adapter.list_changed(github.place, since)
        assert set(first.glances) == {3, 2}
        assert first.until == since + timedelta(seconds=1)
        second = await github.adapter.list_changed(github.place, first.until)
        again = await github.adapter.list_changed(github.place, second.until)
    told = {n: glance for n, glance in second.glances.items() if first.glances.get(n) != glance}
    assert set(told) == {4, 3}
    assert told[3].state is PullRequestState.CLOSED
    assert again == second


async def test_only_as_many_pages_are_read_as_changed() -> None:
    def answer(asked: Asked) -> Any:  # noqa: ANN401
        page = int(asked.query["page"])
        start = datetime(2026, 1, 1, 12, tzinfo=UTC)
        moments = [start - timedelta(seconds=100 * page + n) for n in range(100)]
        return reply([OPEN | {"number": 10_000 - 100 * page - n, "updated_at": m.isoformat()}
                      for n, m in enumerate(moments)])  # fmt: skip

    async with forge(answer) as github:
        first = await github.adapter.list_changed(github.place, None)
        assert (len(first.glances), len(github.asked)) == (100, 1)
        since = datetime(2026, 1, 1, 12, tzinfo=UTC) - timedelta(seconds=250)
        changes = await github.adapter.list_changed(github.place, since)
    assert len(github.asked) == 3
    assert len(changes.glances) == 156
    assert changes.until == first.until
