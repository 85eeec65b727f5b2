"""A registry on loopback that answers as a test tells it, and what honest ones answer."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from aiohttp import web

from album_operator.adapters.registry.registry import HttpRegistry
from album_operator.domain.errors import OutsideError
from album_operator.domain.registry import ImagePlace, ImageSeen, RegistryCredential

PASSWORD = "canary-password"
LABELS = {"org.opencontainers.image.revision": "a" * 40}
CONFIG = "application/vnd.oci.image.config.v1+json"
Answers = Callable[[web.Request], Awaitable[web.StreamResponse]]


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def config_of(labels: Mapping[str, str]) -> bytes:
    return json.dumps(
        {"os": "linux", "architecture": "amd64", "config": {"Labels": labels}}
    ).encode()


def manifest_of(config: bytes, kind: str = CONFIG) -> bytes:
    wanted = {"mediaType": kind, "digest": digest_of(config), "size": len(config)}
    return json.dumps({"schemaVersion": 2, "config": wanted, "layers": []}).encode()


@dataclass
class Server:
    """What one answers is up to the test; it remembers who came with what.

    Attributes:
        answers: by the part of the path that it ends in.
        seen: method, path and `Authorization` of each request.
    """

    host: str = ""
    answers: dict[str, Answers] = field(default_factory=dict)
    seen: list[tuple[str, str, str]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        shown = request.headers.get("Authorization", "")
        self.seen.append((request.method, request.path, shown))
        for end, answer in self.answers.items():
            if request.path.endswith(end):
                return await answer(request)
        return web.json_response({"errors": [{"code": "MANIFEST_UNKNOWN"}]}, status=404)

    def hold(self, labels: Mapping[str, str] = LABELS, tag: str = "v1") -> str:
        """Hold an image as honest registries do."""
        config = config_of(labels)
        self.serve(f"/blobs/{digest_of(config)}", config)
        manifest = manifest_of(config)
        self.serve(f"/manifests/{tag}", manifest)
        return self.serve(f"/manifests/{digest_of(manifest)}", manifest)

    def serve(self, end: str, data: bytes, **headers: str) -> str:
        """Answer with some bytes and their digest."""
        told = {"Docker-Content-Digest": digest_of(data)}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[end] = _answer(200, data, told)
        return digest_of(data)

    def refuse(self, end: str, status: int, data: bytes = b"", **headers: str) -> None:
        """Answer with a status."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[end] = _answer(status, data, told)


def _answer(status: int, data: bytes, headers: Mapping[str, str]) -> Answers:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=data, headers=headers)

    return answer


@asynccontextmanager
async def serving(address: str = "127.0.0.1") -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, address, 0)
    await site.start()
    server.host = f"{address}:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


def place_at(server: Server, **credential: str) -> ImagePlace:
    nobody = RegistryCredential("push", server.host)
    shown = replace(nobody, **credential) if credential else None  # type: ignore[arg-type]
    return ImagePlace(f"{server.host}/acme/shop", shown, "a", insecure=True)


async def ask(
    server: Server, place: ImagePlace | None = None, name: str = "v1", *also: str
) -> ImageSeen | None:
    registry = HttpRegistry({server.host, *also}, time_limit=timedelta(seconds=5))
    try:
        return await registry.find(place or place_at(server), name)
    finally:
        await registry.close()


async def fails(server: Server, place: ImagePlace | None = None, *also: str) -> OutsideError:
    with pytest.raises(OutsideError) as caught:
        await ask(server, place, "v1", *also)
    assert PASSWORD not in str(caught.value)
    return caught.value


async def give_token(request: web.Request) -> web.StreamResponse:
    pair = base64.b64encode(f"acme:{PASSWORD}".encode()).decode()
    if request.headers.get("Authorization") not in {None, f"Basic {pair}"}:
        return web.json_response(
            {"errors": [{"code": "UNAUTHORIZED", "message": PASSWORD}]}, status=401
        )
    return web.json_response({"token": "made-token", "expires_in": 300})


def behind_tokens(server: Server, realm: str = "") -> dict[str, Answers]:
    """Ask for a token before anything else is answered."""

    def guard(answer: Answers) -> Answers:
        async def guarded(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Authorization") == "Bearer made-token":
                return await answer(request)
            where = realm or f"http://{server.host}/token"
            told = f'Bearer realm="{where}",service="s",scope="repository:acme/shop:pull"'
            return web.Response(status=401, headers={"WWW-Authenticate": told})

        return guarded

    return {end: guard(answer) for end, answer in server.answers.items()}
