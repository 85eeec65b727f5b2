"""Registries that answer oddly, or want to be shown too much."""

import base64
import json
from datetime import timedelta

import pytest
from aiohttp import web

from album_operator.adapters.registry.manifests import IMAGE, INDEX
from album_operator.adapters.registry.registry import HttpRegistry
from album_operator.domain.errors import TerminalError, TransientError
from album_operator.domain.reasons import Reason
from album_operator.domain.registry import ImagePlace, ImageSeen, RegistryCredential
from tests.unit.adapters.registry_server import (
    CONFIG,
    LABELS,
    PASSWORD,
    ask,
    behind_tokens,
    config_of,
    digest_of,
    fails,
    give_token,
    manifest_of,
    place_at,
    serving,
)


async def test_an_image_costs_three_requests_and_one_when_it_is_known() -> None:
    async with serving() as server:
        digest = server.hold()
        registry = HttpRegistry({server.host})
        first = await registry.find(place_at(server), "v1")
        again = await registry.find(place_at(server), "v1")
        await registry.close()

    assert first == again == ImageSeen(digest, LABELS, ("linux/amd64",))
    assert [method for method, *_ in server.seen] == ["HEAD", "GET", "GET", "HEAD"]


@pytest.mark.parametrize(
    ("status", "headers", "reason", "seconds"),
    [
        (429, {"Retry_After": "120"}, Reason.RATE_LIMITED, 120),
        (429, {}, Reason.RATE_LIMITED, None),
        (500, {}, Reason.REGISTRY_UNAVAILABLE, None),
        (503, {"Retry_After": "30"}, Reason.REGISTRY_UNAVAILABLE, 30),
        (418, {}, Reason.REGISTRY_UNAVAILABLE, None),
        (204, {}, Reason.REGISTRY_UNAVAILABLE, None),
    ],
)
async def test_a_trouble_of_the_registry_passes(
    status: int, headers: dict[str, str], reason: Reason, seconds: int | None
) -> None:
    async with serving() as server:
        server.refuse("/manifests/v1", status, b"", **headers)
        error = await fails(server)

    assert isinstance(error, TransientError)
    assert error.reason is reason
    assert error.retry_after == (timedelta(seconds=seconds) if seconds is not None else None)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>Sign in</html>",
        b"[]",
        b"7",
        b"{}",
        b'{"config": {"digest": "../etc"}}',
        b"[" * 99_999,
    ],
)
async def test_garbage_in_place_of_a_manifest_is_no_image(data: bytes) -> None:
    async with serving() as server:
        server.serve("/manifests/v1", data)
        server.serve(f"/manifests/{digest_of(data)}", data)
        error = await fails(server)

    assert isinstance(error, TransientError)
    assert error.reason is Reason.REGISTRY_UNAVAILABLE
    assert ("it is a web page" in error.message) == data.startswith(b"<")


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ({"schemaVersion": 1, "fsLayers": []}, "manifest version 1"),
        ({"manifests": []}, "index without an image"),
        ({"manifests": [], "config": {}}, "both an image and an index"),
        ({"manifests": [], "mediaType": IMAGE}, "both an image and an index"),
        ({"config": {}, "mediaType": INDEX}, "both an image and an index"),
        ({"manifests": [{"digest": "sha512:00"}]}, "does not name by SHA-256"),
        ({"manifests": ["x"]}, "does not name by SHA-256"),
        (
            {"manifests": [{"digest": f"sha256:{'a' * 64}", "mediaType": INDEX}]},
            "an index of indexes",
        ),
        (
            {
                "config": {"mediaType": CONFIG, "digest": f"sha256:{'a' * 64}"},
                "layers": [{"mediaType": "application/vnd.dev.cosign.simplesigning.v1+json"}],
            },
            "no image but an artifact",
        ),
        (
            {"manifests": [{"digest": f"sha256:{n:064x}"} for n in range(10_000)]},
            "index of more than 16 images",
        ),
        (
            {
                "config": {
                    "mediaType": "application/vnd.cncf.helm.config.v1+json",
                    "digest": f"sha256:{'a' * 64}",
                }
            },
            "no image but an artifact",
        ),
    ],
)
async def test_what_is_no_image_is_told_as_what_it_is(
    manifest: dict[str, object], words: str
) -> None:
    async with serving() as server:
        data = json.dumps(manifest).encode()
        server.serve("/manifests/v1", data)
        server.serve(f"/manifests/{digest_of(data)}", data)
        error = await fails(server)

    assert error.reason is Reason.IMAGE_SOURCE_UNKNOWN
    assert words in str(error)
    # Whatever an index lists, nothing of it was asked for.
    assert len(server.seen) == 2


