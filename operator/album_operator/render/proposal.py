"""The change a release proposes: its edits applied to files of the config repository."""

from collections.abc import Iterable, Mapping
from typing import assert_never

from album_operator.domain.names import image_repository
from album_operator.domain.places import Change
from album_operator.domain.release import Edit, EditValue, Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import BranchSeen
from album_operator.render.pull_request import commit_message
from album_operator.render.values import NotEditableError, edit_values, read_values


def edited_paths(edits: Iterable[Edit]) -> list[str]:
    """Give the files some edits are in, each once."""
    return sorted({edit.path for edit in edits})


def current_values(edits: Iterable[Edit], files: Mapping[str, bytes]) -> Mapping[Edit, str]:
    """Read the value at each edit's key.

    Raises:
        NotEditableError: one cannot be read.
    """
    edits = tuple(edits)
    current: dict[Edit, str] = {}
    for path in edited_paths(edits):
        current |= read_values(files[path], [edit for edit in edits if edit.path == path])
    return current


def edited_files(
    resolved: Resolved, files: Mapping[str, bytes], digest: str
) -> Mapping[str, bytes]:
    """Give the new bytes of each file that the release's edits change.

    Args:
        resolved: what the release will do.
        files: bytes by path of each file its edits are in.
        digest: digest of the image, `UNKNOWN_DIGEST` before there is one.

    Raises:
        NotEditableError: one of the edits is not possible.
    """
    edited = {}
    for path in edited_paths(resolved.config.edits):
        edits = {
            edit: _new_value(edit, resolved, digest)
            for edit in resolved.config.edits
            if edit.path == path
        }
        data = edit_values(files[path], edits)
        if data != files[path]:
            edited[path] = data
    return edited


def _new_value(edit: Edit, resolved: Resolved, digest: str) -> str:
    match edit.value:
        case EditValue.TAG:
            return resolved.version
        case EditValue.DIGEST:
            return digest
        case EditValue.REFERENCE:
            return resolved.build.image
        case EditValue.REPOSITORY:
            return image_repository(resolved.build.image)
        case _:
            assert_never(edit.value)


def edited_on_parent(
    resolved: Resolved, branch: BranchSeen, digest: str
) -> Mapping[str, bytes] | None:
    """Give what our edits would make of the branch's parent, None where they are not possible."""
    if branch.parent_files is None:
        return None
    try:
        return edited_files(resolved, branch.parent_files, digest)
    except (NotEditableError, KeyError):
        return None


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
