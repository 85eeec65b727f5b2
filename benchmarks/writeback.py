"""One release at a time: ours cold and warm, two checkouts, and the ways that were not taken."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import checkouts, lazy, plain_git
from benchmarks.layout import Layout
from benchmarks.measures import Sample, measure, median_of
from benchmarks.ours import CommandsWriter, Writer
from benchmarks.repositories import move_base
from benchmarks.served import GitServer
from benchmarks.tasks import (
    Task,
    changed_lines,
    check_commit,
    check_one_value,
    head,
    release_of,
)
from testbed.progress import note, step

COLD = "ours, cold"
WARM = "ours, warm"
SHALLOW = "shallow checkout"
FULL = "full clone"
LAZY = "lazy fetch, cold"
WAYS = (COLD, WARM, SHALLOW, FULL, LAZY)
COMMANDS_COLD = "ours, git's commands, cold"
COMMANDS_WARM = "ours, git's commands, warm"

KEPT_WRITERS: Mapping[str, tuple[str, type[Writer]]] = {
    WARM: ("warm", Writer),
    COMMANDS_WARM: ("commands-warm", CommandsWriter),
}
"""Of the ways that are measured from their second release on: the client's name, and what it is."""


@dataclass(frozen=True)
class WriteBack:
    """What was measured on one repository.

    Attributes:
        files: of the repository.
        samples: runs by way, in the order they ran.
        sed_lines: lines that `sed` changed in the last checkout; ours changes 1.
    """

    files: int
    samples: Mapping[str, tuple[Sample, ...]]
    sed_lines: int

    def median(self, way: str) -> Sample:
        """Give the medians of one way."""
        return median_of(self.samples[way])

    def span(self, way: str) -> str:
        """Give the seconds of a way's fastest run and of its slowest."""
        seconds = [sample.seconds for sample in self.samples[way]]
        return f"{min(seconds):.3f} to {max(seconds):.3f}"


class _Stage:
    """The ways of one repository; each run is of another app, on a base that has moved."""

    def __init__(self, server: GitServer, repository: str, layout: Layout, folder: Path) -> None:
        self._server = server
        self._repository = repository
        self._layout = layout
        self._folder = folder
        self._number = 0
        self.sed_lines = 0
        self._warm: dict[str, Writer] = {}
        self._ways: Mapping[str, Callable[[Task], Sample]] = {
            COLD: partial(self._run_cold, "cold", Writer),
            WARM: partial(self._run_warm, "warm"),
            COMMANDS_COLD: partial(self._run_cold, "commands-cold", CommandsWriter),
            COMMANDS_WARM: partial(self._run_warm, "commands-warm"),
            SHALLOW: partial(self._run_checkout, "shallow", checkouts.SHALLOW),
            FULL: partial(self._run_checkout, "full", checkouts.FULL),
            LAZY: self._run_lazy,
        }

    def close(self) -> None:
        for writer in self._warm.values():
            writer.close()

    def run(self, way: str) -> Sample:
        """Run one way once, check what it did, and remove what it left."""
        move_base(self._served, self._layout.values_path(self._layout.apps - 1))
        task = self._next_task()
        sample = self._ways[way](task)
        plain_git.git(self._served, "update-ref", "-d", f"refs/heads/{task.branch}")
        return sample

    def run_warm_ups(self, ways: Sequence[str]) -> None:
        """Do the first releases of the instances that are measured from their second on."""
        for client, kind in (KEPT_WRITERS[way] for way in ways if way in KEPT_WRITERS):
            self._warm[client] = self._open(client, kind)
            task = self._next_task()
            self._warm[client].write_back(task)
            check_one_value(self._served, task, head(self._served))
            plain_git.git(self._served, "update-ref", "-d", f"refs/heads/{task.branch}")

    @property
    def _served(self) -> Path:
        return self._server.folder / self._repository

    def _url(self, client: str) -> str:
        return self._server.url(client, self._repository)

    def _open(self, client: str, kind: type[Writer]) -> Writer:
        return kind(self._url(client), self._server.host, self._folder / client)

    def _next_task(self) -> Task:
        self._number += 1
        # Far apart, so that little known from the app before helps with this one.
        return release_of(self._layout, self._number * 7919 % self._layout.apps, self._number)

    def _run_cold(self, client: str, kind: type[Writer], task: Task) -> Sample:
        writers: list[Writer] = []

        def work() -> None:
            writers.append(self._open(client, kind))
            writers[0].write_back(task)

        try:
            sample = measure(work, self._server, client, self._folder / client)
        finally:
            for writer in writers:
                writer.close()
            shutil.rmtree(self._folder / client, ignore_errors=True)
        check_one_value(self._served, task, head(self._served))
        return sample

    def _run_warm(self, client: str, task: Task) -> Sample:
        writer = self._warm[client]
        sample = measure(
            lambda: writer.write_back(task), self._server, client, self._folder / client
        )
        check_one_value(self._served, task, head(self._served))
        return sample

    def _run_lazy(self, task: Task) -> Sample:
        sample = self._run_in_new_folder("lazy", partial(lazy.write_back, task=task))
        check_one_value(self._served, task, head(self._served))
        return sample

    def _run_checkout(self, client: str, options: tuple[str, ...], task: Task) -> Sample:
        sample = self._run_in_new_folder(
            client, partial(checkouts.write_back, task=task, options=options)
        )
        check_commit(self._served, task, head(self._served))
        self.sed_lines = changed_lines(self._served, task.branch)
        return sample

    def _run_in_new_folder(self, client: str, work: Callable[[str, Path], None]) -> Sample:
        """Measure work that is given the repository's address and a folder for itself."""
        folder = self._folder / client
        try:
            return measure(lambda: work(self._url(client), folder), self._server, client, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def measure_write_back(
    server: GitServer,
    repository: str,
    layout: Layout,
    pairs: int,
    folder: Path,
    ways: Sequence[str] = WAYS,
) -> WriteBack:
    """Run each way `pairs` times, taking turns, in the other order every second time.

    Args:
        server: serves the repository.
        repository: its name there.
        layout: what is in it.
        pairs: how often each way is run.
        folder: an empty folder for caches and checkouts.
        ways: those that are run.

    Raises:
        WrongResultError: a way pushed something else than the release.
        PartError: a way failed.
    """
    samples: dict[str, list[Sample]] = {way: [] for way in ways}
    stage = _Stage(server, repository, layout, folder)
    try:
        stage.run_warm_ups(ways)
        for number in range(pairs):
            with step(f"{layout.files:,} files, round {number + 1} of {pairs}"):
                for way in ways if number % 2 == 0 else reversed(ways):
                    samples[way].append(stage.run(way))
    finally:
        stage.close()
    result = WriteBack(
        layout.files, {way: tuple(found) for way, found in samples.items()}, stage.sed_lines
    )
    # The whole report comes much later, and not at all if something after this fails.
    for way in ways:
        median = result.median(way)
        note(f"  {way}: {median.seconds:.3f} s, {median.received / 1024:,.1f} KiB received")
    return result