async def test_what_an_image_lacks_is_told() -> None:
    async with serving() as server:
        digest = server.hold()
        config = digest_of(config_of(LABELS))
        del server.answers[f"/blobs/{config}"]
        assert f"@{config} is part of an image and not there" in str(await fails(server))
        del server.answers[f"/manifests/{digest}"]
        server.serve("/manifests/v1", json.dumps({"manifests": [{"digest": digest}]}).encode())
        index = server.answers["/manifests/v1"]
        told = json.dumps({"manifests": [{"digest": digest}]}).encode()
        server.answers[f"/manifests/{digest_of(told)}"] = index
        assert f"@{digest} is part of an index and not there" in str(await fails(server))


async def test_an_index_in_an_index_is_no_image() -> None:
    async with serving() as server:
        digest = server.hold()
        inner = json.dumps({"manifests": [{"digest": digest}]}).encode()
        outer = json.dumps({"manifests": [{"digest": digest_of(inner)}]}).encode()
        for data in (inner, outer):
            server.serve(f"/manifests/{digest_of(data)}", data)
        server.serve("/manifests/v1", outer)
        assert "part of an index and an index itself" in str(await fails(server))


async def test_attestations_are_no_images() -> None:
    async with serving() as server:
        digest = server.hold()
        listed = [
            {"digest": digest, "platform": {"os": "linux", "architecture": "amd64"}},
            {"digest": f"sha256:{'b' * 64}", "annotations": {"vnd.docker.reference.type": "x"}},
            {
                "digest": f"sha256:{'c' * 64}",
                "platform": {"os": "unknown", "architecture": "unknown"},
            },
        ]
        index = json.dumps({"manifests": listed}).encode()
        server.serve("/manifests/v1", index)
        server.serve(f"/manifests/{digest_of(index)}", index)
        seen = await ask(server)

    assert seen == ImageSeen(digest_of(index), LABELS, ("linux/amd64",), (digest,))


@pytest.mark.parametrize("lie", ["manifest", "config"])
async def test_other_bytes_than_those_of_the_digest_are_believed_by_nobody(lie: str) -> None:
    async with serving() as server:
        digest = server.hold()
        other = config_of({"org.opencontainers.image.revision": "b" * 40})
        if lie == "manifest":
            server.serve(f"/manifests/{digest}", manifest_of(other))
        else:
            server.serve(f"/blobs/{digest_of(config_of(LABELS))}", other)
        error = await fails(server)

    assert isinstance(error, TerminalError)
    assert error.reason is Reason.IMAGE_MISMATCH


async def test_a_digest_that_a_header_claims_is_proved_by_the_bytes() -> None:
    async with serving() as server:
        digest = server.hold()
        server.serve("/manifests/v1", b"", Docker_Content_Digest=f"sha256:{'0' * 64}")
        server.answers[f"/manifests/sha256:{'0' * 64}"] = server.answers[f"/manifests/{digest}"]
        error = await fails(server)

    assert error.reason is Reason.IMAGE_MISMATCH


async def test_a_registry_that_tells_no_digest_is_asked_for_the_bytes() -> None:
    async with serving() as server:
        digest = server.hold()
        server.serve("/manifests/v1", manifest_of(config_of(LABELS)), Docker_Content_Digest="none")
        seen = await ask(server)

    assert seen is not None
    assert seen.digest == digest


async def test_an_answer_without_end_is_broken_off() -> None:
    async def for_ever(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"[" * 65_536)

    async with serving() as server:
        server.serve("/manifests/v1", b"")
        server.answers[f"/manifests/{digest_of(b'')}"] = for_ever
        error = await fails(server)

    assert "more than 4194304 bytes" in str(error)


