"""What a Gitea may answer, sane or not, seen through the adapter."""

import gzip
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from album_operator.adapters.gitea.pull_requests import GiteaPullRequests
from album_operator.adapters.servers.http_times import parse_retry_after
from album_operator.domain.errors import OutsideError, StaleError, TerminalError, TransientError
from album_operator.domain.places import Credential, Draft, ForgePlace, MergeMethod
from album_operator.domain.pull_requests import Fit, Gate, PullRequestState
from album_operator.domain.reasons import Reason

TOKEN = "canary-token"
SHA = "a" * 40
OPEN: dict[str, Any] = {
    "number": 7,
    "html_url": "https://git.example.org/o/n/pulls/7",
    "state": "open",
    "title": "release",
    "merged": False,
    "merged_at": None,
    "merge_commit_sha": None,
    "merged_by": None,
    "head": {"label": "release/a_v1.0.0", "ref": "release/a_v1.0.0", "sha": SHA, "repo_id": 1},
    "base": {
        "label": "main",
        "ref": "main",
        "sha": SHA,
        "repo_id": 1,
        "repo": {"html_url": "https://git.example.org/o/n"},
    },
}


def credential_for(host: str) -> Credential:
    """Give a token for a server on loopback."""
    return Credential("album-git", f"http://{host}", "x", TOKEN)


@asynccontextmanager
async def forge(
    status: int | list[web.Response] | dict[str, Any],
    body: Any = None,  # noqa: ANN401
    headers: dict[str, str] | None = None,
) -> AsyncIterator[tuple[GiteaPullRequests, ForgePlace]]:
    """Run a forge that answers everything alike, some answers one after another, or by path."""

    async def handle(request: web.Request) -> web.Response:
        if isinstance(status, list):
            return status.pop(0)
        if isinstance(status, dict):
            answer = status.get(request.path, 404)
            if isinstance(answer, int):
                return web.json_response({}, status=answer)
            return web.json_response(answer)
        if isinstance(body, bytes):
            return web.Response(status=status, body=body, headers=headers)
        return web.json_response(body, status=status, headers=headers)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host = f"127.0.0.1:{runner.addresses[0][1]}"
    adapter = GiteaPullRequests(
        {host}, time_limit=timedelta(seconds=20), refused_pause=timedelta(milliseconds=10)
    )
    try:
        yield adapter, ForgePlace(f"http://{host}/api/v1", "o/n", credential_for(host))
    finally:
        await adapter.close()
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (401, TerminalError, Reason.CREDENTIALS_REFUSED),
        (403, TerminalError, Reason.CREDENTIALS_REFUSED),
        (307, TerminalError, Reason.REPOSITORY_NOT_FOUND),
        (422, TerminalError, Reason.PUSH_REFUSED),
        (423, TerminalError, Reason.REPOSITORY_ARCHIVED),
        (429, TransientError, Reason.RATE_LIMITED),
        (500, TransientError, Reason.FORGE_UNAVAILABLE),
        (502, TransientError, Reason.FORGE_UNAVAILABLE),
        (204, TransientError, Reason.FORGE_UNAVAILABLE),
        (521, TransientError, Reason.FORGE_UNAVAILABLE),
    ],
)
async def test_each_status_has_its_reason_and_keeps_the_token_to_itself(
    status: int, kind: type[OutsideError], reason: Reason
) -> None:
    body: Any = b"" if status == 204 else {"message": f"no, {TOKEN}, because of X"}
    async with forge(status, body) as (adapter, place):
        with pytest.raises(kind) as caught:
            await adapter.open(place, Draft("release/a_v1.0.0", "main", "t", "b"))
    assert caught.value.reason is reason
    assert TOKEN not in caught.value.sentence
    assert TOKEN not in str(caught.value.__cause__)
    if status in (401, 403, 422):
        assert "because of X" in caught.value.sentence


async def test_a_token_that_is_refused_once_is_tried_again() -> None:
    ours = {"archived": False, "permissions": {"push": True}}
    answers = [web.json_response({"message": "no"}, status=401), web.json_response(ours)]
    async with forge(answers, None) as (adapter, place):
        assert (await adapter.get_repository(place)).may_push
    assert answers == []


