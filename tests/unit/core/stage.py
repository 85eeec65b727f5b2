"""The whole world of a release in memory, on which tests play the other people."""

import time
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from album_operator.adapters.cluster.applications import ClusterApplications
from album_operator.adapters.cluster.builds import ClusterBuilds
from album_operator.adapters.cluster.crashes import ClusterCrashes
from album_operator.adapters.cluster.pipelines import ClusterPipelines
from album_operator.adapters.cluster.releases import ClusterReleases
from album_operator.adapters.cluster.secrets import ClusterSecrets
from album_operator.codec import parse_seen
from album_operator.domain.image_labels import BUILD, REVISION, VERSION, recipe_of
from album_operator.domain.image_labels import SOURCE as OF
from album_operator.domain.notice import Notice
from album_operator.domain.places import (
    Change,
    Deployment,
    DeploymentState,
    Draft,
    ForgePlace,
    GitPlace,
    MergeMethod,
)
from album_operator.domain.pull_requests import PullRequestSeen
from album_operator.domain.release import Ref
from album_operator.memory.sightings import Sightings
from album_operator.passes import Memory, Next
from album_operator.pipelines.cause import Cause
from album_operator.pipelines.reconcile import PipelineReconciler
from album_operator.reconcile import Reconciler
from album_operator.secrecy import KnownSecrets
from album_operator.settings import read_settings
from album_operator.steps.world import World
from album_operator.waking.pull_request_watch import PullRequestWatch
from album_operator.waking.tag_watch import TagWatch
from album_operator.waking.wakeups import Wakeups
from tests.fakes.argocd import FakeArgoCD
from tests.fakes.builders import (
    CONFIG,
    DIGEST,
    IMAGE,
    NAMESPACE,
    NOW,
    RESOLVED,
    SOURCE,
    raw_application,
    raw_pipeline,
    raw_release,
)
from tests.fakes.cluster import FakeCluster, finish_build, raw_registry_secret, raw_secret
from tests.fakes.editor import FakeEditor
from tests.fakes.faults import Faults
from tests.fakes.forge import FakeForge
from tests.fakes.git_repositories import FakeConfigRepository, FakeSourceRepository
from tests.fakes.git_server import TOKEN, FakeGitServer

REPOSITORY = "owner/album-app-config"

VALUES = """\
# Values of the {app}.
image:
  repository: {image}
  tag: "v1.0.0" # the release
service: \n  port: 8080
"""

RECIPE = recipe_of(RESOLVED.build)


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by


class _WatchedConfig(FakeConfigRepository):
    def __init__(self, server: FakeGitServer, faults: Faults) -> None:
        super().__init__(server)
        self._faults = faults

    async def push(self, place: GitPlace, change: Change) -> str:
        with self._faults.write("push branch"):
            return await super().push(place, change)


class _WatchedForge(FakeForge):
    def __init__(
        self, server: FakeGitServer, clock: Callable[[], datetime], faults: Faults
    ) -> None:
        super().__init__(server, clock)
        self._faults = faults
        self.waiting: set[int] = set()

    async def open(self, place: ForgePlace, draft: Draft) -> PullRequestSeen:
        with self._faults.write("open pull request"):
            seen = await super().open(place, draft)
            self.waiting.add(seen.number)
            return seen

    async def merge(
        self,
        place: ForgePlace,
        number: int,
        head_sha: str,
        base: str,
        method: MergeMethod,
        *,
        by_forge: bool,
    ) -> None:
        with self._faults.write("merge pull request"):
            await super().merge(place, number, head_sha, base, method, by_forge=by_forge)
            self.waiting.discard(number)

    async def disarm(self, place: ForgePlace, number: int) -> None:
        with self._faults.write("disarm pull request"):
            await super().disarm(place, number)

    async def comment(
        self, place: ForgePlace, number: int, key: str, text: str, answers: str | None = None
    ) -> None:
        if not self.comment_is_due(place.repository, number, key, answers):
            return  # Nothing is written.
        with self._faults.write("comment"):
            await super().comment(place, number, key, text, answers)

    async def rename(self, place: ForgePlace, number: int, title: str) -> None:
        with self._faults.write("rename pull request"):
            await super().rename(place, number, title)

    async def set_deployment(
        self,
        place: ForgePlace,
        deployment: Deployment,
        state: DeploymentState,
        text: str,
        url: str | None,
    ) -> None:
        with self._faults.write("deployment"):
            await super().set_deployment(place, deployment, state, text, url)

    async def withdraw(self, place: ForgePlace, number: int, title: str | None = None) -> None:
        with self._faults.write("close pull request"):
            await super().withdraw(place, number, title)
            self.waiting.discard(number)


