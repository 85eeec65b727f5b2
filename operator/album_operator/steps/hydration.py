"""Of which dry commit hydrated manifests are, where the status of the Application does not tell."""

from collections.abc import Mapping
from dataclasses import replace

from album_operator.codec.hydration import METADATA, parse_dry_revision
from album_operator.decisions.hydration import needs_metadata
from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.release import Ref
from album_operator.steps.case import Case
from album_operator.steps.world import World

Applications = Mapping[Ref, ApplicationSeen | None]


async def with_dry_revisions(world: World, case: Case, applications: Applications) -> Applications:
    """Read for Applications what Argo CD's hydrator wrote beside the manifests they sync.

    Raises:
        OutsideError: the config repository could not be read.
    """
    return {
        ref: seen if seen is None else await _with_dry_revision(world, case, seen)
        for ref, seen in applications.items()
    }


async def _with_dry_revision(world: World, case: Case, seen: ApplicationSeen) -> ApplicationSeen:
    hydration = needs_metadata(seen, case.resolved.config)
    if hydration is None:
        return seen
    place, path = await case.access.to_config(case.resolved), f"{hydration.path}/{METADATA}"
    files = await world.config.read(place, hydration.revision or "", [path])
    revision = parse_dry_revision(files[path]) if path in files else None
    return replace(seen, sources=(replace(seen.sources[0], revision=revision),))
