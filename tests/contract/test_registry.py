"""What registries are asked, on one in memory and on a real one that makes tokens."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from album_operator.adapters.registry.registry import HttpRegistry
from album_operator.domain.errors import TerminalError
from album_operator.domain.reasons import Reason
from album_operator.domain.registry import RegistryCredential
from tests.contract.registry_stages import FakeRegistryStage, GiteaRegistryStage, RegistryStage

REVISION = "org.opencontainers.image.revision"
OURS = {REVISION: "a" * 40, "org.opencontainers.image.version": "v1.1.0"}


@pytest_asyncio.fixture(params=["fake", "real"])
async def registry(request: pytest.FixtureRequest) -> AsyncIterator[RegistryStage]:
    if request.param == "fake":
        yield FakeRegistryStage()
        return
    stage = GiteaRegistryStage(request.getfixturevalue("gitea"))
    yield stage
    await stage.registry.close()


async def test_a_repository_that_nobody_has_pushed_to_has_no_image(registry: RegistryStage) -> None:
    assert await registry.registry.find(registry.place, "v1.1.0") is None


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


async def test_a_wrong_password_is_refused_and_names_the_secret(
    request: pytest.FixtureRequest,
) -> None:
    stage = GiteaRegistryStage(request.getfixturevalue("gitea"))
    stage.push("v1.1.0", OURS)
    wrong = RegistryCredential("push", stage.place.registry, "nobody", "canary-password")
    with pytest.raises(TerminalError) as caught:
        await stage.registry.find(replace(stage.place, credential=wrong), "v1.1.0")
    await stage.registry.close()

    assert caught.value.reason is Reason.CREDENTIALS_REFUSED
    assert "Secret push" in str(caught.value)
    assert "canary-password" not in str(caught.value)


async def test_plain_http_is_refused_where_no_admin_allows_it(
    request: pytest.FixtureRequest,
) -> None:
    stage = GiteaRegistryStage(request.getfixturevalue("gitea"))
    strict = HttpRegistry()
    with pytest.raises(TerminalError) as caught:
        await strict.find(stage.place, "v1.1.0")
    await strict.close()
    await stage.registry.close()

    assert caught.value.reason is Reason.HOST_NOT_ALLOWED
    assert "ALBUM_INSECURE_HOSTS" in str(caught.value)
