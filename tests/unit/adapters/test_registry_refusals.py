"""What real registries answer in place of an image, and what each of it means."""

import asyncio
import gzip
import json
from datetime import timedelta

import pytest
from aiohttp import web

from album_operator.adapters.registry.registry import HttpRegistry
from album_operator.domain.errors import TerminalError, TransientError
from album_operator.domain.reasons import Reason
from album_operator.domain.registry import ImagePlace, ImageSeen, RegistryCredential
from tests.unit.adapters.registry_server import (
    LABELS,
    PASSWORD,
    Server,
    ask,
    behind_tokens,
    config_of,
    digest_of,
    fails,
    give_token,
    place_at,
    serving,
)

DENIED = "requested access to the resource is denied"


def error(code: str, message: str = "") -> bytes:
    """Give an error as registries have it (distribution specification, "Error Codes")."""
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()


def make_tokens(server: Server) -> None:
    """Let a server ask for a token before anything else is answered, and make it."""
    server.answers = {"/token": give_token, **behind_tokens(server)}


@pytest.mark.parametrize("code", ["MANIFEST_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND"])
async def test_what_is_not_there_is_none(code: str) -> None:
    async with serving() as server:
        server.refuse("/manifests/v1", 404, error(code))
        assert await ask(server) is None


async def test_a_404_without_words_counts_where_its_header_says_it_is_a_registrys() -> None:
    async with serving() as server:
        server.refuse("/manifests/v1", 404, Docker_Distribution_Api_Version="registry/2.0")
        assert await ask(server) is None


async def test_a_404_of_any_web_server_says_nothing_of_an_image() -> None:
    async with serving() as server:
        server.refuse("/manifests/v1", 404, b"<html>Not here</html>")
        told = await fails(server)

    assert told.reason is Reason.REGISTRY_UNAVAILABLE
    assert "came from no registry" in str(told)


@pytest.mark.parametrize("status", [400, 404, 405])
async def test_a_registry_that_knows_no_head_is_asked_by_get(status: int) -> None:
    async with serving() as server:
        digest = server.hold()
        held = server.answers["/manifests/v1"]

        async def answer(request: web.Request) -> web.StreamResponse:
            if request.method == "HEAD":
                return web.Response(status=status)
            return await held(request)

        server.answers["/manifests/v1"] = answer
        assert await ask(server) == ImageSeen(digest, LABELS, ("linux/amd64",))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, error("UNAUTHORIZED", "authentication required")),
        (401, error("UNAUTHORIZED", "access to the requested resource is not authorized")),
        (401, error("UNAUTHORIZED", "unauthorized to access repository: acme/shop, action: pull")),
        (403, error("DENIED", DENIED)),
    ],
    ids=["Docker Hub", "Quay", "Harbor", "GitHub"],
)
async def test_a_repository_that_the_first_push_will_make_is_not_there(
    status: int, body: bytes
) -> None:
    async with serving() as server:
        server.refuse("/manifests/v1", status, body, WWW_Authenticate='Basic realm="harbor"')
        make_tokens(server)
        place = place_at(server, username="acme", password=PASSWORD)
        registry = HttpRegistry({server.host})
        for _ in range(2):
            assert await registry.find(place, "v1") is None
        await registry.close()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (403, error("DENIED", "User: ci is not authorized to perform: ecr:BatchGetImage"), "ecr:"),
        (403, error("DENIED", 'Permission "artifactregistry.downloadArtifacts" denied'), "Permis"),
        (403, b"<html>", "HTTP status 403"),
    ],
)
async def test_a_user_without_the_right_is_told(status: int, body: bytes, said: str) -> None:
    async with serving() as server:
        server.refuse("/manifests/v1", status, body)
        make_tokens(server)
        told = await fails(server, place_at(server, username="acme", password=PASSWORD))

    assert told.reason is Reason.CREDENTIALS_REFUSED
    assert said in str(told)


