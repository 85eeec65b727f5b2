"""The repository of a task and its submodules, fetched one after another within one bound."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from album_operator.adapters.git.checkout import fetch_commit, measure, write_files
from album_operator.adapters.git.dot_git import fetch_history, hand_over
from album_operator.adapters.git.failures import TokenRefusedError
from album_operator.adapters.git.git import Git
from album_operator.adapters.git.repository import Repository
from album_operator.adapters.git.submodules import Submodule, find_submodules, locate
from album_operator.adapters.names import check_commit
from album_operator.adapters.servers.gateway import Gateway
from album_operator.domain.errors import TerminalError
from album_operator.domain.names import origin_of
from album_operator.domain.places import GitPlace
from album_operator.domain.reasons import Reason
from album_operator.fetch_source.context import Context, refused, shown
from album_operator.fetch_source.large_files import LargeFiles
from album_operator.fetch_source.task import Task

MOST_MODULES = 100
DEEPEST = 8
"""How many submodules a source has in all, and how deep one lies in another."""

HIDDEN = frozenset({Reason.CREDENTIALS_REFUSED, Reason.REPOSITORY_NOT_FOUND})
"""What a server says to strangers of a repository that is not for everybody."""

FIELD = "spec.build.source.submodules"

OR_LEAVE = f"or set {FIELD}: false in the pipeline, which leaves its folder empty"


@dataclass(frozen=True)
class _Module:
    """A repository of the source.

    Attributes:
        tag: that stood for the commit; None for a submodule.
        path: below the source, empty for the repository of the task.
        depth: in how many others it lies.
    """

    place: GitPlace
    commit: str
    tag: str | None = None
    path: str = ""
    depth: int = 0

    def path_of(self, name: str) -> str:
        """Give where something of this repository is in the source."""
        return f"{self.path}/{name}" if self.path else name


class Modules:
    """What a task's source consists of.

    Args:
        task: its place has the token.
        git: to fetch with.
        gateway: the way to servers.
        say: tells what is done.
    """

    def __init__(self, task: Task, git: Git, gateway: Gateway, say: Callable[[str], None]) -> None:
        self._task = task
        self._git = git
        self._say = say
        self._context = Context(task)
        self._large = LargeFiles(task, self._context, gateway, say)
        self._left = task.most
        self._count = 0

    def fetch(self) -> None:
        """Fetch all that the build context needs.

        Raises:
            OutsideError: a server did not give it.
            TaskError: the build would get something else than its Dockerfile is written for.
        """
        task = self._task
        self._fetch(_Module(task.place, task.commit, task.tag))
        self._context.check()

    def _fetch(self, module: _Module) -> None:
        folder = self._task.target / module.path
        with self._git.open(module.place) as repository:
            self._say(f"fetching {module.commit} from {module.place.url}")
            if module.tag is not None and self._task.parts.history:
                fetch_history(repository, module.commit, module.tag, self._left)
            else:
                fetch_commit(repository, module.commit, module.tag, self._left)
            listed = measure(repository, module.commit, self._left)
            self._left -= listed.size
            self._say("writing its files")
            write_files(repository, module.commit, folder)
            self._context.check()
            within = find_submodules(repository, module.commit, listed.submodules)
            changed = self._large.fetch(repository, module.commit, module.path, self._left)
            self._left -= sum(changed.values())
            if module.tag is not None and self._task.parts.history:
                self._give_history(repository, within, list(changed))
        for submodule in within:
            self._go_down(module, submodule)

    def _give_history(
        self, repository: Repository, within: list[Submodule], changed: list[str]
    ) -> None:
        context, task = self._context, self._task
        if context.leaves_out_git():
            raise refused(
                "spec.build.source.history puts .git into the build context, and .dockerignore "
                "leaves it out again.",
                "Take .git out of .dockerignore (a last line `!.git` does it), or history out of "
                "the pipeline",
            )
        if any(context.path == one.path or context.is_below(one.path) for one in within):
            raise refused(
                "spec.build.source.history is for a contextDir in the source repository itself, "
                f"and {context.path} is in a submodule.",
                "Take history out of the pipeline",
            )
        self._left -= repository.bytes_fetched()
        files = None
        if not context.path:
            # What a build does not get, git would take for deleted, and the commit for `dirty`.
            listed = os.fsdecode(repository.local("ls-files", "-z").out).split("\0")[:-1]
            files = [*changed, *(set(listed) - {*context.has_files(listed), *changed})]
        hand_over(repository, task.commit, task.tag, context.folder, files)

    def _go_down(self, module: _Module, submodule: Submodule) -> None:
        path = module.path_of(submodule.path)
        wanted = self._task.parts.submodules
        if wanted is False or submodule.is_left_alone or not self._context.has_folder(path):
            self._say(f"{shown(path)} is a submodule and stays empty")
            return
        if submodule.url is None:
            raise refused(
                f"{shown(path)} in the build context is a submodule, and .gitmodules has no URL "
                "for it.",
                f"Add it there, remove the folder from the commit, list it in .dockerignore, "
                f"{OR_LEAVE}",
            )
        if wanted is None:
            raise refused(
                f"{shown(path)} in the build context is a submodule, whose files are in "
                "another repository.",
                f"Set {FIELD}: true in the pipeline to have submodules fetched, or false to leave "
                "their folders empty, or list the folder in .dockerignore",
            )
        self._count += 1
        if self._count > MOST_MODULES or module.depth >= DEEPEST:
            raise refused(
                f"The source has more than {MOST_MODULES} submodules, or more than {DEEPEST} in "
                "one another.",
                "List those the build does not need in .dockerignore",
            )
        with self._named(path, submodule.url, module):
            place = locate(submodule.url, module.place, self._task.place.credential)
            self._check_folder(path)
            commit = check_commit(submodule.commit)
            self._fetch(_Module(place, commit, path=path, depth=module.depth + 1))

    def _check_folder(self, path: str) -> None:
        """See to it that files of a submodule get to its own folder, wherever links lead."""
        target = self._task.target.resolve()
        if (target / path).resolve() != target / path:
            raise refused(f"{shown(path)} is a symbolic link.", "Mend it in the commit")

    @contextmanager
    def _named(self, path: str, url: str, above: _Module) -> Iterator[None]:
        """Say of which submodule something is, and what a person does who cannot mend it there."""
        try:
            yield
        except _SubmoduleError:
            raise
        except TerminalError as error:
            place = locate(url, above.place, self._task.place.credential)
            message = f"Submodule {shown(path)}: {error.message}"
            remedy = error.remedy.replace("Correct the pipeline", "Correct .gitmodules")
            if place.credential.is_empty and error.reason in HIDDEN:
                own = origin_of(self._task.place.credential.url)
                message = (
                    f"Submodule {shown(path)}: {place.url} is not there for everybody, and the "
                    f"git Secret of the source is for {own} by its key `url`."
                )
                remedy = "Move it below that address or make it public"
            elif isinstance(error, TokenRefusedError):
                raise
            raise _SubmoduleError(error.reason, message, f"{remedy}, {OR_LEAVE}") from error


class _SubmoduleError(TerminalError):
    """A trouble whose message names the submodule."""
