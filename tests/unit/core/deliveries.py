"""A webhook receiver on a port of this machine, and deliveries as the forges send them."""

import hashlib
import hmac
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

import aiohttp

from album_operator.domain.notice import AnyNotice, Notice
from album_operator.metrics.metrics import Metrics
from album_operator.serving.webhooks import Receiver, serve_webhooks

SECRET = "correct horse battery staple"
REPOSITORY = "https://git.example.org/album/config"
MERGED = {
    "action": "closed",
    "number": 7,
    "pull_request": {"number": 7, "merged": True, "head": {"ref": "release/backend_v1.1.0"}},
    "repository": {"full_name": "album/config", "html_url": REPOSITORY},
}
NOTICE = Notice(REPOSITORY, 7, "release/backend_v1.1.0")
BODY = json.dumps(MERGED).encode()

_ids = itertools.count()


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Stand:
    """A receiver that is served, with what it noticed and counted."""

    def __init__(self, secret_file: Path) -> None:
        self.secret_file = secret_file
        self.clock = Clock()
        self.noticed: list[AnyNotice] = []
        self.metrics = Metrics()
        self.port = 0
        self.session: aiohttp.ClientSession

    @classmethod
    @asynccontextmanager
    async def up(cls, folder: Path) -> AsyncIterator["Stand"]:
        secret_file = folder / "secret"
        secret_file.write_text(SECRET)
        stand = cls(secret_file)
        receiver = Receiver(secret_file, stand.noticed.append, stand.metrics, stand.clock)
        runner = await serve_webhooks(receiver, 0)
        try:
            stand.port = next(at[1] for at in runner.addresses if len(at) == 2)
            async with aiohttp.ClientSession(f"http://127.0.0.1:{stand.port}") as stand.session:
                yield stand
        finally:
            await runner.cleanup()

    async def post(
        self,
        forge: str,
        headers: Mapping[str, str],
        body: bytes | BinaryIO = BODY,
        method: str = "POST",
    ) -> int:
        """Send a request, give its status; each answer is without a body."""
        async with self.session.request(
            method, f"/webhooks/{forge}", data=body, headers=headers
        ) as answer:
            assert answer.status in (404, 405) or await answer.read() == b""
            return answer.status

    async def deliver(self, forge: str = "github", body: bytes = BODY, **other: str) -> int:
        """Send a good delivery; other arguments are those of `signed`."""
        return await self.post(forge, signed(forge, body, **other), body)

    def count(self, result: str, forge: str = "github") -> int:
        """Give how many requests had this result."""
        name = f'album_webhook_deliveries_total{{forge="{forge}",result="{result}"}} '
        (line,) = [
            line for line in self.metrics.render().decode().splitlines() if line.startswith(name)
        ]
        return int(float(line.removeprefix(name)))


def signed(
    forge: str,
    body: bytes = BODY,
    event: str = "pull_request",
    delivery: str | None = None,
    secret: str = SECRET,
) -> dict[str, str]:
    """Give the headers of a delivery with a right signature and, by default, an id of its own."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    delivery = delivery or f"f6266f16-1bf3-46a5-9ea4-{next(_ids):012}"
    if forge == "github":
        return {
            "X-Hub-Signature-256": f"sha256={digest}",
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": delivery,
        }
    return {
        "X-Gitea-Signature": digest,
        "X-Gitea-Event": event,
        "X-Gitea-Delivery": delivery,
    }
