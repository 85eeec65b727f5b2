"""The operator's daemons, passes, watch and webhooks, on a cluster in memory and a real forge.

They are driven as Kopf drives them. Builds end when they are told to, and there is no Argo CD: a
release that is merged waits for it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from album_operator.adapters.cluster.applications import ClusterApplications
from album_operator.adapters.cluster.builds import ClusterBuilds
from album_operator.adapters.cluster.crashes import ClusterCrashes
from album_operator.adapters.cluster.pipelines import ClusterPipelines
from album_operator.adapters.cluster.releases import ClusterReleases
from album_operator.adapters.cluster.secrets import ClusterSecrets
from album_operator.adapters.editor import ProcessEditor
from album_operator.adapters.git.config_repository import GitConfigRepository
from album_operator.domain.forges import ForgeType
from album_operator.domain.notice import AnyNotice, Notice
from album_operator.domain.places import USERNAME, Credential, ForgePlace
from album_operator.domain.pull_requests import PullRequestSeen, PullRequestState
from album_operator.domain.release import Ref
from album_operator.memory.build_queue import BuildQueue
from album_operator.memory.image_waits import ImageWaits
from album_operator.memory.release_index import ReleaseIndex
from album_operator.memory.sightings import Sightings
from album_operator.metrics.metrics import Metrics
from album_operator.ports import PullRequests
from album_operator.reconcile import Reconciler
from album_operator.serving.health import Health
from album_operator.serving.webhooks import Receiver
from album_operator.settings import read_settings
from album_operator.steps.world import World
from album_operator.waking.daemons import serve_release
from album_operator.waking.pull_request_watch import PullRequestWatch
from album_operator.waking.tag_watch import TagWatch
from album_operator.waking.wakeups import Wakeups
from testbed.commands import PartError
from tests.fakes.builders import (
    NAMESPACE,
    SOURCE,
    raw_application,
    raw_pipeline,
    raw_release,
)
from tests.fakes.cluster import FakeCluster, finish_build, raw_registry_secret, raw_secret
from tests.fakes.git_repositories import FakeSourceRepository
from tests.fakes.git_server import TOKEN, FakeGitServer

VALUES = 'image:\n  repository: ghcr.io/owner/album-app-{app}\n  tag: "v1.0.0"\n'
VERSION = "v1.1.0"

WEBHOOK_SECRET = "not-a-secret-but-long-enough"  # noqa: S105 - of this run's own receiver

WAIT_SECONDS = 120
PAUSE_SECONDS = 0.01


@dataclass(frozen=True)
class Home:
    """Where the config repository is.

    Attributes:
        url: of the forge, without a slash at the end.
        api_url: of its API.
        repository: owner and name.
    """

    url: str
    api_url: str
    repository: str
    token: str
    type: ForgeType

    @property
    def host(self) -> str:
        """Host and port, as in the operator's list of insecure hosts."""
        return self.url.removeprefix("http://")

    @property
    def place(self) -> ForgePlace:
        """The repository as the operator's adapters know it."""
        credential = Credential("album-config", self.url, USERNAME, self.token)
        return ForgePlace(self.api_url, self.repository, credential, self.type)


def values_files(apps: Sequence[str]) -> dict[str, bytes]:
    """Give the config repository's files before any release."""
    return {f"{app}/values.yaml": VALUES.format(app=app).encode() for app in apps}


class _Watch(PullRequestWatch):
    """Notes when a release has read that its pull request is merged.

    Attributes:
        merged: `time.perf_counter()` by number.
    """

    def __init__(
        self, forge: PullRequests, poll: timedelta, changed: Callable[[str, int], None]
    ) -> None:
        super().__init__(forge, poll, changed)
        self.merged: dict[int, float] = {}

    async def get(self, place: ForgePlace, number: int) -> PullRequestSeen:
        seen = await super().get(place, number)
        if seen.state is PullRequestState.MERGED:
            self.merged.setdefault(number, time.perf_counter())
        return seen


