"""What a process and its children take, as the kernel counts it (proc(5))."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")

LOOK_SECONDS = 0.5
BUSY_TICKS = 5
"""Of the processor in `LOOK_SECONDS` are work; what looks every few seconds whether all is well
takes less."""

QUIET_SECONDS = 10.0
"""For so long a process is not busy before it counts as quiet: Kopf ends what it began for each
object five seconds after its last event."""


@dataclass(frozen=True)
class Usage:
    """What was used.

    Attributes:
        cpu: clock ticks of processor time, user and system.
        memory: bytes of resident memory.
    """

    cpu: int
    memory: int


def usage_of(pid: int) -> Usage:
    """Give what a process and those below it have used; what they share is counted for each."""
    process = Path("/proc") / str(pid)
    words = (process / "stat").read_text().rpartition(")")[2].split()
    cpu = sum(int(word) for word in words[11:15])  # with that of children it waited for
    memory = int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    children = (process / "task" / str(pid) / "children").read_text().split()
    below = [usage_of(int(child)) for child in children]
    return Usage(
        cpu + sum(child.cpu for child in below), memory + sum(child.memory for child in below)
    )


def seconds_until_quiet(pid: int, began: float) -> float:
    """Wait until a process has not been busy for `QUIET_SECONDS`.

    Args:
        pid: of the process.
        began: `time.monotonic()` of its start.

    Returns:
        When it was busy last, in seconds after its start.
    """
    busy = time.monotonic()
    known = usage_of(pid).cpu
    while time.monotonic() - busy < QUIET_SECONDS:
        time.sleep(LOOK_SECONDS)
        now = usage_of(pid).cpu
        if now - known >= BUSY_TICKS:
            busy = time.monotonic()
        known = now
    return busy - began


def share_of_a_core(pid: int, seconds: float) -> float:
    """Give how much of one core a process uses over some time, 1 for all of it."""
    began, before = time.monotonic(), usage_of(pid).cpu
    time.sleep(seconds)
    return (usage_of(pid).cpu - before) / TICKS / (time.monotonic() - began)
