"""Which ports the operator opens, and that a delivery to one of them wakes a release."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from album_operator.__main__ import _listen
from album_operator.clock import ServerClock
from album_operator.domain.release import Ref
from album_operator.leading import Ground
from album_operator.metrics.metrics import Metrics
from album_operator.secrecy import KnownSecrets
from album_operator.serving.health import Health
from album_operator.settings import read_settings
from album_operator.term import Term
from album_operator.waking.wakeups import Wakeups
from tests.unit.core.deliveries import BODY, REPOSITORY, SECRET, signed

RELEASE = Ref("album", "backend-v1.1.0")


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@asynccontextmanager
async def _listening(
    wakeups: Wakeups, secret_file: str, known: KnownSecrets | None = None
) -> AsyncIterator[Callable[[str], str]]:
    """Give the URL of a path on the port of the probes, of metrics, or of the webhooks."""
    health_port, webhook_port, metrics_port = _free_ports(3)
    settings = read_settings(
        {
            "ALBUM_NAMESPACES": "album",
            "ALBUM_OPERATOR_IMAGE": "album-operator:1",
            "ALBUM_HEALTH_PORT": str(health_port),
            "ALBUM_WEBHOOK_PORT": str(webhook_port),
            "ALBUM_METRICS_PORT": str(metrics_port),
            "ALBUM_WEBHOOK_SECRET_FILE": secret_file,
        }
    )
    ground = Ground(
        settings,
        known or KnownSecrets(),
        Term.endless(),
        ServerClock(),
        Health(),
        Metrics(),
        wakeups,
    )
    runners = await _listen(ground, None)
    others = {"/webhooks": webhook_port, "/metrics": metrics_port}

    def find_url(path: str) -> str:
        begun = [port for begin, port in others.items() if path.startswith(begin)]
        return f"http://127.0.0.1:{begun[0] if begun else health_port}{path}"

    try:
        yield find_url
    finally:
        for runner in runners:
            await runner.cleanup()


async def test_a_delivery_wakes_the_release_and_is_counted(tmp_path: Path) -> None:
    secret_file = tmp_path / "secret"
    secret_file.write_text(SECRET)
    wakeups = Wakeups()
    wakeups.join(RELEASE, "as it was")
    wakeups.follow_pull_request(RELEASE, f"{REPOSITORY}.git", 7, None)
    known = KnownSecrets()

    async with (
        _listening(wakeups, str(secret_file), known) as url,
        aiohttp.ClientSession() as session,
    ):
        sent = session.post(url("/webhooks/gitea"), data=BODY, headers=signed("gitea"))
        async with sent as answer:
            assert answer.status == 204
        async with asyncio.timeout(10):
            await wakeups.wait(RELEASE)
        async with session.get(url("/metrics")) as answer:
            assert answer.content_type == "text/plain"
            assert '{forge="gitea",result="accepted"} 1.0' in await answer.text()
        async with session.get(url("/healthz")) as answer:
            assert answer.status == 200
    assert known.clean_all(f"the log has no {SECRET}") == "the log has no ***"


async def test_without_a_secret_the_port_stays_closed_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with _listening(Wakeups(), "") as url, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.post(url("/webhooks/github"), data=BODY, headers=signed("github"))
        async with session.get(url("/healthz")) as answer:
            assert answer.status == 200
    assert any("tags are noticed by polling only" in line for line in caplog.messages)
