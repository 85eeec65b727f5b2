"""Which deliveries of a forge are taken, and what is answered to the others."""

import asyncio
import gzip
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from album_operator.serving.webhooks import BODY_LIMIT, ID_LENGTH, IDS
from tests.unit.core.deliveries import BODY, NOTICE, SECRET, Stand, signed

OTHER_SECRET = "another secret of some length"

each_forge = pytest.mark.parametrize("forge", ["github", "gitea"])


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with Stand.up(tmp_path) as stand:
        yield stand


@each_forge
async def test_a_signed_delivery_is_noticed(stand: Stand, forge: str) -> None:
    assert await stand.deliver(forge) == 204

    assert stand.noticed == [NOTICE]
    assert stand.count("accepted", forge) == 1


async def test_forgejo_may_use_its_own_headers(stand: Stand) -> None:
    headers = {name.replace("Gitea", "Forgejo"): value for name, value in signed("gitea").items()}
    assert await stand.post("gitea", headers) == 204
    assert stand.noticed == [NOTICE]


@each_forge
@pytest.mark.parametrize("event", ["ping", "issue_comment", "pull_request_comment", ""])
async def test_an_event_no_release_waits_for_is_answered_like_any_other(
    stand: Stand, forge: str, event: str
) -> None:
    assert await stand.deliver(forge, event=event) == 204

    assert stand.noticed == []
    assert stand.count("ignored", forge) == 1


@each_forge
@pytest.mark.parametrize(
    "signature",
    [None, "", "sha256=", "0" * 64, "sha256=" + "0" * 64, "sha1=" + "0" * 40, "ä" * 64],
)
async def test_without_a_right_signature_nothing_is_noticed(
    stand: Stand, forge: str, signature: str | None
) -> None:
    headers = signed(forge)
    name = next(name for name in headers if "Signature" in name)
    del headers[name]
    if signature is not None:
        headers[name] = signature

    assert await stand.post(forge, headers) == 401
    assert stand.noticed == []
    assert stand.count("unsigned", forge) == 1


@each_forge
async def test_a_signature_is_of_these_very_bytes(stand: Stand, forge: str) -> None:
    spaced = json.dumps(json.loads(BODY), indent=1).encode()
    assert await stand.post(forge, signed(forge, BODY), spaced) == 401
    assert await stand.deliver(forge, secret=OTHER_SECRET) == 401
    assert stand.noticed == []


async def test_the_signature_of_another_forge_does_not_count(stand: Stand) -> None:
    assert await stand.post("gitea", signed("github")) == 401
    assert await stand.post("github", signed("gitea")) == 401


async def test_a_compressed_body_is_taken_as_it_came(stand: Stand) -> None:
    body = gzip.compress(BODY)
    headers = {**signed("github", body), "Content-Encoding": "gzip"}
    assert await stand.post("github", headers, body) == 400
    assert await stand.post("github", {**signed("github"), "Content-Encoding": "gzip"}) == 204


@each_forge
async def test_a_delivery_is_taken_once(stand: Stand, forge: str) -> None:
    headers = signed(forge)
    assert [await stand.post(forge, headers) for _ in range(3)] == [204, 409, 409]

    assert stand.noticed == [NOTICE]
    assert stand.count("replayed", forge) == 2


async def test_two_forges_may_use_the_same_id(stand: Stand) -> None:
    assert await stand.deliver("github", delivery="one") == 204
    assert await stand.deliver("gitea", delivery="one") == 204
    assert len(stand.noticed) == 2


async def test_an_id_is_not_remembered_of_a_delivery_that_was_refused(stand: Stand) -> None:
    good = signed("github", delivery="one")
    for headers, body, status in [
        ({**good, "X-Hub-Signature-256": f"sha256={'0' * 64}"}, BODY, 401),
        (signed("github", b"[]", delivery="one"), b"[]", 400),
        (good, BODY, 204),
    ]:
        assert await stand.post("github", headers, body) == status


async def test_the_oldest_ids_are_forgotten(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    assert IDS == 10_000
    monkeypatch.setattr("album_operator.serving.webhooks.IDS", 2)
    for delivery, status in [("a", 204), ("b", 204), ("c", 204), ("b", 409), ("a", 204)]:
        assert await stand.deliver(delivery=delivery) == status


DEEP = b'{"a": ' + b"[" * 500 + b"]" * 500 + b"}"
WIDE = b'{"a": [' + b"{}," * 300_000 + b"{}]}"


@each_forge
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"7",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        DEEP,
        WIDE,
        b"payload=%7B%7D",
        b"9" * 5000,
    ],
    ids=lambda body: repr(body[:8]),
)
async def test_what_is_no_object_is_refused(stand: Stand, forge: str, body: bytes) -> None:
    assert await stand.deliver(forge, body) == 400
    assert stand.noticed == []
    assert stand.count("malformed", forge) == 1


