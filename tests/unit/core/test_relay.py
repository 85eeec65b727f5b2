"""What becomes of a webhook that comes to an operator which does not lead."""

import asyncio
import gzip
import hashlib
import hmac
import io
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from album_operator.domain.candidacy import Leader
from album_operator.domain.notice import AnyNotice
from album_operator.metrics.metrics import Metrics
from album_operator.serving import relay
from album_operator.serving.relay import Relay
from album_operator.serving.webhooks import BODY_LIMIT, Receiver, serve_webhooks
from album_operator.term import Term
from tests.unit.core.deliveries import BODY, SECRET, signed

LOOPBACK = "127.0.0.1"


@dataclass
class Pod:
    """An operator's webhooks.

    Attributes:
        port: they are served at.
        term: in which it leads.
        noticed: what deliveries told it.
    """

    port: int
    term: Term
    noticed: list[AnyNotice] = field(default_factory=list)


class Pods:
    """Operators on loopback, and a client."""

    def __init__(self, secret_file: Path, stack: AsyncExitStack) -> None:
        self._secret_file = secret_file
        self._stack = stack

    async def start(
        self, find_leader: Callable[[], Leader | None] = lambda: None, port: int = 0
    ) -> Pod:
        """Start one that does not lead yet.

        Args:
            find_leader: as of `Relay`.
            port: of the leader.
        """
        pod = Pod(0, Term(600))
        receiver = Receiver(self._secret_file, pod.noticed.append, Metrics())
        runner = await serve_webhooks(receiver, 0, Relay(find_leader, pod.term, port))
        self._stack.push_async_callback(runner.cleanup)
        # It listens on IPv6 too, where port 0 is another one.
        pod.port = next(port for _, port, *v6 in runner.addresses if not v6)
        return pod

    async def serve(self, answer: Callable[[web.Request], web.StreamResponse]) -> int:
        """Serve something else in place of a leader, and give its port."""

        async def handle(request: web.Request) -> web.StreamResponse:
            return answer(request)

        application = web.Application()
        application.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, LOOPBACK, 0).start()
        return int(runner.addresses[0][1])

    async def lead_and_stand_by(self, address: str = LOOPBACK) -> tuple[Pod, Pod]:
        """Start a leader, and one that hands on to it."""
        leader = await self.start()
        leader.term.renew(leader.term.clock())
        return leader, await self.start(lambda: Leader("one", address), leader.port)


@pytest.fixture
async def pods(tmp_path: Path) -> AsyncIterator[Pods]:
    secret_file = tmp_path / "secret"
    secret_file.write_text(SECRET)
    async with AsyncExitStack() as stack:
        yield Pods(secret_file, stack)


