"""Kopf, and nothing else: one daemon per release in flight, and the events that wake it.

Finished releases cost nothing: `when=` keeps them without a daemon, and event handlers only set a
flag in memory. Status is written by the adapter, never through Kopf's `patch`.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import kopf

from album_operator.codec import end_of, is_in_flight, release_of, wish_of
from album_operator.domain.errors import OutsideError
from album_operator.domain.release import Ref
from album_operator.health import Health
from album_operator.pull_request_watch import repository_of
from album_operator.reconcile import Memory, Next, Reconciler
from album_operator.render.job import RELEASE_LABEL
from album_operator.stopwatch import Stopwatch
from album_operator.wakeups import JOB_STEPS, Wakeups

LOG = logging.getLogger(__name__)

RELEASES = ("album.dev", "v1alpha1", "albumreleases")
JOBS = ("batch", "v1", "jobs")

API_DOWN = timedelta(seconds=5)
"""Pause after a pass that could not even read its release or write its status."""

AFTER_A_BUG = timedelta(seconds=60)

STOP_SECONDS = 20.0
"""How long a running pass may take to end when the operator stops."""


def register(
    registry: kopf.OperatorRegistry, reconciler: Reconciler, wakeups: Wakeups, health: Health
) -> None:
    """Add all handlers to a registry."""

    @kopf.on.login(registry=registry, id="login")
    def login(**kwargs: Any) -> kopf.ConnectionInfo | None:  # noqa: ANN401 - handed on
        return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)

    @kopf.on.startup(registry=registry, id="configure")
    def configure(settings: kopf.OperatorSettings, **_: object) -> None:
        _configure(settings)

    @kopf.daemon(
        *RELEASES,
        registry=registry,
        id="release",
        when=lambda body, **_: is_in_flight(body),
        cancellation_backoff=STOP_SECONDS,
        cancellation_timeout=5.0,
    )
    async def serve(
        namespace: str | None,
        name: str | None,
        body: Mapping[str, Any],
        stopped: kopf.DaemonStopped,
        **_: object,
    ) -> None:
        ref = Ref(namespace or "", name or "")
        wakeups.join(ref, wish_of(body))
        await serve_release(ref, stopped, reconciler, wakeups, health)

    @kopf.on.event(*RELEASES, registry=registry, id="release-changed")
    async def release_changed(
        namespace: str | None, name: str | None, body: Mapping[str, Any], **_: object
    ) -> None:
        wakeups.note(Ref(namespace or "", name or ""), wish_of(body))

    @kopf.on.event(*JOBS, registry=registry, id="job-changed", labels={RELEASE_LABEL: kopf.PRESENT})
    async def job_changed(event: kopf.RawEvent, **_: object) -> None:
        note_job(wakeups, event["object"], is_gone=event["type"] == "DELETED")


def note_job(wakeups: Wakeups, job: Mapping[str, Any], *, is_gone: bool) -> None:
    """Wake whom an event about a Job concerns: its release, and who waits for a build to end.

    By its release's name, not its uid: who waits for an earlier release's Job to go is woken too.
    """
    namespace, owner = job["metadata"].get("namespace", ""), release_of(job["metadata"])
    if owner is None:
        return
    wakeups.wake(Ref(namespace, owner.name), JOB_STEPS)
    if is_gone or end_of(job) is not None:
        wakeups.queue.wake_first(namespace)


async def serve_release(
    ref: Ref,
    stopped: kopf.DaemonStopped,
    reconciler: Reconciler,
    wakeups: Wakeups,
    health: Health,
) -> None:
    """Pass over a release that joined the wake-ups whenever something happened or is due.

    A daemon that returned would not be started again before the operator restarts, so it waits to
    be stopped by Kopf even when there is nothing left to do.
    """
    memory = Memory()
    polled, noticed = False, time.monotonic()
    try:
        while not stopped:
            health.passes[str(ref)] = stopwatch = Stopwatch()
            try:
                with stopwatch.measuring():
                    due = await reconciler.run_pass(ref, memory, noticed, polled=polled)
            except OutsideError as error:
                LOG.warning("AlbumRelease %s: %s", ref, error.message)
                due = Next(max(API_DOWN, getattr(error, "retry_after", None) or API_DOWN))
            except Exception:
                LOG.exception("AlbumRelease %s: a pass failed by a bug of the operator", ref)
                due = Next(AFTER_A_BUG)
            finally:
                del health.passes[str(ref)]
            ended = time.monotonic()
            wakeups.follow(ref, due.applications)
            if due.pull_request is not None:
                url, number = repository_of(due.pull_request.url), due.pull_request.number
                wakeups.follow_pull_request(ref, url, number, due.branch)
            woken = await _wait(ref, stopped, wakeups, due)
            polled = woken is None and due.is_poll
            # An event seen while a pass ran has waited only since that pass ended.
            noticed = max(woken, ended) if woken is not None else time.monotonic()
    finally:
        wakeups.leave(ref)


async def _wait(ref: Ref, stopped: kopf.DaemonStopped, wakeups: Wakeups, due: Next) -> float | None:
    """Wait for an event, the due time, or the end; give when the event was seen, None for none."""
    woken = asyncio.ensure_future(wakeups.wait(ref, due.step))
    ending = asyncio.ensure_future(stopped.wait())
    try:
        await asyncio.wait(
            {woken, ending},
            timeout=due.after.total_seconds() if due.after is not None else None,
            return_when=asyncio.FIRST_COMPLETED,
        )
        return woken.result() if woken.done() else None
    finally:
        woken.cancel()
        ending.cancel()


def _configure(settings: kopf.OperatorSettings) -> None:
    settings.posting.enabled = False  # Events are the adapter's; Kopf would repeat log lines
    settings.persistence.finalizer = "album.dev/in-flight"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix="album.dev")
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix="album.dev")
    settings.peering.standalone = True
    settings.scanning.disabled = True  # no right on CRDs and namespaces: both are known
    settings.watching.label_selectors[JOBS] = RELEASE_LABEL  # other Jobs never reach the operator
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 330
    settings.watching.connect_timeout = 30
    settings.networking.request_timeout = 60
    logging.getLogger("kopf.objects").addFilter(_is_worth_reading)


def _is_worth_reading(line: logging.LogRecord) -> bool:
    """Drop Kopf's line for each event handled: two per change of any release or Job."""
    return not line.getMessage().endswith("succeeded.")
