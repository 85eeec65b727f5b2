"""The layers of earlier builds, kept in the registry for the next ones."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class CacheWish:
    """That a pipeline wants its builds to use a cache.

    Attributes:
        repository: path below the image's registry that the caches of all apps begin with.
        ttl: how old what is used may be.
    """

    ttl: timedelta
    repository: str | None = None


@dataclass(frozen=True)
class ResolvedCache:
    """Where the layers of one app are.

    Attributes:
        repository: `host[:port]/path` without a tag; on the registry of the image.
        ttl: how old what is used may be.
    """

    repository: str
    ttl: timedelta


def resolve_cache(wish: CacheWish | None, image: str, app: str) -> ResolvedCache | None:
    """Find the place of an app's cache, which no other app has unless an image has its name.

    Beside the image and not below it: Docker Hub has no path below a repository.

    Args:
        wish: the pipeline's; None for no cache.
        image: of the app, without tag.
        app: its name.
    """
    if wish is None:
        return None
    host = image.partition("/")[0]
    own = f"{host}/{wish.repository}-{app}" if wish.repository is not None else f"{image}-cache"
    return ResolvedCache(own, wish.ttl)