async def test_the_wait_a_forge_asks_for_is_kept() -> None:
    for status in (429, 503):
        async with forge(status, {}, {"Retry-After": "17"}) as (adapter, place):
            with pytest.raises(TransientError) as caught:
                await adapter.get(place, 1)
        assert caught.value.retry_after == timedelta(seconds=17)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>log in</html>",
        b"",
        b"[" * 100_000,
        b"null",
        [],
        {},
        OPEN | {"number": "x"},
        OPEN | {"state": "odd"},
        OPEN | {"head": None},
        OPEN | {"head": {"sha": "main"}},
        OPEN | {"html_url": "javascript:alert(1)"},
        OPEN | {"html_url": "https://x/\n"},
        OPEN | {"merged": True, "merged_at": None},
        OPEN | {"merged": True, "merged_at": "2026-01-01T00:00:00Z", "merge_commit_sha": "x"},
        OPEN | {"merged": True, "merged_at": "yesterday"},
        OPEN | {"merged": True, "merged_at": "2026-01-01T00:00:00Z", "merged_by": "x"},
    ],
)
async def test_an_answer_that_makes_no_sense_is_a_passing_trouble(body: Any) -> None:  # noqa: ANN401
    async with forge(200, body) as (adapter, place):
        for work in (adapter.get(place, 7), adapter.find(place, "release/a_v1.0.0", "main")):
            with pytest.raises(TransientError) as caught:
                await work
            assert caught.value.reason is Reason.FORGE_UNAVAILABLE


DEEP = b'{"message": ' + b"[" * 500 + b"]" * 500 + b"}"
WIDE = b"[" + b"{}," * 1_000_000 + b"{}]"


@pytest.mark.parametrize(("body", "said"), [(DEEP, "64 deep"), (WIDE, "400000 values")])
@pytest.mark.parametrize("status", [200, 404, 422])
async def test_an_answer_no_honest_forge_gives_says_what_it_is(
    status: int, body: bytes, said: str
) -> None:
    async with forge(status, body) as (adapter, place):
        with pytest.raises(TransientError) as caught:
            await adapter.get(place, 7)
    assert caught.value.reason is Reason.FORGE_UNAVAILABLE
    assert said in caught.value.sentence


async def test_a_compressed_answer_counts_as_what_comes_out() -> None:
    bomb = gzip.compress(b" " * (100 * 1024 * 1024), 1)
    async with forge(200, bomb, {"Content-Encoding": "gzip"}) as (adapter, place):
        tracemalloc.start()
        with pytest.raises(TransientError) as caught:
            await adapter.get(place, 7)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert "bytes" in caught.value.sentence
    assert peak < 64 * 1024 * 1024


async def test_an_endless_answer_is_broken_off() -> None:
    async with forge(200, b" " * (9 * 1024 * 1024)) as (adapter, place):
        with pytest.raises(TransientError) as caught:
            await adapter.get(place, 7)
    assert "bytes" in caught.value.sentence


async def test_a_pull_request_is_read_with_all_that_is_known() -> None:
    merged = OPEN | {
        "merged": True,
        "state": "closed",
        "merged_at": "2026-11-20T12:00:00Z",
        "merge_commit_sha": "b" * 40,
        "merged_by": {"login": "ann"},
    }
    async with forge(200, merged) as (adapter, place):
        seen = await adapter.get(place, 7)
    assert seen.state is PullRequestState.MERGED
    assert (seen.merge_commit, seen.actor) == ("b" * 40, "ann")
    assert seen.merged_at == datetime(2026, 11, 20, 12, tzinfo=UTC)


async def test_a_test_merge_of_an_open_one_is_no_merge_commit() -> None:
    async with forge(200, OPEN | {"merge_commit_sha": "c" * 40}) as (adapter, place):
        found = await adapter.find(place, "release/a_v1.0.0", "main")
    assert found is not None
    assert found.merge_commit is None


async def _merge(adapter: GiteaPullRequests, place: ForgePlace, *, by_forge: bool = False) -> None:
    await adapter.merge(place, 7, SHA, "main", MergeMethod.MERGE, by_forge=by_forge)


