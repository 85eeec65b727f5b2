"""What the operator tells of itself to whoever asks for its metrics."""

import asyncio

import aiohttp
import pytest

from album_operator import VERSION
from album_operator.metrics import passes
from album_operator.metrics.metrics import Metrics
from album_operator.metrics.passes import measure_lag
from album_operator.serving.health import Health
from album_operator.serving.scrapes import read_health, serve_metrics
from tests.contract.gitea_server import free_port


def _values(metrics: Metrics, name: str) -> list[str]:
    return [line for line in metrics.render().decode().splitlines() if line.startswith(name)]


def test_whether_a_pod_leads_and_what_it_serves_is_read_at_the_scrape() -> None:
    metrics, health = Metrics(), Health()
    read_health(metrics, health)
    health.stand_by("operator-0 leads", answered=True)
    assert _values(metrics, "album_leader ") == ["album_leader 0.0"]
    health.standby = None
    health.serve("shop")
    health.refuse("music", "a right lacks")
    assert _values(metrics, "album_leader ") == ["album_leader 1.0"]
    assert _values(metrics, "album_namespaces{") == [
        'album_namespaces{state="served"} 1.0',
        'album_namespaces{state="refused"} 1.0',
    ]
    assert _values(metrics, "album_build_info{") == [f'album_build_info{{version="{VERSION}"}} 1.0']


async def test_how_late_the_event_loop_is_is_measured_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(passes, "LAG_SECONDS", 0.001)
    metrics = Metrics()
    measuring = asyncio.ensure_future(measure_lag(metrics))
    name = "album_event_loop_lag_seconds_count"
    async with asyncio.timeout(30):
        while float(_values(metrics, name)[0].split()[-1]) < 2:
            await asyncio.sleep(0.01)
    assert not measuring.done()
    measuring.cancel()


async def test_the_answer_is_of_the_type_that_all_readers_know() -> None:
    metrics, port = Metrics(), free_port()
    runner = await serve_metrics(metrics, port)
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}/metrics") as answer,
        ):
            assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    finally:
        await runner.cleanup()


async def test_many_who_ask_at_once_are_answered_and_who_asks_too_late_is_refused() -> None:
    metrics, port = Metrics(), free_port()
    runner = await serve_metrics(metrics, port)
    url = f"http://127.0.0.1:{port}/metrics"

    async def ask() -> str:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return await answer.text()

    answers = await asyncio.gather(*(ask() for _ in range(20)))
    assert all("# TYPE album_leader gauge" in answer for answer in answers)
    late = asyncio.gather(*(ask() for _ in range(5)), return_exceptions=True)
    await runner.cleanup()
    # Each is answered whole, or not at all.
    assert all(
        isinstance(one, OSError | aiohttp.ClientError) or one == answers[0] for one in await late
    )
