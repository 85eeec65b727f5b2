"""Whether what a release edits reaches its Applications, beyond what these tell themselves."""

from collections.abc import Collection, Mapping

from album_operator.decisions.application import find_parent, find_source
from album_operator.decisions.mismatch import mismatch
from album_operator.decisions.reach import Found, judge
from album_operator.decisions.rendering import patches_of
from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.places import GitPlace
from album_operator.domain.release import Ref
from album_operator.domain.seen import ConfigSeen
from album_operator.domain.verdict import Halt
from album_operator.steps.case import Case
from album_operator.steps.world import World

MOST_LOOKS = 8
"""Levels of kustomizations that are followed; beyond them it counts as reached."""


async def check(
    world: World,
    case: Case,
    place: GitPlace,
    seen: ConfigSeen,
    applications: Mapping[Ref, ApplicationSeen | None],
) -> Mapping[Ref, Halt]:
    """Refuse Applications that take nothing of what the release edits.

    Args:
        world: the outside.
        case: the release, with what it does by the repositories as they were found.
        place: the config repository.
        seen: it, as it was found.
        applications: all that the release names.

    Raises:
        OutsideError: the repository could not be read now.
    """
    others = applications.values()
    asked = {
        ref: application
        for ref, application in applications.items()
        if application is not None and find_parent(application, others, case.resolved) is None
    }
    reached = {ref: await _is_reached(world, case, place, seen, one) for ref, one in asked.items()}
    return {
        ref: mismatch(ref, application, case.resolved)
        for ref, application in asked.items()
        if not reached[ref]
    }


async def _is_reached(
    world: World, case: Case, place: GitPlace, seen: ConfigSeen, application: ApplicationSeen
) -> bool:
    config = case.resolved.config
    source = find_source(application, case.resolved)
    if source is None:
        return True
    found = Found(await _read(world, case, seen, patches_of(application, source)))
    for _ in range(MOST_LOOKS):
        judged = judge(application, source, config, found)
        if isinstance(judged, bool):
            return judged
        look = await world.config.look(place, config.base_branch, judged, None)
        texts = {**found.texts, **await _read(world, case, look, judged)}
        found = Found(texts, found.looked | judged)
    return True


async def _read(
    world: World, case: Case, seen: ConfigSeen, paths: Collection[str]
) -> Mapping[str, object]:
    """Read files as plain data; None for what is there, and no file."""
    there = {path: seen.files[path] for path in paths if path in seen.files}
    plain = {path: await world.editor.read(case.namespace, data) for path, data in there.items()}
    return {**plain, **{path: None for path in paths if path in seen.not_files}}
