"""Branches of pull requests that were left behind, found by what their commits say themselves.

No finalizer keeps a release until its branch is gone, and an operator that is killed or away
deletes none. So the branches of each config repository are listed once in a while, however many
pipelines of a namespace have it, and those that are certainly ours and of no use go.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from album_operator.decisions import conventions
from album_operator.decisions import sweep as decision
from album_operator.decisions.standing import release_of
from album_operator.decisions.sweep import Fate
from album_operator.domain.errors import OutsideError, TerminalError
from album_operator.domain.names import normal_url
from album_operator.domain.pipeline import Pipeline
from album_operator.domain.record import ProposalRecord, Record
from album_operator.domain.release import Delivery, Ref, Release
from album_operator.domain.resolved import Resolved, ResolvedConfig
from album_operator.domain.seen import BranchSeen
from album_operator.domain.templates import branch_prefix
from album_operator.domain.verdict import Halt
from album_operator.render.pull_request import has_origin, origin_of, release_in
from album_operator.steps import take_back
from album_operator.steps.access import Access
from album_operator.steps.case import Case
from album_operator.steps.world import World

LOG = logging.getLogger(__name__)

FIRST_SECONDS = 120.0
"""After a pipeline became known: what was missed while no operator ran is found soon."""

SWEEP_SECONDS = 3600.0
"""Between two lists of a repository's branches."""

MORE_SECONDS = 60.0
"""Until the next one where more branches were new than are looked at in one go."""

MOST_LOOKS = 50
"""Branches of a repository that are looked at in one go; each costs a request or two, once."""

Place = tuple[str, str, str]
"""Namespace, URL of the config repository, and Secret for it."""


@dataclass
class _Repository:
    """A config repository of a namespace.

    Attributes:
        due: monotonic time of the next list.
        pipelines: those that have it, with what the conventions make of each.
        looked_at: when each branch was last looked at.
        foreign: head by branch of those that were found to be of none of these pipelines.
    """

    due: float
    pipelines: dict[Ref, tuple[Pipeline, Resolved]] = field(default_factory=dict)
    looked_at: dict[str, float] = field(default_factory=dict)
    foreign: dict[str, str] = field(default_factory=dict)


