"""ImageReady: that a build which succeeded could keep nothing for the next one."""

from collections.abc import Collection
from dataclasses import replace

from album_operator.domain.build_parts import parts_of
from album_operator.domain.names import image_repository, join_words
from album_operator.domain.record import ImageOrigin
from album_operator.domain.release import ProofBy
from album_operator.domain.resolved import Resolved
from album_operator.domain.verdict import Done


def kept_in(done: Done, resolved: Resolved) -> tuple[str, ...]:
    """Give the repositories in which a build should have left its layers.

    None where the registry cannot be asked, and none that is the image's own, which has that.

    Args:
        done: that the image is there.
        resolved: what the release does.
    """
    image, build = done.record.image, resolved.build
    if image is None or image.origin is not ImageOrigin.BUILT or build.proof is ProofBy.BUILDER:
        return ()
    caches = (part.build.cache for part in parts_of(resolved).values())
    found = (cache.repository for cache in caches if cache is not None)
    return tuple(each for each in found if each != image_repository(build.image))


def tell(done: Done, resolved: Resolved, empty: Collection[str]) -> Done:
    """Say beside an image which of its caches are empty after the build, where any is."""
    if not empty:
        return done
    secret = resolved.build.push_secret_name
    who = f"the user of Secret {secret}" if secret else "the build's Pod"
    have = "has" if len(empty) == 1 else "have"
    return replace(
        done,
        message=f"{done.message.removesuffix('.')}. Nothing is kept for the next build: the cache "
        f"{join_words(sorted(empty))} {have} no layer. Let {who} push there, and make the "
        "repository where the registry makes none at a push; a Dockerfile with neither RUN nor "
        "COPY leaves nothing to keep.",
    )
