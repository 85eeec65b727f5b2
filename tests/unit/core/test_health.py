"""What the probes tell."""

import socket

import aiohttp
import pytest

from album_operator.serving.health import API_ANSWER_AGE, LONGEST_PASS, Health, serve_health
from album_operator.stopwatch import Stopwatch


class _Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> _Time:
    return _Time()


@pytest.fixture
def health(time: _Time) -> Health:
    return Health(clock=time, served=("album",), api_answered=time.now)


def test_an_operator_that_serves_a_namespace_is_ready(health: Health) -> None:
    assert health.is_ready() == (True, "serving album.")


def test_without_a_namespace_to_serve_it_is_not_ready_and_says_what_is_missing(
    health: Health,
) -> None:
    health.served = ()
    health.refused = {"album": "may not list batch/jobs"}

    assert health.is_ready() == (False, "no namespace is served. album: may not list batch/jobs")


def test_a_namespace_that_is_refused_takes_only_itself_out_of_service(health: Health) -> None:
    health.refused = {"other": "may not get secrets"}

    assert health.is_ready() == (True, "serving album. not other: may not get secrets")


def test_an_api_server_that_is_silent_makes_it_unready(health: Health, time: _Time) -> None:
    time.now += API_ANSWER_AGE
    assert health.is_ready()[0]
    time.now += 1
    assert not health.is_ready()[0]
    health.api_answered = None
    assert not health.is_ready()[0]


def test_a_standby_is_ready_as_long_as_it_could_take_over(health: Health, time: _Time) -> None:
    health.served = ()
    health.api_answered = None
    health.stand_by("nobody knows yet who leads", answered=False)
    assert health.is_ready() == (False, "standby, nobody knows yet who leads")
    health.stand_by("one leads", answered=True)
    assert health.is_ready() == (True, "standby, one leads")
    time.now += API_ANSWER_AGE + 1
    health.stand_by("The Lease cannot be read: etcd is away", answered=False)
    assert health.is_ready() == (False, "standby, The Lease cannot be read: etcd is away")


def test_a_pass_that_never_ends_makes_it_dead(health: Health, time: _Time) -> None:
    health.passes["album/backend-v1.1.0"] = Stopwatch(time)
    time.now += LONGEST_PASS
    assert health.is_alive() == (True, "ok")
    time.now += 1
    assert health.is_alive() == (False, "stuck: album/backend-v1.1.0")


async def test_probes_answer_over_http(health: Health, time: _Time) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    runner = await serve_health(health, port)
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            async with session.get("/healthz") as answer:
                assert (answer.status, await answer.text()) == (200, "ok\n")
            async with session.get("/readyz") as answer:
                assert answer.status == 200
            time.now += API_ANSWER_AGE + 1
            async with session.get("/readyz") as answer:
                assert answer.status == 503
    finally:
        await runner.cleanup()
