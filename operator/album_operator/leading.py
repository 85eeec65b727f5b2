"""All that the operator does while it leads: reconciler -> daemons and watches."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field

from album_operator.adapters.cluster.application_watch import ApplicationWatch
from album_operator.adapters.cluster.cluster import Cluster
from album_operator.adapters.cluster.guard import GuardAtStart
from album_operator.adapters.cluster.rights import find_obstacle
from album_operator.adapters.cluster.secrets import ClusterSecrets
from album_operator.clock import ServerClock
from album_operator.domain.notice import Notice, TagNotice
from album_operator.domain.notifications import Sink
from album_operator.domain.release import Ref
from album_operator.metrics.metrics import Metrics
from album_operator.metrics.releases import (
    ReleaseFigures,
    read_builds,
    read_pipelines,
    read_releases,
)
from album_operator.notifications.notifier import Notifier
from album_operator.outside import Outside
from album_operator.pipelines.answers import Answers
from album_operator.pipelines.cause import Cause
from album_operator.pipelines.reconcile import PipelineReconciler
from album_operator.ports import PullRequests
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
    read_releases(metrics, wakeups.index.in_flight.read)
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