@pytest.mark.parametrize("shown", [{}, {"registry_token": PASSWORD}])
async def test_nothing_is_missing_for_certain_where_no_credential_was_found_good(
    shown: dict[str, str],
) -> None:
    async with serving() as server:
        server.refuse("/manifests/v1", 403, error("DENIED", DENIED))
        told = await fails(server, place_at(server, **shown))

    assert told.reason is Reason.CREDENTIALS_REFUSED


@pytest.mark.parametrize(
    ("status", "reason"), [(503, Reason.REGISTRY_UNAVAILABLE), (429, Reason.RATE_LIMITED)]
)
async def test_who_makes_tokens_and_does_not_now_is_named(status: int, reason: Reason) -> None:
    async with serving() as server, serving("127.0.0.2") as maker:
        server.hold()
        server.answers = behind_tokens(server, f"http://{maker.host}/token")
        maker.refuse("/token", status)
        told = await fails(server, None, maker.host)

    assert told.reason is reason
    assert f"{maker.host} said HTTP status {status}" in str(told)


async def test_a_token_that_is_good_no_more_is_made_anew() -> None:
    async with serving() as server:
        digest = server.hold()
        held, good = server.answers["/manifests/v1"], ["first"]

        async def give(_: web.Request) -> web.StreamResponse:
            return web.json_response({"token": good[0]})

        async def answer(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Authorization") == f"Bearer {good[0]}":
                return await held(request)
            wanted = {"WWW-Authenticate": f'Bearer realm="http://{server.host}/token"'}
            return web.Response(status=401, headers=wanted)

        server.answers = {**server.answers, "/token": give, "/manifests/v1": answer}
        registry = HttpRegistry({server.host})
        place = place_at(server, username="acme", password=PASSWORD)
        for token in ("first", "first", "second", "second"):
            good[0] = token
            seen = await registry.find(place, "v1")
            assert seen is not None
            assert seen.digest == digest
        await registry.close()

    assert [path for _, path, _ in server.seen].count("/token") == 2


async def test_of_several_challenges_the_one_with_tokens_is_taken() -> None:
    async with serving() as server:
        server.hold()
        held = server.answers["/manifests/v1"]

        async def answer(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Authorization") == "Bearer made-token":
                return await held(request)
            response = web.Response(status=401)
            realm = f'Bearer realm="http://{server.host}/token"'
            for challenge in ('Basic realm="a, b"', realm, "Negotiate"):
                response.headers.add("WWW-Authenticate", challenge)
            return response

        server.answers = {**server.answers, "/token": give_token, "/manifests/v1": answer}
        place = place_at(server, username="acme", password=PASSWORD)
        assert await ask(server, place) is not None


@pytest.mark.parametrize(
    "data",
    [
        b'{"token": "t", "expires_in": 1' + b"0" * 400 + b"}",
        b'{"token": "a b"}',
        json.dumps({"token": "x" * 40_000}).encode(),
    ],
)
async def test_what_cannot_be_shown_in_a_header_is_no_token(data: bytes) -> None:
    async with serving() as server:
        server.hold()
        server.answers = behind_tokens(server)
        server.serve("/token", data)
        assert (await fails(server)).reason is Reason.REGISTRY_UNAVAILABLE


@pytest.mark.parametrize(
    ("there", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data", Reason.HOST_NOT_ALLOWED),
        ("https://kubernetes.default.svc/api", Reason.HOST_NOT_ALLOWED),
        ("http://store.example.org/kept", Reason.HOST_NOT_ALLOWED),
        ("https://a:b@store.example.org/kept", Reason.HOST_NOT_ALLOWED),
        ("file:///etc/passwd", Reason.REGISTRY_UNAVAILABLE),
        ("https://[::1/x", Reason.REGISTRY_UNAVAILABLE),
        ("https://store.example.org:x/", Reason.REGISTRY_UNAVAILABLE),
        (None, Reason.REGISTRY_UNAVAILABLE),
    ],
)
@pytest.mark.parametrize("end", ["blob", "manifest"])
async def test_a_redirect_leads_nowhere_pipelines_are_not_let_to(
    there: str | None, reason: Reason, end: str
) -> None:
    async with serving() as server:
        server.hold()
        where = f"/blobs/{digest_of(config_of(LABELS))}" if end == "blob" else "/manifests/v1"
        server.refuse(where, 307, b"", **({"Location": there} if there is not None else {}))
        told = await fails(server)

    assert told.reason is reason


async def test_a_token_over_plain_http_is_made_by_nobody_else() -> None:
    async with serving() as server, serving("127.0.0.2") as other:
        server.hold()
        server.answers = behind_tokens(server, f"http://{other.host}/token")
        login = RegistryCredential("push", server.host, "acme", PASSWORD)
        place = ImagePlace(f"{server.host}/acme/shop", login, "a", insecure=True)
        registry = HttpRegistry(allowed_hosts={server.host, other.host})
        with pytest.raises(TerminalError, match="in plain HTTP"):
            await registry.find(place, "v1")
        await registry.close()

    assert other.seen == []


async def test_what_is_gone_between_two_questions_is_looked_for_by_its_tag() -> None:
    async with serving() as server:
        digest = server.hold()
        del server.answers[f"/manifests/{digest}"]
        seen = await ask(server)
        assert seen is not None
        assert seen.digest == digest


async def test_a_configuration_that_came_packed_is_proved_unpacked() -> None:
    async with serving() as server:
        digest = server.hold()
        config = config_of(LABELS)
        packed = gzip.compress(config)
        server.serve(f"/blobs/{digest_of(config)}", packed, Content_Encoding="gzip")
        seen = await ask(server)

    assert seen == ImageSeen(digest, LABELS, ("linux/amd64",))


async def test_a_blob_is_not_followed_for_ever() -> None:
    async with serving() as server:
        server.hold()
        end = f"/blobs/{digest_of(config_of(LABELS))}"
        server.refuse(end, 307, Location="?again")
        told = await fails(server)

    assert told.reason is Reason.REGISTRY_UNAVAILABLE
    assert len(server.seen) == 6


async def test_a_credential_is_shown_to_no_other_registry_than_its_own() -> None:
    async with serving() as server:
        login = RegistryCredential("push", "ghcr.io", "acme", PASSWORD)
        place = ImagePlace(f"{server.host}/acme/shop", login, "a", insecure=True)
        told = await fails(server, place)

    assert told.reason is Reason.HOST_NOT_ALLOWED
    assert server.seen == []


async def test_words_of_a_registry_are_one_line_for_no_terminal() -> None:
    async with serving() as server:
        server.refuse("/manifests/v1", 403, error("DENIED", "one\n\x1b[31mtwo\u202e"))
        told = await fails(server)

    assert "DENIED: one [31mtwo ." in str(told)


async def test_labels_beyond_measure_are_read_and_not_remembered() -> None:
    async with serving() as server:
        digest = server.hold({"long": "x" * 20_000})
        registry = HttpRegistry({server.host})
        for _ in range(2):
            seen = await registry.find(place_at(server), "v1")
            assert seen is not None
            assert seen.digest == digest
        await registry.close()

    assert len(server.seen) == 6


async def test_a_registry_that_gives_an_image_in_drops_is_not_waited_for() -> None:
    ended = asyncio.Event()

    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        if request.method == "GET":
            await response.write(b"{")
            await ended.wait()
        return response

    async with serving() as server:
        server.answers["/manifests/v1"] = drip
        registry = HttpRegistry({server.host}, whole_limit=timedelta(milliseconds=500))
        with pytest.raises(TransientError, match=r"within 0\.5 seconds") as caught:
            await registry.find(place_at(server), "v1")
        ended.set()
        await registry.close()

    assert caught.value.reason is Reason.REGISTRY_UNAVAILABLE
