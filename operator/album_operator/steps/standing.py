"""What every release of a pipeline will need, whichever its version: looked at before one comes.

It is what `preflight` looks at, but for the tag and what was made of it before.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from album_operator.decisions import conventions, edits, trigger
from album_operator.decisions import standing as decision
from album_operator.domain.errors import TransientError
from album_operator.domain.pipeline import Pipeline
from album_operator.domain.pipeline_record import BaseVersion
from album_operator.domain.record import Record
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import ConfigSeen
from album_operator.domain.verdict import Halt
from album_operator.steps import image
from album_operator.steps.access import Access
from album_operator.steps.case import Case
from album_operator.steps.findings import Findings
from album_operator.steps.preflight_build import check_build
from album_operator.steps.preflight_change import check_change, with_applications
from album_operator.steps.preflight_look import (
    Look,
    Places,
    find_applications,
    find_places,
    find_repository,
    paths_of,
    with_default_branch,
)
from album_operator.steps.sinks import read_sink
from album_operator.steps.world import World

DOCKERFILE = "Dockerfile"


@dataclass(frozen=True)
class AppSeen:
    """What was found of an app.

    Attributes:
        wish: what a release of it would do.
        look: what was looked at for it.
        halts: what would stop a release because of that.
        base: what the base branch says that runs; None where it tells none.
    """

    wish: Resolved
    look: Look
    halts: tuple[Halt, ...] = ()
    base: BaseVersion | None = None


@dataclass(frozen=True)
class Seen:
    """What a look at a pipeline found.

    Attributes:
        halts: what would stop its releases, in the order of the checks.
        untold: why not all could be looked at; None where all was.
        apps: what was found of each, by name; those left out of which nothing could be.
    """

    halts: tuple[Halt, ...]
    untold: TransientError | None
    apps: Mapping[str, AppSeen] = field(default_factory=dict)


async def look(
    world: World, pipeline: Pipeline, access: Access, known: Mapping[str, AppSeen]
) -> Seen:
    """Look at all that releases of a pipeline will need, and tell all that they would lack.

    Args:
        world: the outside.
        pipeline: the AlbumPipeline.
        access: reads its Secrets.
        known: what the look before found; where all is as it was then, it is not judged again.
    """
    found = Findings()
    found.note(*(trigger.find_fault(pipeline, app) for app in pipeline.apps))
    cases = [
        await _find_applications(world, case, found)
        for case in _cases(world, pipeline, access, found)
    ]
    looks = await _look_around(world, cases, found) if cases else []
    hosts = world.settings.notification_hosts
    for wish in pipeline.notifications:
        await found.ask(read_sink(world.secrets, pipeline.ref, wish, hosts))
    apps = {}
    for case, seen in zip(cases, looks, strict=True):
        app = case.resolved.app
        apps[app] = await _judge(world, case, seen, known.get(app), found)
    return Seen(tuple(found.halts), found.untold, apps)


def wishes(world: World, pipeline: Pipeline) -> Mapping[str, Resolved | Halt]:
    """Give what a release of each app would do, by its name."""
    now = world.clock()
    return {
        app.name: conventions.resolve(decision.release_of(pipeline, app, now), pipeline)
        for app in pipeline.apps
    }


def _cases(world: World, pipeline: Pipeline, access: Access, found: Findings) -> list[Case]:
    now, apps = world.clock(), {app.name: app for app in pipeline.apps}
    cases = []
    for name, wish in wishes(world, pipeline).items():
        if isinstance(wish, Halt):
            found.note(wish)
        else:
            release = decision.release_of(pipeline, apps[name], now)
            cases.append(Case(release, Record(), wish, access))
    return cases


async def _find_applications(world: World, case: Case, found: Findings) -> Case:
    await check_build(world, case, found)
    return await with_applications(world, case, found)


async def _look_around(world: World, cases: list[Case], found: Findings) -> list[Look]:
    """Look at repositories, forge, registry and Applications; what all apps share is asked once."""
    first, access = cases[0].resolved, cases[0].access
    places = await find_places(cases[0], found)
    if first.policy.require_checks:
        await found.ask(access.to_source_forge(first))
    applications = [await find_applications(world, case, found) for case in cases]
    paths = frozenset().union(
        *(paths_of(case.resolved, seen) for case, seen in zip(cases, applications, strict=True))
    )
    _, config, repository, _ = await asyncio.gather(
        found.ask(_reach_source(world, places)),
        found.ask(_find_config(world, first, places, paths)),
        found.ask(find_repository(world, places.forge, first.config.branch)),
        asyncio.gather(*(found.ask(image.look(world, case)) for case in cases)),
    )
    looks = [
        Look(
            source=None,
            config=config,
            applications=with_default_branch(case.resolved, seen, config),
            place=places.config,
            repository=None,
            pull_request=None,
            image=None,
        )
        for case, seen in zip(cases, applications, strict=True)
    ]
    # What a forge says is told once, though it speaks of the first one's branch.
    return [replace(looks[0], repository=repository), *looks[1:]]


async def _find_config(
    world: World, wish: Resolved, places: Places, paths: frozenset[str]
) -> ConfigSeen | None:
    if places.config is None:
        return None
    return await world.config.look(places.config, wish.config.base_branch or None, paths, None)


async def _reach_source(world: World, places: Places) -> None:
    """Ask the source repository for a tag that is not there: that it answers is all."""
    if places.source is not None:
        await world.source.look(places.source, decision.ANY_VERSION, DOCKERFILE)


async def _judge(
    world: World, case: Case, seen: Look, known: AppSeen | None, found: Findings
) -> AppSeen:
    """Judge what was looked at for an app, unless that is the same as before."""
    wish = case.resolved
    if known is not None and (known.wish, known.look) == (wish, seen):
        found.note(*known.halts)
        return known
    own = Findings()
    edited = await check_change(world, case, seen, own)
    found.take(own)
    base = None
    if edited is not None and seen.config is not None and seen.config.base_commit is not None:
        version = edits.find_version(wish, edited.current)
        base = BaseVersion(version, seen.config.base_commit) if version is not None else None
    # What could not be told is asked again by the next look, whatever it finds.
    look = seen if own.untold is None else replace(seen, config=None)
    return AppSeen(wish, look, tuple(own.halts), base)