async def _send(
    pod: Pod,
    path: str = "/webhooks/gitea",
    data: object = BODY,
    headers: dict[str, str] | None = None,
    method: str = "POST",
) -> tuple[int, str | None]:
    """Send a delivery; give the status and when to come again."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            method,
            f"http://{LOOPBACK}:{pod.port}{path}",
            data=data,
            headers=signed("gitea") if headers is None else headers,
        ) as answer,
    ):
        return answer.status, answer.headers.get("Retry-After")


async def test_it_is_the_leaders(pods: Pods) -> None:
    leader, standby = await pods.lead_and_stand_by()
    headers = signed("gitea")
    assert await _send(standby, headers=headers) == (204, None)
    assert (len(leader.noticed), len(standby.noticed)) == (1, 0)
    # The leader alone remembers what was delivered.
    assert await _send(leader, headers=headers) == (409, None)
    assert await _send(standby, headers=headers) == (409, None)


async def test_the_leaders_refusal_is_the_answer(pods: Pods) -> None:
    _, standby = await pods.lead_and_stand_by()
    assert await _send(standby, headers={}) == (401, None)
    assert await _send(standby, data=io.BytesIO(b"x" * (BODY_LIMIT + 1))) == (413, None)


async def test_bytes_go_on_as_they_came(pods: Pods) -> None:
    leader, standby = await pods.lead_and_stand_by()
    packed = gzip.compress(BODY)
    headers = signed("gitea") | {"Content-Encoding": "gzip"}
    name = next(key for key in headers if key.lower().endswith("signature"))
    headers[name] = hmac.new(SECRET.encode(), packed, hashlib.sha256).hexdigest()
    # Nobody can read it; but it is signed.
    assert await _send(standby, data=packed, headers=headers) == (400, None)

    async def in_parts() -> AsyncIterator[bytes]:
        yield BODY[:10]
        yield BODY[10:]

    assert await _send(standby, data=in_parts()) == (204, None)
    assert len(leader.noticed) == 1


async def test_while_nobody_leads_it_is_to_come_again(pods: Pods) -> None:
    standby = await pods.start()
    assert await _send(standby) == (503, "5")
    assert standby.noticed == []


async def test_from_its_election_on_an_operator_takes_them_itself(pods: Pods) -> None:
    leader, standby = await pods.lead_and_stand_by()
    standby.term.renew(standby.term.clock())
    assert await _send(standby) == (204, None)
    assert (len(leader.noticed), len(standby.noticed)) == (0, 1)


async def test_none_goes_round_between_two_that_both_take_the_other_for_the_leader(
    pods: Pods,
) -> None:
    one = await pods.start(lambda: Leader("other", LOOPBACK))
    other = await pods.start(lambda: Leader("one", LOOPBACK), one.port)
    assert await _send(other) == (503, "5")
    headers = signed("gitea") | {relay.HANDED_ON: "1"}
    assert await _send(other, headers=headers) == (503, "5")


@pytest.mark.parametrize("address", ["", "metadata.internal", "127.0.0.1:22", "[::1]"])
async def test_what_is_no_address_is_not_gone_to(
    pods: Pods, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    leader, standby = await pods.lead_and_stand_by(address)
    assert await _send(standby) == (503, "5")
    assert leader.noticed == []
    assert "Webhooks cannot be handed on to one" in caplog.text


async def test_a_leader_that_is_gone_is_told_once_a_minute(
    pods: Pods, caplog: pytest.LogCaptureFixture
) -> None:
    gone = await pods.start()
    port = gone.port
    await pods._stack.aclose()
    standby = await pods.start(lambda: Leader("one", LOOPBACK), port)
    assert [await _send(standby) for _ in range(3)] == [(503, "5")] * 3
    assert caplog.text.count("cannot be handed on") == 1


async def test_other_paths_and_methods_are_answered_at_once(pods: Pods) -> None:
    def fail(_: web.Request) -> web.Response:
        raise AssertionError

    port = await pods.serve(fail)
    standby = await pods.start(lambda: Leader("one", LOOPBACK), port)
    assert await _send(standby, "/readyz") == (404, None)
    assert await _send(standby, method="GET") == (405, None)


async def test_a_redirect_of_whoever_has_the_address_now_is_not_followed(pods: Pods) -> None:
    port = await pods.serve(
        lambda _: web.Response(status=307, headers={"Location": "http://127.0.0.1:1/"})
    )
    standby = await pods.start(lambda: Leader("one", LOOPBACK), port)
    assert await _send(standby) == (307, None)


async def test_a_flood_is_handed_on_a_part_at_a_time(
    pods: Pods, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "AT_ONCE", 1)
    _, standby = await pods.lead_and_stand_by()
    begun, goes_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield BODY[:10]
        begun.set()
        await goes_on.wait()
        yield BODY[10:]

    first = asyncio.ensure_future(_send(standby, data=slowly()))
    await begun.wait()
    async with asyncio.timeout(10):
        while await _send(standby, headers={}) != (503, "5"):
            pass
    goes_on.set()
    assert await first == (204, None)
