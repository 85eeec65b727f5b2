"""Where the cache of an app is."""

from datetime import timedelta

import pytest

from album_operator.domain.build_cache import CacheWish, ResolvedCache, resolve_cache

DAY = timedelta(days=1)
IMAGE = "registry.example.org:5000/owner/album-app-backend"


def test_without_a_word_of_the_pipeline_there_is_no_cache() -> None:
    assert resolve_cache(None, IMAGE, "backend") is None


@pytest.mark.parametrize(
    ("image", "repository", "cache"),
    [
        (IMAGE, None, f"{IMAGE}-cache"),
        (IMAGE, "owner/caches", "registry.example.org:5000/owner/caches-backend"),
        (IMAGE, "owner/album-app", IMAGE),
        # As deep as Docker Hub goes.
        ("docker.io/acme/backend", None, "docker.io/acme/backend-cache"),
        # An app's own image takes its cache along to its own registry.
        ("ghcr.io/acme/api", "acme/caches", "ghcr.io/acme/caches-backend"),
    ],
)
def test_an_app_has_a_cache_of_its_own_on_the_registry_of_its_image(
    image: str, repository: str | None, cache: str
) -> None:
    assert resolve_cache(CacheWish(DAY, repository), image, "backend") == ResolvedCache(cache, DAY)
