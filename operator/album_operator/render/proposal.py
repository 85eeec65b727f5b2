"""The change a release proposes: its edits applied to files of the config repository."""

from collections.abc import Iterable, Mapping
from typing import assert_never

from album_operator.domain.images import pinned
from album_operator.domain.names import image_repository
from album_operator.domain.places import Change
from album_operator.domain.release import Edit, EditValue, Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import Edited
from album_operator.render.pull_request import commit_message
from album_operator.render.values import exchange_values


def edited_paths(edits: Iterable[Edit]) -> list[str]:
    """Give the files some edits are in, each once."""
    return sorted({edit.path for edit in edits})


def wanted_values(resolved: Resolved, digest: str) -> Mapping[Edit, str]:
    """Give what each of a release's edits writes; a tag or reference with the digest as its pin.

    Args:
        resolved: what the release will do.
        digest: digest of the image, `UNKNOWN_DIGEST` before there is one.
    """
    return {edit: _new_value(edit, resolved, digest) for edit in resolved.config.edits}


def edit(wanted: Mapping[Edit, str], files: Mapping[str, bytes]) -> Edited:
    """Read the values of some edits, and make these.

    Args:
        wanted: new value of each edit.
        files: bytes by path of each file the edits are in.

    Raises:
        NotEditableError: one of the edits is not possible.
    """
    current: dict[Edit, str] = {}
    edited: dict[str, bytes] = {}
    notes: list[str] = []
    for path in edited_paths(wanted):
        edits = {edit: value for edit, value in wanted.items() if edit.path == path}
        exchanged = exchange_values(files[path], edits)
        current |= exchanged.before
        notes += exchanged.notes
        if exchanged.data != files[path]:
            edited[path] = exchanged.data
    return Edited(current, edited, tuple(notes))


def _new_value(edit: Edit, resolved: Resolved, digest: str) -> str:
    match edit.value:
        case EditValue.TAG:
            return pinned(resolved.version, digest)
        case EditValue.DIGEST:
            return digest
        case EditValue.REFERENCE:
            return pinned(resolved.build.image, digest)
        case EditValue.REPOSITORY:
            return image_repository(resolved.build.image)
        case _:
            assert_never(edit.value)


def change(
    release: Release, resolved: Resolved, digest: str, base: str, files: Mapping[str, bytes]
) -> Change:
    """Write the release's commit, for a branch that does not exist yet.

    Args:
        release: the release; its creationTimestamp is the date.
        resolved: what it does.
        digest: `sha256:…` of the image; empty where none is known.
        base: the parent, 40 hex digits.
        files: new bytes by path.
    """
    config = resolved.config
    return Change(
        base_commit=base,
        branch=config.branch,
        files=files,
        message=commit_message(release, resolved, digest),
        author_name=config.author_name,
        author_email=config.author_email,
        date=release.created_at,
    )
