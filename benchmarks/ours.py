"""The write-back as the operator does it: the real adapter, and the edit between look and push."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

from album_operator.adapters.git.config_repository import GitConfigRepository
from album_operator.adapters.git.wire.calls import Wire
from album_operator.domain.errors import TransientError
from album_operator.domain.places import USERNAME, Change, Credential, GitPlace
from album_operator.domain.release import Edit
from album_operator.render.values import edit_values
from benchmarks.layout import KEY
from benchmarks.repositories import BASE
from benchmarks.tasks import Task

AUTHOR = ("Album Release Operator", "album-operator@album.invalid")
TRIES = 20
PAUSE_SECONDS = 0.2


def open_adapter(host: str, cache: Path) -> GitConfigRepository:
    """Construct the adapter as the operator does; the only place here that does.

    Args:
        host: `host:port` of a server that is spoken to in plain HTTP.
        cache: an existing folder for all it keeps on disk.
    """
    return GitConfigRepository({host}, cache_folder=cache)


def place_of(url: str) -> GitPlace:
    """Give a repository with a credential, which this server does not ask for."""
    return GitPlace(url, Credential("benchmark", url, USERNAME, "not-asked-for"))


async def write_back(adapter: GitConfigRepository, place: GitPlace, task: Task) -> None:
    """Read the values file, set the version, and push the branch.

    Raises:
        OutsideError: the adapter's.
        NotEditableError: the edit's.
    """
    seen = await adapter.look(place, BASE, [task.path], task.branch)
    if seen.base_commit is None:
        raise ValueError(f"{place.url} has no branch {BASE}.")
    name, email = AUTHOR
    change = Change(
        base_commit=seen.base_commit,
        branch=task.branch,
        files={task.path: edit_values(seen.files[task.path], {Edit(task.path, KEY): task.version})},
        message=f"release: {task.app} {task.version}\n",
        author_name=name,
        author_email=email,
        date=datetime(2026, 11, 20, 12, 0, tzinfo=UTC),
    )
    await adapter.push(place, change)


async def write_back_with_retries(adapter: GitConfigRepository, place: GitPlace, task: Task) -> int:
    """Write back, and look anew after a transient trouble such as a lost race, as a pass does.

    Returns:
        How often it had to.

    Raises:
        TransientError: it did not pass within `TRIES` tries.
        TerminalError: the adapter's.
    """
    for lost in range(TRIES):
        try:
            await write_back(adapter, place, task)
        except TransientError:
            if lost == TRIES - 1:
                raise
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            return lost
    raise AssertionError


class Writer:
    """The adapter in an event loop of its own, over several releases."""

    def __init__(self, url: str, host: str, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._place = place_of(url)
        self._runner = asyncio.Runner()
        self._adapter = open_adapter(host, folder)

    def write_back(self, task: Task) -> None:
        """Do one release."""
        self._runner.run(write_back(self._adapter, self._place, task))

    def close(self) -> None:
        """End what the adapter runs."""
        self._adapter.close()
        self._runner.close()


class CommandsWriter(Writer):
    """The same by git's commands alone, as over SSH and with servers that speak no version 2."""

    def write_back(self, task: Task) -> None:
        """Do one release."""
        with (
            patch.object(Wire, "list_refs", return_value=None),
            patch.object(Wire, "fetch", return_value=None),
        ):
            super().write_back(task)
