"""Which caches are asked for after a build, and what is said of them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from album_operator.decisions import build_cache
from album_operator.domain.build_cache import ResolvedCache
from album_operator.domain.reasons import Reason
from album_operator.domain.record import ImageOrigin, ImageRecord
from album_operator.domain.release import ProofBy
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Done
from tests.fakes.builders import DIGEST, IMAGE, RECORD, RESOLVED

CACHE = f"{IMAGE}-cache"
CACHED = replace(
    RESOLVED, build=replace(RESOLVED.build, cache=ResolvedCache(CACHE, timedelta(days=1)))
)


def _done(origin: ImageOrigin = ImageOrigin.BUILT, message: str = "It is there") -> Done:
    image = ImageRecord(f"{IMAGE}:v1.1.0", DIGEST, "a" * 40, origin)
    return Done(replace(RECORD, image=image), Reason.SUCCEEDED, message)


def test_a_build_keeps_its_layers_in_its_cache() -> None:
    assert build_cache.kept_in(_done(), CACHED) == (CACHE,)


@pytest.mark.parametrize(
    ("origin", "resolved"),
    [
        (ImageOrigin.REUSED, CACHED),
        (ImageOrigin.BUILT, RESOLVED),
        (ImageOrigin.BUILT, replace(CACHED, build=replace(CACHED.build, proof=ProofBy.BUILDER))),
        (
            ImageOrigin.BUILT,
            replace(CACHED, build=replace(CACHED.build, cache=ResolvedCache(IMAGE, timedelta(1)))),
        ),
    ],
    ids=["not built", "no cache", "registry not asked", "in the image's repository"],
)
def test_nothing_is_asked_where_that_tells_nothing(origin: ImageOrigin, resolved: Resolved) -> None:
    assert build_cache.kept_in(_done(origin), resolved) == ()


def test_without_an_image_nothing_was_kept() -> None:
    done = replace(_done(), record=replace(RECORD, image=None))
    assert build_cache.kept_in(done, CACHED) == ()


def test_what_was_said_of_the_image_stays() -> None:
    assert build_cache.tell(_done(), CACHED, ()) == _done()
    for message in ("It is there", "It is there."):
        told = build_cache.tell(_done(message=message), CACHED, (CACHE,)).message
        assert told.startswith(
            f"It is there. Nothing is kept for the next build: the cache {CACHE} has"
        )


def test_several_are_told_together_and_a_pod_pushes_where_no_secret_does() -> None:
    podded = replace(CACHED, build=replace(CACHED.build, push_secret_name=""))
    told = build_cache.tell(_done(), podded, ("b", "a")).message

    assert "the cache a and b have no layer. Let the build's Pod push there" in told
