"""Git processes: started by GitPython, bounded in time and number, killed with all they started.

GitPython's own `kill_after_timeout` needs `pgrep` or `ps`, which a slim image has not, and does
nothing for `clone_from`; so each process leads a session of its own, which is killed as a whole.
"""

import math
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, TypeVar

from git.cmd import Git as GitCommand
from git.exc import GitCommandError

from album_operator.adapters.git.limits import MIB, Limits, limit
from album_operator.adapters.git.pipes import ERROR_BYTES, Exchange

T = TypeVar("T")

KEPT_VARIABLES = ("GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_EXEC_PATH")
"""Variables of our own process that git still gets: an admin's certificates."""

STOPPING = "the operator is stopping"

ANSWER_BYTES = 16 * MIB
"""Longest answer of a command; that of one that is asked is bounded by whoever reads it."""


@dataclass(frozen=True)
class Answer:
    """How a git command ended."""

    status: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """Standard output as text without white space around it."""
        return self.out.decode(errors="replace").strip()


class EndedError(Exception):
    """A process ended before it had answered; the message is what git said."""


class Conversation:
    """A process that answers one question after another.

    Args:
        process: started with pipes, the leader of a session.
        time_limit: longest an answer may take.
    """

    def __init__(self, process: GitCommand.AutoInterrupt, time_limit: timedelta) -> None:
        self.pid = process.pid
        self._process = process
        self._limit = time_limit.total_seconds()
        self._is_late = False
        self._is_closed = False

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        # It is not waited for: until then nobody else gets its id, by which `close` kills.
        ended = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return not self._is_closed and os.waitid(os.P_PID, self.pid, ended) is None

    def ask(
        self, questions: Iterable[bytes], answer: Callable[[BinaryIO], T], left: float = math.inf
    ) -> list[T]:
        """Put questions, each after the answer to the last; the process is killed on any error.

        Args:
            questions: written to its standard input.
            left: seconds they may take together, where that is less than its time limit.
            answer: reads all of an answer, and no more, from its standard output, and raises
                EOFError if that ends before.

        Raises:
            subprocess.TimeoutExpired: they took too long together.
            EndedError: the process ended.
        """
        limit = min(self._limit, left)
        timer = threading.Timer(limit, self._end_late)
        timer.start()
        answers = []
        try:
            for question in questions:
                self._process.stdin.write(question)
                self._process.stdin.flush()
                answers.append(answer(self._process.stdout))
        except (BrokenPipeError, EOFError):
            # Its end, or as much as a pipe holds: what it started may go on writing.
            said = self._process.stderr.read(ERROR_BYTES).decode(errors="replace")
            self.close()
            if self._is_late:
                raise subprocess.TimeoutExpired("git", limit) from None
            raise EndedError(said) from None
        except BaseException:
            self.close()
            raise
        else:
            return answers
        finally:
            timer.cancel()

    def complaints(self) -> str:
        """Give what it has written to standard error since the last time, without waiting."""
        errors = self._process.stderr
        os.set_blocking(errors.fileno(), False)
        said = errors.read(ERROR_BYTES) or b""
        os.set_blocking(errors.fileno(), True)
        return said.decode(errors="replace")

    def close(self) -> None:
        """Kill it."""
        if self._is_closed:
            return
        self._is_closed = True
        _kill(self.pid)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            with suppress(BrokenPipeError):
                stream.close()
        with suppress(GitCommandError):  # It was killed.
            self._process.wait()

    def _end_late(self) -> None:
        self._is_late = True
        _kill(self.pid)


class GitProcesses:
    """Runs git commands, from any thread.

    Args:
        time_limit: longest a single command may take.
        limits: of each process.
    """

    def __init__(self, time_limit: timedelta, limits: Limits) -> None:
        self.limits = limits
        self._time_limit = time_limit
        self._running: set[int] = set()
        self._lock = threading.Lock()
        self._is_closed = False

    def close(self) -> None:
        """Kill what runs and take no more work."""
        self._is_closed = True
        with self._lock:
            for group in self._running:
                _kill(group)

    def execute(
        self,
        arguments: Collection[str],
        data: bytes | bytearray,
        environment: Mapping[str, str],
        folder: Path,
        limits: Limits,
        watch: Callable[[int], None],
        *,
        left: float = math.inf,
    ) -> Answer:
        """Run one command to its end.

        Args:
            arguments: of git.
            data: standard input.
            environment: variables of git beside those of our own process.
            folder: it is run in.
            limits: of it and of what it starts.
            watch: called with the process's id every now and then; what it raises ends the command.
            left: seconds it may take, where that is less than the time limit.

        Raises:
            subprocess.TimeoutExpired: it was killed for taking too long.
            TooLongError: its answer is too long.
        """
        if self._is_closed:
            return Answer(-signal.SIGKILL, b"", STOPPING)
        process = _start(arguments, environment, folder, limits)
        exchange = Exchange(_popen(process), data, ANSWER_BYTES)
        seconds = min(self._time_limit.total_seconds(), left)
        with self._watched(process.pid):
            try:
                out, err = exchange.run(seconds, watch)
            except BaseException:
                _kill(process.pid)
                exchange.give_up()
                raise
        return Answer(process.returncode, out, err)

    @contextmanager
    def converse(
        self,
        arguments: Collection[str],
        environment: Mapping[str, str],
        folder: Path,
    ) -> Iterator[Conversation]:
        """Run a command that answers questions, and kill it in the end; arguments as above.

        Raises:
            EndedError: the operator is stopping.
        """
        if self._is_closed:
            raise EndedError(STOPPING)
        # It may work for many releases.
        limits = replace(self.limits, processor=None)
        process = _start(arguments, environment, folder, limits)
        conversation = Conversation(process, self._time_limit)
        with self._watched(process.pid):
            try:
                yield conversation
            finally:
                conversation.close()

    @contextmanager
    def _watched(self, group: int) -> Iterator[None]:
        """Have a process killed when the operator stops."""
        with self._lock:
            self._running.add(group)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(group)


def _start(
    arguments: Collection[str],
    environment: Mapping[str, str],
    folder: Path,
    limits: Limits,
) -> GitCommand.AutoInterrupt:
    """Start a process within limits."""
    process = GitCommand(str(folder)).execute(
        [*_without(environment), GitCommand.GIT_PYTHON_GIT_EXECUTABLE or "git", *arguments],
        istream=subprocess.PIPE,
        as_process=True,
        env=environment,
        # A session of its own: git-remote-http and askpass are killed along with git.
        start_new_session=True,
        # Python ignores SIGXFSZ: so git says that a file is too large, and does not just die.
        restore_signals=False,
    )
    limit(process.pid, limits)
    return process


def _popen(process: GitCommand.AutoInterrupt) -> subprocess.Popen[bytes]:
    """Give Python's own process, which GitPython ends when its own object is not used any more."""
    if process.proc is None:
        raise EndedError("it has ended")
    return process.proc


def _kill(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def _without(environment: Mapping[str, str]) -> list[str]:
    """Give the words that take our own process's variables out of a command's environment.

    GitPython hands `os.environ` on. Started from a git hook or by a developer's shell, it holds
    `GIT_DIR`, `GIT_SSL_NO_VERIFY`, `SSH_AUTH_SOCK` and the like, some of which count by being set
    at all.
    """
    names = [
        name
        for name in os.environ
        if name.startswith(("GIT_", "SSH_"))
        and not name.startswith("GIT_PYTHON_")
        and name not in environment
        and name not in KEPT_VARIABLES
    ]
    return ["env", *(word for name in names for word in ("-u", name))] if names else []
