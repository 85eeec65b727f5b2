"""The Lease that says which operator leads, as the client library's election asks for one."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.leaderelection.resourcelock.baselock import BaseLock

from album_operator.adapters.cluster.cluster import Cluster, path_of
from album_operator.adapters.cluster.refusals import NotFoundError
from album_operator.domain.candidacy import LONGEST_LEASE, Candidacy, Leader
from album_operator.domain.errors import OutsideError
from album_operator.term import Term

LOG = logging.getLogger(__name__)

API = "coordination.k8s.io/v1"

ADDRESS = "album.dev/webhooks-address"
"""Annotation of the Lease: where the leader takes webhooks."""

GIVEN_BACK = 1
"""Seconds for which a Lease holds that its holder gave back, as client-go writes it (`release` in
`leaderelection.go`). One without a holder that says more was emptied by somebody else, whose leader
may not know yet."""


class Told(Protocol):
    """Takes who leads while this one does not."""

    def __call__(self, words: str, *, answered: bool) -> None:
        """Take it.

        Args:
            words: who leads, or why nobody knows.
            answered: whether the API server said so just now.
        """


class DeposedError(Exception):
    """The term of this one is over; the message says why."""


class LeaseLock(BaseLock):
    """Judges by one clock of this process alone; `LeaderElection` repeats what it says.

    In place of the library's own `LeaseLock` (kubernetes 37.0), with which an election can be won
    or lost that was not:

    - `get`, `create` and `update` catch `ApiException`: a refused connection, or one that breaks
      off, is an error of aiohttp, and ends the election with a traceback.
    - no request is given a `_request_timeout`: for a server that is silent aiohttp waits five
      minutes, when the Lease is long another's.
    - `time_str_to_iso` writes the node's local time with a `Z` behind it, and null for a time whose
      microseconds are 0, which `str(datetime)` leaves out.
    - `update_lease` asserts that there is a holder, so that none can be given back.

    And `LeaderElection.try_acquire_or_renew` counts by `time.time()`: a clock that is set forward
    ends another's term. So `get` gives no record that is counted on: the Lease may be taken, or
    not. The clocks of others are never read (kubernetes/client-go#448).

    Args:
        cluster: of its own connections, which no other work takes.
        candidacy: how this operator stands.
        term: begun and renewed by what is written.
        told: see `Told`.
    """

    def __init__(self, cluster: Cluster, candidacy: Candidacy, term: Term, told: Told) -> None:
        super().__init__(candidacy.name, candidacy.namespace, candidacy.identity)
        self._cluster = cluster
        self._candidacy = candidacy
        self._term = term
        self._told = told
        self._path = path_of(f"/apis/{API}", "leases", candidacy.namespace, candidacy.name)
        self._raw: Mapping[str, Any] | None = None
        self._spec: Mapping[str, Any] | None = None
        self._since = 0.0
        self._trouble = ""

    @property
    def leader(self) -> Leader | None:
        """Who leads as far as this one knows; None for nobody."""
        spec, raw = self._spec, self._raw
        if spec is None or raw is None or not spec.get("holderIdentity") or self._is_over(spec):
            return None
        annotations = raw["metadata"].get("annotations") or {}
        return Leader(spec["holderIdentity"], annotations.get(ADDRESS, ""))

    async def get(self, *_: object, **__: object) -> tuple[bool, Exception] | tuple[bool, None]:
        """Look at the Lease.

        Returns:
            `(True, None)` where it is this one's or may be taken, else False and why not.

        Raises:
            DeposedError: this one's term is over, or the Lease another's though it is not.
        """
        if self._term.left is not None and not self._term.is_running:
            raise DeposedError("it was not renewed in time")
        try:
            self._raw = await self._in_time(self._cluster.get(self._path))
            self._see(self._raw.get("spec") or {})
        except NotFoundError:
            # What was seen of it still counts: who led when it was deleted goes on for a while.
            self._raw = None
        except (OutsideError, TimeoutError) as error:
            return False, self._fail("read", error)
        self._trouble = ""
        holder = (self._spec or {}).get("holderIdentity") or ""
        if self._term.is_running and holder not in ("", self.identity):
            self._term.end()
            raise DeposedError(f"{holder} holds it")
        if not self._term.is_running:
            self._told(
                f"{self.leader.identity} leads" if self.leader else "nobody leads", answered=True
            )
        is_free = self._spec is None or holder == self.identity or self._is_over(self._spec)
        if is_free or self._term.is_running:
            return True, None
        return False, ApiException(reason=f"{holder} leads")

    async def create(self, *_: object, **__: object) -> bool:
        """Do as `update`; it is not called, for `get` never says that there is none."""
        return await self.update()

    async def update(self, *_: object, **__: object) -> bool:
        """Make, take or renew the Lease as it was last seen, and with it the term.

        Returns:
            False where that failed, or somebody else wrote it meanwhile.
        """
        sent = self._term.clock()
        try:
            written = await self._write(self._candidacy.lease, self.identity)
        except (OutsideError, TimeoutError) as error:
            self._fail("written", error)
            return False
        self._raw = written
        self._see(written["spec"])
        self._term.renew(sent)
        return self._term.is_running

    async def give_back(self) -> None:
        """End the term, and let the next one lead at once."""
        was_running = self._term.is_running
        self._term.end()
        try:
            raw = await self._in_time(self._cluster.get(self._path))
            if was_running and raw["spec"].get("holderIdentity") == self.identity:
                self._raw = raw
                await self._write(GIVEN_BACK, "")
        except (OutsideError, TimeoutError) as error:
            LOG.warning(
                "The Lease is not given back, so the next one leads after a while: %s", error
            )

    async def _write(self, seconds: int, holder: str) -> dict[str, Any]:
        raw = self._raw or {}
        body = {
            "apiVersion": API,
            "kind": "Lease",
            "metadata": self._metadata(raw.get("metadata") or {}),
            "spec": self._render(raw.get("spec") or {}, seconds, holder),
        }
        if raw:
            return await self._in_time(self._cluster.replace(self._path, body))
        return await self._in_time(self._cluster.create(self._path.rpartition("/")[0], body))

    def _metadata(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """Keep what others wrote; its `resourceVersion` refuses to write over what is new."""
        annotations = {**(metadata.get("annotations") or {}), ADDRESS: self._candidacy.address}
        return {"name": self._candidacy.name, **metadata, "annotations": annotations}

    def _render(self, spec: Mapping[str, Any], seconds: int, holder: str) -> dict[str, Any]:
        now = f"{self._cluster.clock():%Y-%m-%dT%H:%M:%S.%fZ}"
        is_change = spec.get("holderIdentity") != holder
        return {
            **spec,
            "holderIdentity": holder,
            "leaseDurationSeconds": seconds,
            "renewTime": now,
            "acquireTime": now if is_change else spec.get("acquireTime", now),
            "leaseTransitions": spec.get("leaseTransitions", -1) + int(is_change and holder != ""),
        }

    def _see(self, spec: Mapping[str, Any]) -> None:
        """Note since when it is as it is; annotations of others are no renewal."""
        if spec != self._spec:
            self._spec, self._since = spec, self._term.clock()

    def _is_over(self, spec: Mapping[str, Any]) -> bool:
        """Tell whether a Lease has not been renewed for as long as it holds, or was given back."""
        seconds = spec.get("leaseDurationSeconds") or self._candidacy.lease
        if not spec.get("holderIdentity") and seconds == GIVEN_BACK:
            return True
        return self._term.clock() - self._since >= min(seconds, LONGEST_LEASE)

    async def _in_time(self, request: Awaitable[dict[str, Any]]) -> dict[str, Any]:
        """Wait for an answer for half a term: one that is lost leaves time for another try."""
        async with asyncio.timeout(self._candidacy.renew / 2):
            return await request

    def _fail(self, what: str, error: Exception) -> ApiException:
        said = str(error) or f"the API server was silent for {self._candidacy.renew / 2:g} seconds"
        trouble = f"The Lease cannot be {what}: {said}"
        if trouble != self._trouble:
            LOG.warning("%s", trouble)
        self._trouble = trouble
        if not self._term.is_running:
            self._told(trouble, answered=False)
        return ApiException(reason=trouble)
