"""What pushed tags cost: how soon one has its release by webhook, and what it costs to look.

On a git server of its own process, with the cluster in memory: the passes, the watch, the webhooks
and git are the operator's own.
"""

import asyncio
import hashlib
import hmac
import json
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from aiohttp import web

from album_operator.adapters.cluster.applications import ClusterApplications
from album_operator.adapters.cluster.builds import ClusterBuilds
from album_operator.adapters.cluster.crashes import ClusterCrashes
from album_operator.adapters.cluster.pipelines import ClusterPipelines
from album_operator.adapters.cluster.releases import ClusterReleases
from album_operator.adapters.cluster.secrets import ClusterSecrets
from album_operator.adapters.editor import ProcessEditor
from album_operator.adapters.git.config_repository import GitConfigRepository
from album_operator.adapters.git.source_repository import GitSourceRepository
from album_operator.codec import parse_seen
from album_operator.domain.notice import AnyNotice, TagNotice
from album_operator.domain.release import Ref
from album_operator.domain.triggers import TagInterest
from album_operator.memory.build_queue import BuildQueue
from album_operator.memory.image_waits import ImageWaits
from album_operator.memory.release_index import ReleaseIndex
from album_operator.memory.sightings import Sightings
from album_operator.metrics import Metrics
from album_operator.pipelines.cause import Cause
from album_operator.pipelines.reconcile import PipelineReconciler
from album_operator.serving.webhooks import Receiver
from album_operator.settings import read_settings
from album_operator.steps.world import World
from album_operator.waking.pipelines import Pipelines
from album_operator.waking.tag_watch import TagWatch
from benchmarks import plain_git
from benchmarks.goals import Goal
from benchmarks.measures import cpu_seconds
from benchmarks.operator import VALUES, WEBHOOK_SECRET
from benchmarks.pull_requests import PERCENT, percentile
from benchmarks.repositories import commit_stream
from benchmarks.served import GitServer, running_server
from benchmarks.tables import table
from testbed.commands import PartError
from testbed.progress import step
from tests.fakes.builders import NAMESPACE, raw_application, raw_pipeline
from tests.fakes.cluster import FakeCluster, raw_registry_secret, raw_secret
from tests.fakes.forge import FakeForge
from tests.fakes.git_server import FakeGitServer

PUSHES, REPOSITORIES, TAGS = 50, 200, 500
"""Tags that are pushed, repositories that are looked at, and how many tags each of these has."""

INTERVAL = timedelta(minutes=5)
WAIT_SECONDS = 30
PAUSE_SECONDS = 0.002
MOST_SECONDS, MOST_PERCENT = 1.0, 1.0
CLIENT = "operator"
APP = "backend"
TOKEN = "a-token-of-nobody"  # noqa: S105 - the server asks for none
PIPELINE = Ref(NAMESPACE, "album-app")
HEADINGS = ("what", "median", "p95", "most")


@dataclass(frozen=True)
class Tags:
    """What was measured.

    Attributes:
        seconds: of each tag, from its push until its release was in the API server.
        lists: of tags that were asked for in one interval.
        requests: HTTP requests of these.
        received: bytes of the answers.
        core: share of a core over the interval, 1 for all of it; git's processes count.
    """

    seconds: tuple[float, ...]
    lists: int
    requests: int
    received: int
    core: float


def measure_tags(pushes: int, repositories: int, folder: Path) -> Tags:
    """Push tags one after another, then look at many repositories that have nothing new.

    Args:
        pushes: tags.
        repositories: that are looked at.
        folder: an empty folder.

    Raises:
        PartError: a tag made no release.
    """
    served = folder / "served"
    served.mkdir()
    for name, files in (("app", {"backend/Dockerfile": b"FROM scratch\n"}), ("config", _values())):
        _make(served / f"{name}.git", files)
    with running_server(served) as server:
        with step(f"{pushes} tags pushed"):
            seconds = asyncio.run(_push(server, pushes, folder))
        with step(f"{repositories} repositories looked at"):
            for number in range(repositories):
                shutil.copytree(served / "app.git", served / f"idle-{number}.git")
                _add_tags(served / f"idle-{number}.git")
            return asyncio.run(_idle(server, repositories, seconds))


