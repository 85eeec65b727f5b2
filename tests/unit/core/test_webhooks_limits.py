"""What many deliveries, good or bad, may cost: passes, memory, time and lines of the log."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from pathlib import Path

import pytest

from album_operator.secrecy import clean_logs
from album_operator.serving.webhooks import BURST, BYTES_BURST, BYTES_RATE, RATE
from tests.unit.core.deliveries import BODY, MERGED, NOTICE, SECRET, Stand, signed

MIB = 1024 * 1024

WRONG = {**signed("github"), "X-Hub-Signature-256": f"sha256={'0' * 64}"}


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with Stand.up(tmp_path) as stand:
        yield stand


async def test_deliveries_beyond_the_budget_are_refused_until_it_is_filled_again(
    stand: Stand,
) -> None:
    async def statuses(count: int) -> Counter[int]:
        return Counter([await stand.deliver() for _ in range(count)])

    burst, second = int(BURST), int(RATE)
    assert await statuses(burst + 10) == {204: burst, 429: 10}
    stand.clock.now += 1
    assert await statuses(second + 10) == {204: second, 429: 10}
    stand.clock.now += 3600
    assert await statuses(burst + 10) == {204: burst, 429: 10}
    assert stand.noticed == [NOTICE] * (2 * burst + second)
    assert stand.count("limited") == 30


def _told_of(repository: str) -> bytes:
    of = {"html_url": f"https://github.com/acme/{repository}"}
    return json.dumps({**MERGED, "repository": of}).encode()


async def test_whatever_is_told_of_one_repository_another_is_heard(stand: Stand) -> None:
    flood = _told_of("flood")
    statuses = Counter([await stand.deliver(body=flood) for _ in range(int(BURST) + 50)])
    assert statuses == {204: int(BURST), 429: 50}
    assert await stand.deliver() == 204
    assert stand.noticed[-1] == NOTICE


async def test_what_many_are_told_of_has_a_limit_of_bytes(stand: Stand) -> None:
    large = {**MERGED, "repository": None, "filler": "x" * 4 * MIB}
    bodies = [
        json.dumps({**large, "repository": {"html_url": f"https://h/a/{number}"}}).encode()
        for number in range(9)
    ]
    fit = int(BYTES_BURST // len(bodies[0]))

    async def deliver(body: bytes) -> int:
        return await stand.post("github", signed("github", body), BytesIO(body))

    statuses = [await deliver(body) for body in bodies]
    assert statuses == [204] * fit + [429] * (len(bodies) - fit)
    assert await stand.deliver() == 204
    stand.clock.now += len(bodies[-1]) / BYTES_RATE
    assert await deliver(bodies[-1]) == 204


async def test_of_so_many_repositories_it_is_remembered_what_was_told(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("album_operator.serving.webhooks.REPOSITORIES", 2)
    for _ in range(int(BURST)):
        await stand.deliver()
    assert await stand.deliver(body=_told_of("one")) == 204
    assert await stand.deliver() == 429
    for name in ("two", "three"):
        assert await stand.deliver(body=_told_of(name)) == 204
    assert await stand.deliver() == 204


async def test_a_delivery_that_was_one_too_many_may_come_again(stand: Stand) -> None:
    for _ in range(int(BURST)):
        await stand.deliver()
    assert await stand.deliver(delivery="again") == 429
    stand.clock.now += 1
    assert await stand.deliver(delivery="again") == 204


async def test_who_sends_too_much_is_told_when_to_come_again(stand: Stand) -> None:
    for _ in range(int(BURST)):
        await stand.deliver()
    async with stand.session.post("/webhooks/github", data=BODY, headers=signed("github")) as told:
        assert (told.status, told.headers["Retry-After"]) == (429, "1")


@pytest.mark.parametrize(
    "headers",
    [{}, WRONG, {**signed("github"), "X-GitHub-Delivery": "seen"}],
    ids=["unsigned", "wrongly signed", "replayed"],
)
async def test_what_is_refused_takes_nothing_from_the_budget(
    stand: Stand, headers: dict[str, str]
) -> None:
    await stand.deliver(delivery="seen")
    answers = {await stand.post("github", headers) for _ in range(2 * int(BURST))}
    assert len(answers & {401, 409}) == len(answers) == 1

    assert await stand.deliver() == 204


async def test_bodies_that_arrive_at_once_have_a_limit_together(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("album_operator.serving.webhooks.BODIES_LIMIT", 1000)
    head = "".join(f"{name}: {value}\r\n" for name, value in WRONG.items())
    start = f"POST /webhooks/github HTTP/1.1\r\nHost: album\r\n{head}Content-Length: 900\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
    writer.write(start.encode() + b" " * 899)
    # The receiver has these bytes once it refuses a body that fits only without them.
    async with asyncio.timeout(10):
        while await stand.deliver() != 429:
            stand.clock.now += 1

    writer.write(b" ")
    assert b" 401 " in await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert await stand.deliver() == 204


async def test_a_body_that_does_not_arrive_is_given_up(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("album_operator.serving.webhooks.BODY_SECONDS", 0.01)
    head = "".join(f"{name}: {value}\r\n" for name, value in signed("github").items())
    start = f"POST /webhooks/github HTTP/1.1\r\nHost: album\r\n{head}Content-Length: 900\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
    writer.write(start.encode())
    assert b" 400 " in await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert stand.count("malformed") == 1


async def test_a_flood_writes_one_line_a_minute_of_each_kind(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    await stand.deliver(delivery="seen")
    caplog.clear()
    for second in (0, 1, 59.9, 60):
        stand.clock.now = 2000 + second
        for _ in range(10):
            await stand.post("github", WRONG)
            await stand.deliver(delivery="seen")
            await stand.deliver(body=b"[]")

    unsigned = [line for line in caplog.messages if "signature" in line]
    assert unsigned == [
        "Refused webhooks without the signature of a known secret (1 since the last such line).",
        "Refused webhooks without the signature of a known secret (30 since the last such line).",
    ]
    assert len(caplog.messages) == 6


async def test_lines_show_nothing_of_what_was_sent(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await stand.post("github", {**WRONG, "X-GitHub-Event": "canary"}, b'{"canary": 1}')
    await stand.deliver(body=b"canary")
    await stand.deliver(event="canary", delivery="canary")
    await stand.deliver(event="canary", delivery="canary")
    stand.secret_file.write_text("canary")
    await stand.deliver()

    ours = "".join(line.getMessage() for line in caplog.records if "album" in line.name)
    assert "Refused" in ours
    assert "All webhooks are refused: " in ours
    assert "canary" not in ours
    assert SECRET not in ours


@pytest.fixture(params=["plain", "freed of secrets"])
def log(request: pytest.FixtureRequest) -> Iterator[None]:
    """As tests have it, and as the operator does."""
    put_back = clean_logs(str) if request.param != "plain" else lambda: None
    yield
    put_back()


@pytest.mark.usefixtures("log")
async def test_what_is_no_http_writes_no_line(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    for sent in (b"\x16\x03\x01canary\r\n\r\n", b"POST / HTTP/1.1\r\ncanary\r\n\r\n"):
        reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
        writer.write(sent)
        await reader.readline()
        writer.close()
        await writer.wait_closed()
    assert caplog.messages == []
