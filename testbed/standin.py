"""GitHub's stand-in as a testbed's forge: a process of this machine that ends with it.

It listens at the host's own address in the testbed's network, which is valid in Pods, on the node
and on the host. Accounts, pull requests and webhooks are in its memory alone: one that was killed
begins anew, with the same tokens.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path

from testbed import containers
from testbed.commands import PartError, reap_started, start, wait_until
from testbed.gitea import OWNER, REVIEWER, WEBHOOK_SECRET
from testbed.settings import Settings
from testbed.state import FORGE_PORT, State, save

_PART = "github-standin"
_ROOT = Path(__file__).resolve().parents[1]
# The first one fetches GitHub's descriptions of its interfaces.
_READY_SECONDS = 300
_END_SECONDS = 30


def ensure(settings: Settings, state: State) -> None:
    """Make sure that the stand-in runs, with its users and their tokens.

    Args:
        settings: The testbed.
        state: Gives the address and receives the tokens.

    Raises:
        PartError: It did not start.
    """
    if not (_state_file(settings).exists() and containers.answers(state.forge_url)):
        stop(settings)
        _start(settings, state)
    state.secret(WEBHOOK_SECRET)
    for user, token in json.loads(_state_file(settings).read_text())["tokens"].items():
        state.secrets[f"{user} token"] = token
    save(state, settings)


def stop(settings: Settings) -> None:
    """End the stand-in of this testbed; none is fine too.

    Raises:
        PartError: It did not end.
    """
    for pid in find_processes(settings):
        _kill(pid)
    reap_started()
    _state_file(settings).unlink(missing_ok=True)


def find_processes(settings: Settings) -> list[int]:
    """Find the process by its own command line, which names this testbed's folder.

    So one is found too whose command was killed before it could write a pid down, and no other
    process that has a pid of it by now.
    """
    wanted = _command(settings)
    return [int(proc.name) for proc in Path("/proc").glob("[0-9]*") if _has_command(proc, wanted)]


def _kill(pid: int) -> None:
    # Its command line goes before its port does; its file descriptor tells when all of it is gone.
    with suppress(ProcessLookupError):
        process = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(process, signal.SIGKILL)  # nothing of it is to stay
            ended, _, _ = select.select([process], [], [], _END_SECONDS)
        finally:
            os.close(process)
        if not ended:
            raise PartError(_PART, f"its process {pid} did not end within {_END_SECONDS} s")


def _has_command(proc: Path, wanted: list[str]) -> bool:
    try:
        words = (proc / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:  # ended meanwhile
        return False
    return words[1 : len(wanted) + 1] == wanted


def _command(settings: Settings) -> list[str]:
    return ["-m", "testbed.github", "--folder", str(settings.state / "github")]


def _state_file(settings: Settings) -> Path:
    return settings.state / "github.json"


def _start(settings: Settings, state: State) -> None:
    shutil.rmtree(settings.state / "github", ignore_errors=True)
    log = settings.logs / f"{_PART}.log"
    process = start(
        [
            *(sys.executable, *_command(settings)),
            *("--host", state.forge_ip, "--port", str(FORGE_PORT)),
            *("--state-file", _state_file(settings)),
            *("--user", OWNER, "--user", REVIEWER),
        ],
        log=log,
        env={"TESTBED_CACHE": str(settings.cache)},
        cwd=_ROOT,
    )

    def is_up() -> bool:
        if process.poll() is not None:
            raise PartError(_PART, "its process ended", log)
        return _state_file(settings).exists()

    wait_until(is_up, part=_PART, what="answer", seconds=_READY_SECONDS, log=log)
