"""All that a release will need, looked at as it is."""

import asyncio
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass

from album_operator.decisions import (
    application,
)
from album_operator.domain.applications import ApplicationSeen
from album_operator.domain.places import ForgePlace, GitPlace
from album_operator.domain.pull_requests import (
    PullRequestSeen,
    RepositorySeen,
)
from album_operator.domain.reasons import Reason
from album_operator.domain.registry import ImageSeen
from album_operator.domain.release import Delivery, Ref
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import ConfigSeen, SourceSeen
from album_operator.render import proposal
from album_operator.steps import image, overrides
from album_operator.steps.case import Case
from album_operator.steps.findings import Findings
from album_operator.steps.world import World

Applications = Mapping[Ref, ApplicationSeen | None]


@dataclass(frozen=True)
class Look:
    """All that was looked at, as it is; None for what was not to be told.

    Attributes:
        applications: None for one that does not exist; left out where it could not be read.
        place: where the config repository is; None where its credential is missing.
        repository: the config repository as its forge shows it; None where none is asked.
        pull_request: the one there is for the release's branch, None also where there is none.
        image: what the registry has under the tag; None also where it has nothing, or is not asked.
    """

    source: SourceSeen | None
    config: ConfigSeen | None
    applications: Applications
    place: GitPlace | None
    repository: RepositorySeen | None
    pull_request: PullRequestSeen | None
    image: ImageSeen | None


@dataclass(frozen=True)
class Places:
    """Where repositories are; None where the credential is missing, or none is needed."""

    forge: ForgePlace | None
    source: GitPlace | None
    config: GitPlace | None


async def look(world: World, case: Case, found: Findings) -> Look:
    """Look at repositories, forge, Applications and registry, what can be at once."""
    wish = case.resolved
    places = await find_places(case, found)
    applications = await find_applications(world, case, found)
    source, config, repository, there = await asyncio.gather(
        found.ask(_find_source(world, case, places.source)),
        found.ask(_find_config(world, case, places.config, applications)),
        found.ask(find_repository(world, places.forge, wish.config.branch)),
        found.ask(image.look(world, case)),
    )
    proposed = None
    if places.forge is not None and repository and config is not None and config.base_commit:
        branch = wish.config.branch
        look = world.pull_requests.find(places.forge, branch, config.base_branch)
        proposed = await found.ask(look)
    applications = with_default_branch(wish, applications, config)
    return Look(source, config, applications, places.config, repository, proposed, there)


async def find_places(case: Case, found: Findings) -> Places:
    """Give where a release's repositories are, by its Secrets; a rollback builds nothing."""
    wish, forge, source = case.resolved, None, None
    if wish.config.delivery is Delivery.PULL_REQUEST:
        forge = await found.ask(case.access.to_forge(wish))
    if case.release.rollback_of is None:
        source = await found.ask(case.access.to_source(wish))
    return Places(forge, source, await found.ask(case.access.to_config(wish)))


async def find_applications(world: World, case: Case, found: Findings) -> Applications:
    """Read the Applications; one that holds what none can is left out, and hides no other."""
    aliases, own = world.settings.host_aliases, Findings()
    seen = await own.ask(case.find_applications(world.applications, aliases))
    if own.untold is not None and own.untold.reason is Reason.APPLICATION_UNREADABLE:
        each = map(case.of_application, case.resolved.argocd.applications)
        looks = [await own.ask(one.find_applications(world.applications, aliases)) for one in each]
        seen = {ref: one for look in looks if look for ref, one in look.items()}
    found.take(own)
    return seen or {}


def with_default_branch(
    wish: Resolved, seen: Applications, config: ConfigSeen | None
) -> Applications:
    """Tell Applications what `HEAD` of the config repository stands for, where that is known."""
    if config is None:
        return seen
    branch = config.default_branch
    return {
        ref: one and application.with_default_branch(one, wish, branch) for ref, one in seen.items()
    }


def paths_of(wish: Resolved, applications: Applications) -> frozenset[str]:
    """Give the files to look at: those that are edited, and what is beside them."""
    edited = proposal.edited_paths(wish.config.edits)
    # Asked for together: what lies in the same folders, or is not there, costs nothing more.
    return frozenset({*edited, *overrides.paths(wish, applications)})


async def _find_source(world: World, case: Case, place: GitPlace | None) -> SourceSeen | None:
    wish = case.resolved
    dockerfile = posixpath.normpath(f"{wish.build.context_dir}/{wish.build.dockerfile}")
    if place is None:
        return None
    return await world.source.look(place, wish.source.tag, dockerfile)


async def _find_config(
    world: World, case: Case, place: GitPlace | None, applications: Applications
) -> ConfigSeen | None:
    wish = case.resolved
    if place is None:
        return None
    has_branch = wish.config.delivery is Delivery.PULL_REQUEST
    branch = wish.config.branch if has_branch else None
    paths = paths_of(wish, applications)
    return await world.config.look(place, wish.config.base_branch or None, paths, branch)


async def find_repository(
    world: World, forge: ForgePlace | None, branch: str
) -> RepositorySeen | None:
    """Read the config repository as its forge shows it; None where none is asked."""
    # Public repositories are read without the token, so this is the first use of one.
    return await world.pull_requests.get_repository(forge, branch) if forge is not None else None
