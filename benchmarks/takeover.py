"""How long nobody leads: two operators on a real API server, of which one is killed, or stopped."""

import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median

from benchmarks.goals import Goal
from benchmarks.tables import table
from benchmarks.tasks import WrongResultError
from testbed.commands import wait_until
from testbed.progress import step
from tests.fakes.builders import NAMESPACE
from tests.integration.manifests.conftest import OPERATOR, SYSTEM, Installed, installing
from tests.integration.manifests.operator_process import Running, running_operator
from tests.integration.manifests.operator_stage import make_release, reason_of

KILLED, STOPPED = WAYS = ("killed (SIGKILL)", "stopped (SIGTERM)")
SIGNALS = {KILLED: signal.SIGKILL, STOPPED: signal.SIGTERM}

COMPARED_AT = 20
"""Takeovers of each way that the goals are for."""

MOST_SECONDS = {KILLED: 20.0, STOPPED: 3.0}

WAIT_SECONDS = 60
NOBODY = "not-there"
"""A pipeline that no release finds: each ends at once, by whoever leads."""

HEADINGS = ("the leader is", "times", "median s", "fastest to slowest")


@dataclass(frozen=True)
class Takeovers:
    """What was measured.

    Attributes:
        seconds: of each way, from the signal until the next leader had told the end of a release
            that was made right after it.
    """

    seconds: dict[str, tuple[float, ...]]


class _Pods:
    """Operators of one Deployment, with the shipped times of the Lease."""

    def __init__(self, installed: Installed, folder: Path, stack: ExitStack) -> None:
        self._installed = installed
        self._folder = folder
        self._stack = stack
        self._numbers = count(1)
        self.leader = self._start()
        self._await(self.leader, "serving")
        self.standby = self._start()
        self._await(self.standby, "standby")

    def take_over(self, number: signal.Signals) -> float:
        """Send the leader a signal, and give how long it took until another one worked."""
        server = self._installed.server
        began = time.monotonic()
        self.leader.process.send_signal(number)
        path = make_release(server, NAMESPACE, f"takeover-{next(self._numbers)}", NOBODY)
        wait_until(
            lambda: reason_of(server, path) != "",
            part="the standby", what="take over", seconds=WAIT_SECONDS, log=self.standby.log,
        )  # fmt: skip
        seconds = time.monotonic() - began
        if self.leader.process.wait(WAIT_SECONDS) not in {0, -signal.SIGKILL}:
            raise WrongResultError(f"The leader ended with {self.leader.process.returncode}.")
        self.leader = self.standby
        self._await(self.leader, "serving")
        self.standby = self._start()
        self._await(self.standby, "standby")
        return seconds

    def _start(self) -> Running:
        name = f"{OPERATOR}-{next(self._numbers)}"
        folder = self._folder / name
        folder.mkdir()
        return self._stack.enter_context(running_pod(self._installed, folder, name))

    def _await(self, running: Running, word: str) -> None:
        def is_said() -> bool:
            answer = running.find_answer("/readyz")
            return answer is not None and answer[0] == 200 and answer[1].startswith(word)

        wait_until(
            is_said, part="an operator", what=f"say {word}", seconds=WAIT_SECONDS, log=running.log
        )


def running_pod(installed: Installed, folder: Path, name: str) -> AbstractContextManager[Running]:
    """Run an operator that stands for election, as a Pod of the manifests does."""
    return running_operator(
        installed,
        folder,
        NAMESPACE,
        ALBUM_CACHE_DIR=str(folder / "cache"),  # of its own: another may run on this machine
        ALBUM_LEASE_NAMESPACE=SYSTEM,
        ALBUM_LEASE_NAME=OPERATOR,
        ALBUM_POD_NAME=name,
    )


def measure_takeovers(times: int, folder: Path) -> Takeovers:
    """Let a standby take over again and again.

    Args:
        times: of each way.
        folder: an empty folder.

    Raises:
        PartError: the API server failed, or nobody took over.
        WrongResultError: a leader that was stopped did not end well.
    """
    measured: dict[str, tuple[float, ...]] = dict.fromkeys(WAYS, ())
    below, pods = folder / "api-server", folder / "pods"
    for made in (below, pods):
        made.mkdir()
    with ExitStack() as stack:
        installed = stack.enter_context(installing(below))
        operators = _Pods(installed, pods, stack)
        for number in range(1, times + 1):
            with step(
                f"takeover {number} of {times}, of a leader that is killed and of one stopped"
            ):
                for way in WAYS:
                    measured[way] += (operators.take_over(SIGNALS[way]),)
    return Takeovers(measured)


def takeover_goals(found: Takeovers) -> tuple[Goal, ...]:
    """Give the goals; the slowest counts."""
    return tuple(_goal(way, seconds) for way, seconds in found.seconds.items())


def _goal(way: str, seconds: tuple[float, ...]) -> Goal:
    name = f"takeover from a leader that is {way}, slowest of {COMPARED_AT}"
    measured = max(seconds) if len(seconds) >= COMPARED_AT else None
    return Goal(name, MOST_SECONDS[way], at_least=False, unit=" s", measured=measured)


def render_takeovers(found: Takeovers) -> Iterator[str]:
    """Give the lines of the report; the table is Markdown."""
    yield "From the signal until the next leader has ended a release that was made right after it:"
    yield ""
    yield from table(
        HEADINGS,
        [
            (
                way,
                f"{len(seconds)}",
                f"{median(seconds):.1f}",
                f"{min(seconds):.1f} to {max(seconds):.1f}",
            )
            for way, seconds in found.seconds.items()
        ],
    )
