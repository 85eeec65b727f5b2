"""The Docker Engine: the one that answers, else one of our own, shared by the machine's testbeds.

Our own keeps images in the cache and everything short-lived in a folder below `/run`: socket paths
are limited to 107 bytes, which a folder the user chooses may exceed.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testbed import progress
from testbed.commands import PartError, capture, locked, reap_started, start, succeeds, wait_until
from testbed.offline import packages
from testbed.settings import Settings

_CAP_SYS_RESOURCE = 24  # bit number, linux/capability.h
_WRAPPER = Path(__file__).parent / "node" / "runc-without-sys-resource"
_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
_DEFAULT_HOST = "unix:///var/run/docker.sock"


@dataclass(frozen=True)
class Engine:
    """A Docker Engine that answers.

    Attributes:
        host: Its address, as in `DOCKER_HOST`.
        is_ours: Whether a testbed started it.
    """

    host: str
    is_ours: bool

    @property
    def env(self) -> Mapping[str, str]:
        """Variables for the docker and kind programs."""
        # The classic builder: BuildKit's frontends are images of a registry we may not reach.
        return {"DOCKER_HOST": self.host, "DOCKER_BUILDKIT": "0", "DOCKER_CLI_HINTS": "false"}

    def docker(self, *arguments: str, part: str = "docker", timeout: float | None = 300) -> str:
        """Run `docker …` and return its output.

        Args:
            *arguments: Arguments of the docker program.
            part: The part this belongs to, for the error message.
            timeout: Seconds until the program is killed.

        Raises:
            PartError: The command failed.
        """
        return capture(["docker", *arguments], part=part, env=self.env, timeout=timeout)

    def succeeds(self, *arguments: str) -> bool:
        """Say whether `docker …` succeeds."""
        return succeeds(["docker", *arguments], env=self.env)


def run_folder(settings: Settings) -> Path:
    """Return the folder of our engine's socket, pid and lock: one per cache, since it owns that."""
    digest = hashlib.sha256(str(settings.cache).encode()).hexdigest()[:8]
    return Path("/run") / f"album-testbed-{digest}"


def find(settings: Settings) -> Engine | None:
    """Return the engine that answers: `DOCKER_HOST`, the usual socket, or our own."""
    named = os.environ.get("DOCKER_HOST")
    own = _own_host(settings)
    for host in [named] if named and named != own else [_DEFAULT_HOST, own]:
        if succeeds(["docker", "--host", host, "version"]):
            return Engine(host, is_ours=host == own)
    return None


def ensure(settings: Settings) -> Engine:
    """Return an engine that answers, starting one if none does, and sign in as its user.

    Raises:
        PartError: `DOCKER_HOST` is set and does not answer, or our engine did not start.
    """
    engine = find(settings)
    named = os.environ.get("DOCKER_HOST")
    if engine is None and named and named != _own_host(settings):
        raise PartError("Docker Engine", f"DOCKER_HOST={named} does not answer; unset or start it")
    if engine is None or engine.is_ours:
        packages.ensure(packages.ENGINE, settings)
        with _own(settings) as folder:
            engine = find(settings) or _start(settings, folder)
            (folder / "users").mkdir(exist_ok=True)
            (folder / "users" / settings.name).touch()
    return engine


def release(settings: Settings) -> None:
    """Sign out of our own engine, and stop it if no other testbed uses it."""
    folder = run_folder(settings)
    if not folder.exists():
        return
    with _own(settings):
        (folder / "users" / settings.name).unlink(missing_ok=True)
        if (folder / "users").exists() and any((folder / "users").iterdir()):
            return
        with progress.step("stop the Docker Engine"):
            _stop(folder, settings)
        shutil.rmtree(folder)
        shutil.rmtree(settings.cache / "work", ignore_errors=True)


@contextmanager
def _own(settings: Settings) -> Iterator[Path]:
    if os.geteuid() != 0:
        raise PartError("Docker Engine", "none answers, and starting one needs root")
    folder = run_folder(settings)
    folder.mkdir(mode=0o700, exist_ok=True)
    with locked(settings.cache / "locks" / "engine"):
        folder.mkdir(mode=0o700, exist_ok=True)
        yield folder


def _own_host(settings: Settings) -> str:
    return f"unix://{run_folder(settings)}/docker.sock"


def _start(settings: Settings, folder: Path) -> Engine:
    log = settings.build_logs / "dockerd.log"
    with progress.step("start a Docker Engine"):
        pidfile = folder / "dockerd.pid"
        pidfile.unlink(missing_ok=True)  # a killed engine leaves it, and would refuse to start
        _forget_dead_containerd(folder)
        _allow_forwarding(folder)
        engine = Engine(_own_host(settings), is_ours=True)
        process = start(_command(settings, folder, pidfile), log=log)

        def is_up() -> bool:
            if process.poll() is not None:
                raise PartError("Docker Engine", "dockerd ended", log)
            return engine.succeeds("version")

        wait_until(is_up, part="Docker Engine", what="answer", seconds=90, log=log)
    return engine