def tag_goals(found: Tags) -> tuple[Goal, ...]:
    """Give the goals."""
    is_measured = len(found.seconds) >= PUSHES
    pushed = percentile(found.seconds, PERCENT) if is_measured else None
    is_idle = found.lists == REPOSITORIES
    at = f"{REPOSITORIES} repositories of {TAGS} tags, every 5 minutes"
    return (
        Goal(f"tag to release by webhook, p{PERCENT}", MOST_SECONDS, at_least=False, unit="s",
             measured=pushed),
        Goal(f"{at}: share of a core", MOST_PERCENT, at_least=False, unit="%",
             measured=100 * found.core if is_idle else None),
        Goal(f"{at}: lists", REPOSITORIES, at_least=False, unit="",
             measured=found.lists if is_idle else None),
    )  # fmt: skip


def render_tags(found: Tags) -> Iterator[str]:
    """Give the lines of the report; the table is Markdown."""
    ordered = sorted(found.seconds)
    figures = (ordered[len(ordered) // 2], percentile(ordered, PERCENT), ordered[-1])
    yield f"{len(ordered)} tags, each pushed once the one before had its release:"
    yield ""
    row = ("seconds from push to release", *(f"{figure:.3f}" for figure in figures))
    yield from table(HEADINGS, [row])
    yield ""
    yield (
        f"{found.lists} lists of repositories with nothing new: {found.requests} HTTP requests, "
        f"{found.received / found.lists / 1024:.1f} KiB each, {100 * found.core:.2f} % of a core "
        "over five minutes."
    )


def _values() -> dict[str, bytes]:
    return {f"{APP}/values.yaml": VALUES.format(app=APP).encode()}


def _make(repository: Path, files: dict[str, bytes]) -> None:
    repository.mkdir()
    plain_git.git(repository, "init", "--quiet", "--bare", "--initial-branch=main")
    plain_git.git(repository, "config", "uploadpack.allowFilter", "true")
    plain_git.fast_import(repository, commit_stream(files))


def _add_tags(repository: Path) -> None:
    """Give a repository as many tags as an old one has, packed as a server keeps them."""
    commit = plain_git.text(repository, "rev-parse", "main")
    lines = (f"{commit} refs/tags/{APP}-v1.{number}.0\n" for number in range(TAGS))
    with (repository / "packed-refs").open("a") as packed:
        packed.writelines(sorted(lines))


class _Desk:
    """One pipeline with triggers, and what an operator does about it."""

    def __init__(self, server: GitServer, folder: Path) -> None:
        self.cluster, self._editor = FakeCluster(), ProcessEditor()
        url, host = server.url(CLIENT, "app.git"), {server.host}
        for secret in (
            raw_secret("album-git", url=f"http://{server.host}", token=TOKEN),
            raw_registry_secret("album-registry", "ghcr.io"),
        ):
            self.cluster.apply({**secret, "kind": "Secret"})
        config = {"repository": server.url(CLIENT, "config.git"), "delivery": "Commit"}
        self.cluster.apply(raw_application(APP))
        self.cluster.apply(
            raw_pipeline(
                source={"repository": url}, config=config, triggers={}, apps=[{"name": APP}]
            )
        )
        self._source = GitSourceRepository(host)
        self._config = GitConfigRepository(host, cache_folder=folder)
        self._index = ReleaseIndex()
        self._url = url
        secrets, forge = ClusterSecrets(self.cluster), FakeForge(FakeGitServer())
        self._tags = TagWatch(self._source, secrets, forge, self._wake)
        settings = read_settings({"ALBUM_NAMESPACES": NAMESPACE, "ALBUM_OPERATOR_IMAGE": "unused"})
        world = World(
            releases=ClusterReleases(self.cluster, _now),
            pipelines=ClusterPipelines(self.cluster, _now),
            secrets=secrets,
            source=self._source,
            config=self._config,
            editor=self._editor,
            pull_requests=forge,
            watch=forge,
            builds=ClusterBuilds(self.cluster, _now),
            registry=self.cluster.registry,
            applications=ClusterApplications(self.cluster),
            crashes=ClusterCrashes(self.cluster),
            settings=settings,
            clock=_now,
            sightings=Sightings(_now),
            queue=BuildQueue(limits=settings.build_limits),
            image_waits=ImageWaits(),
            index=self._index,
            tags=self._tags,
        )
        self._pipelines = Pipelines(PipelineReconciler(world).run_pass)
        secret_file = folder / "webhook-secret"
        secret_file.write_text(WEBHOOK_SECRET)
        self._receiver = Receiver(secret_file, self._take, Metrics())

    def _wake(self, pipeline: Ref) -> None:
        self._pipelines.wake(pipeline, Cause.TAGS)

    def _take(self, notice: AnyNotice) -> None:
        if isinstance(notice, TagNotice):
            self._tags.notice(notice)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Watch, pass over the pipeline and receive webhooks; give the URL these come to."""
        works = [asyncio.create_task(one) for one in (self._pipelines.run(), self._tags.run())]
        runner = web.AppRunner(self._receiver.application(), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._pipelines.note(PIPELINE, "wish")
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks/gitea"
        finally:
            for work in works:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)
            await runner.cleanup()
            await self._editor.close()
            self._config.close()
            self._source.close()

    async def until_released(self, tag: str) -> None:
        """Wait for the release of a tag; its event is told as Kopf tells it.

        Raises:
            PartError: none comes.
        """
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            for raw in self.cluster.all_of("AlbumRelease"):
                if raw["spec"]["tag"] == tag:
                    self._index.note(Ref(NAMESPACE, raw["metadata"]["name"]), parse_seen(raw))
                    self._pipelines.wake(PIPELINE, Cause.RELEASES)
                    return
            await asyncio.sleep(PAUSE_SECONDS)
        (pipeline,) = self.cluster.all_of("AlbumPipeline")
        raise PartError("tags", f"{tag} makes no release: {pipeline.get('status')}")

    def delivery(self, tag: str) -> tuple[bytes, dict[str, str]]:
        """Give what a Gitea sends of a tag: body and headers."""
        body = json.dumps(
            {
                "ref": tag,
                "ref_type": "tag",
                "repository": {"html_url": self._url.removesuffix(".git")},
                "sender": {"login": "somebody"},
            }
        ).encode()
        signature = hmac.new(WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
        return body, {
            "X-Gitea-Signature": signature,
            "X-Gitea-Event": "create",
            "X-Gitea-Delivery": tag,
        }


async def _push(server: GitServer, pushes: int, folder: Path) -> tuple[float, ...]:
    desk = _Desk(server, folder)
    source, seconds = server.folder / "app.git", []
    first = f"{APP}-v1.1.0"
    plain_git.git(source, "tag", first, "main")
    async with desk.running() as url, aiohttp.ClientSession() as session:
        await desk.until_released(first)
        for number in range(pushes):
            tag = f"{APP}-v1.2.{number}"
            plain_git.git(source, "tag", tag, "main")
            body, headers = desk.delivery(tag)
            began = time.perf_counter()
            async with session.post(url, data=body, headers=headers) as answer:
                if answer.status != 204:
                    raise PartError("tags", f"the delivery of {tag} got {answer.status}")
            await desk.until_released(tag)
            seconds.append(time.perf_counter() - began)
    return tuple(seconds)


async def _idle(server: GitServer, repositories: int, seconds: tuple[float, ...]) -> Tags:
    """Look at each repository once: no connection lasts from one interval to the next."""
    cluster = FakeCluster()
    secret = raw_secret("album-git", url=f"http://{server.host}", token=TOKEN)
    cluster.apply({**secret, "kind": "Secret"})
    source, woken = GitSourceRepository({server.host}), list[Ref]()
    secrets, forge = ClusterSecrets(cluster), FakeForge(FakeGitServer())
    watch = TagWatch(source, secrets, forge, woken.append)
    for number in range(repositories):
        url = server.url(CLIENT, f"idle-{number}.git")
        interest = TagInterest(
            NAMESPACE, "album-git", url, None, frozenset({f"{APP}-"}), INTERVAL, hears=True
        )
        watch.follow(Ref(NAMESPACE, f"pipeline-{number}"), interest)
    before, used = server.traffic(CLIENT), cpu_seconds()
    await watch.look_at_due()
    source.close()  # The processes that are kept a moment count as well.
    used = cpu_seconds() - used
    if len(woken) != repositories:
        raise PartError("tags", f"only {len(woken)} of {repositories} repositories were listed")
    traffic = server.traffic(CLIENT).since(before)
    core = used / INTERVAL.total_seconds()
    return Tags(seconds, repositories, traffic.requests, traffic.received, core)


def _now() -> datetime:
    return datetime.now(UTC)
