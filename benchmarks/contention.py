"""Many releases of many apps in one repository at once, while somebody pushes to the base."""

import asyncio
import shutil
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from benchmarks import checkouts, plain_git
from benchmarks.checkouts import OtherWriter
from benchmarks.layout import Layout, scaled
from benchmarks.ours import open_adapter, place_of, write_back_with_retries
from benchmarks.repositories import BASE
from benchmarks.served import GitServer, Traffic
from benchmarks.tasks import (
    Task,
    WrongResultError,
    check_commit,
    check_one_value,
    head,
    parent_of,
    release_of,
)
from testbed.progress import step

PUSH_SECONDS = 1.0
CHECKOUTS = 5


@dataclass(frozen=True)
class Contention:
    """What was measured; all of it only if every branch is right and no push was lost.

    Attributes:
        files: of the repository.
        releases: how many at once.
        seconds: until the last was pushed.
        retries: releases that looked anew because of a passing trouble, each time counted.
        base_pushes: pushes of the other writer meanwhile.
        traffic: between ours and the server.
        checkout_seconds: of each measured release by shallow checkout, one after another.
    """

    files: int
    releases: int
    seconds: float
    retries: int
    base_pushes: int
    traffic: Traffic
    checkout_seconds: tuple[float, ...]

    @property
    def per_second(self) -> float:
        """Releases per second, ours."""
        return self.releases / self.seconds

    @property
    def checkouts_per_second(self) -> float:
        """Releases per second by one checkout after another."""
        return len(self.checkout_seconds) / sum(self.checkout_seconds)


class _BasePushes:
    """Another writer at work in a thread: pushes to the base at once, and then every second."""

    def __init__(self, writer: OtherWriter, layout: Layout) -> None:
        self._writer = writer
        self._layout = layout
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._push_until_over)
        self._trouble: Exception | None = None
        self.commits: list[str] = []

    def __enter__(self) -> "_BasePushes":
        self._push()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._thread.join()
        if self._trouble is not None and error is None:
            raise self._trouble

    def _push_until_over(self) -> None:
        try:
            while not self._is_over.wait(PUSH_SECONDS):
                self._push()
        except Exception as trouble:  # noqa: BLE001 - handed to who waits for the thread
            self._trouble = trouble

    def _push(self) -> None:
        """Change the file of some app that is released meanwhile."""
        path = self._layout.values_path(len(self.commits) * 31 % self._layout.apps)
        self.commits.append(self._writer.push(path, scaled(self._writer.read(path))))


def measure_contention(
    server: GitServer, repository: str, layout: Layout, releases: int, folder: Path
) -> Contention:
    """Run releases of as many apps at once, and some by one checkout after another.

    Args:
        server: serves the repository.
        repository: its name there.
        layout: what is in it; at least as many apps as releases.
        releases: how many.
        folder: an empty folder for caches and checkouts.

    Raises:
        WrongResultError: a branch is wrong, or a push of the other writer was lost.
        OutsideError: a release failed.
        PartError: a checkout or the other writer failed.
    """
    served = server.folder / repository
    writer = OtherWriter(server.url("other", repository), folder / "other")
    tasks = [release_of(layout, app, 0) for app in range(releases)]
    before = head(served)
    with step(f"{releases} releases at once"), _BasePushes(writer, layout) as ours:
        seconds, retries = _release_all(server, repository, tasks, folder / "ours")
    pushed = list(ours.commits)
    with step("one checkout after another"), _BasePushes(writer, layout) as theirs:
        url = server.url("checkouts", repository)
        checkout_seconds = [
            _release_by_checkout(url, release_of(layout, number % layout.apps, 1), folder / "one")
            for number in range(CHECKOUTS)
        ]
    with step("check every branch"):
        on_base = _check_base(served, before, [*pushed, *theirs.commits])
        for task in tasks:
            check_one_value(served, task, _parent_on_base(served, task, on_base))
        for number in range(CHECKOUTS):
            task = release_of(layout, number % layout.apps, 1)
            check_commit(served, task, _parent_on_base(served, task, on_base))
    return Contention(
        files=layout.files,
        releases=releases,
        seconds=seconds,
        retries=retries,
        base_pushes=len(pushed),
        traffic=server.traffic("ours"),
        checkout_seconds=tuple(checkout_seconds),
    )


def _release_all(
    server: GitServer, repository: str, tasks: Sequence[Task], folder: Path
) -> tuple[float, int]:
    """Release everything at once; the adapter alone limits how much of it runs."""
    folder.mkdir()
    place = place_of(server.url("ours", repository))

    async def release_all() -> int:
        adapter = open_adapter(server.host, folder)
        try:
            retries = await asyncio.gather(
                *(write_back_with_retries(adapter, place, task) for task in tasks)
            )
        finally:
            adapter.close()
        return sum(retries)

    began = time.perf_counter()
    retries = asyncio.run(release_all())
    return time.perf_counter() - began, retries


def _release_by_checkout(url: str, task: Task, folder: Path) -> float:
    began = time.perf_counter()
    checkouts.write_back(url, folder, task, checkouts.SHALLOW)
    seconds = time.perf_counter() - began
    shutil.rmtree(folder)
    return seconds


def _check_base(served: Path, before: str, pushed: Sequence[str]) -> frozenset[str]:
    """Check that the base holds what the other writer pushed, in order, and nothing else.

    Returns:
        The commits a branch may be built on.
    """
    history = plain_git.text(served, "rev-list", "--reverse", f"{before}..{BASE}").split()
    if history != list(pushed):
        raise WrongResultError(
            f"The base has {len(history)} new commits, and {len(pushed)} were pushed to it."
        )
    return frozenset({before, *pushed})


def _parent_on_base(served: Path, task: Task, on_base: frozenset[str]) -> str:
    parent = parent_of(served, task.branch)
    if parent not in on_base:
        raise WrongResultError(f"{task.branch} is built on {parent}, which is not on the base.")
    return parent
