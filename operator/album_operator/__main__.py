"""`python -m album_operator`: settings -> adapters -> reconciler -> Kopf."""

import asyncio
import logging
import os
import sys
import time
from collections.abc import Awaitable
from datetime import UTC, datetime

import kopf
from aiohttp import web

from album_operator.adapters.application_watch import ApplicationWatch
from album_operator.adapters.applications import ClusterApplications
from album_operator.adapters.builds import ClusterBuilds
from album_operator.adapters.cluster import Cluster
from album_operator.adapters.config_repository import GitConfigRepository
from album_operator.adapters.forges import Forges
from album_operator.adapters.git import SHARES
from album_operator.adapters.git_cache import CacheError
from album_operator.adapters.gitea import GiteaPullRequests
from album_operator.adapters.github import GitHubPullRequests
from album_operator.adapters.releases import ClusterReleases
from album_operator.adapters.rights import find_missing
from album_operator.adapters.secrets import ClusterSecrets
from album_operator.adapters.source_repository import GitSourceRepository
from album_operator.domain.errors import OutsideError
from album_operator.domain.notice import Notice
from album_operator.domain.places import ForgeType
from album_operator.handlers import register
from album_operator.health import Health, serve_health
from album_operator.metrics import Metrics
from album_operator.pull_request_watch import PullRequestWatch
from album_operator.reconcile import Reconciler
from album_operator.settings import Settings, SettingsError, read_settings
from album_operator.slots import Slots
from album_operator.steps import Steps, World
from album_operator.wakeups import Wakeups
from album_operator.webhooks import Receiver, serve_webhooks

LOG = logging.getLogger("album_operator")

RIGHTS_SECONDS = 15


def _now() -> datetime:
    return datetime.now(UTC)


async def _served(cluster: Cluster, settings: Settings, health: Health) -> tuple[str, ...]:
    """Give the namespaces whose rights are complete: one 403 would end Kopf's whole process."""
    missing = {name: await find_missing(cluster, name) for name in settings.namespaces}
    health.api_answered = time.monotonic()
    health.refused = {name: f"may not {', '.join(what)}" for name, what in missing.items() if what}
    return tuple(name for name, what in missing.items() if not what)


async def _wait_for_rights(cluster: Cluster, settings: Settings, health: Health) -> None:
    """Wait until at least one namespace can be served."""
    while not health.served:
        try:
            health.served = await _served(cluster, settings, health)
        except OutsideError as error:
            LOG.warning("%s", error)
        for name, what in health.refused.items():
            LOG.warning("Namespace %s is not served: the ServiceAccount %s.", name, what)
        if not health.served:
            await asyncio.sleep(RIGHTS_SECONDS)


async def _watch_rights(cluster: Cluster, settings: Settings, health: Health) -> None:
    """End the process when the namespaces that can be served change: a new one starts right."""
    while True:
        await asyncio.sleep(RIGHTS_SECONDS)
        try:
            served = await _served(cluster, settings, health)
        except OutsideError as error:
            LOG.warning("%s", error)
            continue
        if served != health.served:
            LOG.warning(
                "Rights changed: serving %s from a restart on.", ", ".join(served) or "none"
            )
            return


async def _listen(
    settings: Settings, health: Health, metrics: Metrics, wakeups: Wakeups
) -> list[web.AppRunner]:
    """Open the port of probes and metrics, and that of the webhooks where they have a secret."""
    runners = [await serve_health(health, metrics, settings.health_port)]
    if settings.webhook_secret_file is None:
        LOG.info("ALBUM_WEBHOOK_SECRET_FILE is not set: merges are noticed by polling only.")
    else:
        receiver = Receiver(settings.webhook_secret_file, wakeups.notice, metrics)
        runners.append(await serve_webhooks(receiver, settings.webhook_port))
    return runners


async def _run(settings: Settings) -> None:
    turns_of_git = Slots(SHARES)
    config = GitConfigRepository(
        settings.insecure_hosts,
        slots=turns_of_git,
        cache_folder=settings.cache_folder,
        cache_bytes=settings.cache_bytes,
    )
    health, metrics, wakeups = Health(), Metrics(), Wakeups()
    registry = kopf.OperatorRegistry()
    runners = await _listen(settings, health, metrics, wakeups)
    cluster = await Cluster.connect()
    application_watch = ApplicationWatch(cluster, metrics, settings.watch_idle)
    gitea = GiteaPullRequests(settings.insecure_hosts)
    github = GitHubPullRequests(settings.insecure_hosts)
    pull_requests = Forges({ForgeType.GITEA: gitea, ForgeType.GITHUB: github})
    source = GitSourceRepository(settings.insecure_hosts, slots=turns_of_git)
    watch = PullRequestWatch(
        pull_requests,
        settings.merge_poll,
        lambda repository, number: wakeups.notice(Notice(repository, number, None)),
    )
    world = World(
        secrets=ClusterSecrets(cluster),
        source=source,
        config=config,
        pull_requests=pull_requests,
        watch=watch,
        builds=ClusterBuilds(cluster),
        applications=ClusterApplications(cluster),
        queue=wakeups.queue,
    )
    releases = ClusterReleases(cluster, _now)
    reconciler = Reconciler(releases, Steps(world, settings, _now), _now)
    register(registry, reconciler, wakeups, health)
    try:
        await _wait_for_rights(cluster, settings, health)
        LOG.info("Serving namespaces %s", ", ".join(health.served))
        await _first_to_end(
            [
                kopf.operator(registry=registry, namespaces=health.served, standalone=True),
                _watch_rights(cluster, settings, health),
                watch.run(),
                *(
                    application_watch.run(
                        namespace, wakeups.wake_followers, wakeups.wake_all_followers
                    )
                    for namespace in settings.argocd_namespaces
                ),
            ]
        )
    finally:
        source.close()
        config.close()
        await gitea.close()
        await github.close()
        await cluster.close()
        for runner in runners:
            await runner.cleanup()


async def _first_to_end(works: list[Awaitable[None]]) -> None:
    """Run works side by side until the first ends; its error, if any, is raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def main() -> int:
    """Run the operator until it is told to stop."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    )
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"album-operator: the environment is not right: {error}.\n")
        return 2
    try:
        asyncio.run(_run(settings))
    except CacheError as error:
        sys.stderr.write(f"album-operator: ALBUM_CACHE_DIR cannot be used: {error}.\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
