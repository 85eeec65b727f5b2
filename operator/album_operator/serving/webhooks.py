"""Webhooks of forges and registries: one wakes the releases it concerns, and does nothing else.

What a delivery says is never believed, only that something happened: the pass it wakes reads the
state from who sent it. So the worst a delivery can do, forged or replayed, is a pass too many.
"""

import asyncio
import hmac
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from enum import StrEnum
from functools import partial
from pathlib import Path

from aiohttp import HttpVersion11, web
from aiohttp.hdrs import EXPECT
from aiohttp.http_exceptions import HttpProcessingError

from album_operator.codec.foreign_json import parse_json
from album_operator.codec.notices import parse_image_notices, parse_notices, repository_in
from album_operator.domain.forges import ForgeType, forge_of
from album_operator.domain.notice import AnyNotice
from album_operator.metrics.metrics import Metrics
from album_operator.serving.lines import Lines
from album_operator.serving.relay import Relay
from album_operator.settings import SettingsError, read_webhook_secrets

HTTP_LOG = logging.getLogger(f"{__name__}.http")

Clock = Callable[[], float]

BODY_LIMIT = 5 * 1024 * 1024

BODIES_LIMIT = 64 * 1024 * 1024
"""Most bytes of all bodies being read at once: what unsigned requests may cost in memory."""

BODY_SECONDS = 10.0
"""How long a body may take to arrive; GitHub itself gives up after ten seconds."""

RATE, BURST = 50.0, 200.0
"""Signed deliveries about one repository a second, and how many more at once; all of registries."""

BYTES_RATE, BYTES_BURST = 8.0 * 1024 * 1024, 32.0 * 1024 * 1024
"""Bytes of signed deliveries that are parsed a second, and how many more at once: a sixteenth of a
core, and room for 10,000 pushes a minute of 50 KiB each."""

REPOSITORIES = 1000
"""Of how many repositories it is remembered how much was told of them lately."""

IDS = 10_000
"""Delivery ids that are remembered of each forge."""

ID_LENGTH = 100
"""Longest delivery id; GitHub, Gitea and Forgejo send a UUID."""

URL_LENGTH = 200
"""So much of a repository's URL tells it from others."""

REGISTRY = "registry"
"""In place of a forge: all registries send to one path, and their bodies tell them apart."""


class Result(StrEnum):
    """What became of a delivery."""

    ACCEPTED = "accepted"
    IGNORED = "ignored"
    UNSIGNED = "unsigned"
    REPLAYED = "replayed"
    OVERSIZED = "oversized"
    MALFORMED = "malformed"
    LIMITED = "limited"


Judge = Callable[[web.Request], Awaitable[Result]]

STATUS = {
    Result.ACCEPTED: 204,
    Result.IGNORED: 204,
    Result.UNSIGNED: 401,
    Result.REPLAYED: 409,
    Result.OVERSIZED: 413,
    Result.MALFORMED: 400,
    Result.LIMITED: 429,
}

REFUSALS = {
    Result.UNSIGNED: "without the signature of a known secret",
    Result.REPLAYED: "with an id that was seen before",
    Result.OVERSIZED: "of more than 5 MiB",
    Result.MALFORMED: "without an event, an id or a sane JSON object",
    Result.LIMITED: "beyond what is answered at once",
}


