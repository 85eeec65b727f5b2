"""A GitHub is asked no more often than it lets itself be asked."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from album_operator.adapters.github.limits import (
    CHANGE,
    MUTATION,
    QUERY,
    READ,
    WRITE,
    Cost,
    Limits,
)
from album_operator.domain.errors import TransientError
from album_operator.domain.places import ForgePlace
from album_operator.domain.reasons import Reason
from album_operator.domain.requests import Quota
from tests.unit.adapters.github_server import REPOSITORY, TOKEN, Asked, always, forge, reply

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NONE_LEFT = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "0"}
SOME_LEFT = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "4000"}
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes."
PRIMARY = "API rate limit exceeded for user ID 1."


class Clock:
    """Two clocks that a test sets forward together."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds - 1_000)

    def limits(self, api_url: str = "https://api.github.com") -> Limits:
        return Limits(api_url, self, self.now)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def refusal(work: Callable[[], None]) -> TransientError:
    with pytest.raises(TransientError) as caught:
        work()
    assert caught.value.reason is Reason.RATE_LIMITED
    return caught.value


def in_seconds(clock: Clock, seconds: int) -> str:
    return str(int(clock.now().timestamp()) + seconds)


@pytest.mark.parametrize("status", [403, 429])
def test_a_primary_limit_ends_when_the_forge_says(clock: Clock, status: int) -> None:
    limits = clock.limits()
    headers = NONE_LEFT | {"x-ratelimit-reset": in_seconds(clock, 1800)}
    limits.check(READ)
    error = refusal(lambda: limits.note(READ, status, headers, PRIMARY))
    assert "until 12:30:00 UTC" in error.sentence
    assert error.retry_after == timedelta(minutes=30)
    clock.seconds += 1799
    later = refusal(lambda: limits.check(READ))
    assert later.message == error.sentence
    assert later.retry_after == timedelta(seconds=1)
    clock.seconds += 1
    limits.check(READ)


def test_the_last_request_of_the_hour_is_answered_and_the_next_not_sent(clock: Clock) -> None:
    limits = clock.limits()
    limits.note(READ, 200, NONE_LEFT | {"x-ratelimit-reset": in_seconds(clock, 60)}, "")
    refusal(lambda: limits.check(WRITE))
    limits.check(QUERY)


def test_the_limits_of_rest_and_graphql_are_two(clock: Clock) -> None:
    limits = clock.limits()
    headers = NONE_LEFT | {
        "x-ratelimit-reset": in_seconds(clock, 60),
        "x-ratelimit-resource": "graphql",
    }
    refusal(lambda: limits.note(QUERY, 200, headers, PRIMARY))
    refusal(lambda: limits.check(MUTATION))
    limits.check(READ)


def test_the_forges_clock_counts_not_ours(clock: Clock) -> None:
    limits = clock.limits()
    clock.seconds += 600  # ten minutes fast
    headers = NONE_LEFT | {
        "x-ratelimit-reset": str(int(NOON.timestamp()) + 900),
        "date": "Thu, 01 Jan 2026 12:00:00 GMT",
    }
    error = refusal(lambda: limits.note(READ, 403, headers, PRIMARY))
    assert error.retry_after == timedelta(minutes=15)


@pytest.mark.parametrize("reset", ["99999999999999", "0", "soon", None])
def test_a_reset_that_makes_no_sense_is_not_waited_for_for_ever(
    clock: Clock, reset: str | None
) -> None:
    headers = NONE_LEFT | ({"x-ratelimit-reset": reset} if reset else {})
    error = refusal(lambda: clock.limits().note(READ, 403, headers, PRIMARY))
    assert error.retry_after is not None
    assert timedelta(seconds=1) <= error.retry_after <= timedelta(minutes=70)


@pytest.mark.parametrize("status", [403, 429])
def test_a_secondary_limit_stops_everything_as_long_as_it_says(clock: Clock, status: int) -> None:
    limits = clock.limits()
    headers = SOME_LEFT | {"retry-after": "17"}
    error = refusal(lambda: limits.note(WRITE, status, headers, SECONDARY))
    assert error.retry_after == timedelta(seconds=17)
    for cost in (READ, WRITE, QUERY, MUTATION):
        refusal(lambda cost=cost: limits.check(cost))  # type: ignore[misc]
    clock.seconds += 17
    limits.check(READ)


