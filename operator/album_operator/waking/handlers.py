"""Kopf, and nothing else: the events of our resources and of build Jobs, namespace by namespace.

Kopf ends as a whole when one of its watches is refused, and takes every task of its event loop for
its own. So each namespace has a Kopf in a thread with a loop of its own, which only hands events
over: a namespace that loses its rights ends one, and nothing else notices.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

import kopf

from album_operator.codec import (
    parse_release,
    parse_seen,
    parse_status,
    pipeline_ready_of,
    pipeline_wish_of,
    release_of,
    running_build,
    wish_of,
)
from album_operator.domain.marks import IMAGE_LABEL
from album_operator.domain.notice import Subject
from album_operator.domain.record import Record
from album_operator.domain.release import Ref, Release
from album_operator.memory.release_index import LIST_PIECE
from album_operator.metrics.metrics import Metrics
from album_operator.pipelines.cause import Cause
from album_operator.render.job import RELEASE_LABEL
from album_operator.waking.daemons import Daemons
from album_operator.waking.pipelines import Pipelines
from album_operator.waking.wakeups import Wakeups

LOG = logging.getLogger(__name__)

RELEASES = ("album.dev", "v1alpha1", "albumreleases")
PIPELINES = ("album.dev", "v1alpha1", "albumpipelines")
JOBS = ("batch", "v1", "jobs")

OLD_FINALIZER = "album.dev/in-flight"
"""What an older operator put on releases in flight. Kopf takes away the finalizer that is named to
it wherever no handler needs one, and none does."""

STOP_SECONDS = 15.0
"""How long a Kopf may take to end: it gives its tasks 5 seconds, its workers 2."""

WORKER_IDLE_SECONDS = 1.0
"""How long Kopf keeps an object after its last event, in case another one comes."""

ERROR_BACKOFFS = (1, 2, 5)
"""Seconds between Kopf's tries of a request; then its watch ends, and a new one is begun."""

NOISE = ("succeeded.", "has failed", "not in the main thread.", "Operator is stopping.")


