"""The memory of a process and all it has started, and what it has on disk, while it runs."""

import os
import stat
import subprocess
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

SECONDS = 120
SECONDS_BETWEEN = 0.01
KIB = 1024


@dataclass(frozen=True)
class Measured:
    """What a program said, and the most memory and disk its processes had together, in bytes."""

    out: bytes
    memory: int
    disk: int


def measure(
    words: Sequence[str], data: bytes, folder: Path, temporary: Path, disk: Path
) -> Measured:
    """Run a program that ends well; its standard error is ours.

    Args:
        words: program and arguments.
        data: its standard input.
        folder: it runs in.
        temporary: where it puts temporary files.
        disk: what is below it is measured.

    The peak is that of the sum of what each living process has had at most (`VmHWM`, proc(5)), so
    nothing is missed between two samples but what came and went there.
    """
    process = subprocess.Popen(
        words,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(temporary)},
    )
    has_ended = threading.Event()
    memory, on_disk = [0], [0]

    def watch() -> None:
        while not has_ended.wait(SECONDS_BETWEEN):
            memory.append(max(memory.pop(), sum(map(_most, _below(process.pid)))))
            on_disk.append(max(on_disk.pop(), bytes_below(disk)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        out, _ = process.communicate(data, timeout=SECONDS)
    finally:
        process.kill()
        has_ended.set()
        watcher.join()
    if process.returncode != 0:
        raise AssertionError(f"{words} ended with {process.returncode}")
    return Measured(out, memory[0], on_disk[0])


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
