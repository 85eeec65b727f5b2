"""The write-back as people do it today: a checkout, `sed`, a commit, a push."""

from pathlib import Path

from benchmarks import plain_git
from benchmarks.repositories import BASE
from benchmarks.tasks import Task

SHALLOW = ("--depth=1",)
FULL = ()


def write_back(url: str, folder: Path, task: Task, options: tuple[str, ...]) -> None:
    """Do one release by a new checkout.

    Args:
        url: the repository.
        folder: where the checkout is made; it does not exist yet.
        task: the release.
        options: of `git clone`: `SHALLOW` or `FULL`.

    Raises:
        PartError: a command failed.
    """
    plain_git.git(folder.parent, "clone", "--quiet", *options, url, str(folder))
    plain_git.git(folder, "checkout", "--quiet", "-b", task.branch)
    expression = f's/^( *tag: )".*"/\\1"{task.version}"/'
    plain_git.run(folder, "sed", "-i", "-E", expression, task.path)
    plain_git.git(folder, "add", "--", task.path)
    plain_git.git(folder, "commit", "--quiet", "-m", f"release: {task.app} {task.version}")
    plain_git.git(folder, "push", "--quiet", "origin", task.branch)


class OtherWriter:
    """Somebody with a checkout of their own, who pushes to the base branch now and then."""

    def __init__(self, url: str, folder: Path) -> None:
        self._folder = folder
        plain_git.git(folder.parent, "clone", "--quiet", *SHALLOW, url, str(folder))

    def push(self, path: str, data: bytes) -> str:
        """Commit a file, push it to the base branch and give the commit."""
        (self._folder / path).write_bytes(data)
        plain_git.git(self._folder, "commit", "--quiet", "-m", "more replicas", "--", path)
        plain_git.git(self._folder, "push", "--quiet", "origin", BASE)
        return plain_git.text(self._folder, "rev-parse", "HEAD")

    def read(self, path: str) -> bytes:
        """Read a file of the checkout."""
        return (self._folder / path).read_bytes()
