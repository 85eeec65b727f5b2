"""Events about our own objects, as `kubectl describe` shows them in order."""

import logging
import socket
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from album_operator.adapters.cluster.cluster import Cluster, path_of
from album_operator.api.types import render_time
from album_operator.codec import API_VERSION
from album_operator.domain.errors import OutsideError
from album_operator.domain.release import Ref

LOG = logging.getLogger(__name__)

COMPONENT = "album-operator"
NOTE_LENGTH = 1024
"""Longest message of an Event with `eventTime`."""


@dataclass(frozen=True)
class Subject:
    """What an Event is about.

    Attributes:
        kind: AlbumRelease or AlbumPipeline.
    """

    kind: str
    ref: Ref
    uid: str


class Events:
    """Posts Events, each a microsecond later at least than the one before.

    Args:
        cluster: the API server.
        clock: its time.
    """

    def __init__(self, cluster: Cluster, clock: Callable[[], datetime]) -> None:
        self._cluster = cluster
        self._clock = clock
        self._last = clock()

    async def post(self, subject: Subject, kind: str, reason: str, message: str) -> None:
        """Post one; a lost one is only logged."""
        self._last = max(self._clock(), self._last + timedelta(microseconds=1))
        event = _render(subject, kind, reason, message, self._last)
        try:
            await self._cluster.create(path_of("/api/v1", "events", subject.ref.namespace), event)
        except OutsideError as error:
            LOG.warning("Event %s of %s %s is lost: %s", reason, subject.kind, subject.ref, error)


def _render(
    subject: Subject, kind: str, reason: str, message: str, moment: datetime
) -> dict[str, object]:
    """Write an Event that kubectl sorts: events.k8s.io/v1 refuses the time `describe` goes by.

    That time has seconds; those of one second stay in the order of their names.
    """
    name, namespace, at = subject.ref.name, subject.ref.namespace, render_time(moment)
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
            "kind": subject.kind,
            "name": name,
            "namespace": namespace,
            "uid": subject.uid,
        },
    }
