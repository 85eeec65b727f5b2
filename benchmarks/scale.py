"""A start of the operator with thousands of finished releases, beside a Kopf that only watches."""

import asyncio
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp

from album_operator.codec import render_status
from album_operator.domain import progress
from album_operator.domain.reasons import Reason
from album_operator.domain.record import StepName
from benchmarks.goals import Goal
from benchmarks.processes import seconds_until_quiet, share_of_a_core, usage_of
from benchmarks.tables import table
from benchmarks.takeover import running_pod
from benchmarks.tasks import WrongResultError
from testbed.commands import PartError, wait_until
from testbed.progress import step
from tests.fakes.builders import NAMESPACE, NOW, RELEASE, record_before
from tests.integration.manifests.conftest import Installed, installing
from tests.integration.manifests.operator_process import (
    OPERATOR,
    Running,
    write_kubeconfig,
)
from tests.integration.manifests.operator_stage import reason_of, releases_of

OURS, ONLY_WATCHES = WAYS = ("the operator", "a Kopf that only watches")

COMPARED_AT = 10_000
"""Finished releases the goals are for."""

TIMES_AS_LATE, TIMES_AS_LARGE, IDLE_PERCENT = 1.2, 1.3, 0.2

BOTH_MEBIBYTES = 572
"""600 MB, of the leader and a standby together."""

RELEASES = releases_of(NAMESPACE)
METADATA = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"

LAST = "z"
"""How the name of a release begins that is made before each start. Lists are in the order of names,
so that who has seen it, and is quiet then, has seen all. It has no pipeline and stops at once."""

APPS = 50
"""Whose versions the releases are."""

AT_ONCE = 16
"""Requests that are on their way while releases are made."""

SCRAPE_MS, SCRAPE_KB = 100.0, 1000.0
"""Most that an answer to whoever asks for metrics takes, and has."""

SEEN_SECONDS = 300
MEBIBYTE = 1 << 20
HEADINGS = ("process", "starts", "quiet after s", "fastest to slowest", "memory MiB", "idle, %")


@dataclass(frozen=True)
class Start:
    """One start of a process.

    Attributes:
        quiet: seconds from its start until all was seen and nothing was left to do.
        memory: bytes it had then, resident.
        idle: share of a core it used after that.
        scrape: seconds in which its metrics were answered then; 0 where it has none.
        answer: bytes of that answer.
    """

    quiet: float
    memory: int
    idle: float
    scrape: float = 0.0
    answer: int = 0


@dataclass(frozen=True)
class Scale:
    """What was measured.

    Attributes:
        finished: releases that have finished.
        suspended: releases that are suspended.
        idle_seconds: over which a process was watched that had nothing to do.
        starts: of each process.
        standby: bytes that an operator has which stands by, resident.
    """

    finished: int
    suspended: int
    idle_seconds: float
    starts: dict[str, tuple[Start, ...]]
    standby: int

    def median(self, way: str, what: Callable[[Start], float]) -> float:
        """Give the median of a figure."""
        return median(what(start) for start in self.starts[way])

    def times(self, what: Callable[[Start], float]) -> float:
        """Give a figure of the operator as a multiple of what only watching takes."""
        return self.median(OURS, what) / self.median(ONLY_WATCHES, what)


@dataclass(frozen=True)
class _Process:
    """A process that was started.

    Attributes:
        log: file with its output.
        has_seen_all: tells whether it has seen the last of the releases.
        scrape: asks for its metrics; None where it has none.
    """

    process: subprocess.Popen[bytes]
    log: Path
    has_seen_all: Callable[[], bool]
    scrape: Callable[[], str] | None = None

    def is_served(self) -> bool:
        """Tell whether it has seen the last of the releases.

        Raises:
            PartError: it has ended.
        """
        if self.process.poll() is not None:
            raise PartError("a process", f"ended with {self.process.returncode}", self.log)
        return self.has_seen_all()


