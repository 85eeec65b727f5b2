"""An API server that answers what a test tells it to, and remembers what it was asked."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from kubernetes.aio import client

from album_operator.adapters.cluster.cluster import REVIEWS, Cluster
from album_operator.term import Term

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ApiServer:
    """Answers each request by `answer`, and reviews of rights by `allowed`.

    Attributes:
        answer: status and body of every other request; a text body is no JSON.
        handler: answers in place of `answer` where it is set.
        headers: sent with each answer.
        allowed: what reviews say; None: they fail.
        asked: attributes of the rights that were asked for.
    """

    def __init__(self) -> None:
        self.answer: tuple[int, object] = (200, {"metadata": {}})
        self.handler: Handler | None = None
        self.headers: dict[str, str] = {}
        self.allowed: bool | None = True
        self.asked: list[dict[str, Any]] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        if request.path == REVIEWS:
            return await self.review(request)
        if self.handler is not None:
            return await self.handler(request)
        status, body = self.answer
        if isinstance(body, str):
            return web.Response(status=status, text=body, headers=self.headers)
        return web.json_response(body, status=status, headers=self.headers)

    async def review(self, request: web.Request) -> web.StreamResponse:
        """Answer a review of a right."""
        self.asked.append((await request.json())["spec"]["resourceAttributes"])
        if self.allowed is None:
            return web.Response(status=403)
        return web.json_response({"status": {"allowed": self.allowed}}, status=201)


@asynccontextmanager
async def running(server: ApiServer, term: Term | None = None) -> AsyncIterator[Cluster]:
    """Run it on loopback, and give the adapter that speaks to it."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    settings = client.Configuration()
    settings.host = f"http://127.0.0.1:{runner.addresses[0][1]}"
    cluster = Cluster(client.ApiClient(settings), term=term)
    try:
        yield cluster
    finally:
        await cluster.close()
        await runner.cleanup()


def status_of(code: int, message: str, reason: str = "", **details: object) -> dict[str, Any]:
    """Give a `Status` as the API server makes it."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": message,
        "reason": reason,
        "details": details,
        "code": code,
    }
