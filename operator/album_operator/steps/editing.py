"""A release's edits, made where they hold up nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass

from album_operator.decisions import edits, preflight
from album_operator.domain.diffs import UNKNOWN_DIGEST
from album_operator.domain.places import GitPlace
from album_operator.domain.release import Delivery, Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import BranchSeen, ConfigSeen, Edited
from album_operator.domain.verdict import Halt
from album_operator.ports import ConfigReader, Editor
from album_operator.render import proposal
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


@dataclass(frozen=True)
class Reading:
    """What a change is found out with, by looking only."""

    config: ConfigReader
    editor: Editor


@dataclass(frozen=True)
class Change:
    """What a release would change.

    Attributes:
        seen: the config repository it was found out on.
        diff: unified diff as git makes it; empty where nothing would change.
        notes: what else changes with the edited values, as sentences.
    """

    seen: ConfigSeen
    diff: str
    notes: tuple[str, ...]


async def find_change(
    reading: Reading, place: GitPlace, base: str | None, release: Release, resolved: Resolved
) -> Change | Halt:
    """Make the edits on the base as it is, before there is an image, and let git compare.

    Args:
        reading: the config repository, and who edits its files.
        place: where it is.
        base: the base branch, or whatever else the reader takes for it.
        release: the release.
        resolved: what it would do.

    Raises:
        OutsideError: the repository cannot be read.
        NotEditableError: one of the edits is not possible.
    """
    config = resolved.config
    branch = config.branch if config.delivery is Delivery.PULL_REQUEST else None
    seen = await reading.config.look(place, base, proposal.edited_paths(config.edits), branch)
    refused = preflight.check_config(resolved, seen)
    if refused is not None:
        return refused
    wanted = proposal.wanted_values(resolved, UNKNOWN_DIGEST)
    edited = await reading.editor.edit(release.ref.namespace, wanted, seen.files)
    refused = edits.check(release, resolved, edited.current)
    if refused is not None:
        return refused
    if edited.files and seen.obstacle is not None:
        return preflight.in_the_way(resolved, seen.obstacle)
    diff = await reading.config.diff(place, seen.base_commit or "", edited.files)
    return Change(seen, diff, edited.notes)
