"""A GitHub that answers what a test tells it to, and remembers what it was asked."""

import inspect
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from album_operator.adapters.github.limits import Limits
from album_operator.adapters.github.pull_requests import GitHubPullRequests
from album_operator.domain.forges import ForgeType
from album_operator.domain.places import Credential, ForgePlace, GitHubApp

TOKEN = "canary-token"
SHA = "a" * 40
OURS = "release/a_v1.0.0"

REPOSITORY: dict[str, Any] = {
    "id": 1,
    "full_name": "o/n",
    "archived": False,
    "permissions": {"push": True},
}

PAGE = "https://github.com/o/n"
BASE = {"id": 1, "html_url": PAGE, "archived": False}

OPEN: dict[str, Any] = {
    "number": 7,
    "html_url": f"{PAGE}/pull/7",
    "state": "open",
    "title": "release",
    "draft": False,
    "merged_at": None,
    "merge_commit_sha": "b" * 40,
    "updated_at": "2026-01-01T00:00:00Z",
    "head": {"ref": OURS, "sha": SHA, "repo": {"id": 1}},
    "base": {"ref": "main", "sha": SHA, "repo": BASE},
    "labels": [],
    "requested_reviewers": [],
    "assignees": [],
    "milestone": None,
}

SEEN: dict[str, Any] = {
    "number": 7,
    "url": f"{PAGE}/pull/7",
    "title": "release",
    "state": "OPEN",
    "isDraft": False,
    "headRefOid": SHA,
    "headRefName": OURS,
    "isCrossRepository": False,
    "baseRefName": "main",
    "mergedAt": None,
    "headRef": {"name": OURS},
    "mergeCommit": None,
    "mergedBy": None,
    "timelineItems": {"nodes": []},
    "labels": {"nodes": []},
    "assignees": {"nodes": []},
    "reviewRequests": {"nodes": []},
    "milestone": None,
    "mergeable": "MERGEABLE",
    "mergeStateStatus": "CLEAN",
    "reviewDecision": None,
    "isMergeQueueEnabled": False,
    "autoMergeRequest": None,
    "mergeQueueEntry": None,
    "baseRef": {"refUpdateRule": None},
    "commits": {"nodes": [{"commit": {"statusCheckRollup": None}}]},
}


@dataclass(frozen=True)
class Asked:
    """A request as it came; `query` decoded, `body` parsed."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Forge:
    """The adapter and what its server was asked."""

    adapter: GitHubPullRequests
    place: ForgePlace
    url: str
    asked: list[Asked] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """What was asked, in short."""
        return [f"{item.method} {item.path.removeprefix('/api/v3')}" for item in self.asked]


@cache
def make_key() -> tuple[str, Any]:
    """Make the private key of an App, and its public one."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return pem.decode(), private.public_key()


Handler = Callable[[Asked], web.StreamResponse | Awaitable[web.StreamResponse]]


def reply(
    body: object = None, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    """Answer with JSON, or with bytes as they are."""
    if isinstance(body, bytes):
        return web.Response(status=status, body=body, headers=headers)
    return web.json_response(body, status=status, headers=headers)


def always(
    body: object = None, status: int = 200, headers: dict[str, str] | None = None
) -> Handler:
    """Answer everything alike."""
    return lambda _: reply(body, status, headers)


def in_turn(*answers: web.StreamResponse) -> Handler:
    """Answer one request after another."""
    left = list(answers)
    return lambda _: left.pop(0)


def graphql(pull_request: object, **repository: object) -> dict[str, Any]:
    """Answer a query for pull request 7."""
    found = {
        "nameWithOwner": "o/n",
        "url": PAGE,
        "isArchived": False,
        "p7": pull_request,
        **repository,
    }
    return {"data": {"repository": found}}


@asynccontextmanager
async def forge(
    handler: Handler,
    *,
    app: GitHubApp | None = None,
    limits: Callable[[str], Limits] = Limits,
    time_limit: timedelta = timedelta(seconds=20),
) -> AsyncIterator[Forge]:
    """Run a server and the adapter beside it."""
    asked: list[Asked] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        data = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = json.loads(data) if data else None
        asked.append(Asked(request.method, request.path, dict(request.query), headers, body))
        answer = handler(asked[-1])
        return await answer if inspect.isawaitable(answer) else answer

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host = f"127.0.0.1:{runner.addresses[0][1]}"
    url = f"http://{host}"
    credential = Credential("album-git", url, "x", "" if app else TOKEN, app=app)
    adapter = GitHubPullRequests({host}, make_limits=limits, time_limit=time_limit)
    place = ForgePlace(f"{url}/api/v3", "o/n", credential, ForgeType.GITHUB)
    try:
        yield Forge(adapter, place, url, asked)
    finally:
        await adapter.close()
        await runner.cleanup()