class Stage:
    """A pipeline of two apps at v1.0.0, both running, and the releases a test applies."""

    def __init__(
        self,
        faults: Faults | None = None,
        delivery: str = "PullRequest",
        pull_request: dict[str, Any] | None = None,
        build: dict[str, Any] | None = None,
        checks: Collection[str] = (),
        *,
        argocd: dict[str, Any] | None = None,
        is_built: bool = False,
        **environment: str,
    ) -> None:
        self.clock = Clock()
        self._ticks = count()
        self.faults = faults or Faults()
        self.cluster = FakeCluster(self.faults)
        self.registry = self.cluster.registry
        self.git = FakeGitServer()
        self.forge = _WatchedForge(self.git, self.clock, self.faults)
        self.argocd = FakeArgoCD(self.cluster, self.git, self.clock)
        self.source = self.git.add_repository(SOURCE)
        self.config = self.git.add_repository(CONFIG)
        self.settings = read_settings(
            {
                "ALBUM_NAMESPACES": NAMESPACE,
                "ALBUM_OPERATOR_IMAGE": "album-operator:test",
                **environment,
            }
        )
        self._fill()
        config: dict[str, Any] = {"delivery": delivery}
        if pull_request is not None:
            config["pullRequest"] = pull_request
        policy = {"policy": {"requireChecks": list(checks)}} if checks else {}
        self.cluster.apply(
            raw_pipeline(config=config, build=build or {}, argocd=argocd or {}, **policy)
        )
        for check in checks:
            self.forge.set_check(self.source.tags["backend-v1.1.0"], check, "success")
        if is_built:
            self.push("v1.1.0", DIGEST)
        self.told: list[tuple[str, int]] = []
        self.restart()

    def restart(self) -> None:
        """Start the operator anew: nothing is remembered."""
        self.wakeups = Wakeups(
            limits=self.settings.build_limits, most_in_flight=self.settings.most_in_flight
        )
        self.woken: list[Ref] = []
        self.known = KnownSecrets()
        self.config_repository = _WatchedConfig(self.git, self.faults)
        self.reconciler = self.operator(self.wakeups)
        self.memories: dict[str, Memory] = {}

    def operator(
        self, wakeups: Wakeups, through: Callable[[Any], Any] = lambda port: port
    ) -> Reconciler:
        """Start an operator on this world.

        Args:
            wakeups: its own.
            through: what it is given in place of the API server, the config repository, the forge
                and the registry.
        """
        cluster, forge = through(self.cluster), through(self.forge)
        self.watch = PullRequestWatch(
            forge, self.settings.merge_poll, self._tell, lambda: self.clock().timestamp()
        )
        source = FakeSourceRepository(self.git)
        secrets = ClusterSecrets(cluster, self.known)
        self.tags = TagWatch(
            source, secrets, forge, self.woken.append, clock=lambda: self.clock().timestamp()
        )
        world = World(
            releases=ClusterReleases(cluster, self.clock),
            pipelines=ClusterPipelines(cluster, self.clock),
            secrets=secrets,
            source=source,
            config=through(self.config_repository),
            editor=FakeEditor(),
            pull_requests=forge,
            watch=self.watch,
            builds=ClusterBuilds(cluster, self.clock),
            registry=through(self.registry),
            applications=ClusterApplications(cluster),
            crashes=ClusterCrashes(cluster),
            settings=self.settings,
            clock=self.clock,
            sightings=Sightings(self.clock),
            queue=wakeups.queue,
            image_waits=wakeups.image_waits,
            index=wakeups.index,
            tags=self.tags,
        )
        self.world = world
        self.pipeline_reconciler = PipelineReconciler(world, self._tick)
        return Reconciler(world)

    def _tick(self) -> float:
        """Give the seconds of the clock, and a little more each time: no two are the same."""
        return self.clock().timestamp() + next(self._ticks) / 100_000

    async def look_at_pipeline(self, *causes: Cause) -> dict[str, Any]:
        """Pass over the pipeline, by default as it was changed, and give its status then."""
        ref = Ref(NAMESPACE, "album-app")
        await self.pipeline_reconciler.run_pass(ref, frozenset(causes or {Cause.CHANGED}))
        status: dict[str, Any] = self.pipeline()["status"]
        return status

    def pipeline(self) -> dict[str, Any]:
        """Give the AlbumPipeline as it is."""
        (raw,) = self.cluster.all_of("AlbumPipeline")
        return raw

    def _tell(self, repository: str, number: int) -> None:
        self.told.append((repository, number))
        self.wakeups.notice(Notice(repository, number, None))

    def tell_of_releases(self) -> None:
        """Tell the operator of all releases, as the events of its watch do."""
        for raw in self.cluster.all_of("AlbumRelease"):
            self.tell_of(raw["metadata"]["name"])

    def tell_of(self, name: str) -> None:
        """Tell the operator of a release, as an event of its watch does."""
        path = f"/apis/album.dev/v1alpha1/namespaces/{NAMESPACE}/albumreleases/{name}"
        self.wakeups.index.note(Ref(NAMESPACE, name), parse_seen(self.cluster.objects[path]))

    def _fill(self) -> None:
        files = {f"{app}/Dockerfile": "FROM scratch\n" for app in ("backend", "frontend")}
        commit = self.source.write("main", files)
        for tag in ("backend-v1.0.0", "backend-v1.1.0", "frontend-v1.1.0", "backend-v1.2.0"):
            self.source.tags[tag] = commit
        self.config.write(
            "main",
            {
                "backend/values.yaml": VALUES.format(app="backend", image=IMAGE),
                "frontend/values.yaml": VALUES.format(
                    app="frontend", image=IMAGE.replace("backend", "frontend")
                ),
            },
        )
        host = "https://git.example.org"
        self.cluster.apply({**raw_secret("album-git", url=host, token=TOKEN), "kind": "Secret"})
        self.cluster.apply(raw_registry_secret("album-registry", "ghcr.io"))
        for app in ("backend", "frontend"):
            self.cluster.apply(raw_application(app))
            self.argocd.sync(f"album-app-{app}")

    def apply(self, name: str = "backend-v1.1.0", **spec: object) -> str:
        """Apply an AlbumRelease; `kubectl apply`."""
        return self.cluster.apply(raw_release(name, **spec))

    async def run_pass(self, name: str = "backend-v1.1.0", *, polled: bool = False) -> Next:
        """Run one pass over a release."""
        memory = self.memories.setdefault(name, Memory())
        return await self.reconciler.run_pass(
            Ref(NAMESPACE, name), memory, time.monotonic(), polled=polled
        )

    async def settle(self, name: str = "backend-v1.1.0") -> Next:
        """Run passes as a daemon would until one waits for time or for others."""
        for _ in range(20):
            due = await self.run_pass(name)
            if due.after is None or due.after > timedelta():
                return due
        raise AssertionError(f"passes over {name} do not end: {self.ready(name)}")

    def status(self, name: str = "backend-v1.1.0") -> dict[str, Any]:
        """Give the raw status of a release."""
        path = f"/apis/album.dev/v1alpha1/namespaces/{NAMESPACE}/albumreleases/{name}"
        status: dict[str, Any] = self.cluster.objects[path]["status"]
        return status

    def conditions(self, name: str = "backend-v1.1.0") -> dict[str, str]:
        """Give the status of each condition, by type."""
        return {item["type"]: item["status"] for item in self.status(name)["conditions"]}

    def ready(self, name: str = "backend-v1.1.0") -> tuple[str, str]:
        """Give status and reason of Ready."""
        (ready,) = (item for item in self.status(name)["conditions"] if item["type"] == "Ready")
        return ready["status"], ready["reason"]

    def message(self, name: str = "backend-v1.1.0") -> str:
        """Give the message of Ready."""
        (ready,) = (item for item in self.status(name)["conditions"] if item["type"] == "Ready")
        message: str = ready["message"]
        return message

    def events(self, name: str = "backend-v1.1.0") -> list[str]:
        """Give the reasons of the Events about a release."""
        return self.cluster.events.get(name, [])

    @property
    def forge_place(self) -> ForgePlace:
        """The config repository as the forge knows it."""
        host = "/".join(CONFIG.split("/")[:3])
        return ForgePlace(f"{host}/api/v1", REPOSITORY, self.git.place(CONFIG).credential)

    @property
    def jobs(self) -> list[dict[str, Any]]:
        """All build Jobs."""
        return self.cluster.all_of("Job")

    def application(self, app: str = "backend") -> dict[str, Any]:
        """Give an Application."""
        path = f"/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/album-app-{app}"
        return self.cluster.objects[path]

    def annotate(self, name: str = "backend-v1.1.0", **values: str) -> None:
        """Annotate a release with `album.dev/<key>`; `kubectl annotate`."""
        annotations = {f"album.dev/{key}": value for key, value in values.items()}
        self.edit(name, {"metadata": {"annotations": annotations}})

    def edit(self, name: str, patch: dict[str, Any]) -> None:
        """Change a release; `kubectl patch`."""
        path = f"/apis/album.dev/v1alpha1/namespaces/{NAMESPACE}/albumreleases/{name}"
        self.cluster.edit(path, patch)

    def play(self) -> None:
        """Let everybody else do their part: builds end, a reviewer merges, Argo CD works.

        An image that is built elsewhere is pushed.
        """
        for job in self.jobs:
            if "status" not in job:
                finish_build(self.cluster, job)
        for release in self.cluster.all_of("AlbumRelease"):
            resolved = release["status"].get("resolved", {"build": {"type": ""}})
            if resolved.get("argocd", {}).get("sync") == "Observe":
                self.argocd.sync(f"album-app-{release['status']['app']}")
            if resolved["build"]["type"] == "External" and "image" not in release["status"]:
                repository, tag = resolved["build"]["image"].rsplit(":", 1)
                labels = {REVISION: resolved["source"]["commit"]}
                self.registry.push(repository, tag, labels, digest=DIGEST)
        self.merge()
        self.argocd.run()

    def push(self, version: str, digest: str, *tags: str) -> None:
        """Push an image of the backend that another operator built of the release's commit."""
        commit = self.source.tags["backend-v1.1.0"]
        labels = {REVISION: commit, OF: SOURCE, VERSION: version, BUILD: f"{commit}.{RECIPE}"}
        for tag in tags or (version,):
            self.registry.push(IMAGE, tag, labels, digest=digest)

    def merge(self) -> None:
        """Merge every pull request that waits; a reviewer."""
        while self.forge.waiting:
            self.forge.merge_as(REPOSITORY, self.forge.waiting.pop())

    async def release_until_merged(self, name: str = "backend-v1.1.0") -> None:
        """Run a release up to its merge, with nothing told to Argo CD yet."""
        self.apply(name)
        await self.settle(name)
        finish_build(self.cluster, self.jobs[-1])
        await self.settle(name)
        self.merge()

    async def release(self, name: str = "backend-v1.1.0") -> None:
        """Run a release to its end, others doing their part and time passing."""
        for _ in range(40):
            due = await self.run_pass(name)
            if due.after is None:
                return
            self.play()
            self.clock.advance(due.after)
        raise AssertionError(f"{name} does not end: {self.message(name)}")
