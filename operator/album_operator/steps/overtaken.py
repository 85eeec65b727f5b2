"""Whether a revision with the commit of a release still has its values, and who changed them."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from album_operator.decisions import overtaken as decision
from album_operator.decisions.overtaken import Overtaken
from album_operator.domain.errors import OutsideError
from album_operator.domain.places import GitPlace
from album_operator.domain.release import Edit
from album_operator.domain.seen import ConfigCommit
from album_operator.render import proposal
from album_operator.render.pull_request import release_in
from album_operator.steps.case import Case
from album_operator.steps.editing import edit_apart
from album_operator.steps.world import World

LOG = logging.getLogger(__name__)


async def find(world: World, case: Case, revision: str) -> Overtaken | None:
    """Read the edits' places at a revision that has the release's commit.

    Returns:
        None where all of them hold our values, as far as they can be read.

    Raises:
        OutsideError: the config repository could not be read.
    """
    place, resolved = await case.access.to_config(case.resolved), case.resolved
    values = await _read_others(world, case, place, revision)
    if not values:
        return None
    known = world.index.of_app(case.namespace, resolved.pipeline.name, resolved.app)
    commit, release = None, decision.find_successor(values, case.release, known)
    if release is None:
        commit = await _find_commit(world, case, place, revision, values)
        release = release_in(commit.message) if commit is not None else None
    there = known.get(release.name) if release and release.namespace == case.namespace else None
    return Overtaken(revision, values, commit, release, there.version if there else None)


async def _find_commit(
    world: World, case: Case, place: GitPlace, revision: str, values: Mapping[Edit, str]
) -> ConfigCommit | None:
    """Find the commit after ours since which the values are what they are; None where unknown."""
    try:
        line = await world.config.list_commits(place, case.record.merged_commit or "", revision)

        async def has_theirs(commit: str) -> bool:
            return await _read_others(world, case, place, commit) == values

        return await find_first(line, has_theirs)
    except OutsideError as error:
        LOG.info("AlbumRelease %s: who changed its values? %s", case.release.ref, error)
        return None


async def find_first(
    line: Sequence[ConfigCommit], holds: Callable[[str], Awaitable[bool]]
) -> ConfigCommit | None:
    """Find the commit since which something holds that holds in the newest of them.

    Args:
        line: the commits, newest first; None is found where there are none.
        holds: tells of a commit; half of what is left is decided by each answer.
    """
    first, last = 0, len(line) - 1
    while first < last:
        middle = (first + last + 1) // 2
        if await holds(line[middle].sha):
            first = middle
        else:
            last = middle - 1
    return line[first] if line else None


async def _read_others(
    world: World, case: Case, place: GitPlace, commit: str
) -> Mapping[Edit, str]:
    """Give what is at the edits' places in a commit, of those that hold another value than ours."""
    wanted = proposal.wanted_values(case.resolved, case.digest)
    files = await world.config.read(place, commit, proposal.edited_paths(wanted))
    there = {edit: value for edit, value in wanted.items() if edit.path in files}
    edited, _ = await edit_apart(world.editor, case.namespace, there, files)
    return decision.find_others(wanted, edited.current)
