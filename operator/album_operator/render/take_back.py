"""What the readers of a pull request are told that its own release closes."""

from album_operator.domain.forges import forge_of, guess_type
from album_operator.domain.release import Ref
from album_operator.domain.resolved import Resolved
from album_operator.render.pull_request import as_code, as_plain, is_web

MERGED_FIRST = "It was merged all the same, so it stays merged."
"""Said after one of the words below that came too late."""


def cancelled(release: Ref) -> str:
    """Say that a person wants it no more."""
    return f"AlbumRelease {as_code(str(release))} was cancelled, so this pull request is closed."


def deleted(release: Ref) -> str:
    """Say that nobody waits for it any more."""
    return f"AlbumRelease {as_code(str(release))} was deleted, so this pull request is closed."


def superseded(release: Ref, resolved: Resolved, version: str, by: Ref | None) -> str:
    """Say which version takes its place, and link what that brings.

    Args:
        release: whose pull request it is.
        resolved: what it does.
        version: the newer one.
        by: the AlbumRelease of that; None where it is not known.
    """
    source, known, named = resolved.source, resolved.version, as_plain(version)
    if is_web(source.repository) and source.tag.endswith(known):
        forge = forge_of(resolved.feedback.forge_type or guess_type(source.repository))
        tag = source.tag.removesuffix(known) + version
        named = f"[{named}]({forge.comparison_page(source.repository, source.tag, tag)})"
    who = f" by AlbumRelease {as_code(str(by))}" if by is not None else ""
    return (
        f"{as_plain(known)} of AlbumRelease {as_code(str(release))} is superseded by {named}{who}, "
        "so this pull request is closed."
    )