class Receiver:
    """Judges deliveries, and tells what the good ones are about.

    Args:
        secret_file: read at each delivery, so that a secret is rotated without a restart.
        noticed: called for each notice; it must not wait.
        learn: told each secret, which no line of the log may hold.
        metrics: counts deliveries, by who sent them.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        secret_file: Path,
        noticed: Callable[[AnyNotice], None],
        metrics: Metrics,
        clock: Clock = time.monotonic,
        learn: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._learn = learn
        self._secret_file = secret_file
        self._noticed = noticed
        self._clock = clock
        self._parsed = _Budget(BYTES_RATE, BYTES_BURST, clock)
        self._told = OrderedDict[str, _Budget]()
        self._lines = Lines(clock)
        self._seen = {forge: OrderedDict[str, None]() for forge in ForgeType}
        self._bodies = 0
        self._counts = {
            (sender, result): metrics.webhook_deliveries.labels(sender.lower(), result)
            for sender in (*ForgeType, REGISTRY)
            for result in Result
        }

    def application(self) -> web.Application:
        """Give the application that serves `POST /webhooks/<forge>` and `/webhooks/registry`."""
        application = web.Application()
        judges: dict[str, Judge] = {forge: partial(self._judge, forge) for forge in ForgeType}
        for sender, judge in {**judges, REGISTRY: self._judge_registry}.items():
            application.router.add_post(
                f"/webhooks/{sender.lower()}",
                partial(self._answer, sender, judge),
                expect_handler=_meet_expectation,
            )
        return application

    async def _answer(
        self,
        sender: str,
        judge: Judge,
        request: web.Request,
    ) -> web.Response:
        result = await judge(request)
        self._counts[sender, result].inc()
        if result in REFUSALS:
            self._lines.warn(result, f"Refused webhooks {REFUSALS[result]}")
        headers = {"Retry-After": "1"} if result is Result.LIMITED else None
        return web.Response(status=STATUS[result], headers=headers)

    async def _judge(self, forge: ForgeType, request: web.Request) -> Result:
        """Judge a request, by what costs least first.

        Only what is signed takes from the budgets, so a flood of unsigned requests leaves them
        alone. They cost no more than the look at a header, or a body that is hashed. What is told
        of one repository, which may be nobody's here, keeps out nothing that is told of another.
        """
        if (request.content_length or 0) > BODY_LIMIT:
            return Result.OVERSIZED
        how = forge_of(forge).deliveries
        signature = how.signature.fullmatch(_first(request.headers, how.signatures) or "")
        if signature is None:
            return Result.UNSIGNED
        body = await self._read(request)
        if isinstance(body, Result):
            return body
        if not self._is_signed(body, signature[1]):
            return Result.UNSIGNED
        return self._take(forge, request.headers, body)

    async def _judge_registry(self, request: web.Request) -> Result:
        """Judge a request of a registry, which signs nothing and sends a secret as it is."""
        if (request.content_length or 0) > BODY_LIMIT:
            return Result.OVERSIZED
        sent = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
        known = [hmac.compare_digest(secret, sent) for secret in self._secrets()]
        if not any(known):
            return Result.UNSIGNED
        body = await self._read(request)
        if isinstance(body, Result):
            return body
        if not self._parsed.take(len(body)) or not self._may_tell(REGISTRY):
            return Result.LIMITED
        payload = _parse(body)
        return Result.MALFORMED if payload is None else self._tell(parse_image_notices(payload))

    async def _read(self, request: web.Request) -> bytes | Result:
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for chunk in request.content.iter_any():
                    body += chunk
                    self._bodies += len(chunk)
                    if len(body) > BODY_LIMIT:
                        return Result.OVERSIZED
                    if self._bodies > BODIES_LIMIT:
                        return Result.LIMITED
        except (OSError, web.RequestPayloadError):  # among them the timeout
            return Result.MALFORMED
        finally:
            self._bodies -= len(body)
        return bytes(body)

    def _secrets(self) -> tuple[bytes, ...]:
        try:
            secrets = read_webhook_secrets(self._secret_file)
        except SettingsError as error:
            self._lines.warn("secret", f"All webhooks are refused: {error}")
            return ()
        for secret in secrets:
            self._learn(secret.decode(errors="ignore"))
        return secrets

    def _is_signed(self, body: bytes, signature: str) -> bool:
        return any(
            hmac.compare_digest(hmac.digest(secret, body, "sha256").hex(), signature)
            for secret in self._secrets()
        )

    def _take(self, forge: ForgeType, headers: Mapping[str, str], body: bytes) -> Result:
        """Take a signed delivery; its id is remembered only once nothing is wrong with it."""
        how = forge_of(forge).deliveries
        event, delivery = _first(headers, how.events), _first(headers, how.ids)
        if event is None or not delivery or len(delivery) > ID_LENGTH:
            return Result.MALFORMED
        seen = self._seen[forge]
        if delivery in seen:
            return Result.REPLAYED
        if not self._parsed.take(len(body)):
            return Result.LIMITED
        payload = _parse(body)
        if payload is None:
            return Result.MALFORMED
        if not self._may_tell(f"{forge} {repository_in(payload)[:URL_LENGTH]}"):
            return Result.LIMITED
        seen[delivery] = None
        if len(seen) > IDS:
            seen.popitem(last=False)
        return self._tell(parse_notices(forge, event, payload))

    def _may_tell(self, of: str) -> bool:
        """Take one from the budget of a repository; none has a place twice."""
        budget = self._told.pop(of, None) or _Budget(RATE, BURST, self._clock)
        self._told[of] = budget
        if len(self._told) > REPOSITORIES:
            self._told.popitem(last=False)
        return budget.take(1)

    def _tell(self, notices: Iterable[AnyNotice]) -> Result:
        result = Result.IGNORED
        for notice in notices:
            self._noticed(notice)
            result = Result.ACCEPTED
        return result


class _Budget:
    """A token bucket.

    Args:
        rate: tokens a second.
        burst: tokens that it holds.
        clock: monotonic seconds.
    """

    def __init__(self, rate: float, burst: float, clock: Clock) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._tokens = burst
        self._filled = clock()

    def take(self, count: int) -> bool:
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + self._rate * (now - self._filled))
        self._filled = now
        if self._tokens < count:
            return False
        self._tokens -= count
        return True


def _parse(body: bytes) -> dict[str, object] | None:
    """Read a JSON object; None for what is none, or nested too deep."""
    try:
        payload = parse_json(body, BODY_LIMIT)
    except ValueError:
        return None
    return payload if isinstance(payload, dict) else None


async def _meet_expectation(request: web.Request) -> None:
    """Do as aiohttp does, which shows the header and fails with a 500 where that is no UTF-8."""
    if request.version < HttpVersion11:
        return
    if request.headers[EXPECT].lower() != "100-continue":
        raise web.HTTPExpectationFailed
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0


def _first(headers: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((headers[name] for name in names if name in headers), None)


def _is_worth_reading(line: logging.LogRecord) -> bool:
    """Drop aiohttp's line for each request that is no HTTP: it shows what was sent."""
    return line.exc_info is None or not isinstance(line.exc_info[1], HttpProcessingError)


async def serve_webhooks(
    receiver: Receiver, port: int, relay: Relay | None = None
) -> web.AppRunner:
    """Serve the receiver on all addresses of the Pod; the caller cleans the runner up.

    Args:
        receiver: judges deliveries.
        port: it is served at.
        relay: hands them on while this operator does not lead; None where it always does.
    """
    HTTP_LOG.addFilter(_is_worth_reading)
    application = receiver.application()
    if relay is not None:
        relay.join(application)
    runner = web.AppRunner(
        application,
        access_log=None,
        logger=HTTP_LOG,
        auto_decompress=False,  # the signature is over the bytes as they came
        keepalive_timeout=BODY_SECONDS,
        shutdown_timeout=BODY_SECONDS,
    )
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner
