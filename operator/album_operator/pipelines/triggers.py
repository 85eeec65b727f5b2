"""What a pipeline begins by itself: a release of each git tag that its triggers want one of.

First the release is created, by a name that follows from the tag; then the pipeline's status says
what was decided. Whoever dies in between, doubles, or loses an answer finds the release by that
name, and one that a person deletes once it was decided is not made again.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from album_operator.decisions import conventions, preflight, trigger
from album_operator.domain.diffs import UNKNOWN_DIGEST
from album_operator.domain.errors import OutsideError, TerminalError, TransientError
from album_operator.domain.pipeline import App, Pipeline
from album_operator.domain.pipeline_record import PipelineRecord
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.domain.remedy import in_words
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import ConfigSeen
from album_operator.domain.triggers import (
    AppTag,
    Decided,
    TagsWish,
    TriggerRecord,
    release_name,
)
from album_operator.domain.verdict import Halt
from album_operator.memory.creation_limit import CreationLimit
from album_operator.pipelines.cause import Cause, Causes
from album_operator.render.proposal import edited_paths
from album_operator.render.triggered import render_triggered
from album_operator.steps.access import Access
from album_operator.steps.editing import try_edits
from album_operator.steps.world import World

T = TypeVar("T")

LOG = logging.getLogger(__name__)

UNTIL_LISTED = timedelta(seconds=2)
"""Until the next try, while the releases of a namespace are still being listed."""

TROUBLE = timedelta(seconds=30)
"""Until the next try after something that may pass."""

UNTIL_MENDED = timedelta(minutes=5)
"""Until the next try where a person has to act first."""


class Triggers:
    """Makes the releases that pipelines begin by themselves.

    Args:
        world: the outside.
        clock: monotonic seconds.
    """

    def __init__(self, world: World, clock: Callable[[], float] = time.monotonic) -> None:
        self._world = world
        self._clock = clock
        self._told: dict[Ref, object] = {}
        self._retries: dict[Ref, float] = {}
        self._limit = CreationLimit(world.settings.most_triggered, world.clock)

    async def begin(
        self, pipeline: Pipeline, record: PipelineRecord, causes: Causes
    ) -> tuple[PipelineRecord, timedelta | None]:
        """Make the releases that are due, and tell of each app what became of its tags.

        Args:
            pipeline: the AlbumPipeline.
            record: what its status is to say, with what was decided before.
            causes: what brought the pass.

        Returns:
            The record, and the time until the next try; None where only news bring one.
        """
        ref, tags = pipeline.ref, self._world.tags
        tags.follow(ref, trigger.interest_of(pipeline))
        if pipeline.triggers is None:
            self.forget(ref)
            apps = (replace(app, newest_tag=None, trigger=None) for app in record.apps)
            return replace(record, apps=tuple(apps)), None
        is_due = self._is_due(ref, record, causes)
        # After a start all have changed, and nobody asks for anything.
        is_changed = Cause.CHANGED in causes and ref in self._told
        seen = tags.read(ref, anew=is_changed) if is_due else None
        if seen is None:
            return record, self._left(ref)
        self._retries.pop(ref, None)
        if seen.trouble is not None:
            record = _with_message(record, self._words(ref, seen.trouble))
        elif self._world.index.is_whole(ref.namespace):
            record = await self._decide(pipeline, pipeline.triggers.tags, record, seen.tags)
        else:
            self._retry(ref, UNTIL_LISTED)
        self._told[ref] = _told_in(record)
        return record, self._left(ref)

    def forget(self, pipeline: Ref) -> None:
        """Forget a pipeline that is gone."""
        self._world.tags.follow(pipeline, None)
        self._told.pop(pipeline, None)
        self._retries.pop(pipeline, None)

    def _is_due(self, ref: Ref, record: PipelineRecord, causes: Causes) -> bool:
        """Tell whether there may be something to do; also where what was told is not written."""
        is_news = bool(causes & {Cause.TAGS, Cause.CHANGED})
        is_late = ref in self._retries and self._retries[ref] <= self._clock()
        return is_news or is_late or self._told.get(ref) != _told_in(record)

    def _retry(self, ref: Ref, after: timedelta) -> None:
        due = self._clock() + after.total_seconds()
        self._retries[ref] = min(due, self._retries.get(ref, due))

    def _left(self, ref: Ref) -> timedelta | None:
        due = self._retries.get(ref)
        return timedelta(seconds=max(0.0, due - self._clock())) if due is not None else None

    def _words(self, ref: Ref, error: OutsideError) -> str:
        """Say what keeps tags from making releases; no annotation of a release mends that."""
        words = in_words(error.message, error.remedy, ".")
        return self._world.secrets.clean(ref.namespace, words)

    async def _decide(
        self, pipeline: Pipeline, wish: TagsWish, record: PipelineRecord, tags: Mapping[str, str]
    ) -> PipelineRecord:
        before = {app.name: app.trigger or TriggerRecord() for app in record.apps}
        all_judged = await asyncio.to_thread(trigger.judge_all, pipeline, tags, before)
        told = []
        for app in pipeline.apps:
            judged, decided = all_judged[app.name], before[app.name].decided
            message, work = judged.told, _Work(self._world, self._limit, pipeline, wish, app)
            try:
                for tag in judged.fresh:
                    release = await work.find(tag) or await work.make_if_wanted(tag)
                    decided = Decided(tag.name, tag.version, tag.commit, release)
            except OutsideError as error:
                message = self._words(pipeline.ref, error)
                self._retry(pipeline.ref, _pause(error))
            is_empty = before[app.name].began_empty or judged.newest is None
            known = TriggerRecord(decided, message, decided is None and is_empty)
            told.append(replace(record.app(app.name), trigger=known, newest_tag=judged.newest))
        return replace(record, apps=tuple(told))


@dataclass
class _Work:
    """What is done in a pass about the tags of an app.

    Each method raises `TerminalError` where a person has to act first, and `TransientError`.

    Attributes:
        base: the base branch; None before it was looked at, once for all tags.
        has_right: it is known that releases may be made in the namespace.
    """

    world: World
    limit: CreationLimit
    pipeline: Pipeline
    wish: TagsWish
    app: App
    base: ConfigSeen | None = None
    has_right: bool = False

    async def find(self, tag: AppTag) -> str | None:
        """Find a release that leaves nothing to do."""
        ref, versioning = self.pipeline.ref, trigger.versioning_of(self.pipeline, self.app)
        known = self.world.index.of_app(ref.namespace, ref.name, self.app.name)
        return trigger.find_release(tag, known, self.wish.select, versioning)

    async def make_if_wanted(self, tag: AppTag) -> str | None:
        """Make the release of a tag; None where the base branch has the version or a newer one."""
        if await self._is_behind(tag):
            return None
        namespace, name = self.pipeline.ref.namespace, self.pipeline.ref.name
        self.has_right = self.has_right or await self.world.releases.may_create(namespace)
        if not self.has_right:
            raise TransientError(
                Reason.FORBIDDEN,
                f"Tag {tag.name} makes no release: the operator may not create albumreleases in "
                f"namespace {namespace}, which spec.triggers needs (manifests/namespace). Once it "
                "may, it does within minutes.",
            )
        who = self.world.tags.who(self.pipeline.ref, tag.name) or f"AlbumPipeline {name}"
        names = (release_name(tag.name), release_name(tag.name, name))
        self._claim(Ref(namespace, names[0]), tag)
        for ref in (Ref(namespace, one) for one in names):
            await self.world.releases.create(render_triggered(ref, name, tag.name, who))
            found = await self.world.releases.find_release(ref)
            if found is None or trigger.is_release_of(found[0], name, tag.name):
                LOG.info("AlbumPipeline %s: tag %s has AlbumRelease %s", name, tag.name, ref)
                return ref.name
        raise TerminalError(
            Reason.NAME_NOT_ALLOWED,
            f"Tag {tag.name} makes no release: AlbumReleases {names[0]} and {names[1]} are there, "
            "and are not of that tag and pipeline.",
            "Delete one of them",
        )

    def _claim(self, release: Ref, tag: AppTag) -> None:
        """Take one of the releases that may be made within an hour in the namespace."""
        known = self.world.index.by_pipeline(release.namespace) or {}
        for name, seen in ((name, seen) for its in known.values() for name, seen in its.items()):
            if seen.is_triggered:
                self.limit.note(Ref(release.namespace, name), seen.created_at)
        due = self.limit.claim(release)
        if due is not None:
            raise TransientError(
                Reason.RATE_LIMITED,
                f"Tag {tag.name} makes no release before {due:%H:%M:%S} UTC: triggers have made "
                f"{self.limit.most} in namespace {release.namespace} within an hour "
                "(ALBUM_TRIGGERED_RELEASES_PER_HOUR, an admin's setting).",
                due - self.world.clock(),
            )

    async def _is_behind(self, tag: AppTag) -> bool:
        """Tell whether the base branch has a tag's version, or a newer one."""
        world, wish = self.world, trigger.wish_of(self.pipeline, tag)
        resolved = _or_raise(conventions.resolve(wish, self.pipeline))
        self.base = self.base or await self._look_at_base(resolved)
        resolved = preflight.with_base(resolved, self.base)
        tried = await try_edits(world.editor, wish, resolved, UNKNOWN_DIGEST, self.base)
        if tried.refused is not None and tried.refused.reason is Reason.SUPERSEDED:
            return True
        if tried.refused is not None:
            _or_raise(tried.refused)
        return trigger.is_at_base(resolved, tried.edited.current)

    async def _look_at_base(self, resolved: Resolved) -> ConfigSeen:
        world, paths = self.world, edited_paths(resolved.config.edits)
        access = Access(world.secrets, world.pull_requests, self.pipeline.ref.namespace)
        place = await access.to_config(resolved)
        return await world.config.look(place, resolved.config.base_branch or None, paths, None)


def _with_message(record: PipelineRecord, message: str) -> PipelineRecord:
    known = ((app, app.trigger or TriggerRecord()) for app in record.apps)
    apps = (replace(app, trigger=replace(told, message=message)) for app, told in known)
    return replace(record, apps=tuple(apps))


def _told_in(record: PipelineRecord) -> object:
    """Give what a record says of tags; a status may have cut its messages."""
    told = ((app.newest_tag, app.trigger) for app in record.apps)
    of_all = ((tag, of or TriggerRecord()) for tag, of in told)
    return [(tag, of.decided, of.began_empty, bool(of.message)) for tag, of in of_all]


def _pause(error: OutsideError) -> timedelta:
    if isinstance(error, TransientError):
        return error.retry_after or TROUBLE
    return UNTIL_MENDED


def _or_raise(found: T | Halt) -> T:
    if isinstance(found, Halt):
        raise TerminalError(found.reason, found.message, found.remedy)
    return found