class Operator:
    """An operator of one pipeline.

    Args:
        home: the config repository, with the values files of all apps.
        forge: the adapter of its forge.
        folder: an existing folder for what git keeps.
        apps: of the pipeline.
        poll: shortest time between two lists of the watch.
        pull_request: `spec.config.pullRequest` of the pipeline.
    """

    def __init__(
        self,
        home: Home,
        forge: PullRequests,
        folder: Path,
        apps: Sequence[str],
        poll: timedelta,
        pull_request: dict[str, Any] | None = None,
    ) -> None:
        self._home = home
        self._folder = folder
        self._cluster = FakeCluster()
        self._config = GitConfigRepository({home.host}, cache_folder=folder)
        self._editor = ProcessEditor()
        self._wakeups = Wakeups()
        self._health, self._metrics = Health(), Metrics()
        self._stopped = asyncio.Event()
        self._daemons: list[asyncio.Task[None]] = []
        self._delivered: dict[int, float] = {}
        self._paths: dict[str, str] = {}
        self._watch = _Watch(
            forge, poll, lambda url, number: self._wakeups.notice(Notice(url, number, None))
        )
        settings = read_settings(
            {
                "ALBUM_NAMESPACES": NAMESPACE,
                "ALBUM_OPERATOR_IMAGE": "unused",
                # Builds end at once here, and nobody measures how long they wait for each other.
                "ALBUM_BUILDS_PER_NAMESPACE": "9999",
            }
        )
        secrets = ClusterSecrets(self._cluster)
        source = FakeSourceRepository(self._fill(apps, pull_request))
        world = World(
            releases=ClusterReleases(self._cluster, _now),
            pipelines=ClusterPipelines(self._cluster, _now),
            secrets=secrets,
            source=source,
            config=self._config,
            editor=self._editor,
            pull_requests=forge,
            watch=self._watch,
            builds=ClusterBuilds(self._cluster, _now),
            registry=self._cluster.registry,
            applications=ClusterApplications(self._cluster),
            crashes=ClusterCrashes(self._cluster),
            settings=settings,
            clock=_now,
            sightings=Sightings(_now),
            queue=BuildQueue(limits=settings.build_limits),
            image_waits=ImageWaits(),
            index=ReleaseIndex(),
            tags=TagWatch(source, secrets, forge, lambda _: None),
        )
        self._reconciler = Reconciler(world)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch pull requests, and end all daemons at the end."""
        watching = asyncio.create_task(self._watch.run())
        try:
            yield
        finally:
            self._stopped.set()
            if self._daemons:
                await asyncio.wait(self._daemons, timeout=WAIT_SECONDS)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            self._config.close()
            await self._editor.close()

    @asynccontextmanager
    async def receiving(self) -> AsyncIterator[str]:
        """Receive webhooks on loopback, and give the URL below which they come."""
        secret_file = self._folder / "webhook-secret"
        secret_file.write_text(WEBHOOK_SECRET)
        receiver = Receiver(secret_file, self._take_delivery, Metrics())
        runner = web.AppRunner(receiver.application(), access_log=None, auto_decompress=False)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks"
        finally:
            await runner.cleanup()

    async def release(self, app: str) -> None:
        """Begin a release of an app, and come back when its build has begun."""
        name = f"{app}-{VERSION}"
        ref = Ref(NAMESPACE, name)
        self._paths[app] = self._cluster.apply(raw_release(name))
        self._wakeups.join(ref, None)
        daemon = serve_release(
            ref,
            self._stopped,
            self._reconciler,
            self._wakeups,
            self._health,
            self._metrics,
        )
        self._daemons.append(asyncio.create_task(daemon))
        await self._until(lambda: self._find_job(name) is not None, app)

    def finish_build(self, app: str) -> None:
        """Let the build of a release succeed; its Job's event wakes the release."""
        name = f"{app}-{VERSION}"
        job = self._find_job(name)
        if job is not None:
            finish_build(self._cluster, job)
            self._wakeups.wake(Ref(NAMESPACE, name))

    async def wait_until_proposed(self, app: str) -> int:
        """Give the number of a release's pull request once the release waits for its merge."""
        await self._until(
            lambda: self._ready(app).get("reason") == "AwaitingMerge" and self._is_idle(app), app
        )
        number: int = self._status(app)["pullRequest"]["number"]
        return number

    async def wait_until_merged(self, app: str) -> None:
        """Come back once a release has taken the commit of its merge."""
        await self._until(
            lambda: "mergedCommit" in self._status(app).get("config", {}) and self._is_idle(app),
            app,
        )

    def merge_times(self, number: int) -> tuple[float, float | None]:
        """Give `time.perf_counter()` of when a release had read that it is merged.

        Returns:
            That, and when the last webhook about it came before; None where none did.

        Raises:
            KeyError: no release has read it.
        """
        return self._watch.merged[number], self._delivered.get(number)

    def _take_delivery(self, notice: AnyNotice) -> None:
        if not isinstance(notice, Notice):
            return
        if notice.number is not None and notice.number not in self._watch.merged:
            self._delivered[notice.number] = time.perf_counter()
        self._wakeups.notice(notice)

    def _fill(self, apps: Sequence[str], pull_request: dict[str, Any] | None) -> FakeGitServer:
        """Put everything there that a release needs, and give the source repository's server."""
        git, home = FakeGitServer(), self._home
        source = git.add_repository(SOURCE)
        commit = source.write("main", {f"{app}/Dockerfile": "FROM scratch\n" for app in apps})
        source.tags.update({f"{app}-{VERSION}": commit for app in apps})
        config: dict[str, Any] = {
            "repository": f"{home.url}/{home.repository}",
            "secretRef": {"name": "album-config"},
            "forge": {"type": str(home.type), "apiURL": home.api_url},
        }
        if pull_request is not None:
            config["pullRequest"] = pull_request
        secrets = (
            raw_secret("album-git", url="https://git.example.org", token=TOKEN),
            raw_secret("album-config", url=home.url, token=home.token),
            raw_registry_secret("album-registry", "ghcr.io"),
        )
        for secret in secrets:
            self._cluster.apply({**secret, "kind": "Secret"})
        self._cluster.apply(raw_pipeline(apps=[{"name": app} for app in apps], config=config))
        for app in apps:
            source_of_app = {
                "repoURL": f"{home.url}/{home.repository}.git",
                "path": app,
                "targetRevision": "HEAD",
            }
            self._cluster.apply(raw_application(app, source=source_of_app))
        return git

    async def _until(self, is_so: Callable[[], bool], app: str) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not is_so():
            ready = self._ready(app)
            if ready.get("status") == "False" or time.monotonic() > deadline:
                raise PartError("operator", f"{app} does not go on: {ready.get('message')}")
            await asyncio.sleep(PAUSE_SECONDS)

    def _is_idle(self, app: str) -> bool:
        return str(Ref(NAMESPACE, f"{app}-{VERSION}")) not in self._health.passes

    def _find_job(self, name: str) -> dict[str, Any] | None:
        for job in self._cluster.all_of("Job"):
            if any(owner["name"] == name for owner in job["metadata"]["ownerReferences"]):
                return job
        return None

    def _status(self, app: str) -> dict[str, Any]:
        status: dict[str, Any] = self._cluster.objects[self._paths[app]]["status"]
        return status

    def _ready(self, app: str) -> dict[str, Any]:
        conditions = self._status(app).get("conditions", [])
        return next((item for item in conditions if item["type"] == "Ready"), {})


def _now() -> datetime:
    return datetime.now(UTC)
