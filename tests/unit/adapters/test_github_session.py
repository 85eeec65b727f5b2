"""How a GitHub is spoken to: one thing at a time, and nothing to anybody else."""

import asyncio
import json
import socketserver
import ssl
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from album_operator.adapters.github.pull_requests import GitHubPullRequests
from album_operator.domain.errors import TerminalError, TransientError
from album_operator.domain.forges import ForgeType
from album_operator.domain.places import Credential, ForgePlace
from album_operator.domain.reasons import Reason
from tests.listening import listening
from tests.unit.adapters.github_server import (
    REPOSITORY,
    TOKEN,
    Asked,
    always,
    forge,
    make_key,
    reply,
)


async def test_a_token_is_shown_in_a_header_alone() -> None:
    async with forge(always(REPOSITORY)) as github:
        await github.adapter.get_repository(github.place)
        assert await github.adapter.git_token(github.place) == TOKEN
    (asked,) = github.asked
    assert asked.headers["authorization"] == f"token {TOKEN}"
    assert asked.headers["user-agent"] == "album-operator"
    assert asked.headers["x-github-api-version"] == "2022-11-28"


@pytest.mark.parametrize("token", ["with space", "with\nline", "é", ""])
async def test_what_is_no_token_is_not_sent(token: str) -> None:
    async with forge(always(REPOSITORY)) as github:
        place = replace(github.place, credential=replace(github.place.credential, token=token))
        with pytest.raises(TerminalError) as caught:
            await github.adapter.get_repository(place)
    assert caught.value.reason is Reason.CREDENTIALS_MISSING
    assert github.asked == []


async def test_one_credential_asks_one_thing_at_a_time() -> None:
    inside, most = 0, 0

    async def slow(_: Asked) -> web.StreamResponse:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.005)
        inside -= 1
        return reply(REPOSITORY)

    async with forge(slow) as github:
        work = [github.adapter.get_repository(github.place) for _ in range(20)]
        await asyncio.gather(*work)
    assert most == 1
    assert len(github.asked) == 20


async def test_a_forge_that_does_not_answer_is_not_waited_for_and_holds_up_no_other() -> None:
    async def never(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(never) as host, forge(always(REPOSITORY)) as github:
        adapter = GitHubPullRequests(
            {host, github.url.removeprefix("http://")}, time_limit=timedelta(seconds=1)
        )
        credential = Credential("album-git", f"http://{host}", "x", TOKEN)
        dead = ForgePlace(f"http://{host}/api/v3", "o/n", credential, ForgeType.GITHUB)
        waiting = asyncio.create_task(adapter.get_repository(dead))
        assert (await adapter.get_repository(github.place)).may_push
        assert not waiting.done()
        with pytest.raises(TransientError) as caught:
            await waiting
        assert caught.value.reason is Reason.FORGE_UNAVAILABLE
        await adapter.close()


async def test_an_answer_that_drips_is_broken_off() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" " * 70_000)
            await asyncio.sleep(0.3)
        ended.set()

    ended = asyncio.Event()
    async with listening(drip) as host:
        adapter = GitHubPullRequests({host}, time_limit=timedelta(seconds=1))
        credential = Credential("album-git", f"http://{host}", "x", TOKEN)
        place = ForgePlace(f"http://{host}/api/v3", "o/n", credential, ForgeType.GITHUB)
        with pytest.raises(TransientError) as caught:
            await adapter.get_repository(place)
        assert "in time" in caught.value.sentence
        await adapter.close()
        await asyncio.wait_for(ended.wait(), 20)


async def test_a_certificate_nobody_vouches_for_is_not_taken(tmp_path: Path) -> None:
    asked = 0

    async def answer(*_: object) -> None:
        nonlocal asked
        asked += 1

    async with listening(answer, own_certificate(tmp_path)) as host:
        url = f"https://{host}"
        adapter = GitHubPullRequests(set(), allowed_hosts={host})
        place = ForgePlace(
            f"{url}/api/v3", "o/n", Credential("album-git", url, "x", TOKEN), ForgeType.GITHUB
        )
        with pytest.raises(TransientError) as caught:
            await adapter.get_repository(place)
        assert "certificate verify failed" in caught.value.sentence
        await adapter.close()
    assert asked == 0


def own_certificate(folder: Path) -> ssl.SSLContext:
    """Make a server's side of TLS with a certificate it has given to itself."""
    private = serialization.load_pem_private_key(make_key()[0].encode(), None)
    assert isinstance(private, rsa.RSAPrivateKey)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, private.public_key(), 1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(private, hashes.SHA256())
    )
    path = folder / "tls.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + make_key()[0].encode())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"api_url": "http://git.example.org/api/v3"}, Reason.HOST_NOT_ALLOWED),
        ({"api_url": "https://elsewhere.example.org/api/v3"}, Reason.HOST_NOT_ALLOWED),
        ({"api_url": "https://u:p@git.example.org/api/v3"}, Reason.HOST_NOT_ALLOWED),
        ({"repository": "o/n/../../x"}, Reason.REPOSITORY_NOT_FOUND),
        ({"repository": "o"}, Reason.REPOSITORY_NOT_FOUND),
        ({"repository": "o/n?x=1"}, Reason.REPOSITORY_NOT_FOUND),
    ],
)
async def test_a_token_goes_nowhere_it_is_not_for(change: dict[str, str], reason: Reason) -> None:
    credential = Credential("album-git", "https://git.example.org", "x", TOKEN)
    place = ForgePlace("https://git.example.org/api/v3", "o/n", credential, ForgeType.GITHUB)
    adapter = GitHubPullRequests(set())
    with pytest.raises(TerminalError) as caught:
        await adapter.get_repository(replace(place, **change))  # type: ignore[arg-type]
    assert caught.value.reason is reason
    await adapter.close()


class _Trickling(socketserver.ThreadingTCPServer):
    """A forge that answers byte by byte, until it is told to answer at once."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, head: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Trickle)
        self.head = head
        self.goes_on = threading.Event()


class _Trickle(socketserver.StreamRequestHandler):
    server: _Trickling

    def handle(self) -> None:
        with suppress(OSError):
            while self.rfile.readline():
                while self.rfile.readline().strip():
                    continue
                if not self.server.goes_on.is_set():
                    self.wfile.write(self.server.head)
                while not self.server.goes_on.wait(0.05):
                    self.wfile.write(b" ")
                body = json.dumps(REPOSITORY).encode()
                length = f"Content-Length: {len(body)}".encode()
                self.wfile.write(b"HTTP/1.1 200 OK\r\n%b\r\n\r\n%b" % (length, body))


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
)
async def test_an_answer_that_comes_byte_by_byte_is_given_up_and_its_thread_is_free_again(
    head: bytes,
) -> None:
    with _Trickling(head) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        host = f"127.0.0.1:{server.server_address[1]}"
        url = f"http://{host}/api/v3"
        place = ForgePlace(url, "o/n", Credential("s", url, "x", TOKEN), ForgeType.GITHUB)
        adapter = GitHubPullRequests({host}, time_limit=timedelta(seconds=1))
        with pytest.raises(TransientError, match="in time"):
            await asyncio.wait_for(adapter.get_repository(place), 20)
        server.goes_on.set()
        assert (await asyncio.wait_for(adapter.get_repository(place), 20)).may_push
        await adapter.close()
        server.shutdown()
        serving.join()
