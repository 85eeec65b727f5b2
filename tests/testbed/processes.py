"""The processes and leftovers of a testbed, as the kernel shows them."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

from testbed.engine import Engine, run_folder
from testbed.settings import Settings


def find_processes(settings: Settings, docker: Engine) -> list[int]:
    """Return the engine's daemons and every process of the testbed's containers."""
    children: dict[int, list[int]] = {}
    commands: dict[int, str] = {}
    for proc in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = _state_and_parent(proc)
            commands[int(proc.name)] = (proc / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if state != "Z":
            children.setdefault(parent, []).append(int(proc.name))
    containers = docker.docker(
        "ps", "--quiet", "--no-trunc", "--filter", f"network={settings.name}-testbed"
    ).split()
    found = [
        pid
        for pid, command in commands.items()
        if str(run_folder(settings)) in command
        and ("containerd-shim" not in command or any(name in command for name in containers))
    ]
    for pid in found:
        found.extend(child for child in children.get(pid, []) if child not in found)
    return [pid for pid in found if pid != os.getpid()]


def kill(pids: list[int]) -> None:
    """SIGKILL processes, the parents first, so that nobody restarts a child."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue  # went with its parent


def find_mounts(*folders: Path) -> list[str]:
    """Return what is mounted below the folders."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    return [
        mount for mount in mounts if mount.startswith(tuple(f"{folder}/" for folder in folders))
    ]


def find_mentions(name: str) -> list[str]:
    """Return the command lines of living processes that hold a word, ours and its parents' aside.

    Args:
        name: The word; `album-test` is none of `album-testbed`, but one of `album-test-registry`.
    """
    ours = _lineage(os.getpid())
    found = []
    for proc in Path("/proc").glob("[0-9]*"):
        try:
            command = (proc / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if re.search(rf"\b{re.escape(name)}\b", command) and int(proc.name) not in ours:
            found.append(command.replace("\0", " "))
    return found


def _state_and_parent(proc: Path) -> tuple[str, int]:
    # man 5 proc: `pid (comm) state ppid …`, and comm may hold anything.
    state, parent = (proc / "stat").read_text().rsplit(")", 1)[1].split()[:2]
    return state, int(parent)


def _lineage(pid: int) -> list[int]:
    found = []
    while pid:
        found.append(pid)
        pid = _state_and_parent(Path("/proc", str(pid)))[1]
    return found
