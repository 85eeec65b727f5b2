"""Files of Git LFS in the build context: fetched, or refused where nobody said what to do."""

import asyncio
import shutil
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

from album_operator.adapters.git.lfs_pointers import Pointer, find_endpoint, find_pointers
from album_operator.adapters.git.lfs_server import LfsServer
from album_operator.adapters.git.repository import Repository
from album_operator.adapters.servers.gateway import Gateway
from album_operator.fetch_source.context import Context, refused, shown
from album_operator.fetch_source.task import Task

TIME_LIMIT = timedelta(minutes=15)
"""Longest one file may take."""

SHOWN = 3
"""Most files a message names."""

FIELD = "spec.build.source.lfs"


class LargeFiles:
    """What a task does with the files of Git LFS.

    Args:
        task: its place has the token.
        context: what the build gets.
        gateway: the way to servers.
        say: tells what is done.
    """

    def __init__(
        self, task: Task, context: Context, gateway: Gateway, say: Callable[[str], None]
    ) -> None:
        self._task = task
        self._context = context
        self._gateway = gateway
        self._say = say

    def fetch(self, repository: Repository, commit: str, path: str, left: int) -> Mapping[str, int]:
        """Fetch those of one repository in place of the pointers to them.

        Args:
            repository: whose files are written.
            commit: of these files.
            path: of the repository below the source, empty for the first.
            left: bytes there is room for.

        Returns:
            The bytes of each file that was put there, by its path in the repository.

        Raises:
            OutsideError: the server did not give them.
            TaskError: there are pointers, and the pipeline does not say what to do.
        """
        if self._task.parts.lfs is False:
            return {}
        found = self._find(repository, path)
        if not found:
            return {}
        names = _few([f"{path}/{one.path}" if path else one.path for one in found])
        if self._task.parts.lfs is None:
            raise refused(
                f"The build context has only pointers to files that Git LFS keeps: {names}.",
                f"Set {FIELD}: true in the pipeline to have the files fetched, or false to leave "
                "the pointers as they are, or list them in .dockerignore",
            )
        self._check(found, left)
        self._say(f"fetching {len(found)} files of Git LFS: {names}")
        self._download(repository, commit, found, self._task.target / path)
        return {one.path: one.size for one in found}

    def _find(self, repository: Repository, path: str) -> list[Pointer]:
        root = self._task.target / path
        inside = self._context.folder if self._context.is_below(path) else root
        if not (self._context.is_below(path) or self._context.has_folder(path)):
            return []
        found = find_pointers(repository, root, inside)
        paths = {f"{path}/{one.path}" if path else one.path: one for one in found}
        return [paths[name] for name in self._context.has_files(list(paths))]

    def _check(self, found: list[Pointer], left: int) -> None:
        extended = [one.path for one in found if one.is_extended]
        if extended:
            raise refused(
                f"Git LFS keeps what its extensions made of {_few(extended)}, and they are not "
                "here.",
                f"Store the files without an extension, or set {FIELD}: false in the pipeline",
            )
        # Each object is on disk once more until it is copied to where its files are.
        needed = sum(one.size for one in found) + sum({one.oid: one.size for one in found}.values())
        if needed > left:
            raise refused(
                f"To fetch the files of Git LFS takes {needed} bytes on disk, and {left} are left.",
                "Raise build.resources.limits.ephemeral-storage in the pipeline",
            )

    def _download(
        self, repository: Repository, commit: str, found: list[Pointer], root: Path
    ) -> None:
        credential = self._task.place.credential
        server = LfsServer(
            find_endpoint(repository, commit, credential),
            credential,
            self._task.insecure_hosts,
            self._task.allowed_hosts,
            self._gateway,
            TIME_LIMIT,
        )
        folder = repository.folder / "lfs"
        folder.mkdir()
        asyncio.run(server.download({one.oid: one.size for one in found}, folder))
        for one in found:
            path, new = root / one.path, repository.folder / "new"
            shutil.copyfile(folder / one.oid, new)
            new.chmod(path.lstat().st_mode & 0o777)
            new.replace(path)


def _few(paths: list[str]) -> str:
    more = len(paths) - SHOWN
    named = ", ".join(map(shown, sorted(paths)[:SHOWN]))
    return f"{named} and {more} more" if more > 0 else named