async def test_a_blob_is_read_where_the_registry_keeps_it_and_shows_nothing_there() -> None:
    async with serving() as server, serving("127.0.0.2") as store:
        server.hold()
        end = f"/blobs/{digest_of(config_of(LABELS))}"
        store.serve("/kept", config_of(LABELS))
        server.refuse(end, 307, Location=f"http://{store.host}/kept?signed=1")
        server.answers = {"/token": give_token, **behind_tokens(server)}
        place = place_at(server, username="acme", password=PASSWORD)
        seen = await ask(server, place, "v1", store.host)

    assert seen is not None
    assert store.seen == [("GET", "/kept", "")]


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_store_at_an_address_of_the_node_is_not_gone_to(scheme: str) -> None:
    async with serving() as server, serving("127.0.0.2") as store:
        server.hold()
        end = f"/blobs/{digest_of(config_of(LABELS))}"
        server.refuse(end, 302, Location=f"{scheme}://{store.host}/kept")
        error = await fails(server)

    assert error.reason is Reason.HOST_NOT_ALLOWED
    assert store.seen == []


async def test_a_manifest_that_is_elsewhere_is_not_believed() -> None:
    async with serving() as server, serving("127.0.0.2") as other:
        other.hold()
        server.refuse("/manifests/v1", 302, Location=f"http://{other.host}/v2/a/b/manifests/v1")
        error = await fails(server, None, other.host)

    assert error.reason is Reason.HOST_NOT_ALLOWED
    assert other.host in str(error)
    assert other.seen == []


async def test_a_token_is_made_once_and_used_until_it_ends() -> None:
    async with serving() as server:
        server.hold()
        server.answers = {"/token": give_token, **behind_tokens(server)}
        registry = HttpRegistry({server.host})
        place = place_at(server, username="acme", password=PASSWORD)
        for _ in range(3):
            assert await registry.find(place, "v1") is not None
        await registry.close()

    assert [path for _, path, _ in server.seen].count("/token") == 1


async def test_who_may_read_all_needs_no_credential() -> None:
    async with serving() as server:
        server.hold()
        server.answers = {"/token": give_token, **behind_tokens(server)}
        assert await ask(server) is not None

    assert ("GET", "/token", "") in server.seen


async def test_a_wrong_password_is_refused_without_being_repeated() -> None:
    async with serving() as server:
        server.hold()
        server.answers = {"/token": give_token, **behind_tokens(server)}
        error = await fails(server, place_at(server, username="other", password=PASSWORD))

    assert error.reason is Reason.CREDENTIALS_REFUSED
    assert "UNAUTHORIZED" in str(error)


async def test_a_query_of_where_tokens_are_made_is_kept() -> None:
    asked: list[dict[str, str]] = []

    async def give(request: web.Request) -> web.StreamResponse:
        asked.append(dict(request.query))
        return await give_token(request)

    async with serving() as server:
        server.hold()
        server.answers = behind_tokens(server, f"http://{server.host}/token?account=team%20a")
        server.answers["/token"] = give
        assert await ask(server, place_at(server, username="acme", password=PASSWORD)) is not None

    assert asked == [asked[0] | {"account": "team a", "scope": "repository:acme/shop:pull"}]


@pytest.mark.parametrize(
    ("username", "password", "part"),
    [
        # charmed-kubernetes/bundle#384, docker/cli#6782, concourse/docker-image-resource#232.
        ("acme", f"{PASSWORD}\n", "password"),
        ("acme", f"{PASSWORD} ", "password"),
        ("acme\n", PASSWORD, "name"),
    ],
)
async def test_a_credential_with_the_end_of_a_line_is_told_of(
    username: str, password: str, part: str
) -> None:
    async with serving() as server:
        server.hold()
        server.answers = {"/token": give_token, **behind_tokens(server)}
        error = await fails(server, place_at(server, username=username, password=password))

    assert error.reason is Reason.CREDENTIALS_REFUSED
    assert f"The {part} there ends with a blank or a line break" in str(error)
    assert PASSWORD not in str(error)


async def test_a_credential_is_not_shown_to_a_stranger_that_makes_tokens() -> None:
    async with serving() as server, serving("127.0.0.2") as stranger:
        server.hold()
        stranger.answers["/token"] = give_token
        server.answers = behind_tokens(server, f"http://{stranger.host}/token")
        place = place_at(server, username="acme", password=PASSWORD)
        error = await fails(server, place, stranger.host)

    assert error.reason is Reason.HOST_NOT_ALLOWED
    assert f"add an entry for {stranger.host}" in str(error)
    assert stranger.seen == []


async def test_the_entry_that_the_message_asks_for_lets_it_be_shown() -> None:
    async with serving() as server, serving("127.0.0.2") as maker:
        server.hold()
        maker.answers["/token"] = give_token
        server.answers = behind_tokens(server, f"http://{maker.host}/token")
        credential = RegistryCredential(
            "push", server.host, "acme", PASSWORD, others=frozenset({maker.host})
        )
        place = ImagePlace(f"{server.host}/acme/shop", credential, "a", insecure=True)
        assert await ask(server, place, "v1", maker.host) is not None


