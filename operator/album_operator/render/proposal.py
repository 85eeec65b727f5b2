"""The change a release proposes: its edits applied to files of the config repository."""

from collections.abc import Iterable, Mapping

from album_operator.domain.release import Edit
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import BranchSeen
from album_operator.render.values import NotEditableError, edit_values, read_value


def edited_paths(edits: Iterable[Edit]) -> list[str]:
    """Give the files some edits are in, each once."""
    return sorted({edit.path for edit in edits})


def current_values(edits: Iterable[Edit], files: Mapping[str, bytes]) -> Mapping[Edit, str]:
    """Read the value at each edit's key.

    Raises:
        NotEditableError: one cannot be read.
    """
    return {edit: read_value(edit.path, files[edit.path], edit.key) for edit in edits}


def edited_files(resolved: Resolved, files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Give the new bytes of each file that the release's edits change.

    Raises:
        NotEditableError: one of the edits is not possible.
    """
    edited = {}
    for path in edited_paths(resolved.config.edits):
        edits = [
            (edit.key, resolved.version) for edit in resolved.config.edits if edit.path == path
        ]
        data = edit_values(path, files[path], edits)
        if data != files[path]:
            edited[path] = data
    return edited


def edited_on_parent(resolved: Resolved, branch: BranchSeen) -> Mapping[str, bytes] | None:
    """Give what our edits would make of the branch's parent, None where they are not possible."""
    if branch.parent_files is None:
        return None
    try:
        return edited_files(resolved, branch.parent_files)
    except (NotEditableError, KeyError):
        return None
