"""A sink may do whatever it likes: it gets what is its, and says nothing in our log."""

import asyncio
import base64
import hashlib
import hmac
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from album_operator.adapters.servers.authorities import trusting
from album_operator.adapters.servers.gateway import Gateway
from album_operator.adapters.sinks.addresses import MOST, load_sinks
from album_operator.adapters.sinks.http import SHARES, WHY, HttpSinks
from album_operator.codec.notification_sinks import SinksError
from album_operator.domain.errors import (
    NoConnectionError,
    OutsideError,
    TerminalError,
    TransientError,
    UnansweredError,
)
from album_operator.domain.notifications import TOLD, Letter, Sink, SinkFormat
from album_operator.domain.proxies import read_proxies
from tests.contract.company_network import company_network
from tests.fakes.builders import NOW
from tests.listening import listening
from tests.unit.adapters.test_github_session import own_certificate

CANARY = "canary0123456789canary01"
KEY = b"k" * 32
LETTER = Letter("1f", "application/json", b'{"text":"hello"}')
LOOK = socket.getaddrinfo


def _sink(url: str) -> Sink:
    return Sink("bus", url, SinkFormat.SLACK, TOLD[SinkFormat.SLACK], KEY)


@dataclass
class Receiver:
    """A sink on loopback that answers as it is told, and remembers what it was sent.

    Attributes:
        host: `host:port`.
        status: of its answers.
        headers: of its answers.
        got: path, headers and body of each request.
    """

    host: str = ""
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[str, Any, bytes]] = field(default_factory=list)

    @property
    def sink(self) -> Sink:
        """Give it as it is named in a file."""
        return _sink(f"http://{self.host}/services/{CANARY}?t=a%2Fb")

    async def handle(self, request: web.Request) -> web.Response:
        """Answer."""
        self.got.append((request.raw_path, request.headers.copy(), await request.read()))
        return web.Response(status=self.status, headers=self.headers)


@asynccontextmanager
async def _receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.host = f"127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        await runner.cleanup()


async def _post(sink: Sink, *insecure: str, allowed: str = "", seconds: float = 20) -> None:
    sinks = HttpSinks(insecure, {allowed} - {""}, time_limit=timedelta(seconds=seconds))
    try:
        await sinks.post(sink, LETTER, NOW)
    finally:
        await sinks.close()


async def _fails(
    kind: type[OutsideError], sink: Sink, *insecure: str, allowed: str = "", seconds: float = 20
) -> Any:  # noqa: ANN401 - of the kind
    with pytest.raises(kind) as caught:
        await _post(sink, *insecure, allowed=allowed, seconds=seconds)
    shown: BaseException | None = caught.value
    while shown is not None:
        assert CANARY not in str(shown)
        shown = shown.__cause__
    return caught.value


async def test_a_letter_arrives_as_it_is_at_the_very_url_with_a_signature_that_proves_it() -> None:
    async with _receiver() as receiver:
        await _post(receiver.sink, receiver.host)
    ((path, headers, body),) = receiver.got
    assert (path, body) == (f"/services/{CANARY}?t=a%2Fb", LETTER.body)
    assert headers["Content-Type"] == "application/json"
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{digest}"


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_any_success_is_one(status: int) -> None:
    async with _receiver() as receiver:
        receiver.status = status
        await _post(receiver.sink, receiver.host)
    assert len(receiver.got) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 507])
async def test_what_may_pass_is_tried_again_when_the_sink_says(status: int) -> None:
    async with _receiver() as receiver:
        receiver.status = status
        receiver.headers = {"Retry-After": "90"}
        error = await _fails(TransientError, receiver.sink, receiver.host)
    assert error.retry_after == timedelta(seconds=90)
    assert error.message == (
        f"http://{receiver.host} takes no notification now: HTTP status {status}."
    )


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422])
async def test_a_refusal_is_final(status: int) -> None:
    async with _receiver() as receiver:
        receiver.status = status
        error = await _fails(TerminalError, receiver.sink, receiver.host)
    assert f"told nothing: it answers with HTTP status {status}." in error.message


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_another_host_is_not_followed(status: int) -> None:
    async with _receiver() as other, _receiver() as receiver:
        receiver.status = status
        receiver.headers = {"Location": f"http://{other.host}/{CANARY}"}
        error = await _fails(TerminalError, receiver.sink, receiver.host, other.host)
    assert f"it redirects (HTTP status {status}), which is not followed." in error.message
    assert other.got == []


async def test_a_sink_that_hangs_is_given_up_in_time() -> None:
    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read(100_000)
        await reader.read()

    async with listening(hang) as host:
        sink = _sink(f"http://{host}/{CANARY}")
        async with asyncio.timeout(10):
            error = await _fails(UnansweredError, sink, host, seconds=0.2)
    assert f"http://{host} takes no notification now: TimeoutError." in error.message


async def test_an_answer_without_an_end_is_not_read() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x" * 65536)
            await writer.drain()

    async with listening(talk) as host:
        await _post(_sink(f"http://{host}/"), host)


async def test_what_is_no_http_is_told_without_the_url() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        await writer.drain()

    async with listening(talk) as host:
        error = await _fails(UnansweredError, _sink(f"http://{host}/{CANARY}"), host)
    assert "its answer is no HTTP." in error.message


