"""Changes of Argo CD's Applications, which wake the releases that follow them."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from album_operator.adapters.cluster.applications import (
    UnreadableError,
    parse_application,
)
from album_operator.adapters.cluster.cluster import Cluster, application_path
from album_operator.adapters.cluster.refusals import GoneError
from album_operator.domain.errors import OutsideError
from album_operator.domain.release import Ref
from album_operator.metrics.metrics import Metrics

LOG = logging.getLogger(__name__)

WATCH_SECONDS = 300
"""How long the API server is asked to keep a watch open."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds between two tries to watch; a release looks by itself meanwhile, only later."""

Changed = Callable[[Ref, object], None]
Missed = Callable[[str], None]


class ApplicationWatch:
    """Watches namespaces of Argo CD, each for ever, whatever the API server answers."""

    def __init__(self, cluster: Cluster, metrics: Metrics, idle: timedelta) -> None:
        self._cluster = cluster
        self._unreadable = metrics.unreadable_objects.labels("Application")
        self._restarts = metrics.watch_restarts.labels("Application")
        self._idle = idle.total_seconds()
        self._faults: dict[Ref, str] = {}

    async def run(self, namespace: str, changed: Changed, missed: Missed) -> None:
        """Tell of every Application that changes in a namespace, for ever.

        Args:
            namespace: where to watch.
            changed: told the Application and its state now, which can be compared with that of
                another time; None once it is deleted.
            missed: told the namespace when changes may have been missed.
        """
        version, pause = "", FIRST_PAUSE
        while True:
            begun = time.monotonic()
            try:
                if not version:
                    version = await self._read_version(namespace)
                    missed(namespace)
                path = application_path(namespace)
                async for event in self._cluster.watch(path, version, WATCH_SECONDS, self._idle):
                    version = self._take(namespace, event, changed) or version
                    pause = FIRST_PAUSE
            except GoneError:
                version = ""
                self._restarts.inc()
            except OutsideError as error:
                self._restarts.inc()
                LOG.warning("Applications of namespace %s: %s", namespace, error)
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, 2 * pause)
            if time.monotonic() - begun < 1:
                # Whoever ends every watch at once is not asked without a pause.
                await asyncio.sleep(FIRST_PAUSE)

    async def _read_version(self, namespace: str) -> str:
        # `limit=1` reads one page for the resource version alone: what changed before does not
        # matter, for a release looks at its Applications whenever it passes.
        listed = await self._cluster.get(application_path(namespace), limit="1")
        return _version_of(listed)

    def _take(self, namespace: str, event: Mapping[str, Any], changed: Changed) -> str:
        """Tell of one event; one that cannot be read is told as that, and ends nothing.

        Returns:
            Its resource version, empty for none.
        """
        raw = event.get("object")
        name = _metadata(raw).get("name")
        if event.get("type") == "BOOKMARK":
            return _version_of(raw)
        if not isinstance(raw, Mapping) or not isinstance(name, str) or not name:
            self._skip(Ref(namespace, "(without a name)"), "an event has no object with a name")
            return _version_of(raw)
        ref = Ref(namespace, name)
        state: object = None
        try:
            if event.get("type") != "DELETED":
                state = replace(parse_application(raw), resource_version="")
            self._faults.pop(ref, None)
        except UnreadableError as error:
            self._skip(ref, error.message)
            state = error.message
        changed(ref, state)
        return _version_of(raw)

    def _skip(self, ref: Ref, fault: str) -> None:
        self._unreadable.inc()
        if self._faults.get(ref) != fault:
            self._faults[ref] = fault
            LOG.warning("An event about Application %s is skipped: %s", ref, fault)


def _metadata(raw: object) -> Mapping[str, Any]:
    metadata = raw.get("metadata") if isinstance(raw, Mapping) else None
    return metadata if isinstance(metadata, Mapping) else {}


def _version_of(raw: object) -> str:
    version = _metadata(raw).get("resourceVersion")
    return version if isinstance(version, str) else ""