async def test_one_that_goes_into_another_branch_by_now_is_not_merged() -> None:
    elsewhere = OPEN | {"base": OPEN["base"] | {"ref": "develop"}}
    answers = [web.json_response(elsewhere)]
    async with forge(answers, None) as (adapter, place):
        with pytest.raises(StaleError) as caught:
            await _merge(adapter, place)
    assert "develop" in caught.value.sentence
    assert answers == []


async def test_one_that_is_gone_is_not_merged() -> None:
    ours = {"archived": False, "permissions": {"push": True}}
    answers = [web.json_response({}, status=404), web.json_response(ours)]
    async with forge(answers, None) as (adapter, place):
        with pytest.raises(TerminalError) as caught:
            await _merge(adapter, place)
    assert caught.value.reason is Reason.PULL_REQUEST_CLOSED


RULES = {"enable_status_check": False, "status_check_contexts": None, "required_approvals": 0}


def _paths(**change: object) -> dict[str, Any]:
    """Give what a Gitea has of an open pull request, by path."""
    at = "/api/v1/repos/o/n"
    return {
        at: {"archived": False, "permissions": {"push": True}},
        f"{at}/pulls/7": OPEN | {"mergeable": True, "draft": False} | change,
        f"{at}/branches/main": RULES,
        f"{at}/commits/{SHA}/status": {},
        f"{at}/commits/{'b' * 40}/status": {},
        f"{at}/pulls/7/reviews": [],
    }


async def test_whether_a_merge_is_scheduled_is_not_known_until_we_schedule_or_take_it_back() -> (
    None
):
    paths, told = _paths(), []
    async with forge(paths) as (adapter, place):

        async def look() -> None:
            gate = (await adapter.get(place, 7)).gate
            assert gate is not None
            told.append((gate.is_armed, gate.may_be_armed))

        await look()
        paths["/api/v1/repos/o/n/pulls/7/merge"] = 201
        await _merge(adapter, place, by_forge=True)
        await look()
        paths |= _paths(head=OPEN["head"] | {"sha": "b" * 40})
        await look()
        paths["/api/v1/repos/o/n/pulls/7/merge"] = 204
        await adapter.disarm(place, 7)
        await look()
    assert told == [(False, True), (True, False), (False, True), (False, False)]


@pytest.mark.parametrize("status", [403, 404])
async def test_a_merge_that_is_not_ours_to_take_back_is_left(status: int) -> None:
    ours = {"archived": False, "permissions": {"push": True}}
    answers = [web.json_response({}, status=status), web.json_response(ours)]
    async with forge(answers, None) as (adapter, place):
        await adapter.disarm(place, 7)


async def test_a_base_that_is_gone_fits_nothing() -> None:
    paths = _paths()
    del paths["/api/v1/repos/o/n/branches/main"]
    async with forge(paths) as (adapter, place):
        seen = await adapter.get(place, 7)
    assert seen.gate == Gate(fit=Fit.CONFLICT, is_blocked=True)


async def test_one_of_a_fork_is_not_ours() -> None:
    fork = OPEN | {"head": OPEN["head"] | {"repo_id": 2}}
    async with forge(200, fork) as (adapter, place):
        with pytest.raises(TransientError):  # Our forge answers the list with the same object.
            await adapter.find(place, "release/a_v1.0.0", "main")


@pytest.mark.parametrize("repository", ["o", "o/n/x", "../n", "o/..", "o/n?x", "o/n x", ""])
async def test_a_repository_of_another_form_is_not_asked_for(repository: str) -> None:
    async with forge(200, OPEN) as (adapter, place):
        odd = ForgePlace(place.api_url, repository, place.credential)
        with pytest.raises(TerminalError):
            await adapter.get(odd, 7)


def test_waits_are_read_as_seconds_or_as_a_date() -> None:
    now = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    assert parse_retry_after("30", now) == timedelta(seconds=30)
    assert parse_retry_after("Fri, 20 Nov 2026 12:01:00 GMT", now) == timedelta(minutes=1)
    assert parse_retry_after("Fri, 20 Nov 2026 11:00:00 GMT", now) == timedelta()
    assert parse_retry_after("9" * 30, now) == timedelta(days=1)
    for text in (None, "", "soon", "-1", "1.5", "²"):
        assert parse_retry_after(text, now) is None
