"""What a thousand pipelines cost the operator: their first look, and then nothing happening."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import plain_git
from benchmarks.applications import AT_ONCE, MEBIBYTE, ask, connected
from benchmarks.goals import Goal
from benchmarks.processes import seconds_until_quiet, share_of_a_core, usage_of
from benchmarks.repositories import commit_stream
from benchmarks.served import GitServer, running_server
from benchmarks.tables import table
from testbed.commands import wait_until
from testbed.progress import step
from tests.fakes.builders import NAMESPACE, raw_application, raw_pipeline
from tests.integration.apiserver import ApiServer
from tests.integration.manifests.applications import APPLICATIONS, CONSENT
from tests.integration.manifests.conftest import Installed, installing
from tests.integration.manifests.operator_process import Running, running_operator

COMPARED_AT = 1000
"""Pipelines the goals are for."""

PER_REPOSITORY = 20
"""Pipelines that have their source, and their config repository, in common."""

IDLE_PERCENT, STATUS_SECONDS = 1.0, 900

CLIENT = "operator"
PIPELINES = f"/apis/album.dev/v1alpha1/namespaces/{NAMESPACE}/albumpipelines"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
REGISTRY = '{"auths": {"ghcr.io": {"auth": "eDp5"}}}'

HEADINGS = (
    "pipelines",
    "all answered after s",
    "requests to git",
    "idle, %",
    "requests to git, a minute",
    "memory MiB",
)


@dataclass(frozen=True)
class Answering:
    """What was measured.

    Attributes:
        pipelines: that there were.
        first: seconds until each had said that nothing is missing.
        asked: requests to the git server until then.
        idle_seconds: over which an operator was watched that was started when all was said.
        idle: share of a core it used then, 1 for all of it.
        asked_idle: requests to the git server in that time.
        memory: bytes it had at its end, resident.
    """

    pipelines: int
    first: float
    asked: int
    idle_seconds: float
    idle: float
    asked_idle: int
    memory: int


def measure_pipelines(count: int, idle_seconds: float, folder: Path) -> Answering:
    """Measure a first start with new pipelines, and one with nothing to say anew.

    Args:
        count: pipelines.
        idle_seconds: for how long the second start is watched.
        folder: an empty folder.

    Raises:
        PartError: the API server, git or the operator failed.
        WrongResultError: a pipeline could not be made.
    """
    below, served, work = (folder / name for name in ("api-server", "git", "operator"))
    for made in (below, served, work):
        made.mkdir()
    with installing(below) as installed, running_server(served) as git:
        with step(f"{count} pipelines of {_repositories(count)} repositories"):
            _make_repositories(served, count)
            asyncio.run(_fill(installed, git, count))
        with step("a first look at each"), _running(installed, git, work) as running:
            began, told = time.monotonic(), partial(_are_told, installed.server, count)
            wait_until(
                told, part="the operator", what="answer", seconds=STATUS_SECONDS, log=running.log
            )
            first, asked = time.monotonic() - began, git.traffic(CLIENT).requests
        with (
            step(f"{idle_seconds:g} s with nothing to do"),
            _running(installed, git, work) as running,
        ):
            pid = running.process.pid
            seconds_until_quiet(pid, time.monotonic())
            before = git.traffic(CLIENT)
            idle = share_of_a_core(pid, idle_seconds)
            asked_idle = git.traffic(CLIENT).since(before).requests
            memory = usage_of(pid).memory
    return Answering(count, first, asked, idle_seconds, idle, asked_idle, memory)


def pipeline_goals(found: Answering) -> tuple[Goal, ...]:
    """Give the goals."""
    measured = 100 * found.idle if found.pipelines == COMPARED_AT else None
    name = f"{COMPARED_AT:,} idle pipelines: share of a core"
    return (Goal(name, IDLE_PERCENT, at_least=False, unit="%", measured=measured),)


def render_pipelines(found: Answering) -> Iterator[str]:
    """Give the lines of the report; the table is Markdown."""
    yield (
        f"Pipelines, {PER_REPOSITORY} of a repository, that are looked at for the first time, and "
        f"then {found.idle_seconds:g} s of an operator that has just begun:"
    )
    yield ""
    row = (
        f"{found.pipelines:,}",
        f"{found.first:.0f}",
        f"{found.asked:,}",
        f"{100 * found.idle:.2f}",
        f"{60 * found.asked_idle / found.idle_seconds:.0f}",
        f"{found.memory / MEBIBYTE:.0f}",
    )
    yield from table(HEADINGS, [row])


def _repositories(count: int) -> int:
    return -(-count // PER_REPOSITORY)


def _make_repositories(folder: Path, count: int) -> None:
    for number in range(_repositories(count)):
        apps = range(number, count, _repositories(count))
        values = {f"app-{app}/values.yaml": f"image:\n  tag: v1.0.{app}\n".encode() for app in apps}
        kinds = {"source": {"README.md": b"An app.\n"}, "config": values}
        for kind, files in kinds.items():
            repository = folder / f"{kind}-{number}.git"
            repository.mkdir()
            plain_git.git(repository, "init", "--quiet", "--bare", "--initial-branch=main")
            plain_git.fast_import(repository, commit_stream(files))


async def _fill(installed: Installed, git: GitServer, count: int) -> None:
    """Make the pipelines, their Applications, and the Secrets that all of them use."""
    url = f"http://{git.host}"
    async with connected(installed) as session:
        for name, data in (
            ("album-git", {"url": url, "token": "a-token"}),
            ("album-registry", {".dockerconfigjson": REGISTRY}),
        ):
            secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}
            await ask(session, "POST", SECRETS, {**secret, "stringData": data})
        turns = asyncio.Semaphore(AT_ONCE)

        async def make(number: int) -> None:
            async with turns:
                await ask(session, "POST", APPLICATIONS, _application(git, number, count))
                await ask(session, "POST", PIPELINES, _pipeline(git, number, count))

        await asyncio.gather(*map(make, range(count)))


def _application(git: GitServer, number: int, count: int) -> dict[str, Any]:
    raw = raw_application(f"app-{number}")
    del raw["metadata"]["resourceVersion"]
    raw["metadata"]["annotations"][CONSENT] = f"{NAMESPACE}/pipeline-{number}"
    raw["spec"]["source"]["repoURL"] = git.url(CLIENT, f"config-{_of(number, count)}.git")
    return raw


def _pipeline(git: GitServer, number: int, count: int) -> dict[str, Any]:
    """Give a pipeline that asks no forge and no registry: git is the dearest to ask."""
    runs = {"namespace": "argocd", "name": f"album-app-app-{number}"}
    raw = raw_pipeline(
        source={"repository": git.url(CLIENT, f"source-{_of(number, count)}.git")},
        build={"proof": "Builder", "image": {"repository": "o/app"}},
        config={
            "repository": git.url(CLIENT, f"config-{_of(number, count)}.git"),
            "delivery": "Commit",
        },
        apps=[{"name": f"app-{number}", "applications": [runs]}],
    )
    return {**raw, "metadata": {"name": f"pipeline-{number}"}}


def _of(number: int, count: int) -> int:
    return number % _repositories(count)


def _are_told(server: ApiServer, count: int) -> bool:
    items = server.request("GET", PIPELINES).body["items"]
    return len(items) == count and all(map(_is_ready, items))


def _is_ready(raw: dict[str, Any]) -> bool:
    conditions = raw.get("status", {}).get("conditions", [])
    return any((item["type"], item["status"]) == ("Ready", "True") for item in conditions)


def _running(installed: Installed, git: GitServer, folder: Path) -> AbstractContextManager[Running]:
    cache = str(folder / "cache")  # of its own: another operator may run on this machine
    return running_operator(
        installed, folder, NAMESPACE, ALBUM_CACHE_DIR=cache, ALBUM_INSECURE_HOSTS=git.host
    )
