"""What of the source the builder beside us gets: a folder, without what `.dockerignore` says."""

import errno
import posixpath
import re
from pathlib import Path

from album_operator.codec.docker_ignore import DockerIgnore
from album_operator.domain.redaction import head
from album_operator.domain.remedy import SET_RETRY, in_words
from album_operator.fetch_source.task import Task, TaskError

IGNORE_BYTES = 1024 * 1024
"""Most that is read of a `.dockerignore`."""

PATH_LENGTH = 200
"""Longest path in a message, in characters."""


class Context:
    """The build context of a task.

    Attributes:
        path: below the source, empty for all of it.
        folder: on disk.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        path = posixpath.normpath(task.context_dir or ".")
        self.path = "" if path == "." else path
        self.folder = task.target / self.path

    def has_folder(self, path: str) -> bool:
        """Tell whether anything of a folder is in the context.

        Args:
            path: below the source.
        """
        if path == self.path or self.is_below(path):
            return True
        inside = self._inside(path)
        return inside is not None and not self._ignored().leaves_out_all(inside)

    def has_files(self, paths: list[str]) -> list[str]:
        """Give those of the files that are in the context."""
        ignored = self._ignored()
        return [
            path
            for path in paths
            if (inside := self._inside(path)) is not None and not ignored.leaves_out(inside)
        ]

    def is_below(self, path: str) -> bool:
        """Tell whether the context is a part of a folder of the source."""
        return self.path.startswith(f"{path}/") if path else True

    def check(self) -> None:
        """Refuse what a builder would be led out of the source by: `..`, and links on the way.

        Beside the source, the builder's container has the credential to push with.

        Raises:
            TaskError: the context or the Dockerfile is not in the source.
        """
        task = self._task
        context = task.target / task.context_dir
        for field, path in {"contextDir": context, "dockerfile": context / task.dockerfile}.items():
            if not is_inside(path, task.target):
                raise refused(
                    f"{field} leads out of the source at {task.commit[:12]}, by a symbolic link "
                    "or by `..`.",
                    "Name a path inside of it in the pipeline",
                )

    def leaves_out_git(self) -> bool:
        """Tell whether `.dockerignore` keeps `.git` from the builder."""
        return self._ignored().leaves_out_all(".git")

    def _inside(self, path: str) -> str | None:
        if not self.path:
            return path
        return path.removeprefix(f"{self.path}/") if path.startswith(f"{self.path}/") else None

    def _ignored(self) -> DockerIgnore:
        # Both builders look for the Dockerfile's own file first. Read when it is asked for: the
        # context may come with a submodule.
        own = f"{self._task.dockerfile}.dockerignore" if self._task.dockerfile else ".dockerignore"
        for path in (self.folder / own, self.folder / ".dockerignore"):
            if path.is_file() and is_inside(path, self._task.target):
                with path.open("rb") as stream:
                    return DockerIgnore(stream.read(IGNORE_BYTES).decode(errors="replace"))
        return DockerIgnore("")


def is_inside(path: Path, folder: Path) -> bool:
    """Tell whether a path is still in a folder when all links are followed."""
    try:
        path.stat()
    except OSError as error:
        # Links in a circle: `resolve` raises before Python 3.13, and leaves them as they are since.
        if error.errno == errno.ELOOP:
            return False
    return path.resolve().is_relative_to(folder.resolve())


def refused(said: str, remedy: str) -> TaskError:
    """Say what is wrong with the source, and what a person does before the next attempt."""
    return TaskError(in_words(said, remedy, f", then {SET_RETRY}"))


def shown(path: str) -> str:
    """Give a path of the source as it may stand in a sentence, whatever its name is."""
    return head(re.sub(r"[^ -~]", "?", path), PATH_LENGTH)