class NamespaceWatch:
    """Tells daemons and wake-ups of what happens in namespaces."""

    def __init__(
        self,
        daemons: Daemons,
        wakeups: Wakeups,
        pipelines: Pipelines,
        metrics: Metrics,
        idle: timedelta,
        gone: Callable[[Release, Record], None],
    ) -> None:
        """Prepare to watch.

        Args:
            daemons: told of releases.
            wakeups: told of Jobs, and its index of releases.
            pipelines: told of pipelines, and that something is new about releases of one.
            metrics: count what cannot be read.
            idle: how long a watch may be silent before it counts as dead.
            gone: told of a release that was deleted, as it was, once nothing works on it.
        """
        self._daemons = daemons
        self._wakeups = wakeups
        self._pipelines = pipelines
        self._metrics = metrics
        self._idle = idle.total_seconds()
        self._gone = gone
        self._faults: set[tuple[str, str]] = set()

    async def run(self, namespace: str) -> None:
        """Watch a namespace until cancelled.

        Raises:
            Exception: what ended Kopf.
        """
        self._wakeups.index.begin_list(namespace)
        main, own, stop = asyncio.get_running_loop(), asyncio.new_event_loop(), asyncio.Event()
        ended: asyncio.Future[None] = main.create_future()
        # The first of its tasks that fails is raised; the others fail for the same reason.
        own.set_exception_handler(lambda _, context: LOG.debug("Kopf: %s", context["message"]))

        def settle(error: BaseException | None) -> None:
            if not ended.done():
                ended.set_result(None) if error is None else ended.set_exception(error)

        def work() -> None:
            error: BaseException | None = None
            try:
                with asyncio.Runner(loop_factory=lambda: own) as runner:
                    runner.run(self._operate(namespace, main, stop))
            except BaseException as caught:  # noqa: BLE001 - handed over
                error = caught
            with suppress(RuntimeError):  # The loop it would be told to is closed.
                main.call_soon_threadsafe(settle, error)

        threading.Thread(target=work, name=f"watch of {namespace}", daemon=True).start()
        try:
            await asyncio.shield(ended)
        except Exception:
            self._metrics.watch_restarts.labels("Namespace").inc()
            raise
        finally:
            with suppress(RuntimeError):  # It has ended.
                own.call_soon_threadsafe(stop.set)
            await asyncio.wait({ended}, timeout=STOP_SECONDS)
            if ended.done():
                ended.exception()  # It is raised already, or nobody asks for it any more.

    async def _operate(
        self, namespace: str, main: asyncio.AbstractEventLoop, stop: asyncio.Event
    ) -> None:
        await kopf.operator(
            registry=self._registry(main),
            settings=_settings(self._idle),
            namespaces=[namespace],
            standalone=True,
            stop_flag=stop,
        )

    def _registry(self, main: asyncio.AbstractEventLoop) -> kopf.OperatorRegistry:
        """Make handlers, each of which reads its event and hands the rest to the main loop."""
        registry = kopf.OperatorRegistry()

        @kopf.on.login(registry=registry, id="login")
        async def login(**kwargs: Any) -> kopf.ConnectionInfo | None:  # noqa: ANN401 - handed on
            return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)

        @kopf.on.event(*RELEASES, registry=registry, id="release-changed")
        async def release_changed(**event: Any) -> None:  # noqa: ANN401 - as Kopf calls
            self._read("AlbumRelease", main, event, self._read_release, self._skip_release)

        @kopf.on.event(*PIPELINES, registry=registry, id="pipeline-changed")
        async def pipeline_changed(**event: Any) -> None:  # noqa: ANN401 - as Kopf calls
            self._read("AlbumPipeline", main, event, self._read_pipeline)

        @kopf.on.event(
            *JOBS, registry=registry, id="job-changed", labels={RELEASE_LABEL: kopf.PRESENT}
        )
        async def job_changed(**event: Any) -> None:  # noqa: ANN401 - as Kopf calls
            self._read("Job", main, event, self._read_job)

        return registry

    def _read(
        self,
        kind: str,
        main: asyncio.AbstractEventLoop,
        event: Mapping[str, Any],
        read: Callable[[Mapping[str, Any]], Callable[[], None]],
        skip: Callable[[Mapping[str, Any]], Callable[[], None]] = lambda _: lambda: None,
    ) -> None:
        try:
            tell = read(event)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self._metrics.unreadable_objects.labels(kind).inc()
            who = f"{kind} {event.get('namespace')}/{event.get('name')}"
            if (who, repr(error)) not in self._faults:
                self._faults.add((who, repr(error)))
                LOG.warning("An event about %s is skipped: it cannot be read: %r", who, error)
            tell = skip(event)
        with suppress(RuntimeError):  # The operator has stopped.
            main.call_soon_threadsafe(tell)

    def _read_release(self, event: Mapping[str, Any]) -> Callable[[], None]:
        ref, body = _ref(event), event["body"]
        is_deleted = event["type"] == "DELETED" or "deletionTimestamp" in body["metadata"]
        seen = None if is_deleted else parse_seen(body)
        wish = wish_of(body)
        is_listed = event["type"] is None
        last = self._read_last(body) if is_deleted else None

        def tell() -> None:
            if is_listed:
                self._wakeups.index.note_listed(ref)
            known = self._wakeups.index.find(ref)
            if seen is None:
                self._wakeups.index.drop(ref)
            else:
                self._wakeups.index.note(ref, seen)
            if known != seen:
                for name in {one.pipeline for one in (known, seen) if one is not None}:
                    self._pipelines.wake(Ref(ref.namespace, name), Cause.RELEASES)
            if seen is None or seen.step is None:
                self._daemons.end(ref, last)
            else:
                self._daemons.keep(ref, wish)

        return tell

    def _skip_release(self, event: Mapping[str, Any]) -> Callable[[], None]:
        """Give what counts a release that nobody can read, where a list brought it."""
        namespace, name = event.get("namespace"), event.get("name")
        if event.get("type") is not None or not namespace or not name:
            return lambda: None
        return lambda: self._wakeups.index.note_listed(Ref(namespace, name))

    def _read_last(self, body: Mapping[str, Any]) -> Callable[[], None] | None:
        """Give what takes a deleted release back; None where nobody can read what it was."""
        try:
            release, record = parse_release(body), parse_status(body.get("status") or {})
        except (KeyError, TypeError, ValueError, AttributeError):
            return None
        return lambda: self._gone(release, record)

    def _read_pipeline(self, event: Mapping[str, Any]) -> Callable[[], None]:
        ref, body = _ref(event), event["body"]
        wish = pipeline_wish_of(body) if event["type"] != "DELETED" else None
        ready = pipeline_ready_of(body)

        def tell() -> None:
            if wish is None:
                self._pipelines.delete(ref)
            elif not self._pipelines.note(ref, wish, ready):
                return
            self._wakeups.wake_of_pipeline(ref)

        return tell

    def _read_job(self, event: Mapping[str, Any]) -> Callable[[], None]:
        job, is_gone = event["event"]["object"], event["type"] == "DELETED"
        return read_job(self._wakeups, job, is_gone=is_gone)


