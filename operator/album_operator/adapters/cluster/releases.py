"""AlbumReleases and AlbumPipelines in the API server; the adapter of port `Releases`."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from album_operator.adapters.cluster.cluster import Cluster, path_of
from album_operator.adapters.cluster.events import Events, Subject
from album_operator.adapters.cluster.patches import replaced
from album_operator.adapters.cluster.refusals import ConflictError, NotFoundError, Right
from album_operator.adapters.cluster.rights import RETENTION, ROLLBACKS
from album_operator.codec import (
    API_VERSION,
    parse_pipeline,
    parse_release,
    parse_status,
    render_status,
)
from album_operator.domain.marks import APP_LABEL, LABELS, PIPELINE_LABEL, ROLLBACK_LABEL
from album_operator.domain.names import shorten
from album_operator.domain.pipeline import Pipeline
from album_operator.domain.record import Record
from album_operator.domain.release import Ref, Release

ALBUM = f"/apis/{API_VERSION}"


class ClusterReleases:
    """Reads releases and pipelines, writes statuses, posts Events."""

    def __init__(self, cluster: Cluster, clock: Callable[[], datetime]) -> None:
        self._cluster = cluster
        self._clock = clock
        self._events = Events(cluster, clock)

    async def find_release(self, ref: Ref) -> tuple[Release, Record] | None:
        """Read a release and the record in its status."""
        try:
            raw = await self._cluster.get(_path(ref))
        except NotFoundError:
            return None
        return parse_release(raw), parse_status(raw.get("status", {}))

    async def find_pipeline(self, ref: Ref) -> Pipeline | None:
        """Read a pipeline."""
        path = path_of(ALBUM, "albumpipelines", ref.namespace, ref.name)
        try:
            return parse_pipeline(await self._cluster.get(path))
        except NotFoundError:
            return None

    async def list_of_app(
        self, pipeline: Ref, app: str, *, only_rollbacks: bool = False
    ) -> Sequence[tuple[Release, Record]]:
        """List the releases of a pipeline's app that have begun, by the labels they got then."""
        labels = {PIPELINE_LABEL: shorten(pipeline.name), APP_LABEL: shorten(app)}
        words = [f"{key}={value}" for key, value in labels.items()]
        selector = ",".join([*words, ROLLBACK_LABEL] if only_rollbacks else words)
        path, found = path_of(ALBUM, "albumreleases", pipeline.namespace), []
        async for raw in self._cluster.list_all(path, labelSelector=selector):
            with suppress(KeyError, TypeError, ValueError, AttributeError):
                found.append((parse_release(raw), parse_status(raw.get("status", {}))))
        return found

    async def may_create(self, namespace: str) -> bool:
        """Ask for a right that a namespace can be served without."""
        return await self._cluster.is_allowed(Right(namespace, *ROLLBACKS))

    async def may_delete(self, namespace: str) -> bool:
        """Ask for the other right that a namespace can be served without."""
        return await self._cluster.is_allowed(Right(namespace, *RETENTION))

    async def delete(self, ref: Ref, uid: str, resource_version: str) -> None:
        """Delete a release that still is as it was seen; the build Jobs it owns go with it."""
        conditions = {"uid": uid, "resourceVersion": resource_version}
        with suppress(NotFoundError):
            await self._cluster.delete(_path(ref), conditions)

    async def create(self, release: Mapping[str, Any]) -> None:
        """Create a release; one of the same name is left as it is."""
        path = path_of(ALBUM, "albumreleases", release["metadata"]["namespace"])
        with suppress(ConflictError):
            await self._cluster.create(path, release)

    async def write_record(
        self, release: Release, before: Record, after: Record
    ) -> tuple[Release, Record] | None:
        """Write what changed into the status, if the release is still as it was read.

        The patch carries a resource version, so a change by somebody else meanwhile is answered by
        a conflict and nothing is written.
        """
        now = self._clock()
        old, new = dict(release.status), render_status(release, after, now)
        changed = {key: value for key, value in new.items() if old.get(key) != value}
        # Only what we ourselves would write goes: a newer operator may have left more. Of a status
        # that somebody else wrote into, nothing stays.
        ours = old if before.fault else render_status(release, before, now)
        gone = dict.fromkeys(old.keys() & ours.keys() - new.keys())
        if not (changed or gone):
            return release, after
        # Each changed part is replaced whole: a merge would keep fields that are gone from it.
        status = {**replaced(old, changed), **gone}
        return await self._patch(release, "/status", {"status": status})

    async def mark(self, release: Release, marks: Mapping[str, str]) -> Release | None:
        """Put labels and annotations on a release, if it is still as it was read."""
        metadata = {
            "labels": {key: value for key, value in marks.items() if key in LABELS},
            "annotations": {key: value for key, value in marks.items() if key not in LABELS},
        }
        marked = await self._patch(release, "", {"metadata": metadata})
        return marked[0] if marked is not None else None

    async def _patch(
        self, release: Release, sub: str, patch: Mapping[str, Mapping[str, object]]
    ) -> tuple[Release, Record] | None:
        """Apply a merge patch to a release that still says what was read of it; None otherwise.

        Others put finalizers and labels on: what a release neither reads nor writes is no reason to
        make all of a pass again.
        """
        known = release
        for _ in range(2):
            metadata = {**patch.get("metadata", {}), "resourceVersion": known.resource_version}
            try:
                raw = await self._cluster.merge(
                    f"{_path(release.ref)}{sub}", {**patch, "metadata": metadata}
                )
            except NotFoundError:
                return None
            except ConflictError:
                found = await self.find_release(release.ref)
                if found is None or not _is_same(found[0], release):
                    return None
                known = found[0]
            else:
                return parse_release(raw), parse_status(raw.get("status", {}))
        return None

    async def post_event(self, release: Release, kind: str, reason: str, message: str) -> None:
        """Post an Event; a lost one is only logged, for the status says the same."""
        subject = Subject("AlbumRelease", release.ref, release.uid)
        await self._events.post(subject, kind, reason, message)


def _is_same(now: Release, then: Release) -> bool:
    same_version = replace(now, resource_version=then.resource_version)
    return same_version == then and now.status == then.status


def _path(ref: Ref) -> str:
    return path_of(ALBUM, "albumreleases", ref.namespace, ref.name)
