"""Registries as people have met them, who reported it to builders and other clients."""

import gzip

from aiohttp import web

from tests.unit.adapters.registry_server import (
    LABELS,
    Answers,
    Server,
    ask,
    config_of,
    digest_of,
    serving,
)


def _of_head(server: Server, end: str, status: int, **headers: str) -> None:
    """Answer HEAD in a way of its own."""
    whole: Answers = server.answers[end]

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.method != "HEAD":
            return await whole(request)
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, headers=told)

    server.answers[end] = answer


async def test_an_image_of_which_head_knows_nothing_is_there_all_the_same() -> None:
    """crazy-max/diun#1614: Nexus behind a proxy answers HEAD with 404, and GET with the image."""
    async with serving() as server:
        digest = server.hold()
        _of_head(server, "/manifests/v1", 404)
        seen = await ask(server)

    assert seen is not None
    assert (seen.digest, seen.labels) == (digest, LABELS)


async def test_a_tag_whose_remembered_digest_is_gone_stands_for_what_is_there_now() -> None:
    """enix/kube-image-keeper#626: a mirror remembers of HEAD what nobody has any more."""
    async with serving() as server:
        digest = server.hold()
        _of_head(server, "/manifests/v1", 200, Docker_Content_Digest=f"sha256:{'e' * 64}")
        seen = await ask(server)

    assert seen is not None
    assert seen.digest == digest


async def test_a_configuration_that_comes_packed_is_proved_as_what_it_is() -> None:
    """quay/quay#1310: a registry packs blobs by gzip on their way, whose digest is of the bytes."""
    async with serving() as server:
        digest = server.hold()
        config = config_of(LABELS)

        async def packed(request: web.Request) -> web.StreamResponse:
            is_taken = "gzip" in request.headers.get("Accept-Encoding", "")
            told = {"Content-Encoding": "gzip"} if is_taken else {}
            return web.Response(body=gzip.compress(config) if is_taken else config, headers=told)

        server.answers[f"/blobs/{digest_of(config)}"] = packed
        seen = await ask(server)

    assert seen is not None
    assert (seen.digest, seen.labels) == (digest, LABELS)
