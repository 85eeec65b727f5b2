"""A proxy before the API server that stumbles on demand, as one does around its restart."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import aiohttp
from aiohttp import web

from testbed.github.gate import Gate
from tests.integration.apiserver import ApiServer


class ApiProxy:
    """Hands requests on over plain HTTP.

    Attributes:
        url: where it listens.
        answer: status and body of every answer while it is set.
        knows_rights: false: everything is forbidden and reviews say so, as after a restart with
            many RoleBindings, for minutes (kubernetes/kubernetes#121635).
        watches: how many watches were handed on.
        gates: each may hold one request back.
    """

    def __init__(self, server: ApiServer) -> None:
        self.url = ""
        self.answer: tuple[int, str] | None = None
        self.knows_rights = True
        self.watches = 0
        self.gates: list[Gate] = []
        self._server = server
        self._era = 0

    def freeze(self) -> None:
        """Let every watch that is open now stay open, and hand on nothing of it any more."""
        self._era += 1

    async def serve(self, started: threading.Event, stop: asyncio.Event) -> None:
        """Serve until told to stop."""
        trust = ssl.create_default_context(cafile=str(self._server.ca))
        connector = aiohttp.TCPConnector(ssl=trust, limit=0)
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            app = web.Application(client_max_size=1 << 24)
            app.router.add_route("*", "/{path:.*}", partial(self._handle, session))
            runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            started.set()
            await stop.wait()
            await runner.cleanup()

    async def _handle(
        self, session: aiohttp.ClientSession, request: web.Request
    ) -> web.StreamResponse:
        if self.answer is not None:
            status, body = self.answer
            return web.Response(status=status, text=body)
        if not self.knows_rights:
            return _without_rights(request)
        sent = await request.read() or None
        for gate in self.gates:
            await gate.pass_through(request.method, request.path_qs)
        kept = ("Authorization", "Content-Type", "Accept")
        headers = {name: request.headers[name] for name in kept if name in request.headers}
        async with session.request(
            request.method,
            f"{self._server.url}{request.path_qs}",
            data=sent,
            headers=headers,
        ) as found:
            if request.query.get("watch") == "true" and found.status == 200:
                return await self._stream(request, found)
            kind = found.headers.get("Content-Type", "text/plain")
            return web.Response(
                status=found.status, body=await found.read(), headers={"Content-Type": kind}
            )

    async def _stream(
        self, request: web.Request, found: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        era = self._era
        self.watches += 1
        answer = web.StreamResponse(headers={"Content-Type": "application/json"})
        await answer.prepare(request)
        async for chunk in found.content.iter_any():
            if era != self._era:
                await asyncio.Event().wait()
            if self.answer is not None or not self.knows_rights:
                break  # A server that restarts ends its watches.
            await answer.write(chunk)
        return answer


def _without_rights(request: web.Request) -> web.Response:
    if request.path.endswith("selfsubjectaccessreviews"):
        return web.json_response({"status": {"allowed": False}}, status=201)
    if request.path.endswith("selfsubjectrulesreviews"):
        status = {"resourceRules": [], "nonResourceRules": [], "incomplete": False}
        return web.json_response({"status": status}, status=201)
    message = 'it is forbidden: User "system:serviceaccount:x:y" cannot get it'
    answer = {"kind": "Status", "message": message, "reason": "Forbidden", "code": 403}
    return web.json_response(answer, status=403)


@contextmanager
def running_proxy(server: ApiServer) -> Iterator[ApiProxy]:
    """Run one until the block ends."""
    proxy, loop, stop = ApiProxy(server), asyncio.new_event_loop(), asyncio.Event()
    started = threading.Event()

    def work() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(proxy.serve(started, stop))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert started.wait(10)
        yield proxy
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