def measure_scale(
    finished: int, suspended: int, starts: int, idle_seconds: float, folder: Path
) -> Scale:
    """Measure starts of both in turns, on an API server with these releases.

    Args:
        finished: releases that have finished.
        suspended: releases that are suspended.
        starts: of each.
        idle_seconds: for how long a process with nothing to do is watched.
        folder: an empty folder.

    Raises:
        PartError: the API server or a process failed.
        WrongResultError: a release could not be made, or one that had finished was written to.
    """
    measured: dict[str, tuple[Start, ...]] = dict.fromkeys(WAYS, ())
    processes = {OURS: _operator, ONLY_WATCHES: _only_watching}
    below = folder / "api-server"
    below.mkdir()
    with installing(below) as installed:

        def start(way: str, number: int) -> Start:
            last = f"{LAST}-v{number}.{WAYS.index(way)}.0"
            work = folder / last
            work.mkdir()
            made = installed.server.request("POST", RELEASES, _raw_release(last, False))
            if made.status != 201:
                raise WrongResultError(f"{last}: {made.message}")
            began = time.monotonic()
            with processes[way](installed, work, last) as process:
                return _measure(process, began, idle_seconds)

        with step(f"{finished:,} finished releases, {suspended} suspended, and a first start"):
            asyncio.run(_fill(installed, finished, suspended))
            _write_suspended(installed, folder, suspended)
        written = _versions(installed)
        for number in range(1, starts + 1):
            with step(f"start {number} of {starts}, and of a Kopf that only watches"):
                for way in WAYS if number % 2 else reversed(WAYS):
                    measured[way] += (start(way, number),)
        standby = _measure_standby(installed, folder, idle_seconds)
        again = _versions(installed)
        changed = [name for name, version in again.items() if written.get(name) != version]
        if changed:
            raise WrongResultError(
                f"Starts wrote to {len(changed)} releases, such as {changed[0]}."
            )
    return Scale(finished, suspended, idle_seconds, measured, standby)


def _write_suspended(installed: Installed, folder: Path, suspended: int) -> None:
    """Let the operator write once what it says of suspended releases."""
    work = folder / "first"
    work.mkdir()

    def are_told() -> bool:
        return all(reason_of(installed.server, path) for path in paths)

    paths = [f"{RELEASES}/{_name(number)}" for number in range(suspended)]
    with _running(installed, work):
        wait_until(
            are_told, part="the operator", what="tell of all suspended ones", seconds=SEEN_SECONDS
        )


def scale_goals(found: Scale) -> tuple[Goal, ...]:
    """Give the goals."""
    is_measured = found.finished == COMPARED_AT
    at = f"with {COMPARED_AT:,} finished releases"
    goals = (
        ("quiet after its start, over only watching", TIMES_AS_LATE, "x", found.times(_quiet)),
        ("memory, over only watching", TIMES_AS_LARGE, "x", found.times(_memory)),
        ("idle, share of a core", IDLE_PERCENT, "%", 100 * found.median(OURS, _idle)),
        ("memory of leader and standby", BOTH_MEBIBYTES, " MiB", _of_both(found) / MEBIBYTE),
        ("metrics, time of an answer", SCRAPE_MS, " ms", 1000 * found.median(OURS, _scrape)),
        ("metrics, size of an answer", SCRAPE_KB, " kB", found.median(OURS, _answer) / 1000),
    )
    return tuple(
        Goal(f"{name}, {at}", wanted, at_least=False, unit=unit,
             measured=measured if is_measured else None)
        for name, wanted, unit, measured in goals
    )  # fmt: skip


def render_scale(found: Scale) -> Iterator[str]:
    """Give the lines of the report; the table is Markdown."""
    yield f"Starts with {found.finished:,} finished releases and {found.suspended} suspended ones:"
    yield ""
    yield from table(HEADINGS, [_row(found, way) for way in WAYS])
    yield ""
    yield (
        f"The operator: {found.times(_quiet):.2f} times as late and {found.times(_memory):.2f} "
        f"times as large; idle was watched for {found.idle_seconds:g} s. A standby has "
        f"{found.standby / MEBIBYTE:.0f} MiB. Metrics are answered in "
        f"{1000 * found.median(OURS, _scrape):.0f} ms, with "
        f"{found.median(OURS, _answer) / 1000:.0f} kB."
    )


def _row(found: Scale, way: str) -> tuple[str, ...]:
    quiet = [start.quiet for start in found.starts[way]]
    return (
        way,
        f"{len(quiet)}",
        f"{median(quiet):.1f}",
        f"{min(quiet):.1f} to {max(quiet):.1f}",
        f"{found.median(way, _memory) / MEBIBYTE:.0f}",
        f"{100 * found.median(way, _idle):.2f}",
    )


def _of_both(found: Scale) -> float:
    return found.median(OURS, _memory) + found.standby


def _quiet(start: Start) -> float:
    return start.quiet


def _memory(start: Start) -> float:
    return start.memory


def _idle(start: Start) -> float:
    return start.idle


def _scrape(start: Start) -> float:
    return start.scrape


def _answer(start: Start) -> float:
    return start.answer


def _measure(process: _Process, began: float, idle_seconds: float) -> Start:
    wait_until(
        process.is_served,
        part="a process", what="see all releases", seconds=SEEN_SECONDS, log=process.log,
    )  # fmt: skip
    pid = process.process.pid
    quiet = seconds_until_quiet(pid, began)
    idle = share_of_a_core(pid, idle_seconds)
    memory = usage_of(pid).memory
    if process.scrape is None:
        return Start(quiet, memory, idle)
    asked = time.monotonic()
    answer = process.scrape()
    return Start(quiet, memory, idle, time.monotonic() - asked, len(answer))


