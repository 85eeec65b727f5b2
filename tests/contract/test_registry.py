"""What registries are asked, on one in memory and on a real one that makes tokens."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace

import pytest
import pytest_asyncio

from album_operator.adapters.registry.registry import HttpRegistry
from album_operator.domain.errors import StaleError, TerminalError
from album_operator.domain.reasons import Reason
from album_operator.domain.registry import ImagePlace, RegistryCredential
from tests.contract.distribution_server import DistributionServer, running_distribution
from tests.contract.registry_stages import (
    FakeRegistryStage,
    RegistryStage,
    on_distribution,
    on_gitea,
)

REVISION = "org.opencontainers.image.revision"
OURS = {REVISION: "a" * 40, "org.opencontainers.image.version": "v1.1.0"}


REAL = ["gitea", "none", "htpasswd", "token"]


@pytest.fixture(scope="session")
def distributions(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Mapping[str, DistributionServer]]:
    with ExitStack() as stack:
        yield {
            auth: stack.enter_context(running_distribution(tmp_path_factory.mktemp(auth), auth))
            for auth in REAL[1:]
        }


@pytest_asyncio.fixture(params=["fake", *REAL])
async def registry(request: pytest.FixtureRequest) -> AsyncIterator[RegistryStage]:
    if request.param == "fake":
        yield FakeRegistryStage()
        return
    if request.param == "gitea":
        stage = on_gitea(request.getfixturevalue("gitea"))
    else:
        server = request.getfixturevalue("distributions")[request.param]
        stage = on_distribution(server, is_open=request.param == "none")
    yield stage
    await stage.registry.close()


async def test_a_repository_that_nobody_has_pushed_to_has_no_image(registry: RegistryStage) -> None:
    assert await registry.registry.find(registry.place, "v1.1.0") is None


async def test_a_repository_is_empty_until_somebody_pushes_to_it(registry: RegistryStage) -> None:
    assert await registry.registry.is_empty(registry.place)
    registry.push("v1.1.0", OURS)
    assert not await registry.registry.is_empty(registry.place)


async def test_an_image_is_found_by_its_tag_and_by_its_digest(registry: RegistryStage) -> None:
    digest = registry.push("v1.1.0", OURS)

    by_tag = await registry.registry.find(registry.place, "v1.1.0")
    by_digest = await registry.registry.find(registry.place, digest)

    assert by_tag == by_digest
    assert by_tag is not None
    assert (by_tag.digest, by_tag.labels, by_tag.platforms) == (digest, OURS, ("linux/amd64",))


async def test_another_tag_or_digest_is_not_there(registry: RegistryStage) -> None:
    registry.push("v1.1.0", OURS)
    assert await registry.registry.find(registry.place, "v1.1.1") is None
    assert await registry.registry.find(registry.place, f"sha256:{'e' * 64}") is None


async def test_a_tag_that_was_moved_stands_for_the_newer_image(registry: RegistryStage) -> None:
    registry.push("v1.1.0", OURS)
    assert await registry.registry.find(registry.place, "v1.1.0") is not None
    second = registry.push("v1.1.0", {REVISION: "b" * 40})

    seen = await registry.registry.find(registry.place, "v1.1.0")
    assert seen is not None
    assert (seen.digest, seen.labels) == (second, {REVISION: "b" * 40})


async def test_an_index_has_the_labels_on_which_its_images_agree(registry: RegistryStage) -> None:
    digest = registry.push_index(
        "v1.1.0",
        {"linux/amd64": {**OURS, "built.on": "a"}, "linux/arm64": {**OURS, "built.on": "b"}},
    )
    seen = await registry.registry.find(registry.place, "v1.1.0")
    assert seen is not None
    assert (seen.digest, seen.labels) == (digest, OURS)
    assert seen.platforms == ("linux/amd64", "linux/arm64")


async def test_an_image_without_labels_has_none(registry: RegistryStage) -> None:
    registry.push("v1.1.0", {})
    seen = await registry.registry.find(registry.place, "v1.1.0")
    assert seen is not None
    assert seen.labels == {}


async def test_an_image_gets_further_tags_and_each_is_given_once(registry: RegistryStage) -> None:
    digest = registry.push("v1.1.0", OURS)
    for _ in range(2):
        await registry.registry.tag(registry.place, digest, "v1.1")

    assert await registry.registry.find(registry.place, "v1.1") == await registry.registry.find(
        registry.place, digest
    )


async def test_a_tag_that_stands_for_another_image_is_left_alone(registry: RegistryStage) -> None:
    first, second = registry.push("v1.1.0", OURS), registry.push("v1.2.0", {REVISION: "b" * 40})
    with pytest.raises(StaleError):
        await registry.registry.tag(registry.place, second, "v1.1.0")

    seen = await registry.registry.find(registry.place, "v1.1.0")
    assert seen is not None
    assert seen.digest == first


async def test_a_tag_moves_from_the_image_it_was_seen_at_and_from_no_other(
    registry: RegistryStage,
) -> None:
    first, second = registry.push("v1.1.0", OURS), registry.push("v1.2.0", {REVISION: "b" * 40})
    third = registry.push("v1.3.0", {REVISION: "c" * 40})
    await registry.registry.tag(registry.place, first, "latest")
    with pytest.raises(StaleError):
        await registry.registry.tag(registry.place, third, "latest", instead_of=second)
    for _ in range(2):
        await registry.registry.tag(registry.place, second, "latest", instead_of=first)
    await registry.registry.tag(registry.place, first, "edge", instead_of=second)

    for tag, digest in {"latest": second, "edge": first, "v1.1.0": first}.items():
        seen = await registry.registry.find(registry.place, tag)
        assert seen is not None
        assert seen.digest == digest


async def test_what_is_not_there_gets_no_tag(registry: RegistryStage) -> None:
    registry.push("v1.1.0", OURS)
    gone = f"sha256:{'e' * 64}"
    with pytest.raises(StaleError):
        await registry.registry.tag(registry.place, gone, "v1.1")
    with pytest.raises(StaleError):
        await registry.registry.put_index(registry.place, [gone], "v1.1")

    assert await registry.registry.find(registry.place, "v1.1") is None


async def test_images_for_several_platforms_become_one(registry: RegistryStage) -> None:
    amd64 = registry.push("v1.1.0-amd64", {**OURS, "built.on": "a"}, "linux/amd64")
    arm64 = registry.push("v1.1.0-arm64", {**OURS, "built.on": "b"}, "linux/arm64")
    first = await registry.registry.put_index(registry.place, [amd64, arm64], "v1.1.0")
    again = await registry.registry.put_index(registry.place, [arm64, amd64], "v1.1.0")

    seen = await registry.registry.find(registry.place, "v1.1.0")
    assert seen is not None
    assert seen.digest == first == again
    assert seen.labels == OURS
    assert sorted(seen.platforms) == ["linux/amd64", "linux/arm64"]
    assert sorted(seen.images) == sorted([amd64, arm64])
    alone = await registry.registry.find(registry.place, "v1.1.0-arm64")
    assert alone is not None
    assert alone.images == ()


async def test_an_index_of_nothing_is_not_put(registry: RegistryStage) -> None:
    with pytest.raises(TerminalError) as caught:
        await registry.registry.put_index(registry.place, [], "v1.1.0")

    assert caught.value.reason is Reason.IMAGE_SOURCE_UNKNOWN
    assert await registry.registry.find(registry.place, "v1.1.0") is None


async def test_an_index_gets_further_tags_and_takes_none_from_another(
    registry: RegistryStage,
) -> None:
    digest = registry.push("v1.1.0", OURS)
    with pytest.raises(StaleError):
        await registry.registry.put_index(
            registry.place, [registry.push("other", {REVISION: "b" * 40})], "v1.1.0"
        )
    index = await registry.registry.put_index(registry.place, [digest], "all")
    await registry.registry.tag(registry.place, index, "latest")

    seen = await registry.registry.find(registry.place, "latest")
    assert seen is not None
    assert seen.digest == index


@pytest.mark.parametrize("auth", ["htpasswd", "token"])
async def test_who_may_not_push_is_told_so(
    auth: str, distributions: Mapping[str, DistributionServer]
) -> None:
    stage = on_distribution(distributions[auth], is_open=False)
    digest = stage.push("v1.1.0", OURS)
    nobody = replace(stage.place, credential=None)
    with pytest.raises(TerminalError) as caught:
        await stage.registry.tag(nobody, digest, "v1.1")
    await stage.registry.close()

    assert caught.value.reason is Reason.CREDENTIALS_REFUSED


async def test_a_token_is_for_reading_until_something_is_pushed(
    distributions: Mapping[str, DistributionServer],
) -> None:
    server = distributions["token"]
    stage = on_distribution(server, is_open=False)
    digest = stage.push("v1.1.0", OURS)
    assert server.tokens is not None
    server.tokens.asked.clear()
    for _ in range(2):
        await stage.registry.find(stage.place, "v1.1.0")
        await stage.registry.tag(stage.place, digest, "v1.1")
    await stage.registry.close()

    of = f"repository:{stage.place.path}"
    assert server.tokens.asked == [f"{of}:pull", f"{of}:pull,push"]


async def test_a_repository_of_another_is_as_one_that_is_not_there(
    distributions: Mapping[str, DistributionServer],
) -> None:
    stage = on_distribution(distributions["token"], is_open=False)
    login = stage.place.credential
    other = ImagePlace(f"{stage.place.registry}/other/shop", login, "a", insecure=True)
    assert await stage.registry.find(other, "v1.1.0") is None
    await stage.registry.close()


async def test_a_wrong_password_is_refused_and_names_the_secret(
    request: pytest.FixtureRequest,
) -> None:
    stage = on_gitea(request.getfixturevalue("gitea"))
    stage.push("v1.1.0", OURS)
    wrong = RegistryCredential("push", stage.place.registry, "nobody", "canary-password")
    with pytest.raises(TerminalError) as caught:
        await stage.registry.find(replace(stage.place, credential=wrong), "v1.1.0")
    await stage.registry.close()

    assert caught.value.reason is Reason.CREDENTIALS_REFUSED
    assert "Secret push" in str(caught.value)
    assert "canary-password" not in str(caught.value)


async def test_the_pipelines_word_for_plain_http_says_not_where_a_registry_may_be(
    request: pytest.FixtureRequest,
) -> None:
    stage = on_gitea(request.getfixturevalue("gitea"))
    strict, lets = HttpRegistry(), HttpRegistry(allowed_hosts={stage.place.registry})
    with pytest.raises(TerminalError) as caught:
        await strict.find(stage.place, "v1.1.0")
    assert await lets.find(stage.place, "v1.1.0") is None
    for registry in (strict, lets, stage.registry):
        await registry.close()

    assert caught.value.reason is Reason.HOST_NOT_ALLOWED
    assert f"add {stage.place.registry} to the operator's ALBUM_ALLOWED_HOSTS" in str(caught.value)


async def test_a_registry_that_an_admin_lists_is_spoken_to_in_plain_http(
    request: pytest.FixtureRequest,
) -> None:
    stage = on_gitea(request.getfixturevalue("gitea"))
    digest = stage.push("v1.1.0", OURS)
    seen = await stage.registry.find(replace(stage.place, insecure=False), "v1.1.0")
    await stage.registry.close()

    assert seen is not None
    assert seen.digest == digest
