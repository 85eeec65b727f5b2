"""The adapters of all that is outside of the cluster, with what they share."""

from functools import partial

from album_operator.adapters import forge_failures
from album_operator.adapters.cluster.applications import ClusterApplications
from album_operator.adapters.cluster.builds import ClusterBuilds
from album_operator.adapters.cluster.cluster import Cluster
from album_operator.adapters.cluster.crashes import ClusterCrashes
from album_operator.adapters.cluster.pipelines import ClusterPipelines
from album_operator.adapters.cluster.releases import ClusterReleases
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
from album_operator.domain.reasons import Reason
from album_operator.memory.sightings import Sightings
from album_operator.metrics.metrics import Metrics
from album_operator.metrics.outside import RateLimits, telling
from album_operator.ports import PullRequestReader, Secrets, TagReader
from album_operator.settings import Settings
from album_operator.steps.world import World
from album_operator.term import Term
from album_operator.waking.wakeups import Wakeups


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
        quotas = RateLimits(metrics, metrics.now)
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