async def test_a_refresh_token_goes_in_the_body_and_a_registry_token_as_it_is() -> None:
    async def refresh(request: web.Request) -> web.StreamResponse:
        form = await request.post()
        assert (form["grant_type"], form["refresh_token"]) == ("refresh_token", PASSWORD)
        return web.json_response({"access_token": "made-token"})

    async with serving() as server:
        server.hold()
        server.answers = {"/token": refresh, **behind_tokens(server)}
        assert await ask(server, place_at(server, identity_token=PASSWORD)) is not None
        assert all(PASSWORD not in path + shown for _, path, shown in server.seen)
        server.seen.clear()
        assert await ask(server, place_at(server, registry_token="made-token")) is not None
        assert "/token" not in [path for _, path, _ in server.seen]


@pytest.mark.parametrize(
    "challenge",
    ["", "Negotiate", "Bearer", 'Bearer realm="ftp://x"', 'Bearer realm="http://u:p@x/"'],
)
async def test_a_challenge_that_makes_no_sense_is_answered_with_nothing(challenge: str) -> None:
    async with serving() as server:
        server.refuse("/manifests/v1", 401, WWW_Authenticate=challenge)
        error = await fails(server, place_at(server, username="acme", password=PASSWORD))

    assert error.reason is Reason.REGISTRY_UNAVAILABLE
    assert [shown for *_, shown in server.seen] == [""]


@pytest.mark.parametrize("data", [b"", b"[]", b'{"token": 7}', b'{"token": "a\\nb"}', b"{}"])
async def test_what_is_no_token_is_not_sent(data: bytes) -> None:
    async with serving() as server:
        server.hold()
        server.answers = behind_tokens(server)
        server.serve("/token", data)
        error = await fails(server)

    assert error.reason is Reason.REGISTRY_UNAVAILABLE


async def test_name_and_password_are_shown_where_a_registry_wants_them_itself() -> None:
    pair = base64.b64encode(f"acme:{PASSWORD}".encode()).decode()

    async with serving() as server:
        server.hold()
        held = server.answers["/manifests/v1"]

        async def guarded(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Authorization") == f"Basic {pair}":
                return await held(request)
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="r"'})

        server.answers["/manifests/v1"] = guarded
        assert await ask(server, place_at(server, username="acme", password=PASSWORD)) is not None
        error = await fails(server)

    assert error.reason is Reason.CREDENTIALS_REFUSED
    assert "spec.build.readSecretRef" in str(error)


@pytest.mark.parametrize(
    ("repository", "name"),
    [
        ("acme/../shop", "v1"),
        ("acme/Shop", "v1"),
        ("acme/shop?x", "v1"),
        ("acme/shop", "../v1"),
        ("acme/shop", "sha256:1"),
        ("acme/shop", ""),
    ],
)
async def test_names_that_are_none_never_become_part_of_a_url(repository: str, name: str) -> None:
    async with serving() as server:
        registry = HttpRegistry({server.host})
        place = ImagePlace(f"{server.host}/{repository}", None, "a", insecure=True)
        with pytest.raises(TerminalError) as caught:
            await registry.find(place, name)
        await registry.close()

    assert caught.value.reason is Reason.NAME_NOT_ALLOWED
    assert server.seen == []


@pytest.mark.parametrize(
    ("data", "is_empty"),
    [
        (b'{"name": "acme/shop", "tags": null}', True),
        (b'{"name": "acme/shop"}', True),
        (b'{"tags": []}', True),
        (b'{"tags": ["v1"]}', False),
    ],
)
async def test_a_repository_without_tags_is_empty(data: bytes, *, is_empty: bool) -> None:
    async with serving() as server:
        server.serve("/tags/list", data)
        registry = HttpRegistry({server.host})
        assert await registry.is_empty(place_at(server)) is is_empty
        await registry.close()

    assert len(server.seen) == 1


@pytest.mark.parametrize("data", [b'{"tags": "v1"}', b"[]", b"<html>Sign in</html>"])
async def test_garbage_in_place_of_tags_is_no_list(data: bytes) -> None:
    async with serving() as server:
        server.serve("/tags/list", data)
        registry = HttpRegistry({server.host})
        with pytest.raises(TransientError):
            await registry.is_empty(place_at(server))
        await registry.close()
