"""Tags and indexes that are put into a registry, whatever comes in between."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from album_operator.adapters.registry.manifests import (
    DOCKER_IMAGE,
    DOCKER_INDEX,
    IMAGE,
    INDEX,
    make_index,
)
from album_operator.adapters.registry.registry import HttpRegistry
from album_operator.domain.errors import OutsideError, StaleError, TerminalError, TransientError
from album_operator.domain.reasons import Reason
from album_operator.domain.registry import ImagePlace, ImageSeen
from tests.unit.adapters.registry_server import (
    LABELS,
    PASSWORD,
    Server,
    digest_of,
    place_at,
    serving,
)

TAG = "v1.1"


@asynccontextmanager
async def keeping() -> AsyncIterator[tuple[HttpRegistry, Server, ImagePlace]]:
    """Run a registry that keeps what is put under the tag."""
    async with serving() as server:

        async def keep(request: web.Request) -> web.StreamResponse:
            if request.method != "PUT":
                error = {"errors": [{"code": "MANIFEST_UNKNOWN"}]}
                return web.json_response(error, status=404)
            server.serve(f"/manifests/{TAG}", await request.read())
            return web.Response(status=201)

        server.answers[f"/manifests/{TAG}"] = keep
        registry = HttpRegistry({server.host})
        try:
            yield registry, server, place_at(server, username="acme", password=PASSWORD)
        finally:
            await registry.close()


def writes(server: Server) -> int:
    return [method for method, *_ in server.seen].count("PUT")


async def test_a_tag_is_put_once() -> None:
    async with keeping() as (registry, server, place):
        digest = server.hold()
        for _ in range(2):
            await registry.tag(place, digest, TAG)

        assert await registry.find(place, TAG) == ImageSeen(digest, LABELS, ("linux/amd64",))
        assert writes(server) == 1


async def test_a_tag_whose_answer_was_lost_is_found_put() -> None:
    async with keeping() as (registry, server, place):
        digest = server.hold()
        kept = server.answers[f"/manifests/{TAG}"]

        async def lose(request: web.Request) -> web.StreamResponse:
            answer = await kept(request)
            if request.method == "PUT":
                return web.Response(status=502)
            return answer

        server.answers[f"/manifests/{TAG}"] = lose
        with pytest.raises(TransientError, match="502"):
            await registry.tag(place, digest, TAG)
        await registry.tag(place, digest, TAG)

        assert writes(server) == 1


async def test_a_tag_that_another_took_meanwhile_is_told() -> None:
    async with keeping() as (registry, server, place):
        digest, other = server.hold(), server.hold({"other": "yes"}, "v2")

        async def take(request: web.Request) -> web.StreamResponse:
            if request.method == "PUT":
                server.answers[f"/manifests/{TAG}"] = server.answers[f"/manifests/{other}"]
                return web.Response(status=201)
            return web.json_response({"errors": [{"code": "MANIFEST_UNKNOWN"}]}, status=404)

        server.answers[f"/manifests/{TAG}"] = take
        with pytest.raises(StaleError, match=f"stands for {other} by now"):
            await registry.tag(place, digest, TAG)


async def test_a_registry_that_takes_a_tag_and_has_it_not_is_told() -> None:
    async with keeping() as (registry, server, place):
        digest = server.hold()

        async def forget(request: web.Request) -> web.StreamResponse:
            if request.method == "PUT":
                return web.Response(status=201)
            return web.json_response({"errors": [{"code": "MANIFEST_UNKNOWN"}]}, status=404)

        server.answers[f"/manifests/{TAG}"] = forget
        with pytest.raises(TransientError, match=r"took .*:v1\.1 and has it not") as caught:
            await registry.tag(place, digest, TAG)

    assert caught.value.reason is Reason.REGISTRY_UNAVAILABLE


async def test_a_tag_that_a_registry_does_not_move_though_it_said_so_is_told() -> None:
    async with keeping() as (registry, server, place):
        digest, other = server.hold(), server.hold({"other": "yes"}, "v2")
        of_other = server.answers[f"/manifests/{other}"]

        async def stay(request: web.Request) -> web.StreamResponse:
            return web.Response(status=201) if request.method == "PUT" else await of_other(request)

        server.answers[f"/manifests/{TAG}"] = stay
        with pytest.raises(TransientError, match=r"took .*:v1\.1 and has it not"):
            await registry.tag(place, digest, TAG, instead_of=other)


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (403, "DENIED", Reason.PUSH_REFUSED),
        (400, "TAG_INVALID", Reason.PUSH_REFUSED),
        (412, "PRECONDITION", Reason.PUSH_REFUSED),
        (405, "UNSUPPORTED", Reason.PUSH_REFUSED),
        (307, "", Reason.PUSH_REFUSED),
        (429, "TOOMANYREQUESTS", Reason.RATE_LIMITED),
        (500, "UNKNOWN", Reason.REGISTRY_UNAVAILABLE),
    ],
)
async def test_a_tag_that_is_refused_says_why(status: int, code: str, reason: Reason) -> None:
    async with keeping() as (registry, server, place):
        digest = server.hold()
        kept = server.answers[f"/manifests/{TAG}"]

        async def refuse(request: web.Request) -> web.StreamResponse:
            if request.method != "PUT":
                return await kept(request)
            error = {"errors": [{"code": code, "message": f"for {PASSWORD}"}]}
            return web.json_response(error, status=status)

        server.answers[f"/manifests/{TAG}"] = refuse
        with pytest.raises(OutsideError) as caught:
            await registry.tag(place, digest, TAG)

    assert caught.value.reason is reason
    assert PASSWORD not in caught.value.sentence


@pytest.mark.parametrize(
    ("digest", "tag"), [("v1", TAG), (f"sha256:{'a' * 64}", "a/b"), ("sha256:1", TAG)]
)
async def test_what_is_no_digest_or_tag_is_not_put(digest: str, tag: str) -> None:
    async with keeping() as (registry, server, place):
        server.hold()
        with pytest.raises((TerminalError, StaleError)):
            await registry.tag(place, digest, tag)

        assert writes(server) == 0


async def test_an_index_of_nothing_is_not_put() -> None:
    async with keeping() as (registry, server, place):
        with pytest.raises(TerminalError, match="an index without an image"):
            await registry.put_index(place, [], TAG)

        assert server.seen == []


def manifest(kind: str | None, number: int) -> bytes:
    raw = {"schemaVersion": 2, "number": number, **({"mediaType": kind} if kind else {})}
    return json.dumps(raw).encode()


def test_the_same_images_make_the_same_index() -> None:
    one, other = (manifest(IMAGE, 1), "linux/amd64"), (manifest(None, 2), "linux/arm64/v8")
    data, kind = make_index([one, other])

    assert (data, kind) == make_index([other, one])
    listed = {each["digest"]: each for each in json.loads(data)["manifests"]}
    assert kind == json.loads(data)["mediaType"] == INDEX
    assert listed[digest_of(other[0])] == {
        "mediaType": IMAGE,
        "digest": digest_of(other[0]),
        "size": len(other[0]),
        "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"},
    }


def test_images_of_dockers_kind_make_an_index_of_dockers_kind() -> None:
    docker = (manifest(DOCKER_IMAGE, 1), "")
    assert make_index([docker])[1] == DOCKER_INDEX
    assert make_index([docker, (manifest(IMAGE, 2), "")])[1] == INDEX
    assert "platform" not in json.loads(make_index([docker])[0])["manifests"][0]
