"""How each engine is told to use the layers of earlier builds, and to leave its own."""

from collections.abc import Mapping

from album_operator.domain.build_cache import ResolvedCache

BUILDKIT_CACHE_SCRIPT = r"""if [ -n "${ALBUM_CACHE:-}" ]; then
  seconds=$(date +%s)
  began=$((seconds - seconds % ALBUM_CACHE_TTL))
  cache="type=registry,ref=$ALBUM_CACHE:buildkit-$(date -u -d "@$began" +%Y%m%dT%H%M%SZ)"
  set -- "$@" --import-cache "$cache" --export-cache "$cache,$ALBUM_CACHE_EXPORT"
fi
"""
"""Adds the cache to the arguments of a build.

BuildKit has no lifetime of a cache: what it imports it exports again, and nobody can tell how old a
layer is. So the tag says when its period began, and each period begins with nothing.
"""

# All stages, not the last one alone. ECR and others take no index whose entries are no images, so
# it is a manifest (moby/buildkit#3724); and an image that is pushed is not lost for its cache.
_EXPORT = "mode=max,oci-mediatypes=true,image-manifest=true,ignore-error=true"


def kaniko_flags(cache: ResolvedCache, repository: str) -> list[str]:
    """Give the flags of kaniko's executor; a layer it cannot push there is a warning of its log.

    Args:
        cache: of the app.
        repository: its name as kaniko is told it.
    """
    return [
        "--cache=true",
        f"--cache-repo={repository}",
        f"--cache-ttl={int(cache.ttl.total_seconds())}s",
        # Else a COPY of a vendored dependency before the RUN that uses it is unpacked each time.
        "--cache-copy-layers=true",
    ]


KANIKO_CACHE_VARIABLES = {
    # Else `COPY app /opt/$VERSION/` has one key for all versions, and the image of the next one has
    # the last one's path.
    "FF_KANIKO_RESOLVE_CACHE_KEY": "true",
    # Else two trees of files, or two rows of steps, can have one key.
    "FF_KANIKO_HASH_DIR_FRAMING": "true",
    "FF_KANIKO_ROLLING_CACHE_KEY": "true",
}
"""Variables of kaniko's executor that make its keys safe, from 1.28.1 on; its default in 1.29."""


def buildkit_variables(cache: ResolvedCache, repository: str) -> Mapping[str, str]:
    """Give the variables that `BUILDKIT_CACHE_SCRIPT` reads.

    Args:
        cache: of the app.
        repository: its name as BuildKit is told it.
    """
    return {
        "ALBUM_CACHE": repository,
        "ALBUM_CACHE_TTL": str(int(cache.ttl.total_seconds())),
        "ALBUM_CACHE_EXPORT": _EXPORT,
    }
