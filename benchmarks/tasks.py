"""One release to write back, and the proof that it was written back right."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks import plain_git
from benchmarks.layout import Layout, released
from benchmarks.repositories import BASE


class WrongResultError(Exception):
    """What was measured did not do what it should have done; its figures mean nothing."""


@dataclass(frozen=True)
class Task:
    """A release of one app.

    Attributes:
        app: name of the app.
        path: its values file.
        version: what its tag is set to.
        branch: branch to push.
    """

    app: str
    path: str
    version: str
    branch: str


def release_of(layout: Layout, app: int, number: int) -> Task:
    """Give the release with this number of an app; each number is another version."""
    name, version = layout.app_name(app), f"v2.0.{number}"
    return Task(name, layout.values_path(app), version, f"release/{name}_{version}")


def check_commit(repository: Path, task: Task, parent: str) -> None:
    """Check that the branch is one commit on its parent that touches the values file only.

    Args:
        repository: the server's.
        task: the release.
        parent: commit the branch must be built on.

    Raises:
        WrongResultError: it is not so.
    """
    parents = plain_git.text(repository, "rev-list", "--parents", "-n", "1", task.branch).split()
    if parents[1:] != [parent]:
        raise WrongResultError(f"{task.branch} has the parents {parents[1:]}, not {parent}.")
    (old_mode, new_mode, status), paths = _difference(repository, parent, task.branch)
    if paths != [task.path] or status != "M" or old_mode != new_mode:
        raise WrongResultError(
            f"{task.branch} changes {paths} ({old_mode} to {new_mode}), not just {task.path}."
        )


def check_one_value(repository: Path, task: Task, parent: str) -> None:
    """Check besides that every byte of the file is as it was, but for the one value.

    Raises:
        WrongResultError: it is not so.
    """
    check_commit(repository, task, parent)
    before = plain_git.git(repository, "cat-file", "blob", f"{parent}:{task.path}")
    after = plain_git.git(repository, "cat-file", "blob", f"{task.branch}:{task.path}")
    if after != released(before, task.version) or after == before:
        raise WrongResultError(f"{task.branch} changes other bytes of {task.path} than the value.")


def changed_lines(repository: Path, branch: str) -> int:
    """Tell how many lines of the base a branch's commit changes."""
    counts = plain_git.text(repository, "diff-tree", "--numstat", "-r", f"{branch}^", branch)
    return sum(int(line.split()[0]) for line in counts.splitlines())


def head(repository: Path, branch: str = BASE) -> str:
    """Give the commit a branch of the server points to.

    Raises:
        PartError: there is no such branch.
    """
    return plain_git.text(repository, "rev-parse", "--verify", f"refs/heads/{branch}")


def parent_of(repository: Path, branch: str) -> str:
    """Give the first parent of a branch's head.

    Raises:
        PartError: there is no such branch, or it has no parent.
    """
    return plain_git.text(repository, "rev-parse", "--verify", f"refs/heads/{branch}^1")


def _difference(
    repository: Path, parent: str, branch: str
) -> tuple[tuple[str, str, str], list[str]]:
    """Give modes and status of the last difference, and the paths of all."""
    raw = plain_git.text(
        repository, "diff-tree", "--raw", "-r", "-z", "--no-renames", parent, branch
    )
    words = raw.strip("\0").split("\0")
    if len(words) < 2:
        raise WrongResultError(f"{branch} changes nothing.")
    old_mode, new_mode, _, _, status = words[-2].removeprefix(":").split()
    return (old_mode, new_mode, status), words[1::2]
