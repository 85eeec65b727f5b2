"""The memory of a process and all it has started, and what it has on disk, while it runs."""

import os
import stat
import subprocess
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

SECONDS = 120
SECONDS_BETWEEN = 0.01
KIB = 1024
MIB = KIB * KIB

DEPLOYMENT = Path(__file__).parents[2] / "manifests" / "base" / "deployment.yaml"

TO_SPARE = 200 * MIB
"""What an attack must leave of the shipped limit."""


def shipped_limit() -> int:
    """Read the memory limit of the Deployment, in bytes."""
    (deployment,) = yaml.safe_load_all(DEPLOYMENT.read_text())
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return int(container["resources"]["limits"]["memory"].removesuffix("Mi")) * MIB


@dataclass
class Peak:
    """The most bytes that processes had together so far, in memory and on disk."""

    memory: int = 0
    disk: int = 0


@contextmanager
def watched(top: int, disk: Path) -> Iterator[Peak]:
    """Watch a process and all below it until the block ends.

    The peak is that of the sum of what each living process has had at most (`VmHWM`, proc(5)), so
    nothing is missed between two samples but what came and went there.

    Args:
        top: its id.
        disk: what is below it is measured.
    """
    peak, has_ended = Peak(), threading.Event()

    def watch() -> None:
        while not has_ended.wait(SECONDS_BETWEEN):
            peak.memory = max(peak.memory, sum(map(_most, _below(top))))
            peak.disk = max(peak.disk, bytes_below(disk))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        has_ended.set()
        watcher.join()


def measure(
    words: Sequence[str], data: bytes, folder: Path, temporary: Path, disk: Path
) -> tuple[bytes, Peak]:
    """Run a program that ends well; its standard error is ours.

    Args:
        words: program and arguments.
        data: its standard input.
        folder: it runs in.
        temporary: where it puts temporary files.
        disk: what is below it is measured.

    Returns:
        What it said, and what it and all it started had at most.
    """
    process = subprocess.Popen(
        words,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(temporary)},
    )
    try:
        with watched(process.pid, disk) as peak:
            out, _ = process.communicate(data, timeout=SECONDS)
    finally:
        process.kill()
    if process.returncode != 0:
        raise AssertionError(f"{words} ended with {process.returncode}")
    return out, peak


def bytes_below(folder: Path) -> int:
    """Give the bytes of all files below a folder, those of gone ones not."""
    return sum(_size(Path(at, name)) for at, _, names in os.walk(folder) for name in names)


def _size(path: Path) -> int:
    try:
        about = path.lstat()
    except OSError:
        return 0
    return about.st_size if stat.S_ISREG(about.st_mode) else 0


def _below(top: int) -> Iterator[int]:
    """Give a process and all below it."""
    children = defaultdict(list)
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name is in brackets, and may have any.
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children[parent].append(int(path.parent.name))
    found = [top]
    for process in found:
        found += children[process]
    yield from found


def _most(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(KIB * int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
