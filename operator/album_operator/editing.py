"""A release's edits, made where they hold up nothing else."""

from collections.abc import Mapping

from album_operator.domain.release import Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import BranchSeen, Edited
from album_operator.ports import Editor
from album_operator.render import proposal
from album_operator.render.values import NotEditableError


async def edit(
    editor: Editor, release: Release, resolved: Resolved, files: Mapping[str, bytes], digest: str
) -> Edited:
    """Make a release's edits.

    Args:
        editor: makes them.
        release: the release, whose namespace waits for its turn.
        resolved: what the release will do.
        files: bytes by path of each file its edits are in.
        digest: digest of the image, `UNKNOWN_DIGEST` before there is one.

    Raises:
        NotEditableError: one of the edits is not possible.
        TransientError: the editor could not do its work now.
    """
    wanted = proposal.wanted_values(resolved, digest)
    return await editor.edit(release.ref.namespace, wanted, files)


async def edit_parent(
    editor: Editor, release: Release, resolved: Resolved, branch: BranchSeen, digest: str
) -> Mapping[str, bytes] | None:
    """Give what our edits would make of a branch's parent, None where they are not possible.

    Raises:
        TransientError: the editor could not do its work now.
    """
    files = branch.parent_files
    if files is None or not files.keys() >= {edit.path for edit in resolved.config.edits}:
        return None
    try:
        return (await edit(editor, release, resolved, files, digest)).files
    except NotEditableError:
        return None
