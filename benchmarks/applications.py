"""What Applications that Argo CD goes on writing cost the operator, which watches all of them."""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import aiohttp

from benchmarks.goals import Goal
from benchmarks.processes import TICKS, Usage, seconds_until_quiet, usage_of
from benchmarks.tables import table
from benchmarks.tasks import WrongResultError
from testbed.progress import step
from tests.fakes.builders import NAMESPACE, NOW
from tests.integration.manifests.applications import APPLICATIONS, Raw, application
from tests.integration.manifests.conftest import Installed, installing
from tests.integration.manifests.operator_process import running_operator

COMPARED_AT = 300
"""Applications the goals are for."""

APPLICATION_BYTES = 100_000

REFRESH_SECONDS = 120.0
"""Each Application is compared again after so long (Argo CD, `timeout.reconciliation`)."""

CORE_PERCENT, MOST_MEMORY = 5.0, 60.0

AT_ONCE = 8
MEBIBYTE = 1 << 20
HEADINGS = ("Applications", "kB each", "a core, %", "alone, %", "memory more, MiB")


@dataclass(frozen=True)
class Watched:
    """What was measured.

    Attributes:
        applications: that there were.
        seconds: over which they were refreshed and the operator was watched.
        written: refreshes in that time.
        core: share of a core that it used then, 1 for all of it.
        core_alone: the same without Applications.
        memory: bytes it had more than without Applications.
    """

    applications: int
    seconds: float
    written: int
    core: float
    core_alone: float
    memory: int


def measure_applications(count: int, seconds: float, folder: Path) -> Watched:
    """Measure one operator, on an API server first without Applications and then with them.

    Args:
        count: Applications.
        seconds: of each of both measurements.
        folder: an empty folder.

    Raises:
        PartError: the API server or the operator failed.
        WrongResultError: an Application could not be written.
    """
    below, work = folder / "api-server", folder / "operator"
    below.mkdir()
    work.mkdir()
    with installing(below) as installed, running_operator(installed, work, NAMESPACE) as running:
        pid = running.process.pid
        with step(f"the operator without Applications, then with {count}"):
            seconds_until_quiet(pid, time.monotonic())
            before, _ = asyncio.run(_refresh(installed, pid, 0, seconds))
            alone = usage_of(pid).memory
            asyncio.run(_write(installed, count))
            seconds_until_quiet(pid, time.monotonic())
            after, written = asyncio.run(_refresh(installed, pid, count, seconds))
            memory = usage_of(pid).memory - alone
    return Watched(count, seconds, written, after, before, memory)


def application_goals(found: Watched) -> tuple[Goal, ...]:
    """Give the goals."""
    is_measured = found.applications == COMPARED_AT
    at = f"{COMPARED_AT} Applications of 100 kB, each refreshed every 2 minutes"
    measured = (100 * found.core, found.memory / MEBIBYTE)
    return tuple(
        Goal(f"{at}: {name}", wanted, at_least=False, unit=unit,
             measured=value if is_measured else None)
        for name, wanted, unit, value in (
            ("share of a core", CORE_PERCENT, "%", measured[0]),
            ("memory", MOST_MEMORY, "MiB", measured[1]),
        )
    )  # fmt: skip


def render_applications(found: Watched) -> Iterator[str]:
    """Give the lines of the report; the table is Markdown."""
    yield (
        f"Applications that Argo CD refreshes, {found.written} times in {found.seconds:g} s, as "
        "the operator watches them:"
    )
    yield ""
    row = (
        f"{found.applications}",
        f"{APPLICATION_BYTES / 1000:g}",
        f"{100 * found.core:.2f}",
        f"{100 * found.core_alone:.2f}",
        f"{found.memory / MEBIBYTE:.1f}",
    )
    yield from table(HEADINGS, [row])


def _raw(number: int) -> Raw:
    """Give an Application of the size that many resources make."""
    raw = application(f"app-{number}")
    resources: list[Raw] = []
    raw["status"]["resources"] = resources
    while len(json.dumps(raw)) < APPLICATION_BYTES:
        resources += [
            {
                "group": "apps",
                "version": "v1",
                "kind": "Deployment",
                "namespace": "shop",
                "name": f"workload-{len(resources)}",
                "status": "Synced",
                "health": {"status": "Healthy"},
            }
            for _ in range(20)
        ]
    return raw


async def _write(installed: Installed, count: int) -> None:
    """Make the Applications."""
    async with connected(installed) as session:
        turns = asyncio.Semaphore(AT_ONCE)

        async def make(number: int) -> None:
            async with turns:
                await ask(session, "POST", APPLICATIONS, _raw(number))

        await asyncio.gather(*map(make, range(count)))


async def _refresh(installed: Installed, pid: int, count: int, seconds: float) -> tuple[float, int]:
    """Write each Application as a refresh does, at its turn.

    Args:
        installed: where.
        pid: of the operator.
        count: Applications; 0 for none.
        seconds: for so long.

    Returns:
        The share of a core that the operator used, and how many were written.
    """
    began, before, written = time.monotonic(), usage_of(pid), 0
    async with connected(installed) as session:
        while (passed := time.monotonic() - began) < seconds:
            due = int(passed * count / REFRESH_SECONDS)
            if written >= due:
                await asyncio.sleep(0.1)
                continue
            stamp = f"{NOW + timedelta(seconds=written):%Y-%m-%dT%H:%M:%SZ}"
            patch = {"status": {"reconciledAt": stamp}}
            await ask(session, "PATCH", f"{APPLICATIONS}/app-{written % count}", patch)
            written += 1
    return _share(before, usage_of(pid), time.monotonic() - began), written


def _share(before: Usage, after: Usage, seconds: float) -> float:
    return (after.cpu - before.cpu) / TICKS / seconds


@asynccontextmanager
async def connected(installed: Installed) -> AsyncIterator[aiohttp.ClientSession]:
    """Give a session with the API server, as its admin."""
    trust = ssl.create_default_context(cafile=str(installed.server.ca))
    headers = {"Authorization": f"Bearer {installed.server.token}"}
    connector = aiohttp.TCPConnector(ssl=trust)
    async with aiohttp.ClientSession(
        installed.server.url, connector=connector, headers=headers
    ) as session:
        yield session


async def ask(session: aiohttp.ClientSession, method: str, path: str, body: Raw) -> None:
    """Send an object, or a merge patch of one.

    Raises:
        WrongResultError: the API server did not take it.
    """
    kind = "json" if method == "POST" else "merge-patch+json"
    headers = {"Content-Type": f"application/{kind}"}
    async with session.request(method, path, data=json.dumps(body), headers=headers) as answer:
        if answer.status not in {200, 201}:
            raise WrongResultError(f"{path}: {await answer.text()}")
