"""A registry with a trouble of its own in each repository, on this machine, open to all Pods."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

FORGETFUL = "forgetful"
"""Begins the path of a repository that takes every push and has nothing of it afterwards."""

REFUSING = "refusing"
"""Begins the path of a repository that wants a password, which nobody has."""

ANSWERS = {
    "limiting": (429, {"Retry-After": "600"}, ""),
    "broken": (503, {}, "no upstream"),
    "garbled": (200, {"Content-Type": "text/html"}, "<html>Sign in</html>"),
    "elsewhere": (307, {"Location": "http://registry.example.org/v2/image"}, ""),
}
"""What the others answer to every question, by the beginning of their paths."""


@contextmanager
def running_bad_registry(address: str) -> Iterator[str]:
    """Run one, in plain HTTP, and give its `host:port`.

    Args:
        address: of this machine.
    """
    loop, application = asyncio.new_event_loop(), web.Application()
    application.router.add_route("*", "/v2/{repository}/{rest:.*}", _answer)
    application.router.add_get("/v2/", _greet)
    runner = web.AppRunner(application)
    port = loop.run_until_complete(_start(runner, address))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"{address}:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _start(runner: web.AppRunner, address: str) -> int:
    await runner.setup()
    await web.TCPSite(runner, address, 0).start()
    port: int = runner.addresses[0][1]
    return port


async def _greet(_request: web.Request) -> web.Response:
    return web.json_response({})


async def _answer(request: web.Request) -> web.Response:
    async for _ in request.content.iter_any():  # a push waits until it is rid of its bytes
        pass
    repository = request.match_info["repository"]
    if repository == REFUSING:
        return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="r"'})
    if repository in ANSWERS:
        status, headers, text = ANSWERS[repository]
        return web.Response(status=status, headers=headers, text=text)
    return _take(request)


def _take(request: web.Request) -> web.Response:
    """Take a push (OCI distribution specification, "Push"), and know nothing of it."""
    place, _, name = request.path.rpartition("/")
    match request.method, place.rpartition("/")[2]:
        case "POST", _:
            return web.Response(status=202, headers={"Location": f"{place}/{uuid.uuid4().hex}"})
        case "PATCH", "uploads":
            return web.Response(status=202, headers={"Location": request.path})
        case "PUT", "uploads":
            return web.Response(status=201, headers={"Location": request.path})
        case "PUT", "manifests":
            return web.Response(status=201, headers={"Location": request.path})
        case "DELETE", _:
            return web.Response(status=204)
        case _, kind:
            code = "MANIFEST_UNKNOWN" if kind == "manifests" else "BLOB_UNKNOWN"
            headers = {"Docker-Distribution-Api-Version": "registry/2.0"}
            errors = [{"code": code, "message": f"unknown {name}"}]
            return web.json_response({"errors": errors}, status=404, headers=headers)
