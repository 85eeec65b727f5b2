"""What pushed tags cost: how soon one has its release by webhook, and what it costs to look.

The first by an operator of its own process on a real API server; the second by the watch of tags
alone, on a git server of its own process.
"""

import asyncio
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

from album_operator.adapters.cluster.secrets import ClusterSecrets
from album_operator.adapters.git.source_repository import GitSourceRepository
from album_operator.domain.release import Ref
from album_operator.domain.triggers import TagInterest
from album_operator.waking.tag_watch import TagWatch
from benchmarks import plain_git
from benchmarks.goals import Goal
from benchmarks.measures import cpu_seconds
from benchmarks.pull_requests import PERCENT, percentile
from benchmarks.repositories import commit_stream
from benchmarks.served import GitServer, running_server
from benchmarks.tables import table
from testbed.commands import PartError
from testbed.progress import step
from tests.fakes.builders import NAMESPACE
from tests.fakes.cluster import FakeCluster, raw_secret
from tests.fakes.forge import FakeForge
from tests.fakes.git_server import FakeGitServer
from tests.integration.manifests.conftest import installing
from tests.integration.manifests.tag_desk import desk_in

PUSHES, REPOSITORIES, TAGS = 50, 200, 500
"""Tags that are pushed, repositories that are looked at, and how many tags each of these has."""

INTERVAL = timedelta(minutes=5)
WAIT_SECONDS = 30
PAUSE_SECONDS = 0.01
MOST_SECONDS, MOST_PERCENT = 1.0, 1.0
CLIENT = "operator"
APP = "backend"
TOKEN = "a-token-of-nobody"  # noqa: S105 - the server asks for none
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
    _make(served / "app.git", {"backend/Dockerfile": b"FROM scratch\n"})
    with step(f"{pushes} tags pushed"):
        seconds = _push(pushes, folder)
    with running_server(served) as server, step(f"{repositories} repositories looked at"):
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


def _push(pushes: int, folder: Path) -> tuple[float, ...]:
    """Push tags to a repository whose app is released from each, so that each takes over.

    The API server is a real one, without controllers, so that no build ever ends.
    """
    below, work, seconds = folder / "api-server", folder / "desk", []
    for made in (below, work):
        made.mkdir()
    with (
        installing(below) as installed,
        desk_in(installed, "pushes", work, {}) as desk,
        desk.operator() as operator,
    ):
        for number in range(1 + pushes):
            tag = f"{APP}-v1.{1 + number}.0"
            desk.push(tag)
            began = time.perf_counter()
            if (status := desk.deliver(tag)) != HTTPStatus.NO_CONTENT:
                raise PartError("tags", f"the delivery of {tag} got {status}")
            while desk.find(tag).status != HTTPStatus.OK:
                if time.perf_counter() - began > WAIT_SECONDS:
                    raise PartError("tags", f"{tag} makes no release", operator.operator.log)
                time.sleep(PAUSE_SECONDS)
            seconds.append(time.perf_counter() - began)
    # The first look at a repository is another thing.
    return tuple(seconds[1:])


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
