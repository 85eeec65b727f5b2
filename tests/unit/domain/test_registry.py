"""Repositories of images, and who may ask for them."""

import pytest

from album_operator.domain.registry import ImagePlace, RegistryCredential


@pytest.mark.parametrize(
    ("repository", "registry"),
    [
        ("registry.example.org:5000/acme/shop", "registry.example.org:5000"),
        ("docker.io/acme/shop", "docker.io"),
        ("index.docker.io/acme/shop", "docker.io"),
    ],
)
def test_a_place_knows_its_registry_by_one_name(repository: str, registry: str) -> None:
    assert ImagePlace(repository).registry == registry


@pytest.mark.parametrize(
    ("place", "path", "url", "server"),
    [
        (
            ImagePlace("registry.example.org:5000/acme/shop", insecure=True),
            "acme/shop",
            "http://registry.example.org:5000",
            "registry.example.org:5000",
        ),
        (ImagePlace("ghcr.io/acme/shop"), "acme/shop", "https://ghcr.io", "ghcr.io:443"),
        (
            ImagePlace("docker.io/acme/shop"),
            "acme/shop",
            "https://registry-1.docker.io",
            "registry-1.docker.io:443",
        ),
    ],
)
def test_a_place_knows_where_it_is_asked_for(
    place: ImagePlace, path: str, url: str, server: str
) -> None:
    assert (place.path, place.url, place.server) == (path, url, server)


def test_what_proves_a_user_is_left_out_of_words() -> None:
    credential = RegistryCredential("push", "docker.io", "acme", "pass-word", "refresh-token")
    words = repr(ImagePlace("docker.io/acme/shop", credential))
    assert "pass-word" not in words
    assert "refresh-token" not in words
