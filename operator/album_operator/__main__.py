"""`python -m album_operator`: settings -> ports -> election -> all that is done while it leads."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NoReturn

from aiohttp import web

from album_operator import logs
from album_operator.adapters.cluster.cluster import Cluster
from album_operator.adapters.cluster.election import Election
from album_operator.adapters.git.cache import CacheError
from album_operator.adapters.servers.authorities import AuthoritiesError, trusting
from album_operator.adapters.sinks.addresses import load_sinks
from album_operator.adapters.traces import TracesError
from album_operator.clock import ServerClock
from album_operator.codec.notification_sinks import SinksError
from album_operator.domain.notice import AnyNotice, TagNotice
from album_operator.domain.notifications import Sink
from album_operator.domain.proxies import VARIABLES
from album_operator.leading import Ground, lead
from album_operator.metrics.metrics import Metrics
from album_operator.metrics.outside import telling
from album_operator.metrics.passes import measure_lag
from album_operator.outside import Outside
from album_operator.secrecy import KnownSecrets, clean_logs
from album_operator.serving.health import Health, serve_health
from album_operator.serving.relay import Relay
from album_operator.serving.scrapes import read_health, serve_metrics
from album_operator.serving.webhooks import Receiver, serve_webhooks
from album_operator.settings import Settings, SettingsError, read_settings
from album_operator.term import Term
from album_operator.waking.handlers import is_worth_reading, lower_retries
from album_operator.waking.wakeups import Wakeups

LOG = logging.getLogger("album_operator")

OF_VARIABLES: Mapping[type[Exception], str] = {
    AuthoritiesError: "ALBUM_CA_FILE",
    CacheError: "ALBUM_CACHE_DIR",
    TracesError: "OTEL_EXPORTER_OTLP_ENDPOINT",
}
"""What is at the start no more than a variable that cannot be used."""


async def _listen(ground: Ground, election: Election | None) -> list[web.AppRunner]:
    """Open the ports of probes and metrics, and that of webhooks where these have a secret."""
    settings = ground.settings
    runners = [
        await serve_health(ground.health, settings.health_port),
        await serve_metrics(ground.metrics, settings.metrics_port),
    ]
    if settings.webhook_secret_file is None:
        LOG.info(
            "ALBUM_WEBHOOK_SECRET_FILE is not set: merges and tags are noticed by polling only."
        )
        return runners

    def tell(notice: AnyNotice) -> None:
        if isinstance(notice, TagNotice):
            for follow in ground.followers:
                follow(notice)
        else:
            ground.wakeups.notice(notice)

    receiver = Receiver(
        settings.webhook_secret_file, tell, ground.metrics, learn=ground.known.learn_token
    )
    port = settings.webhook_port
    relay = None if election is None else Relay(lambda: election.leader, ground.term, port)
    runners.append(await serve_webhooks(receiver, port, relay))
    return runners


async def _run(settings: Settings, known: KnownSecrets, sinks: Sequence[Sink]) -> None:
    candidacy, clock = settings.candidacy, ServerClock()
    term = Term.endless() if candidacy is None else Term(candidacy.renew)
    metrics = Metrics(lambda: clock().timestamp())
    outside = Outside(settings, clock, term, metrics)
    stopping = _stop_on_signals()
    wakeups = Wakeups(settings.host_aliases, settings.build_limits, settings.most_in_flight)
    ground = Ground(settings, known, term, clock, Health(), metrics, wakeups, sinks)
    read_health(metrics, ground.health)
    election = None
    if candidacy is not None:
        election = await Election.connect(clock, candidacy, term, ground.health.stand_by)
    runners = await _listen(ground, election)
    cluster = await Cluster.connect(clock, term, telling(metrics, "kubernetes"))
    measuring = asyncio.ensure_future(measure_lag(metrics))
    try:
        async with _elected(ground, election, stopping) as is_elected:
            try:
                if is_elected:
                    await lead(ground, outside, cluster, stopping)
            finally:
                await outside.close()
    finally:
        measuring.cancel()
        await cluster.close()
        for runner in runners:
            await runner.cleanup()


@asynccontextmanager
async def _elected(
    ground: Ground, election: Election | None, stopping: asyncio.Event
) -> AsyncIterator[bool]:
    """Stand for election; in the end give the Lease back, when all work has ended.

    Yields:
        Whether this operator was elected before it was told to stop. The process ends at once
        where it loses the Lease after that: what it has begun ends in no other way as surely.
    """
    if election is None:
        yield True
        return
    ground.health.stand_by("nobody knows yet who leads", answered=False)
    running = asyncio.ensure_future(election.run())
    running.add_done_callback(_leave_when_lost)
    try:
        await _first(election.is_won, stopping)
        if is_elected := election.is_won.is_set() and not stopping.is_set():
            LOG.info("This operator leads.")
            ground.health.standby = None
        yield is_elected
    finally:
        running.remove_done_callback(_leave_when_lost)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        if election.is_won.is_set():
            await election.give_back()
        await election.close()


def _leave_when_lost(running: asyncio.Task[str]) -> None:
    error = None if running.cancelled() else running.exception()
    why = "its election failed by a bug" if error is not None else running.result()
    LOG.error("This operator leads no more: %s. It ends at once.", why, exc_info=error)
    leave(1)


async def _first(*events: asyncio.Event) -> None:
    """Wait for the first of events."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


def _stop_on_signals() -> asyncio.Event:
    """Give the event that is set by the first signal to end, in whatever state the operator is."""
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return stopping


def _load_sinks(settings: Settings) -> tuple[Sink, ...]:
    file = settings.notifications_file
    if file is None:
        return ()
    return load_sinks(file, settings.insecure_hosts, settings.allowed_hosts)


def main() -> int:
    """Run the operator until it is told to stop."""
    known = KnownSecrets()
    clean_logs(known.clean_all)
    try:
        settings = read_settings(os.environ)
        sinks = _load_sinks(settings)
    except SettingsError as error:
        sys.stderr.write(f"album-operator: the environment is not right: {error}.\n")
        return 2
    except SinksError as error:
        sys.stderr.write(f"album-operator: ALBUM_NOTIFICATIONS_FILE cannot be used: {error}.\n")
        return 2
    logs.set_up(settings.log_format, settings.log_level, is_worth_reading, lower_retries)
    for secret in (settings.proxies.proxy, settings.collector, *sinks):
        if secret is not None:
            known.learn_own(secret.words)
    # The API server is gone to directly, and what we start is told its proxy by us.
    for name in VARIABLES:
        os.environ.pop(name, None)
    try:
        with trusting(settings.ca_file):
            asyncio.run(_run(settings, known, sinks))
    except tuple(OF_VARIABLES) as error:
        name = OF_VARIABLES[type(error)]
        sys.stderr.write(f"album-operator: {name} cannot be used: {error}.\n")
        return 2
    except Exception:
        LOG.exception("The operator ended by a bug of its own")
        return 1
    return 0


def leave(status: int) -> NoReturn:
    """End the process at once.

    `sys.exit` joins the threads of all executors, and one may wait for a server longer than a Pod
    has to end. Whatever it does may be cut off anywhere.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    leave(main())
