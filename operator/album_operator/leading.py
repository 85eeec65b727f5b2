"""All that the operator does while it leads: adapters -> reconciler -> daemons and watches."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial

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
from album_operator.adapters.git.config_repository import GitConfigRepository
from album_operator.adapters.git.limits import Limits
from album_operator.adapters.git.source_repository import GitSourceRepository
from album_operator.adapters.gitea.pull_requests import GiteaPullRequests
from album_operator.adapters.github.limits import Limits as ForgeLimits
from album_operator.adapters.github.pull_requests import GitHubPullRequests
from album_operator.adapters.registry import failures as registry_failures
from album_operator.adapters.registry.registry import HttpRegistry
from album_operator.adapters.servers.breakers import Breakers
from album_operator.adapters.servers.dialer import Dialer
from album_operator.adapters.servers.gateway import Gateway
from album_operator.adapters.sinks import http as sink_http
from album_operator.adapters.sinks.http import HttpSinks
from album_operator.adapters.traces import Traces
from album_operator.clock import ServerClock
from album_operator.domain.names import server_of
from album_operator.domain.notice import Notice, TagNotice
from album_operator.domain.notifications import Sink
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.memory.sightings import Sightings
from album_operator.metrics.metrics import Metrics
from album_operator.metrics.outside import RateLimits, telling
from album_operator.metrics.releases import (
    ReleaseFigures,
    read_builds,
    read_pipelines,
    read_releases,
)
from album_operator.notifications.notifier import Notifier
from album_operator.pipelines.answers import Answers
from album_operator.pipelines.cause import Cause
from album_operator.pipelines.reconcile import PipelineReconciler
from album_operator.ports import PullRequestReader, PullRequests, Secrets, TagReader
from album_operator.reconcile import Reconciler
from album_operator.secrecy import KnownSecrets
from album_operator.serving.health import Health
from album_operator.settings import Settings
from album_operator.steps.world import World
from album_operator.term import Term
from album_operator.waking.daemons import Daemons, serve_release
from album_operator.waking.gone import GoneReleases
from album_operator.waking.handlers import NamespaceWatch
from album_operator.waking.namespaces import Namespaces
from album_operator.waking.pipelines import Pipelines
from album_operator.waking.policy_returns import PolicyReturns
from album_operator.waking.pull_request_watch import PullRequestWatch
from album_operator.waking.tag_watch import TagWatch
from album_operator.waking.wakeups import Wakeups

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ground:
    """What an operator has before it leads.

    Attributes:
        settings: of the operator.
        known: Secrets that no line of the log may hold.
        term: in which it may write.
        clock: follows the API server's.
        health: what the probes tell.
        metrics: what is counted.
        wakeups: who wakes whom.
        sinks: whom an admin has told of releases.
        followers: told of tags that a webhook brings.
    """

    settings: Settings
    known: KnownSecrets
    term: Term
    clock: ServerClock
    health: Health
    metrics: Metrics
    wakeups: Wakeups
    sinks: Sequence[Sink] = ()
    followers: list[Callable[[TagNotice], None]] = field(default_factory=list)


class Outside:
    """The adapters of git, forges and registries with what they share, the editor, and traces."""

    def __init__(
        self, settings: Settings, clock: ServerClock, term: Term, metrics: Metrics
    ) -> None:
        self._settings, self._clock, self._editor = settings, clock, ProcessEditor()
        breakers, self._dialer = Breakers(now=clock), Dialer()
        shared = breakers, self._dialer, settings.proxies, term
        counted = partial(telling, metrics)
        to_git = Gateway(git.SHARES, Reason.GIT_UNAVAILABLE, *shared, counted("git"))
        to_forges = Gateway(
            forge_failures.SHARES, Reason.FORGE_UNAVAILABLE, *shared, counted("forge")
        )
        quotas = RateLimits(metrics)
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
        self._github = GitHubPullRequests(
            insecure,
            allowed_hosts=allowed,
            gateway=to_forges,
            make_limits=lambda url: ForgeLimits(url, tell=quotas.telling(server_of(url))),
        )
        to_registries = Gateway(
            registry_failures.SHARES,
            Reason.REGISTRY_UNAVAILABLE,
            *shared,
            counted("registry"),
        )
        self._registry = HttpRegistry(insecure, allowed_hosts=allowed, gateway=to_registries)
        to_sinks = Gateway(sink_http.SHARES, sink_http.WHY, *shared)
        self.sinks = HttpSinks(insecure, allowed, to_sinks)
        self.pull_requests = Forges(gitea=self._gitea, github=self._github)
        collector = settings.collector
        self._traces = Traces(collector, settings.proxies) if collector is not None else None

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
            observers=[self._traces.observe] if self._traces is not None else [],
        )

    async def close(self) -> None:
        """End what runs, and close all connections."""
        await self._editor.close()
        self.source.close()
        self.config.close()
        await self._gitea.close()
        await self._github.close()
        await self._registry.close()
        await self.sinks.close()
        self._dialer.close()
        if self._traces is not None:
            await self._traces.close()


async def lead(ground: Ground, outside: Outside, cluster: Cluster, stopping: asyncio.Event) -> None:
    """Work until told to stop; when this returns, nothing works any more."""
    settings, health, metrics = ground.settings, ground.health, ground.metrics
    wakeups = ground.wakeups
    secrets = ClusterSecrets(cluster, ground.known)
    tags = TagWatch(
        outside.source,
        secrets,
        outside.pull_requests,
        lambda pipeline: pipelines.wake(pipeline, Cause.TAGS),
        settings.host_aliases,
    )
    ground.followers.append(tags.notice)
    watch = _watch_pull_requests(outside.pull_requests, settings, wakeups)
    world = outside.make_world(secrets, cluster, watch, wakeups, tags)
    world.observers.append(ReleaseFigures(metrics, wakeups.index.of_app))
    reconciler = Reconciler(world)
    notifier = Notifier(world, ground.sinks, outside.sinks, metrics)
    world.observers.append(notifier.observe)

    async def serve(release: Ref, stopped: asyncio.Event) -> None:
        await serve_release(release, stopped, reconciler, wakeups, health, metrics)

    daemons, passes = Daemons(serve, wakeups), PipelineReconciler(world)
    pipelines = Pipelines(passes.run_pass, metrics)
    read_releases(metrics, wakeups.index.all_known)
    read_builds(metrics, wakeups.queue.counts)
    read_pipelines(metrics, pipelines.count_ready)
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
    works += [watch.run(), tags.run(), returns.run(), notifier.run()]
    await _until_stopped(stopping, daemons, works)


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