def test_a_secondary_limit_that_names_no_time_lasts_longer_each_time(clock: Clock) -> None:
    limits = clock.limits()
    waits = []
    for _ in range(6):
        limits.check(READ)
        error = refusal(lambda: limits.note(READ, 403, SOME_LEFT, SECONDARY))
        assert error.retry_after is not None
        waits.append(error.retry_after // timedelta(minutes=1))
        clock.seconds += error.retry_after.total_seconds()
    assert waits == [1, 2, 4, 8, 15, 15]
    limits.note(READ, 200, SOME_LEFT, "")
    error = refusal(lambda: limits.note(READ, 403, SOME_LEFT, SECONDARY))
    assert error.retry_after == timedelta(minutes=1)


def test_a_refusal_for_another_cause_is_no_limit(clock: Clock) -> None:
    limits = clock.limits()
    limits.note(READ, 403, SOME_LEFT, "Resource not accessible by personal access token")
    limits.note(READ, 200, SOME_LEFT, "a repository about rate limit")
    limits.check(READ)


def send(limits: Limits, cost: Cost, times: int) -> int:
    """Send until the limit, and tell how many went out."""
    for sent in range(times):
        try:
            limits.check(cost)
        except TransientError:
            return sent
    return times


def test_content_is_made_80_times_a_minute_and_500_times_an_hour(clock: Clock) -> None:
    limits = clock.limits()
    limits.note(READ, 200, SOME_LEFT, "")
    assert send(limits, WRITE, 100) == 80
    error = refusal(lambda: limits.check(WRITE))
    assert error.retry_after == timedelta(minutes=1)
    assert "until 12:01:00 UTC" in error.sentence
    limits.check(READ)
    sent = 80
    for _ in range(59):
        clock.seconds += 60
        sent += send(limits, WRITE, 100)
    assert sent == 500
    clock.seconds += 60
    assert send(limits, WRITE, 100) == 80


def test_points_a_minute_are_kept(clock: Clock) -> None:
    limits = clock.limits()
    limits.note(READ, 200, SOME_LEFT, "")
    assert send(limits, CHANGE, 1_000) == 180
    refusal(lambda: limits.check(READ))
    assert send(limits, QUERY, 3_000) == 2_000
    clock.seconds += 60
    assert send(limits, READ, 1_000) == 900


def test_a_server_without_limits_is_not_held_back(clock: Clock) -> None:
    limits = clock.limits()
    limits.note(READ, 200, {}, "")
    assert send(limits, WRITE, 2_000) == 2_000


async def test_while_limited_nothing_is_sent(clock: Clock) -> None:
    answer = always({"message": SECONDARY}, 403, {"Retry-After": "60"})
    async with forge(answer, limits=clock.limits) as github:
        for _ in range(5):
            with pytest.raises(TransientError) as caught:
                await github.adapter.get_repository(github.place)
            assert caught.value.reason is Reason.RATE_LIMITED
            assert "until 12:01:00 UTC" in caught.value.sentence
        assert len(github.asked) == 1
        clock.seconds += 60
        with suppress(TransientError):
            await github.adapter.get(github.place, 7)
        assert len(github.asked) == 2


async def test_a_limit_of_one_credential_holds_up_no_other(clock: Clock) -> None:
    def answer(asked: Asked) -> web.StreamResponse:
        is_first = asked.headers["authorization"] == f"token {TOKEN}"
        return reply({"message": SECONDARY}, 429) if is_first else reply(REPOSITORY)

    async with forge(answer, limits=clock.limits) as github:
        with pytest.raises(TransientError):
            await github.adapter.get_repository(github.place)
        other = _with_token(github.place, "another")
        assert (await github.adapter.get_repository(other)).may_push


async def test_graphql_tells_of_limits_in_its_errors(clock: Clock) -> None:
    body = {"data": None, "errors": [{"type": "RATE_LIMITED", "message": PRIMARY}]}
    headers = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0"}
    async with forge(always(body, 200, headers), limits=clock.limits) as github:
        with pytest.raises(TransientError) as caught:
            await github.adapter.get(github.place, 7)
    assert caught.value.reason is Reason.RATE_LIMITED


def _with_token(place: ForgePlace, token: str) -> ForgePlace:
    return replace(place, credential=replace(place.credential, token=token))


def test_what_an_answer_says_of_the_limit_is_told_where_all_of_it_is_there(clock: Clock) -> None:
    told = list[Quota]()
    limits = Limits("https://api.github.com", clock, clock.now, told.append)
    headers = {"x-ratelimit-remaining": "4999.0", "x-ratelimit-limit": "5000"}
    limits.note(READ, 200, headers, "")
    assert told == []
    limits.note(READ, 200, headers | {"x-ratelimit-reset": "1795176000"}, "")
    assert told == [Quota("core", 4999, 5000, 1795176000)]
