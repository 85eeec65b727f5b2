"""The way to servers: in turn, tried before, and learnt from."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from album_operator.adapters.servers.breakers import FAILURES
from album_operator.adapters.servers.gateway import Gateway
from album_operator.domain.errors import NoConnectionError, TransientError, UnansweredError
from album_operator.domain.reasons import Reason
from album_operator.domain.requests import RequestResult
from album_operator.slots import Shares

SHARES = Shares(total=2, namespace=2, host=2, pair=1, own=1)
GIT = Reason.GIT_UNAVAILABLE

# Port 9 (discard) has no listener and is below those handed out to others.
DEAD = "127.0.0.1:9"


@dataclass(frozen=True)
class _Place:
    namespace: str
    server: str = DEAD


def _gateway() -> Gateway:
    return Gateway(SHARES, GIT)


async def _silence() -> str:
    raise UnansweredError(GIT, "It is late.", "late")


async def _answer() -> str:
    return "502"


async def test_a_work_does_not_begin_where_the_server_takes_no_connection() -> None:
    async def work() -> str:
        pytest.fail("it began")

    with pytest.raises(NoConnectionError, match=r"127\.0\.0\.1:9 cannot be reached"):
        await _gateway().run(_Place("a"), work)


async def test_those_that_queue_for_a_server_that_does_not_answer_are_told_so_at_once() -> None:
    gateway, begun = _gateway(), 0

    async def work() -> str:
        nonlocal begun
        begun += 1
        await asyncio.sleep(0)
        return await _silence()

    told = await asyncio.gather(
        *(gateway.run(_Place("a"), work, dials=False) for _ in range(60)), return_exceptions=True
    )

    assert begun == FAILURES
    assert all(isinstance(error, TransientError) for error in told)
    assert "has not answered since" in str(told[-1])
    assert await gateway.run(_Place("b"), _answer, dials=False) == "502"


async def test_an_answer_that_is_a_failure_of_the_server_is_given_and_counted() -> None:
    gateway = _gateway()
    for _ in range(FAILURES):
        answer = await gateway.run(
            _Place("a"), _answer, dials=False, find_failure=lambda status: f"HTTP status {status}"
        )
        assert answer == "502"

    with pytest.raises(TransientError, match=r"\(HTTP status 502\)"):
        await gateway.run(_Place("a"), _answer, dials=False)


async def test_each_work_that_went_is_told_with_what_became_of_it() -> None:
    told: list[tuple[str, RequestResult]] = []
    gateway = Gateway(
        SHARES,
        Reason.FORGE_UNAVAILABLE,
        tell=lambda server, result, _: told.append((server, result)),
    )
    outcomes: list[object] = [
        SimpleNamespace(status=200),
        SimpleNamespace(status=403),
        TransientError(Reason.RATE_LIMITED, "Later."),
        UnansweredError(Reason.FORGE_UNAVAILABLE, "Down.", "down"),
    ]
    for outcome in outcomes:

        async def work(outcome: object = outcome) -> object:
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        with suppress(TransientError):
            await gateway.run(_Place("a"), work, dials=False)
    assert told == [
        (DEAD, RequestResult.OK),
        (DEAD, RequestResult.REFUSED),
        (DEAD, RequestResult.RATE_LIMITED),
        (DEAD, RequestResult.TRANSIENT),
    ]
