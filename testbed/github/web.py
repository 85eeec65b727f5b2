"""The HTTP server: what a request is for, and the faults between its effect and its answer."""

from __future__ import annotations

import asyncio
import html
import json
import re
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from aiohttp import web

from testbed.github import git_http
from testbed.github.faults import Fault
from testbed.github.git_http import GitHttp
from testbed.github.graphql import api as graphql_api
from testbed.github.graphql.api import GraphqlApi
from testbed.github.rest_api import PREFIX, RestApi
from testbed.github.site import LoggedRequest, Reply, Request, Site

ADMIN = "/_standin/"

_MOST_BYTES = 1 << 30
_PULL_PAGE = re.compile(r"/(?P<name>[^/]+/[^/]+)/pull/(?P<number>\d+)")

Admin = Callable[[str, dict[str, Any]], object]


class Web:
    """Answers all requests to one server.

    Args:
        site: its state.
        admin: does what is asked below `/_standin/`, given a name and arguments.
    """

    def __init__(self, site: Site, admin: Admin) -> None:
        self._site = site
        self._admin = admin
        self._rest = RestApi(site)
        self._graphql = GraphqlApi(site)
        self._git = GitHttp(site)
        self._ids = 0

    async def start(self, host: str, port: int) -> tuple[web.AppRunner, int]:
        """Begin to listen, and give what ends it and the port."""
        application = web.Application(client_max_size=_MOST_BYTES)
        application.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, host, port)
        await site.start()
        return runner, runner.addresses[0][1]

    async def _handle(self, came: web.Request) -> web.StreamResponse:
        request = Request(
            came.method,
            came.path,
            dict(came.query),
            {name.lower(): value for name, value in came.headers.items()},
            await came.read(),
        )
        for gate in self._site.gates:
            await gate.pass_through(request.method, request.path)
        fault = self._site.faults.take(request.method, request.path)
        if self._site.latency:
            await asyncio.sleep(self._site.latency)
        if fault is not None and fault.when == "before":
            logged = LoggedRequest(request.method, request.path, fault.status or 0, "fault")
            self._site.requests.append(logged)
            reply = Reply(200, {}, b"")
        else:
            reply = await self._answer_or_fail(request)
        if fault is not None:
            if fault.status is None:
                assert came.transport is not None  # noqa: S101 - it was just read from
                came.transport.abort()
            reply = _spoil(reply, fault)
        self._ids += 1
        headers = {
            **reply.headers,
            "Server": "github.com",
            "X-GitHub-Request-Id": f"{self._ids:04X}:{id(self):X}",
        }
        return web.Response(status=reply.status, headers=headers, body=reply.body)

    async def _answer_or_fail(self, request: Request) -> Reply:
        try:
            return await self._answer(request)
        except Exception:  # noqa: BLE001 - a bug here is to fail the test that met it
            self._site.world.violations.append(f"the stand-in failed: {traceback.format_exc()}")
            return Reply(500, {"Content-Type": "text/plain"}, b"The stand-in failed")

    async def _answer(self, request: Request) -> Reply:
        path = request.path
        if path.startswith(f"{PREFIX}/"):
            with self._site.world.lock:
                return self._rest.answer(replace(request, path=path.removeprefix(PREFIX)))
        if path == graphql_api.PATH and request.method == "POST":
            with self._site.world.lock:
                return self._graphql.answer(request)
        if path.startswith(ADMIN) and request.method == "POST":
            arguments = json.loads(request.body or b"{}")
            done = self._admin(path.removeprefix(ADMIN), arguments)
            return Reply(200, {"Content-Type": "application/json"}, json.dumps(done).encode())
        if git_http.PATH.fullmatch(path):
            return await self._git.answer(request)
        return self._show_page(path)

    def _show_page(self, path: str) -> Reply:
        match = _PULL_PAGE.fullmatch(path)
        repository = self._site.world.find_repository(match["name"]) if match else None
        if match is None or repository is None or int(match["number"]) not in repository.pulls:
            return Reply(404, {"Content-Type": "text/plain"}, b"Not Found")
        pull = repository.pulls[int(match["number"])]
        state = "merged" if pull.is_merged else pull.state
        text = (
            f"<!doctype html><title>{html.escape(pull.title)}</title>"
            f"<h1>{html.escape(pull.title)} #{pull.number}</h1><p>{state}</p>"
            f"<pre>{html.escape(pull.body or '')}</pre>"
        )
        return Reply(200, {"Content-Type": "text/html; charset=utf-8"}, text.encode())


def _spoil(reply: Reply, fault: Fault) -> Reply:
    if fault.body is None:
        return Reply(reply.status, reply.headers, reply.body[: len(reply.body) // 2])
    is_json = fault.body.startswith("{")
    kind = "application/json; charset=utf-8" if is_json else "text/html; charset=utf-8"
    headers = {"Content-Type": kind, **fault.headers}
    return Reply(fault.status or 200, headers, fault.body.encode())
