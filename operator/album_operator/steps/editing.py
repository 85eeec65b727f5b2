"""A release's edits, made where they hold up nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass

from album_operator.decisions import edits, preflight, propose
from album_operator.domain.diffs import UNKNOWN_DIGEST
from album_operator.domain.misses import join
from album_operator.domain.release import Edit, Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import BranchSeen, ConfigSeen, Edited
from album_operator.domain.verdict import Halt
from album_operator.ports import Editor
from album_operator.render import proposal, pull_request
from album_operator.render.values import SET_AT, NotEditableError
from album_operator.steps.case import Case

APART_BYTES = 256 * 1024
"""Of files, each counted with each of its edits: where they have more, the first refusal is told
alone, for it would cost the time of a whole release for each edit."""


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
    if pull_request.is_same_message(branch.message, message):
        message = branch.message
    config = case.resolved.config
    return propose.is_ours(branch, expected, message, (config.author_name, config.author_email))


@dataclass(frozen=True)
class Tried:
    """What became of a release's edits.

    Attributes:
        edited: what they found and made; of those that could be read alone where one was refused.
        refused: all that keeps them from being made; None where they are.
        has_place: branch and files of all edits are there.
    """

    edited: Edited
    refused: Halt | None
    has_place: bool


async def try_edits(
    editor: Editor, release: Release, resolved: Resolved, digest: str, seen: ConfigSeen
) -> Tried:
    """Make the edits of a release, or tell all that is wrong with them and their files.

    Args:
        editor: makes them.
        release: the release, whose namespace waits for its turn.
        resolved: what it will do.
        digest: of its image; `UNKNOWN_DIGEST` where there is none yet.
        seen: the base branch.

    Raises:
        TransientError: the editor could not do its work now.
    """
    missing = preflight.check_config(resolved, seen)
    wanted = proposal.wanted_values(resolved, digest)
    there = {edit: value for edit, value in wanted.items() if edit.path in seen.files}
    edited, refused = await edit_apart(editor, release.ref.namespace, there, seen.files)
    if missing is None and refused is None:
        refused = edits.check(release, resolved, edited.current)
    else:
        # Whether a value has an order with ours can depend on one that could not be read.
        refused = join((missing, refused, edits.check_kinds(resolved, edited.current)))
    return Tried(edited, refused, missing is None)


async def edit_apart(
    editor: Editor, namespace: str, wanted: Mapping[Edit, str], files: Mapping[str, bytes]
) -> tuple[Edited, Halt | None]:
    """Make some edits; where one is refused, read each alone, to tell all that are."""
    halts: list[Halt] = []
    current: dict[Edit, str] = {}
    if not wanted:
        return Edited(current, {}), None
    try:
        return await editor.edit(namespace, wanted, files), None
    except NotEditableError as error:
        first = Halt.of(error)
    if sum(len(files[edit.path]) for edit in wanted) > APART_BYTES:
        return Edited(current, {}), first
    for edit, value in wanted.items():
        try:
            one = await editor.edit(namespace, {edit: value}, files)
        except NotEditableError as error:
            halts.append(Halt.of(error))
        else:
            current |= one.current
    # What is wrong with a file as a whole, or with two edits of it together, is told once.
    is_one = len({halt.message.partition(SET_AT)[2] for halt in halts}) <= 1
    return Edited(current, {}), first if is_one else join(halts)