async def test_a_wrong_certificate_is_not_taken(tmp_path: Path) -> None:
    received = bytearray()

    async def take(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        received.extend(await reader.read(1000))

    async with listening(take, own_certificate(tmp_path)) as host:
        sink = _sink(f"https://{host}/{CANARY}")
        error = await _fails(UnansweredError, sink, allowed=host)
    assert "certificate verify failed" in error.message
    assert received == b""


async def test_a_sink_that_is_gone_is_one_without_a_connection() -> None:
    async with _receiver() as receiver:
        pass
    await _fails(NoConnectionError, receiver.sink, receiver.host)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8080", "169.254.169.254", "[::1]:8080", "api.kube-system.svc", "100.100.100.200"],
)
async def test_an_address_of_the_node_or_the_cluster_is_not_gone_to(host: str) -> None:
    error = await _fails(TerminalError, _sink(f"https://{host}/{CANARY}"))
    assert f"https://{host} is told nothing: " in error.message
    assert error.message.endswith(f"add {host} to ALBUM_ALLOWED_HOSTS.")


async def test_neither_is_a_name_that_leads_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(host: Any, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - of socket
        named.pop("flags", None)
        told = "127.0.0.1" if host == "bus.example.org" else host
        return LOOK(told, *arguments, **named)

    async with _receiver() as receiver:
        monkeypatch.setattr(socket, "getaddrinfo", look)
        port = receiver.host.rpartition(":")[2]
        sink = _sink(f"https://bus.example.org:{port}/{CANARY}")
        error = await _fails(TerminalError, sink)
    assert error.message == (
        f"https://bus.example.org:{port} is told nothing: it leads to an address of the node or "
        f"the cluster (bus.example.org:{port} is not in ALBUM_ALLOWED_HOSTS)."
    )
    assert receiver.got == []


async def test_plain_http_is_for_hosts_an_admin_has_listed() -> None:
    error = await _fails(TerminalError, _sink(f"http://bus.example.org/{CANARY}"))
    assert error.message.endswith("add bus.example.org to ALBUM_INSECURE_HOSTS.")


def _write(file: Path, *urls: str) -> Path:
    sinks = [{"name": f"s{i}", "url": url, "format": "Slack"} for i, url in enumerate(urls)]
    file.write_text(json.dumps({"sinks": sinks}))
    return file


def test_a_file_is_read_and_each_host_in_it_is_one_that_may_be_gone_to(tmp_path: Path) -> None:
    file = _write(tmp_path / "sinks.yaml", "https://bus.example.org/a", "http://127.0.0.1:8080/b")
    sinks = load_sinks(file, {"127.0.0.1:8080"}, ())
    assert [sink.name for sink in sinks] == ["s0", "s1"]
    with pytest.raises(SinksError) as caught:
        load_sinks(_write(file, f"https://127.0.0.1/{CANARY}", "http://bus.example.org/a"), (), ())
    assert str(caught.value) == (
        f"{file}: sinks[0].url: 127.0.0.1 leads to the operator's own Pod, where the operator goes "
        "by an admin's word alone. Name another, or add 127.0.0.1 to ALBUM_ALLOWED_HOSTS; "
        "sinks[1].url: http://bus.example.org is plain HTTP, which would show its secrets to "
        "everyone on the way. Name another, or add bus.example.org to ALBUM_INSECURE_HOSTS"
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"\xff\xfe", "is not UTF-8"), (b" " * (MOST + 1), f"has more than {MOST} bytes")],
)
def test_a_file_that_is_no_text_or_too_large_is_refused(
    tmp_path: Path, data: bytes, said: str
) -> None:
    file = tmp_path / "sinks.yaml"
    file.write_bytes(data)
    with pytest.raises(SinksError, match=said):
        load_sinks(file, (), ())
    with pytest.raises(SinksError, match="No such file or directory"):
        load_sinks(tmp_path / "none.yaml", (), ())


async def test_without_a_key_nothing_is_signed() -> None:
    async with _receiver() as receiver:
        await _post(replace(receiver.sink, key=None), receiver.host)
    assert "webhook-signature" not in receiver.got[0][1]


async def test_a_sink_behind_a_proxy_is_posted_to_by_its_own_certificate(tmp_path: Path) -> None:
    async with _receiver() as receiver:
        with company_network(tmp_path, {"bus.company.test": receiver.host}) as company:
            proxies = read_proxies({"HTTPS_PROXY": company.secret_url})
            sink = _sink(f"https://bus.company.test/{CANARY}")
            with trusting(company.ca_file):
                sinks = HttpSinks((), gateway=Gateway(SHARES, WHY, proxies=proxies))
                await sinks.post(sink, LETTER, NOW)
                company.answer = 403
                await sinks.close()
                sinks = HttpSinks((), gateway=Gateway(SHARES, WHY, proxies=proxies))
                with pytest.raises(UnansweredError, match="answered CONNECT with 403"):
                    await sinks.post(sink, LETTER, NOW)
                await sinks.close()
    assert [path for path, _, _ in receiver.got] == [f"/{CANARY}"]
    assert set(company.connects) == {"bus.company.test:443"}
    assert CANARY.encode() not in company.carried
