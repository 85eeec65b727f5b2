"""One measured run, and many of them."""

import os
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.served import GitServer

BLOCK = 512
"""Unit of `st_blocks`, in bytes (stat(2))."""


@dataclass(frozen=True)
class Sample:
    """One run of one way.

    Attributes:
        seconds: of wall clock.
        cpu: seconds, user and system, of this process and of the children it waited for: the git
            processes of the client's side, and theirs. The server's are not in it.
        received: bytes the client received, HTTP headers included.
        sent: bytes the client sent.
        requests: HTTP requests; each is a round trip.
        disk: bytes on disk afterwards: of the checkout, or of what ours keeps.
    """

    seconds: float
    cpu: float
    received: int
    sent: int
    requests: int
    disk: int


def measure(work: Callable[[], None], server: GitServer, client: str, folder: Path) -> Sample:
    """Run some work and measure it.

    Args:
        work: what is measured.
        server: the one it talks to.
        client: the name it has there.
        folder: what it leaves on disk.
    """
    # What the run before wrote must not reach the disk on this one's time.
    os.sync()
    before = server.traffic(client)
    cpu, began = cpu_seconds(), time.perf_counter()
    work()
    seconds, cpu = time.perf_counter() - began, cpu_seconds() - cpu
    traffic = server.traffic(client).since(before)
    return Sample(
        seconds, cpu, traffic.received, traffic.sent, traffic.requests, disk_usage(folder)
    )


def median_of(samples: Sequence[Sample]) -> Sample:
    """Give the median of each figure by itself.

    Raises:
        StatisticsError: there is none.
    """
    return Sample(
        seconds=median(sample.seconds for sample in samples),
        cpu=median(sample.cpu for sample in samples),
        received=round(median(sample.received for sample in samples)),
        sent=round(median(sample.sent for sample in samples)),
        requests=round(median(sample.requests for sample in samples)),
        disk=round(median(sample.disk for sample in samples)),
    )


def disk_usage(folder: Path) -> int:
    """Give the bytes a folder takes on disk; 0 where there is none."""
    size = 0
    for above, folders, files in os.walk(folder):
        for name in (*folders, *files):
            size += (Path(above) / name).lstat().st_blocks * BLOCK
    return size


def cpu_seconds() -> float:
    """Give what this process, and the children it has waited for, have used of a processor."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
