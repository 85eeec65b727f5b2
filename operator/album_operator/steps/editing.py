"""A release's edits, made where they hold up nothing else."""

from collections.abc import Mapping

from album_operator.decisions import propose
from album_operator.domain.diffs import UNKNOWN_DIGEST
from album_operator.domain.seen import BranchSeen, Edited
from album_operator.ports import Editor
from album_operator.render import proposal, pull_request
from album_operator.render.values import NotEditableError
from album_operator.steps.case import Case


async def edit(editor: Editor, case: Case, files: Mapping[str, bytes]) -> Edited:
    """Make a release's edits; a digest that is not known yet is `UNKNOWN_DIGEST`.

    Args:
        editor: makes them.
        case: the release, whose namespace waits for its turn.
        files: bytes by path of each file its edits are in.

    Raises:
        NotEditableError: one of the edits is not possible.
        TransientError: the editor could not do its work now.
    """
    wanted = proposal.wanted_values(case.resolved, case.digest or UNKNOWN_DIGEST)
    return await editor.edit(case.namespace, wanted, files)


async def edit_parent(editor: Editor, case: Case, branch: BranchSeen) -> Mapping[str, bytes] | None:
    """Give what our edits would make of a branch's parent, None where they are not possible.

    Raises:
        TransientError: the editor could not do its work now.
    """
    files = branch.parent_files
    if files is None or not files.keys() >= {edit.path for edit in case.resolved.config.edits}:
        return None
    try:
        return (await edit(editor, case, files)).files
    except NotEditableError:
        return None


async def is_ours(
    editor: Editor, case: Case, branch: BranchSeen, edited: Mapping[str, bytes] | None = None
) -> bool:
    """Tell whether a branch holds exactly the commit we would make on its parent.

    Args:
        editor: makes the edits.
        case: the release.
        branch: the branch.
        edited: what our edits make of its parent; None where that is to be found out.

    Raises:
        TransientError: the editor could not do its work now.
    """
    expected = edited if edited is not None else await edit_parent(editor, case, branch)
    message = pull_request.commit_message(case.release, case.resolved, case.digest)
    config = case.resolved.config
    return propose.is_ours(branch, expected, message, (config.author_name, config.author_email))
