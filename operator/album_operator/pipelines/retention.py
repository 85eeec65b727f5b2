"""Removing finished releases that their pipelines do not keep, one after another.

Which they are is known from events, so an idle operator asks nothing. Before each is removed it is
decided anew, and the API server removes it only if it still is as it was seen.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from album_operator.decisions.retention import Known, find_expendable
from album_operator.domain.errors import OutsideError, StaleError
from album_operator.domain.pipeline import Pipeline
from album_operator.domain.pipeline_record import PipelineRecord
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.memory.release_index import LIST_SECONDS, ReleaseIndex
from album_operator.ports import Releases

LOG = logging.getLogger(__name__)

PAUSE_SECONDS = 0.4
"""Between two removals, of whichever namespaces: with the passes over pipelines that they bring,
and the writes of others, the API server sees fewer than five requests a second."""

TROUBLE_SECONDS = 30.0
"""Pause after one that the API server did not answer."""

RIGHT_FOR = timedelta(minutes=5)
"""How long it counts whether a namespace gives the right to remove releases."""

NO_RIGHT = (
    "No release is removed: the operator may not delete albumreleases in namespace {}, which "
    "spec.policy.history needs (manifests/namespace). Once it may, it begins by itself."
)


@dataclass
class _Due:
    """A pipeline that may have releases to remove.

    Attributes:
        tried: names of those whose removal was asked for; events tell what became of them.
    """

    pipeline: Pipeline
    tried: set[str] = field(default_factory=set)


class Retention:
    """Removes releases of one namespace after another, and there of one pipeline after another.

    Args:
        releases: the port.
        index: what is known of releases.
        clock: the API server's time.
    """

    def __init__(
        self, releases: Releases, index: ReleaseIndex, clock: Callable[[], datetime]
    ) -> None:
        self._releases = releases
        self._index = index
        self._clock = clock
        # Both in the order in which they get their next turn.
        self._due: dict[str, dict[Ref, _Due]] = {}
        self._rights: dict[str, tuple[bool, datetime]] = {}
        self._news = asyncio.Event()

    async def look(self, pipeline: Pipeline, record: PipelineRecord) -> PipelineRecord:
        """Look for releases to remove, once it is a pipeline's turn: something of it is new.

        Returns:
            What its status is to say: also where none is removed though it does not keep all.

        Raises:
            OutsideError: the API server cannot tell whether we may.
        """
        namespace = pipeline.ref.namespace
        lacks = NO_RIGHT.format(namespace)
        said = record.message.removesuffix(lacks).rstrip()
        if pipeline.policy.history is None:
            self.forget(pipeline.ref)
        elif await self._may_remove(namespace):
            # One that waits keeps its place, however often something of it is new.
            self._due.setdefault(namespace, {})[pipeline.ref] = _Due(pipeline)
            self._news.set()
        else:
            self.forget(pipeline.ref)
            said = f"{said} {lacks}".lstrip()
        return replace(record, message=said)

    def forget(self, pipeline: Ref) -> None:
        """Remove nothing any more of a pipeline that is gone, or whose turn brought nothing."""
        due = self._due.get(pipeline.namespace, {})
        due.pop(pipeline, None)
        if not due:
            self._due.pop(pipeline.namespace, None)

    async def run(self) -> None:
        """Remove for ever."""
        while True:
            self._news.clear()
            pause: float | None = TROUBLE_SECONDS
            try:
                pause = await self.remove_next()
            except OutsideError as error:
                LOG.warning("Finished releases stay for now: %s", error)
            except Exception:
                LOG.exception("Removing finished releases failed by a bug of the operator")
            if pause is None:
                await self._news.wait()
            else:
                await asyncio.sleep(pause)

    async def remove_next(self) -> float | None:
        """Remove a release, and give the seconds until the next may be; None where none is left.

        Raises:
            OutsideError: the API server cannot be reached.
        """
        for namespace, turns in list(self._due.items()):
            known = self._index.by_pipeline(namespace)
            if known is None:
                continue
            for ref, due in list(turns.items()):
                name = self._find(due, known.get(ref.name, {}))
                if name is None:
                    self.forget(ref)
                    continue
                # Both go to the end, behind all that wait as well.
                turns[ref] = turns.pop(ref)
                self._due[namespace] = self._due.pop(namespace)
                await self._remove(due, name, known[ref.name])
                return PAUSE_SECONDS
        return LIST_SECONDS if self._due else None

    async def _may_remove(self, namespace: str) -> bool:
        is_given, since = self._rights.get(namespace, (False, None))
        if since is None or self._clock() - since >= RIGHT_FOR:
            is_given = await self._releases.may_delete(namespace)
            self._rights[namespace] = (is_given, self._clock())
        return is_given

    def _find(self, due: _Due, known: Known) -> str | None:
        pipeline = due.pipeline
        forms = {app.name: app.versioning or pipeline.versioning for app in pipeline.apps}
        history = pipeline.policy.history
        if history is None:
            raise AssertionError("only pipelines that do not keep all are due")
        names = find_expendable(
            history, known, lambda app: forms.get(app, pipeline.versioning), self._clock()
        )
        return next((name for name in names if name not in due.tried), None)

    async def _remove(self, due: _Due, name: str, known: Known) -> None:
        namespace, ended = due.pipeline.ref.namespace, known[name].ended
        if ended is None:
            raise AssertionError("only what has ended is removed")
        ref = Ref(namespace, name)
        try:
            await self._releases.delete(ref, ended.uid, ended.resource_version)
        except StaleError:
            LOG.info("AlbumRelease %s stays: it changed right now.", ref)
        except OutsideError as error:
            if error.reason is Reason.CLUSTER_UNAVAILABLE:
                raise
            if error.reason is Reason.FORBIDDEN:
                self._rights[namespace] = (False, self._clock())
                self._due.pop(namespace, None)
            LOG.warning("AlbumRelease %s stays: %s", ref, error)
        else:
            LOG.info("AlbumRelease %s is removed, as its pipeline's policy.history says.", ref)
        due.tried.add(name)