def _forget_dead_containerd(folder: Path) -> None:
    # The engine takes a killed containerd that nobody has waited for yet, as it happens where
    # process 1 is no init, for a living one, and waits for its answer in vain.
    pidfile = folder / "exec" / "containerd" / "containerd.pid"
    pid = _find_pid(pidfile, "containerd")
    if pid is None or not _is_alive(pid):
        pidfile.unlink(missing_ok=True)


def _command(settings: Settings, folder: Path, pidfile: Path) -> list[str]:
    command = [
        "dockerd",
        f"--data-root={settings.cache / 'engine' / 'data'}",
        f"--exec-root={folder / 'exec'}",
        f"--host={_own_host(settings)}",
        f"--pidfile={pidfile}",
        "--storage-driver=overlay2",
        # Every testbed has a network of its own, so the bridge `docker0`, which engines of one
        # machine would share, is not wanted.
        "--bridge=none",
        # The containers of other testbeds outlive a killed engine.
        "--live-restore",
        "--insecure-registry=172.16.0.0/12",
    ]
    if not _may_grant_sys_resource():
        wrapper = settings.cache / "engine" / _WRAPPER.name
        wrapper.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(_WRAPPER, wrapper)
        command += [f"--add-runtime=limited={wrapper}", "--default-runtime=limited"]
    return command


def _may_grant_sys_resource() -> bool:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapBnd:"):
            return bool(int(line.split()[1], 16) >> _CAP_SYS_RESOURCE & 1)
    return True


def _allow_forwarding(folder: Path) -> None:
    # Before dockerd starts: it would set the policy of FORWARD to DROP for the whole machine.
    before = _FORWARDING.read_text().strip()
    if before != "1":
        (folder / "ip_forward.before").write_text(before)
        _FORWARDING.write_text("1")


def _stop(folder: Path, settings: Settings) -> None:
    pid = _find_pid(folder / "dockerd.pid", "dockerd")
    if pid is not None:
        engine = Engine(_own_host(settings), is_ours=True)
        # Of image builds that were broken off: no testbed is left that could own one.
        for container in engine.docker("ps", "--all", "--quiet").split():
            engine.docker("rm", "--force", "--volumes", container)
        # Of nodes that were killed with their engine: each has gigabytes.
        engine.docker("volume", "prune", "--force")
        os.kill(pid, signal.SIGTERM)
        wait_until(
            lambda: not _is_alive(pid),
            part="Docker Engine",
            what="stop",
            seconds=60,
            log=settings.build_logs / "dockerd.log",
        )
    _kill_leftovers(folder, settings)
    reap_started()
    before = folder / "ip_forward.before"
    if before.exists():
        _FORWARDING.write_text(before.read_text())
    _remove_filter_chains()


def _remove_filter_chains() -> None:
    """Remove the packet filter chains an engine leaves behind, unless another one needs them."""
    comms = (_read(proc / "comm") for proc in Path("/proc").glob("[0-9]*") if _is_alive(proc.name))
    if any(comm == "dockerd" for comm in comms):
        return
    for table in ("nat", "filter"):
        done = subprocess.run(
            ["iptables", "-w", "-t", table, "-S"], capture_output=True, text=True, check=False
        )
        rules = [shlex.split(line) for line in done.stdout.splitlines() if "DOCKER" in line]
        chains = [rule[1] for rule in rules if rule[0] == "-N"]
        references = [["-D", *rule[1:]] for rule in rules if rule[0] == "-A"]
        flush = [["-F", chain] for chain in chains]
        for command in [*references, *flush, *(["-X", chain] for chain in chains)]:
            subprocess.run(
                ["iptables", "-w", "-t", table, *command], capture_output=True, check=False
            )


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:  # ended meanwhile
        return ""


def _kill_leftovers(folder: Path, settings: Settings) -> None:
    """End what a killed engine left: its containerd and shims, and its mounts."""
    for proc in Path("/proc").glob("[0-9]*"):
        try:
            command = (proc / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue  # ended meanwhile
        program = Path(command.split("\0", 1)[0]).name
        is_ours = str(folder) in command or str(settings.cache / "work") in command
        if is_ours and program.startswith(("containerd", "dockerd")):
            os.kill(int(proc.name), signal.SIGKILL)
    roots = (f"{folder}/", f"{settings.cache / 'engine'}/")
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in reversed([mount for mount in mounts if mount.startswith(roots)]):
        subprocess.run(["umount", "--lazy", mount], capture_output=True, check=False)


def _find_pid(pidfile: Path, program: str) -> int | None:
    try:
        pid = int(pidfile.read_text())
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except (OSError, ValueError):
        return None
    return pid if name == program else None


def _is_alive(pid: int | str) -> bool:
    try:
        # A child of ours that ended stays a zombie until somebody waits for it.
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
