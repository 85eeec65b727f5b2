"""How soon a release knows that its pull request was merged: by webhook, and by polling.

On a real Gitea on loopback. The release is the operator's own daemon, and the merge an API call of
somebody else's. One release at a time: after each merge Gitea looks anew for conflicts of all other
pull requests, on the same processors.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from album_operator.adapters.gitea.pull_requests import GiteaPullRequests
from album_operator.domain.forges import ForgeType
from benchmarks import plain_git
from benchmarks.operator import WEBHOOK_SECRET, Home, Operator, values_files
from benchmarks.repositories import BASE, commit_stream
from benchmarks.tasks import WrongResultError
from testbed.commands import PartError
from testbed.progress import step
from tests.contract.gitea_server import ADMIN, GiteaServer

POLL = timedelta(seconds=2)
"""Between two lists where there is no webhook."""

POLL_BESIDE_WEBHOOKS = timedelta(minutes=10)
"""So that only a webhook can have been it."""

POLLED_SHARE = 10
"""So many times fewer merges are noticed by polling: each takes a second on average."""

EVENTS = (
    "pull_request_only",
    "pull_request_review",
    "pull_request_sync",
    "push",
    "delete",
    "repository",
)
"""Those of docs/install.md, in the words of Gitea's API."""

MERGE_SECONDS = 60
PAUSE_SECONDS = 0.05


@dataclass(frozen=True)
class Noticing:
    """Seconds until the release of each merge had read it, in order.

    Attributes:
        by_webhook: from the forge's answer to the merge on; its webhook may come before that.
        from_delivery: of these, from the webhook's arrival on: what is the operator's own.
        by_polling: from the answer to the merge on.
    """

    by_webhook: tuple[float, ...]
    from_delivery: tuple[float, ...]
    by_polling: tuple[float, ...]


def measure_noticing(server: GiteaServer, merges: int, folder: Path) -> Noticing:
    """Merge pull requests of releases, one after another.

    Raises:
        PartError: a merge failed or was not noticed.
        WrongResultError: it was noticed in another way.
        OutsideError: the adapter's.
    """
    polled = max(1, merges // POLLED_SHARE)
    with step(f"{merges} merges noticed by webhook"):
        by_webhook = _run(server, "by-webhook", merges, POLL_BESIDE_WEBHOOKS, folder)
    with step(f"{polled} merges noticed by polling"):
        by_polling = _run(server, "by-polling", polled, POLL, folder)
    return Noticing(
        by_webhook=tuple(each.read - each.answered for each in by_webhook),
        from_delivery=tuple(_from_delivery(each) for each in by_webhook),
        by_polling=tuple(each.read - each.answered for each in by_polling),
    )


@dataclass(frozen=True)
class _Merge:
    """When things happened, by `time.perf_counter()`."""

    answered: float
    read: float
    delivered: float | None


def _from_delivery(merge: _Merge) -> float:
    if merge.delivered is None:
        raise WrongResultError("A merge was noticed before any webhook about it came.")
    return merge.read - merge.delivered


def _run(
    server: GiteaServer, name: str, merges: int, poll: timedelta, folder: Path
) -> list[_Merge]:
    apps = [f"app-{number:02d}" for number in range(merges)]
    below = folder / name
    below.mkdir()
    home = _make_home(server, name, values_files(apps), below)
    return asyncio.run(_merge_all(server, home, apps, poll, below))


def _make_home(server: GiteaServer, name: str, files: dict[str, bytes], folder: Path) -> Home:
    server.do("POST", "/user/repos", {"name": name, "private": True, "default_branch": BASE})
    local = folder / "first.git"
    plain_git.git(folder, "init", "--quiet", "--bare", str(local))
    plain_git.fast_import(local, commit_stream(files))
    url = server.url.replace("://", f"://{ADMIN}:{server.token}@")
    plain_git.git(local, "push", "--quiet", f"{url}/{ADMIN}/{name}", BASE)
    return Home(server.url, server.api_url, f"{ADMIN}/{name}", server.token, ForgeType.GITEA)


async def _merge_all(
    server: GiteaServer, home: Home, apps: Sequence[str], poll: timedelta, folder: Path
) -> list[_Merge]:
    forge = GiteaPullRequests({home.host})
    operator = Operator(home, forge, folder, apps, poll)
    merges = []
    try:
        async with operator.running(), operator.receiving() as webhooks:
            if poll == POLL_BESIDE_WEBHOOKS:
                _make_hook(server, home, f"{webhooks}/gitea")
            for app in apps:
                await operator.release(app)
                operator.finish_build(app)
                number = await operator.wait_until_proposed(app)
                answered = await asyncio.to_thread(_merge, server, home, number)
                await operator.wait_until_merged(app)
                read, delivered = operator.merge_times(number)
                merges.append(_Merge(answered, read, delivered))
    finally:
        await forge.close()
    return merges


def _make_hook(server: GiteaServer, home: Home, url: str) -> None:
    config = {"url": url, "content_type": "json", "secret": WEBHOOK_SECRET}
    hook = {"type": "gitea", "active": True, "events": list(EVENTS), "config": config}
    server.do("POST", f"/repos/{home.repository}/hooks", hook)


def _merge(server: GiteaServer, home: Home, number: int) -> float:
    """Merge as soon as Gitea lets us, and give `time.perf_counter()` of its answer."""
    path = f"/repos/{home.repository}/pulls/{number}/merge"
    deadline = time.monotonic() + MERGE_SECONDS
    while time.monotonic() < deadline:
        # Gitea answers 405 until it has looked for conflicts, anew after each merge.
        status, answer = server.call("POST", path, {"Do": "merge"})
        answered = time.perf_counter()
        if status == 200:
            return answered
        time.sleep(PAUSE_SECONDS)
    raise PartError("gitea", f"#{number} is not merged: {status} {answer}")