@each_forge
@pytest.mark.parametrize("missing", ["Event", "Delivery"])
async def test_event_and_id_are_needed(stand: Stand, forge: str, missing: str) -> None:
    headers = {name: value for name, value in signed(forge).items() if missing not in name}
    assert await stand.post(forge, headers) == 400
    assert stand.noticed == []
    assert stand.count("malformed", forge) == 1


async def test_an_id_has_a_length(stand: Stand) -> None:
    assert await stand.deliver(delivery="x" * ID_LENGTH) == 204
    assert await stand.deliver(delivery="x" * (ID_LENGTH + 1)) == 400


@each_forge
async def test_the_largest_body_is_taken(stand: Stand, forge: str) -> None:
    body = BODY + b" " * (BODY_LIMIT - len(BODY))
    assert await stand.post(forge, signed(forge, body), io.BytesIO(body)) == 204


@each_forge
async def test_a_larger_body_is_refused_before_it_is_sent(stand: Stand, forge: str) -> None:
    answer = await _talk(stand, forge, f"Content-Length: {BODY_LIMIT + 1}\r\n\r\n".encode())

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert stand.noticed == []
    assert stand.count("oversized", forge) == 1


@each_forge
async def test_a_larger_body_in_chunks_is_refused_before_its_end(stand: Stand, forge: str) -> None:
    chunk = b"%x\r\n%b\r\n" % (1 << 20, b" " * (1 << 20))
    start = b"Transfer-Encoding: chunked\r\n\r\n"
    answer = await _talk(stand, forge, start + chunk * 5 + b"1\r\n \r\n")

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert stand.noticed == []
    assert stand.count("oversized", forge) == 1


async def test_without_a_signature_the_body_is_not_waited_for(stand: Stand) -> None:
    answer = await _talk(stand, "github", b"Content-Length: 100\r\n\r\n", {})
    assert answer.startswith(b"HTTP/1.1 401 ")


async def test_a_body_that_is_cut_off_is_no_delivery(stand: Stand) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
    writer.write(_head("github", signed("github")) + b"Content-Length: 9999\r\n\r\n{")
    writer.write_eof()
    await reader.read()
    writer.close()
    await writer.wait_closed()

    assert stand.noticed == []


async def test_a_body_whose_chunks_are_none_is_refused(stand: Stand) -> None:
    answer = await _talk(stand, "github", b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n")
    assert b" 400 " in answer.splitlines()[0]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_only_posts_are_answered(stand: Stand, method: str) -> None:
    assert await stand.post("github", signed("github"), method=method) == 405
    assert stand.noticed == []


async def test_there_is_nothing_beside_the_forges(stand: Stand) -> None:
    assert await stand.post("gitlab", signed("github")) == 404


async def test_a_secret_is_rotated_without_a_restart(stand: Stand) -> None:
    async def statuses() -> list[int]:
        return [await stand.deliver(secret=secret) for secret in (SECRET, OTHER_SECRET)]

    assert await statuses() == [204, 401]
    stand.secret_file.write_text(f"{OTHER_SECRET}\n{SECRET}\n")
    assert await statuses() == [204, 204]
    stand.secret_file.write_text(OTHER_SECRET)
    assert await statuses() == [401, 204]


@pytest.mark.parametrize("content", [None, "", "short", "\n\n"])
async def test_without_a_secret_all_is_refused(stand: Stand, content: str | None) -> None:
    stand.secret_file.unlink()
    if content is not None:
        stand.secret_file.write_text(content)

    assert await stand.deliver() == 401
    assert await stand.deliver(secret=content or "") == 401
    assert stand.noticed == []


def _head(forge: str, headers: dict[str, str]) -> bytes:
    lines = [f"POST /webhooks/{forge} HTTP/1.1", "Host: album"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "".join(f"{line}\r\n" for line in lines).encode()


async def _talk(
    stand: Stand, forge: str, rest: bytes, headers: dict[str, str] | None = None
) -> bytes:
    """Send what may be no whole request, and give the head of what is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
    writer.write(_head(forge, signed(forge) if headers is None else headers) + rest)
    answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return answer