@contextmanager
def _operator(installed: Installed, folder: Path, last: str) -> Iterator[_Process]:
    path = f"{RELEASES}/{last}"
    with _running(installed, folder) as running:

        def scrape() -> str:
            answer = running.find_answer("/metrics")
            if answer is None or 'album_releases{namespace="album"' not in answer[1]:
                raise WrongResultError(f"The metrics are {answer}.")
            return answer[1]

        yield _Process(
            running.process, running.log, lambda: reason_of(installed.server, path) != "", scrape
        )


def _running(
    installed: Installed, folder: Path, pod: str = "leader"
) -> AbstractContextManager[Running]:
    """Run one that stands for election; a Pod that is started anew goes on leading at once."""
    return running_pod(installed, folder, pod)


def _measure_standby(installed: Installed, folder: Path, idle_seconds: float) -> int:
    """Give the memory of an operator that finds the Lease taken."""
    work = folder / "standby"
    work.mkdir()
    with step("a standby"), _running(installed, folder) as leader:
        wait_until(leader.is_ready, part="the operator", what="lead", seconds=SEEN_SECONDS)
        with _running(installed, work, "standby") as standby:
            wait_until(standby.is_ready, part="a standby", what="be ready", seconds=SEEN_SECONDS)
            answer = standby.find_answer("/readyz")
            if answer is None or not answer[1].startswith("standby, leader leads"):
                raise WrongResultError(f"The standby says {answer}.")
            time.sleep(idle_seconds)
            return usage_of(standby.process.pid).memory


@contextmanager
def _only_watching(installed: Installed, folder: Path, last: str) -> Iterator[_Process]:
    """Run it with the operator's own rights."""
    seen, log = folder / "seen", folder / "only-watching.log"
    environment = {
        "NAMESPACE": NAMESPACE,
        "LAST": last,
        "SEEN": str(seen),
        "KUBECONFIG": str(write_kubeconfig(installed, folder)),
        "PYTHONPATH": f"{OPERATOR}:{OPERATOR.parent}",
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
    }
    with log.open("wb") as out, subprocess.Popen(
        [sys.executable, "-m", "benchmarks.only_watching"],
        env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        try:
            yield _Process(process, log, seen.exists)
        finally:
            process.kill()


async def _fill(installed: Installed, finished: int, suspended: int) -> None:
    """Make the releases, with the statuses of a whole release where they have finished."""
    record = progress.finish(
        record_before(StepName.DEPLOYED), StepName.DEPLOYED, Reason.SUCCEEDED, "Done.", NOW
    )
    status = render_status(RELEASE, progress.release(record), NOW)
    patch = json.dumps({"status": status})
    trust = ssl.create_default_context(cafile=str(installed.server.ca))
    connector = aiohttp.TCPConnector(ssl=trust)
    numbers = iter(range(finished + suspended))
    async with aiohttp.ClientSession(installed.server.url, connector=connector) as session:

        async def send(method: str, path: str, token: str, kind: str, body: str) -> None:
            headers = {"Authorization": f"Bearer {token}", "Content-Type": f"application/{kind}"}
            async with session.request(method, path, data=body, headers=headers) as answer:
                if answer.status not in {200, 201}:
                    raise WrongResultError(f"{path}: {await answer.text()}")

        async def make_some() -> None:
            for number in numbers:
                name, is_suspended = _name(number), number < suspended
                release = json.dumps(_raw_release(name, is_suspended))
                await send("POST", RELEASES, installed.server.token, "json", release)
                if not is_suspended:
                    path = f"{RELEASES}/{name}/status"
                    # Nobody but the operator may write a status.
                    await send("PATCH", path, installed.token, "merge-patch+json", patch)

        await asyncio.gather(*(make_some() for _ in range(AT_ONCE)))


def _name(number: int) -> str:
    return f"app-{number % APPS}-v1.{number // APPS}.0"


def _raw_release(name: str, is_suspended: bool) -> dict[str, Any]:
    return {
        "apiVersion": "album.dev/v1alpha1",
        "kind": "AlbumRelease",
        "metadata": {"name": name},
        "spec": {"pipelineRef": {"name": "album-app"}, "tag": name, "suspend": is_suspended},
    }


def _versions(installed: Installed) -> dict[str, str]:
    """Give the version of each release that is there for all starts, by name."""
    answer = installed.server.request("GET", RELEASES, headers={"Accept": METADATA})
    return {
        item["metadata"]["name"]: item["metadata"]["resourceVersion"]
        for item in answer.body["items"]
        if not item["metadata"]["name"].startswith(LAST)
    }