class Sweep:
    """The config repositories of all pipelines; one after another is swept.

    Args:
        world: the outside.
        clock: monotonic seconds.
    """

    def __init__(self, world: World, clock: Callable[[], float] = time.monotonic) -> None:
        self._world = world
        self._clock = clock
        self._repositories: dict[Place, _Repository] = {}
        self._news = asyncio.Event()

    def note(self, pipeline: Pipeline) -> None:
        """Sweep the config repository of a pipeline, as it is now, from now on."""
        resolved = _resolve(pipeline, self._world.clock())
        place = _place_of(pipeline, resolved) if resolved is not None else None
        known = self._repositories.get(place) if place is not None else None
        if known is not None and known.pipelines.get(pipeline.ref) == (pipeline, resolved):
            return
        self.forget(pipeline.ref)
        if place is None or resolved is None:
            return
        due = self._clock() + FIRST_SECONDS
        repository = self._repositories.setdefault(place, _Repository(due))
        repository.pipelines[pipeline.ref] = (pipeline, resolved)
        repository.foreign.clear()  # What was of none of them may be of this one.
        repository.due = min(repository.due, due)
        self._news.set()

    def forget(self, pipeline: Ref) -> None:
        """Sweep nothing for a pipeline that is gone."""
        for place, repository in list(self._repositories.items()):
            repository.pipelines.pop(pipeline, None)
            if not repository.pipelines:
                del self._repositories[place]

    async def run(self) -> None:
        """Sweep for ever."""
        while True:
            self._news.clear()
            line = sorted((one.due, place) for place, one in self._repositories.items())
            left = line[0][0] - self._clock() if line else None
            if left is None or left > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), left)
                continue
            try:
                await self.sweep(line[0][1])
            except Exception:
                LOG.exception("Sweeping %s failed by a bug of the operator", line[0][1][1])

    async def sweep(self, place: Place) -> None:
        """Look at the branches of a repository, and delete those that were left behind."""
        repository = self._repositories[place]
        repository.due = self._clock() + SWEEP_SECONDS
        access = Access(self._world.secrets, self._world.pull_requests, place[0])
        try:
            if not await self._sweep(repository, access, place[0]):
                repository.due = self._clock() + MORE_SECONDS
        except OutsideError as error:
            LOG.warning("What was left behind in %s stays for now: %s", place[1], error)

    async def _sweep(self, repository: _Repository, access: Access, namespace: str) -> bool:
        """Do it; False where it is not known what is in flight, or not all was looked at."""
        known = self._world.index.by_pipeline(namespace)
        if known is None:
            return False
        listed = await self._list(repository, access)
        in_flight = [seen.branch for its in known.values() for seen in its.values()]
        needed = {branch.name for branch in in_flight if branch is not None}
        foreign = repository.foreign.items() & listed.items()
        repository.foreign = dict(foreign)
        looked_at = {name: at for name, at in repository.looked_at.items() if name in listed}
        repository.looked_at = looked_at
        line = sorted(
            (looked_at.get(name, 0.0), name, commit)
            for name, commit in listed.items() - foreign
            if name not in needed
        )
        for _, name, commit in line[:MOST_LOOKS]:
            looked_at[name] = self._clock()
            try:
                await self._look(repository, access, name, commit)
            except TerminalError as error:
                LOG.warning("Branch %s stays: %s", name, error)
                repository.foreign[name] = commit
        return all(name in looked_at for _, name, _ in line)

    async def _list(self, repository: _Repository, access: Access) -> dict[str, str]:
        """List the branches that begin as those of one of the pipelines do."""
        pipelines = repository.pipelines.values()
        place = await access.to_config(next(iter(pipelines))[1])
        prefixes = {branch_prefix(one.config.pull_request.branch) for _, one in pipelines}
        listed: dict[str, str] = {}
        for prefix in prefixes:
            if not any(prefix.startswith(other) for other in prefixes - {prefix}):
                listed |= await self._world.config.list_branches(place, prefix)
        return listed

    async def _look(self, repository: _Repository, access: Access, name: str, commit: str) -> None:
        """Look at a branch, and let go what is certainly ours and of no use to anybody."""
        pipelines = list(repository.pipelines.values())
        if not pipelines:
            return  # The last one went while others' branches were looked at.
        place = await access.to_config(pipelines[0][1])
        seen = await self._world.config.look(place, None, (), name)
        if seen.branch is None or seen.branch.commit != commit:
            return  # Somebody works on it.
        owner = _find_owner(pipelines, seen.branch, name)
        if owner is None:
            repository.foreign[name] = commit
            return
        ref, resolved = owner
        release = self._world.index.find(ref)
        if release is None and await self._world.releases.find_release(ref) is not None:
            return  # It was made a moment ago.
        forge, base = await access.to_forge(resolved), resolved.config.base_branch
        pull_request = await self._world.pull_requests.find(forge, name, base or seen.base_branch)
        on_delete = resolved.policy.on_delete
        fate = decision.judge(commit, release, pull_request, self._world.clock(), on_delete)
        if fate is Fate.TAKEN_BACK:
            config = replace(resolved.config, branch=name, base_branch=base or seen.base_branch)
            await take_back.of_gone(self._world, _left_by(ref, resolved, config, commit, access))
            LOG.info("AlbumRelease %s was deleted unseen, and branch %s taken back.", ref, name)
        if fate is Fate.GOES:
            await self._world.config.delete_branch(place, name, commit)
            LOG.info("Branch %s of AlbumRelease %s was left behind, and is deleted.", name, ref)


def _left_by(
    ref: Ref, resolved: Resolved, config: ResolvedConfig, commit: str, access: Access
) -> Case:
    """Give a release that is gone, of which nothing is known but the commit that it left."""
    release = Release(
        ref=ref,
        uid="",
        generation=1,
        resource_version="",
        created_at=datetime.min.replace(tzinfo=UTC),
        pipeline=resolved.pipeline.name,
    )
    done = replace(resolved, config=config)
    record = Record(resolved=done, proposal=ProposalRecord(config.branch, commit, ""))
    return Case(release, record, done, access)


def _resolve(pipeline: Pipeline, now: datetime) -> Resolved | None:
    """Give what a release of a pipeline would do; None where it would leave no branch behind."""
    resolved = conventions.resolve(release_of(pipeline, pipeline.apps[0], now), pipeline)
    if isinstance(resolved, Halt) or resolved.config.delivery is Delivery.COMMIT:
        return None
    return resolved


def _place_of(pipeline: Pipeline, resolved: Resolved) -> Place:
    config = resolved.config
    return pipeline.ref.namespace, normal_url(config.repository), config.secret_name


def _find_owner(
    pipelines: Collection[tuple[Pipeline, Resolved]], branch: BranchSeen, name: str
) -> tuple[Ref, Resolved] | None:
    """Give the release that a branch is certainly of, and what those of its pipeline do."""
    ref = release_in(branch.message)
    if ref is None:
        return None
    for pipeline, resolved in pipelines:
        author = resolved.config.author_name, resolved.config.author_email
        is_proved = has_origin(branch.message, origin_of(pipeline.uid, ref, name))
        if is_proved and decision.is_untouched(branch, author):
            return ref, resolved
    return None
