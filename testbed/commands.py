"""Running outside programs: output goes to a log, a failure names the part and shows the log."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

TAIL_LINES = 15

_running: set[subprocess.Popen[bytes]] = set()
# They outlive the command; the objects stay, since a Popen that goes while its process runs warns.
_started: list[subprocess.Popen[bytes]] = []


class PartError(Exception):
    """A part of the testbed could not be made or started.

    Args:
        part: The part in the user's words, for example `registry`.
        reason: What went wrong, one sentence.
        log: The whole log, if the part wrote one.
    """

    def __init__(self, part: str, reason: str, log: Path | None = None) -> None:
        self.part = part
        self.reason = reason
        self.log = log
        super().__init__(part, reason, log)

    def __str__(self) -> str:
        # Read late: a container's log is fetched after it was found to have ended.
        lines = [f"{self.part}: {self.reason}"]
        if self.log is not None and self.log.exists():
            lines += [f"    {line}" for line in last_lines(self.log)]
            lines.append(f"The whole log is {self.log}")
        return "\n".join(lines)


def last_lines(log: Path, count: int = TAIL_LINES) -> list[str]:
    """Return the last `count` lines of a log, decoded leniently."""
    with log.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - 64 * 1024))
        return stream.read().decode(errors="replace").splitlines()[-count:]


def run(
    argv: Sequence[str | Path],
    *,
    part: str,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: IO[bytes] | None = None,
) -> None:
    """Run a program to its end, appending its output to `log`.

    Args:
        argv: Program and arguments; no shell is involved.
        part: The part this belongs to, for the error message.
        log: File the output is appended to; its folder is created.
        env: Variables added to the present environment.
        cwd: Working folder.
        stdin: Open file the program reads; nothing by default.

    Raises:
        PartError: The program is missing or ended with a status other than zero.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        out.write(f"$ {' '.join(map(str, argv))}\n".encode())
        out.flush()
        try:
            with _uninterrupted():
                process = subprocess.Popen(
                    argv,
                    stdin=stdin if stdin is not None else subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **(env or {})},
                    cwd=cwd,
                    process_group=0,  # what it starts can be ended with it
                )
                _running.add(process)
        except FileNotFoundError as error:
            raise PartError(part, f"the program {argv[0]} is not installed") from error
        # Interrupted, it stays among those that `end_running` ends.
        status = process.wait()
        _running.discard(process)
    if status != 0:
        raise PartError(part, f"{Path(argv[0]).name} ended with status {status}", log)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Put interrupts off, so that no process is started that nobody knows of."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Only the main thread is interrupted.
        return
    came: set[int] = set()
    before = {
        number: signal.signal(number, lambda number, _: came.add(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in came:
            signal.raise_signal(late)


def start(
    argv: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program that outlives the command.

    Args:
        argv: Program and arguments; no shell is involved.
        log: File its output goes to, begun anew; its folder is created.
        env: Variables added to the present environment.
        cwd: Working folder.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            start_new_session=True,  # Ctrl-C ends the command, not the program
        )
    _started.append(process)
    return process


def reap_started() -> None:
    """Take the programs that `start` started and that have ended from the system's list."""
    for process in _started:
        process.poll()


def end_running() -> None:
    """End the programs that `run` started and that still run, so that none outlives the command."""
    for process in list(_running):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)


def capture(
    argv: Sequence[str | Path],
    *,
    part: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
    timeout: float | None = None,
) -> str:
    """Run a program and return its standard output.

    Args:
        argv: Program and arguments.
        part: The part this belongs to, for the error message.
        env: Variables added to the present environment.
        cwd: Working folder.
        stdin: Text the program reads.
        timeout: Seconds until the program is killed.

    Returns:
        The output without trailing whitespace.

    Raises:
        PartError: The program is missing, too slow, or failed; the message has its last words.
    """
    try:
        done = subprocess.run(
            argv,
            input=stdin if stdin is not None else "",
            capture_output=True,
            text=True,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as error:
        raise PartError(part, f"the program {argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise PartError(part, f"{Path(argv[0]).name} gave no answer in {timeout:.0f} s") from error
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip()[-2000:]
        program = Path(argv[0]).name
        raise PartError(part, f"{program} ended with status {done.returncode}: {words}")
    return done.stdout.rstrip()


def succeeds(argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> bool:
    """Say whether a program runs and ends with status zero, within ten seconds."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**os.environ, **(env or {})},
            timeout=10,
            check=False,
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def wait_until(
    is_met: Callable[[], bool],
    *,
    part: str,
    what: str,
    seconds: float,
    log: Path | None = None,
) -> None:
    """Look every 100 ms until a condition is met.

    Args:
        is_met: The condition; cheap to ask.
        part: The part that is waited for.
        what: The condition in words, after "did not".
        seconds: Deadline from now.
        log: Log shown when the deadline passes.

    Raises:
        PartError: The deadline passed.
    """
    deadline = time.monotonic() + seconds
    while not is_met():
        if time.monotonic() > deadline:
            raise PartError(part, f"did not {what} within {seconds:.0f} s", log)
        time.sleep(0.1)


@contextmanager
def locked(path: Path, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold an exclusive lock on a file; a process that dies loses it.

    Args:
        path: The lock file; created, never removed here.
        on_wait: Called once if another process holds the lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if on_wait is not None:
                on_wait()
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield
