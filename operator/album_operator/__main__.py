"""`python -m album_operator`: settings -> adapters -> reconciler -> daemons and watches."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Collection
from typing import NoReturn

from aiohttp import web

from album_operator import logs
from album_operator.adapters import forge_failures
from album_operator.adapters.cluster.application_watch import ApplicationWatch
from album_operator.adapters.cluster.applications import ClusterApplications
from album_operator.adapters.cluster.builds import ClusterBuilds
from album_operator.adapters.cluster.cluster import Cluster
from album_operator.adapters.cluster.crashes import ClusterCrashes
from album_operator.adapters.cluster.guard import GuardAtStart
from album_operator.adapters.cluster.pipelines import ClusterPipelines
from album_operator.adapters.cluster.releases import ClusterReleases
from album_operator.adapters.cluster.rights import find_obstacle
from album_operator.adapters.cluster.secrets import ClusterSecrets
from album_operator.adapters.editor import ProcessEditor
from album_operator.adapters.forges import Forges
from album_operator.adapters.git import git
from album_operator.adapters.git.cache import CacheError
from album_operator.adapters.git.config_repository import GitConfigRepository
from album_operator.adapters.git.limits import Limits
from album_operator.adapters.git.source_repository import GitSourceRepository
from album_operator.adapters.gitea.pull_requests import GiteaPullRequests
from album_operator.adapters.github.pull_requests import GitHubPullRequests
from album_operator.adapters.registry import failures as registry_failures
from album_operator.adapters.registry.registry import HttpRegistry
from album_operator.adapters.servers.authorities import AuthoritiesError, trusting
from album_operator.adapters.servers.breakers import Breakers
from album_operator.adapters.servers.dialer import Dialer
from album_operator.adapters.servers.gateway import Gateway
from album_operator.clock import ServerClock
from album_operator.domain.notice import AnyNotice, Notice, TagNotice
from album_operator.domain.proxies import VARIABLES
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.memory.sightings import Sightings
from album_operator.metrics import Metrics
from album_operator.pipelines.answers import Answers
from album_operator.pipelines.cause import Cause
from album_operator.pipelines.reconcile import PipelineReconciler
from album_operator.ports import PullRequestReader, PullRequests, Secrets, TagReader
from album_operator.reconcile import Reconciler
from album_operator.secrecy import KnownSecrets, clean_logs
from album_operator.serving.health import Health, serve_health
from album_operator.serving.webhooks import Receiver, serve_webhooks
from album_operator.settings import Settings, SettingsError, read_settings
from album_operator.steps.world import World
from album_operator.waking.daemons import Daemons, serve_release
from album_operator.waking.gone import GoneReleases
from album_operator.waking.handlers import NamespaceWatch, is_worth_reading
from album_operator.waking.namespaces import Namespaces
from album_operator.waking.pipelines import Pipelines
from album_operator.waking.policy_returns import PolicyReturns
from album_operator.waking.pull_request_watch import PullRequestWatch
from album_operator.waking.tag_watch import TagWatch
from album_operator.waking.wakeups import Wakeups

LOG = logging.getLogger("album_operator")


async def _listen(
    settings: Settings,
    health: Health,
    metrics: Metrics,
    wakeups: Wakeups,
    followers: Collection[Callable[[TagNotice], None]],
    known: KnownSecrets,
) -> list[web.AppRunner]:
    """Open the port of probes and metrics, and that of the webhooks where they have a secret."""
    runners = [await serve_health(health, metrics, settings.health_port)]
    if settings.webhook_secret_file is None:
        LOG.info(
            "ALBUM_WEBHOOK_SECRET_FILE is not set: merges and tags are noticed by polling only."
        )
    else:

        def tell(notice: AnyNotice) -> None:
            if isinstance(notice, TagNotice):
                for follow in followers:
                    follow(notice)
            else:
                wakeups.notice(notice)

        receiver = Receiver(settings.webhook_secret_file, tell, metrics, learn=known.learn_token)
        runners.append(await serve_webhooks(receiver, settings.webhook_port))
    return runners


class _Outside:
    """The adapters of git, forges and registries with what they share, and the editor."""

    def __init__(self, settings: Settings, clock: ServerClock) -> None:
        self._settings, self._clock, self._editor = settings, clock, ProcessEditor()
        breakers, self._dialer = Breakers(now=clock), Dialer()
        shared = breakers, self._dialer, settings.proxies
        to_git = Gateway(git.SHARES, Reason.GIT_UNAVAILABLE, *shared)
        to_forges = Gateway(forge_failures.SHARES, Reason.FORGE_UNAVAILABLE, *shared)
        limits = Limits(memory=settings.git_memory, fetch=settings.fetch_bytes)
        insecure, allowed = settings.insecure_hosts, settings.allowed_hosts
        self.config = GitConfigRepository(
            insecure,
            allowed_hosts=allowed,
            gateway=to_git,
            cache_folder=settings.cache_folder,
            cache_bytes=settings.cache_bytes,
            limits=limits,
        )
        self.source = GitSourceRepository(
            insecure, allowed_hosts=allowed, gateway=to_git, limits=limits
        )
        self._gitea = GiteaPullRequests(insecure, allowed_hosts=allowed, gateway=to_forges)
        self._github = GitHubPullRequests(insecure, allowed_hosts=allowed, gateway=to_forges)
        to_registries = Gateway(registry_failures.SHARES, Reason.REGISTRY_UNAVAILABLE, *shared)
        self._registry = HttpRegistry(insecure, allowed_hosts=allowed, gateway=to_registries)
        self.pull_requests = Forges(gitea=self._gitea, github=self._github)

    def make_world(
        self,
        secrets: Secrets,
        cluster: Cluster,
        watch: PullRequestReader,
        wakeups: Wakeups,
        tags: TagReader,
    ) -> World:
        """Give all that releases work with."""
        return World(
            releases=ClusterReleases(cluster, self._clock),
            pipelines=ClusterPipelines(cluster, self._clock),
            secrets=secrets,
            source=self.source,
            config=self.config,
            editor=self._editor,
            pull_requests=self.pull_requests,
            watch=watch,
            builds=ClusterBuilds(cluster, self._clock),
            registry=self._registry,
            applications=ClusterApplications(cluster),
            crashes=ClusterCrashes(cluster),
            settings=self._settings,
            clock=self._clock,
            sightings=Sightings(self._clock),
            queue=wakeups.queue,
            image_waits=wakeups.image_waits,
            index=wakeups.index,
            tags=tags,
        )

    async def close(self) -> None:
        """End what runs, and close all connections."""
        await self._editor.close()
        self.source.close()
        self.config.close()
        await self._gitea.close()
        await self._github.close()
        await self._registry.close()
        self._dialer.close()


async def _run(settings: Settings, known: KnownSecrets) -> None:
    clock = ServerClock()
    outside = _Outside(settings, clock)
    stopping = _stop_on_signals()
    health, metrics = Health(), Metrics()
    wakeups = Wakeups(settings.host_aliases, settings.build_limits, settings.most_in_flight)
    followers: list[Callable[[TagNotice], None]] = []
    runners = await _listen(settings, health, metrics, wakeups, followers, known)
    cluster = await Cluster.connect(clock)
    secrets = ClusterSecrets(cluster, known)
    tags = TagWatch(
        outside.source,
        secrets,
        outside.pull_requests,
        lambda pipeline: pipelines.wake(pipeline, Cause.TAGS),
        settings.host_aliases,
    )
    followers.append(tags.notice)
    watch = _watch_pull_requests(outside.pull_requests, settings, wakeups)
    world = outside.make_world(secrets, cluster, watch, wakeups, tags)
    reconciler = Reconciler(world)

    async def serve(release: Ref, stopped: asyncio.Event) -> None:
        await serve_release(release, stopped, reconciler, wakeups, health)

    daemons, passes = Daemons(serve, wakeups), PipelineReconciler(world)
    pipelines = Pipelines(passes.run_pass)
    returns = _watch_policies(world, pipelines)
    pipelines.gone = (passes.forget, returns.let_go)
    gone = GoneReleases(world).take_back
    told = NamespaceWatch(daemons, wakeups, pipelines, metrics, settings.watch_idle, gone)

    async def stop(namespace: str) -> None:
        await daemons.stop(namespace)
        pipelines.forget(namespace)

    namespaces = _watch_namespaces(settings, cluster, told, stop, health)
    watching = (wakeups.wake_followers, returns.note, _waking(pipelines, passes.answers))
    missing = (wakeups.wake_all_followers, returns.miss)
    works = _watch_applications(settings, cluster, watching, missing, metrics)
    works += [namespaces, pipelines.run(), passes.retention.run(), passes.sweep.run()]
    works += [watch.run(), tags.run(), returns.run()]
    try:
        await _until_stopped(stopping, daemons, works)
    finally:
        await outside.close()
        await cluster.close()
        for runner in runners:
            await runner.cleanup()


def _watch_pull_requests(
    forge: PullRequests, settings: Settings, wakeups: Wakeups
) -> PullRequestWatch:
    """Let changes of pull requests wake the releases that wait for them."""

    def changed(repository: str, number: int) -> None:
        wakeups.notice(Notice(repository, number, None))

    return PullRequestWatch(forge, settings.merge_poll, changed)


def _watch_policies(world: World, pipelines: Pipelines) -> PolicyReturns:
    """Give back the sync policies that no pipeline holds any more."""
    served = world.settings.namespaces
    find = world.releases.find_pipeline
    return PolicyReturns(world.applications, find, pipelines.find_told, served, world.index)


def _watch_namespaces(
    settings: Settings,
    cluster: Cluster,
    watch: NamespaceWatch,
    stop: Callable[[str], Awaitable[None]],
    health: Health,
) -> Awaitable[None]:
    """Serve each namespace as long as its rights and the guard allow."""
    guard = GuardAtStart(cluster, settings.argocd_namespaces if settings.require_guard else ())

    async def find_any_obstacle(namespace: str) -> str | None:
        return await find_obstacle(cluster, namespace) or await guard.find_obstacle()

    return Namespaces(
        settings.namespaces,
        find_any_obstacle,
        watch.run,
        stop,
        health,
    ).run()


def _watch_applications(
    settings: Settings,
    cluster: Cluster,
    followers: Collection[Callable[[Ref, object], None]],
    missing: Collection[Callable[[str], None]],
    metrics: Metrics,
) -> list[Awaitable[None]]:
    """Tell followers of changes of Applications, and others where some may have been missed."""
    watch = ApplicationWatch(cluster, metrics, settings.watch_idle)

    def changed(application: Ref, state: object) -> None:
        for tell in followers:
            tell(application, state)

    def missed(namespace: str) -> None:
        for tell in missing:
            tell(namespace)

    return [watch.run(namespace, changed, missed) for namespace in settings.argocd_namespaces]


def _waking(pipelines: Pipelines, answers: Answers) -> Callable[[Ref, object], None]:
    """Give what lets a change of an Application wake the pipelines that it concerns."""

    def concern(application: Ref, state: object) -> None:
        for pipeline in answers.note_application(application, state):
            pipelines.wake(pipeline, Cause.APPLICATIONS)

    return concern


def _stop_on_signals() -> asyncio.Event:
    """Give the event that is set by the first signal to end, in whatever state the operator is."""
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return stopping


async def _until_stopped(
    stopping: asyncio.Event, daemons: Daemons, works: list[Awaitable[None]]
) -> None:
    """Run works side by side until told to stop; none ends before, unless by an error."""
    tasks = [asyncio.ensure_future(work) for work in (stopping.wait(), *works)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        LOG.info("Stopping.")
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(daemons.close(), *tasks, return_exceptions=True)


def main() -> int:
    """Run the operator until it is told to stop."""
    known = KnownSecrets()
    clean_logs(known.clean_all)
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"album-operator: the environment is not right: {error}.\n")
        return 2
    logs.set_up(settings.log_format, settings.log_level, is_worth_reading)
    if (proxy := settings.proxies.proxy) is not None:
        known.learn_own(proxy.words)
    # The API server is gone to directly, and what we start is told its proxy by us.
    for name in VARIABLES:
        os.environ.pop(name, None)
    try:
        with trusting(settings.ca_file):
            asyncio.run(_run(settings, known))
    except AuthoritiesError as error:
        sys.stderr.write(f"album-operator: ALBUM_CA_FILE cannot be used: {error}.\n")
        return 2
    except CacheError as error:
        sys.stderr.write(f"album-operator: ALBUM_CACHE_DIR cannot be used: {error}.\n")
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
