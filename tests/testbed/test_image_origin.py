"""Where images come from. The testbed's own registry plays the public one."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from testbed import containers
from testbed.commands import PartError
from testbed.engine import Engine
from testbed.offline import origin, recipes
from testbed.offline.origin import RECIPE_LABEL, Image, Origin
from testbed.settings import Settings
from tests.testbed.conftest import Upstream

pytestmark = pytest.mark.e2e

NAME = "docker.io/album/origin-test:1"


@pytest.fixture(autouse=True)
def _no_image(upstream: Upstream) -> Iterator[None]:
    yield
    upstream.docker.succeeds("rmi", "--force", NAME)


def _never(_engine: Engine, _settings: Settings) -> None:
    raise AssertionError("an image that can be pulled was made")


def _tag(docker: Engine, _settings: Settings) -> None:
    docker.docker("tag", recipes.DEBIAN, NAME)


def _image(make: object = _never, reference: str = NAME) -> Image:
    return Image(reference, "recipe-1", make)  # type: ignore[arg-type]


def test_an_image_is_pulled_where_the_registry_of_its_name_answers(upstream: Upstream) -> None:
    upstream.push(recipes.REGISTRY, "album/origin-test:1")
    reference = f"{upstream.loopback}/album/origin-test:1"
    image = _image(reference=reference)

    assert origin.obtain(image, upstream.docker, upstream.settings) is Origin.PULLED
    upstream.docker.docker("rmi", reference)


def test_an_image_keeps_its_own_name_when_a_mirror_gives_it(upstream: Upstream) -> None:
    upstream.push(recipes.DEBIAN, "album/origin-test:1")
    settings = replace(upstream.settings, mirror=upstream.loopback)

    assert origin.obtain(_image(), upstream.docker, settings) is Origin.PULLED
    assert upstream.docker.succeeds("image", "inspect", NAME)


def test_an_image_is_made_where_no_registry_answers(upstream: Upstream) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings = replace(upstream.settings, mirror=f"127.0.0.1:{closed.getsockname()[1]}")

        assert origin.obtain(_image(_tag), upstream.docker, settings) is Origin.MADE


def test_an_image_the_registry_does_not_have_is_made(upstream: Upstream) -> None:
    settings = replace(upstream.settings, mirror=upstream.loopback)
    missing = Image(NAME, "recipe-1", _tag, pull_reference="docker.io/album/unheard-of:9")

    assert origin.obtain(missing, upstream.docker, settings) is Origin.MADE


def test_an_image_of_another_recipe_is_not_taken_for_present(upstream: Upstream) -> None:
    debian = recipes.debian_image()

    assert origin.is_present(debian, upstream.docker)
    label = '{{index .Config.Labels "' + RECIPE_LABEL + '"}}'
    found = upstream.docker.docker("image", "inspect", "--format", label, debian.reference)
    assert origin.is_present(replace(debian, recipe="other"), upstream.docker) == (found == "")


def test_a_container_that_ends_is_told_with_the_end_of_its_log(upstream: Upstream) -> None:
    command = ["--network=none", "--entrypoint=sh", recipes.REGISTRY, "-c", "echo no disk; exit 1"]

    with pytest.raises(PartError) as caught:
        containers.ensure(
            "ends",
            command,
            "http://127.0.0.1:1/",
            engine=upstream.docker,
            settings=upstream.settings,
            configuration="",
        )

    assert str(caught.value).startswith("ends: its container ended\n")
    assert "    no disk\nThe whole log is " in str(caught.value)
    containers.remove(f"{upstream.settings.name}-ends", upstream.docker)


def test_an_error_of_the_recipe_is_not_hidden(upstream: Upstream) -> None:
    def fail(_engine: Engine, _settings: Settings) -> None:
        raise PartError("image", "the recipe failed")

    settings = replace(upstream.settings, mirror="127.0.0.1:1")
    with pytest.raises(PartError, match="the recipe failed"):
        origin.obtain(_image(fail), upstream.docker, settings)