def read_job(wakeups: Wakeups, job: Mapping[str, Any], *, is_gone: bool) -> Callable[[], None]:
    """Give what wakes whom an event about a Job concerns: its release, and who waits to build.

    By its release's name, not its uid: who waits for an earlier release's Job to go is woken too.
    """
    owner = release_of(job["metadata"])
    if owner is None:
        return lambda: None
    release = Ref(job["metadata"].get("namespace", ""), owner.name)
    build, name = None if is_gone else running_build(job), job["metadata"].get("name", "")
    image = (job["metadata"].get("labels") or {}).get(IMAGE_LABEL, "")

    def tell() -> None:
        wakeups.wake(release, Subject.JOB)
        if build is None:
            wakeups.queue.end(release.namespace, name)
            wakeups.image_waits.end(release.namespace, image)
        elif not wakeups.index.has_built(release):
            wakeups.queue.note(release.namespace, build)

    return tell


def _ref(event: Mapping[str, Any]) -> Ref:
    namespace, name = event["namespace"], event["name"]
    if not namespace or not name:
        raise ValueError("its metadata has no namespace or no name")
    return Ref(namespace, name)


class _NoDifferences(kopf.DiffBaseStorage):
    """Compares nothing: no handler asks what has changed, and Kopf copies each object to tell."""

    def build(self, **_: Any) -> kopf.BodyEssence:  # noqa: ANN401 - as Kopf calls
        return kopf.BodyEssence({})

    def fetch(self, **_: Any) -> None:  # noqa: ANN401 - as Kopf calls
        return None

    def store(self, **_: Any) -> None:  # noqa: ANN401 - as Kopf calls
        pass


def _settings(idle: float) -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.persistence.diffbase_storage = _NoDifferences()
    settings.queueing.idle_timeout = WORKER_IDLE_SECONDS
    # One that comes whole is parsed in one go, while no other thread runs: for seconds, of 10,000.
    settings.watching.chunk_size = LIST_PIECE
    settings.posting.enabled = False  # Events are the adapter's; Kopf would repeat log lines
    settings.persistence.finalizer = OLD_FINALIZER
    settings.peering.standalone = True
    settings.scanning.disabled = True  # no right on CRDs and namespaces: both are known
    settings.watching.label_selectors[JOBS] = RELEASE_LABEL  # other Jobs never reach the operator
    settings.watching.inactivity_timeout = idle
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 330
    settings.watching.connect_timeout = 30
    settings.networking.request_timeout = 60
    settings.networking.error_backoffs = ERROR_BACKOFFS
    # A Kopf that does not end would send SIGKILL to all of the process.
    settings.process.ultimate_exiting_timeout = None
    return settings


def is_worth_reading(line: logging.LogRecord) -> bool:
    """Drop Kopf's lines that are told better elsewhere, or by two for each event."""
    if not line.name.startswith("kopf"):
        return True
    message = line.getMessage()
    return not any(noise in message for noise in NOISE)


def lower_retries(line: logging.LogRecord) -> bool:
    """Let what Kopf tries again be a warning, not the error it calls it; every line is kept.

    After an upgrade of the CRDs the API server puts watches off for a second.
    """
    if line.levelno == logging.ERROR and "; will retry: " in line.getMessage():
        line.levelno, line.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
    return True
