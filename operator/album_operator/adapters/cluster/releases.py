"""AlbumReleases and AlbumPipelines in the API server; the adapter of port `Releases`."""

import logging
import socket
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from album_operator.adapters.cluster.cluster import Cluster, path_of
from album_operator.adapters.cluster.refusals import ConflictError, NotFoundError, Right
from album_operator.adapters.cluster.rights import ROLLBACKS
from album_operator.api.types import render_time
from album_operator.codec import (
    API_VERSION,
    parse_pipeline,
    parse_release,
    parse_status,
    render_status,
)
from album_operator.domain.errors import OutsideError
from album_operator.domain.marks import APP_LABEL, LABELS, PIPELINE_LABEL, ROLLBACK_LABEL
from album_operator.domain.names import shorten
from album_operator.domain.pipeline import Pipeline
from album_operator.domain.record import Record
from album_operator.domain.release import Ref, Release

LOG = logging.getLogger(__name__)

ALBUM = f"/apis/{API_VERSION}"
COMPONENT = "album-operator"
NOTE_LENGTH = 1024
"""Longest message of an Event with `eventTime`."""


class ClusterReleases:
    """Reads releases and pipelines, writes statuses, posts Events."""

    def __init__(self, cluster: Cluster, clock: Callable[[], datetime]) -> None:
        self._cluster = cluster
        self._clock = clock
        self._last_event = clock()

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
        """Ask for the one right that a namespace can be served without."""
        return await self._cluster.is_allowed(Right(namespace, *ROLLBACKS))

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
        status = {**_replaced(old, changed), **gone}
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
        event = _render_event(release, kind, reason, message, self._next_moment())
        namespace = release.ref.namespace
        try:
            await self._cluster.create(path_of("/api/v1", "events", namespace), event)
        except OutsideError as error:
            LOG.warning("Event %s of AlbumRelease %s is lost: %s", reason, release.ref, error)

    def _next_moment(self) -> datetime:
        """Give the time, a microsecond later at least than for the Event before."""
        self._last_event = max(self._clock(), self._last_event + timedelta(microseconds=1))
        return self._last_event


def _render_event(
    release: Release, kind: str, reason: str, message: str, moment: datetime
) -> dict[str, object]:
    """Write an Event that kubectl sorts: events.k8s.io/v1 refuses the time `describe` goes by.

    That time has seconds; those of one second stay in the order of their names.
    """
    name, namespace, at = release.ref.name, release.ref.namespace, render_time(moment)
    micros = int(moment.timestamp() * 1_000_000)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{name[:200]}.{micros:x}{uuid.uuid4().hex[:4]}",
            "namespace": namespace,
        },
        "eventTime": at,
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
        "type": kind,
        "reason": reason,
        "message": message[:NOTE_LENGTH],
        "action": reason,
        "reportingComponent": COMPONENT,
        "reportingInstance": socket.gethostname()[:128],
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": "AlbumRelease",
            "name": name,
            "namespace": namespace,
            "uid": release.uid,
        },
    }


def _is_same(now: Release, then: Release) -> bool:
    same_version = replace(now, resource_version=then.resource_version)
    return same_version == then and now.status == then.status


def _path(ref: Ref) -> str:
    return path_of(ALBUM, "albumreleases", ref.namespace, ref.name)


def _replaced(old: dict[str, object], changed: dict[str, object]) -> dict[str, object]:
    """Make a merge patch that replaces objects whole: keys they lost become null."""
    patch: dict[str, object] = {}
    for key, value in changed.items():
        known = old.get(key)
        if isinstance(value, dict) and isinstance(known, dict):
            inner = {name: item for name, item in value.items() if known.get(name) != item}
            patch[key] = {
                **_replaced(known, inner),
                **dict.fromkeys(known.keys() - value.keys()),
            }
        else:
            patch[key] = value
    return patch
