"""The change a release proposes: its edits applied to files of the config repository."""

from collections.abc import Iterable, Mapping

from album_operator.domain.places import Change
from album_operator.domain.release import Edit, Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import BranchSeen
from album_operator.render.pull_request import (
    DIFF_BYTES,
    DIFF_CUT,
    commit_message,
    unified_diff,
)
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


def branch_diff(branch: BranchSeen) -> str:
    """Give the unified diff of the branch's commit, at most 4 KiB of whole files."""
    before = branch.parent_files or {}
    diffs: list[str] = []
    size = 0
    for path in sorted(branch.changed_paths & branch.files.keys()):
        diff = unified_diff(path, before.get(path, b""), branch.files[path])
        size += len(diff.encode())
        if size > DIFF_BYTES - len(DIFF_CUT.encode()) and diffs:
            return "".join([*diffs, DIFF_CUT])
        diffs.append(diff)
    return "".join(diffs)
