"""A bare repository on disk beside the one on a server, and the git commands run in it."""

import subprocess
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from album_operator.adapters.git.environment import (
    git_environment,
    server_environment,
)
from album_operator.adapters.git.failures import (
    LocalGitError,
    translate,
    unavailable,
)
from album_operator.adapters.git.limits import (
    Limits,
    check_excess,
    too_talkative,
)
from album_operator.adapters.git.process import (
    ANSWER_BYTES,
    Answer,
    Conversation,
    EndedError,
    GitProcesses,
)
from album_operator.adapters.git.room import Claim, Rooms
from album_operator.adapters.git.settings import KEPT
from album_operator.adapters.git.streams import TooLongError
from album_operator.adapters.git.wire.calls import Wire
from album_operator.adapters.servers.deadline import Deadline
from album_operator.domain.places import GitPlace
from album_operator.term import Term

T = TypeVar("T")


class Repository:
    """A repository on disk beside the one at a `GitPlace`.

    Args:
        processes: to run git with.
        place: the repository on a server.
        deadline: of the work.
        folder: removed after the work; holds all but the repository, and a throw-away one too.
        wire: asks the server where it need not be git's commands.
        rooms: what all works share.
        kept: a bare repository that outlives the work; None for a throw-away one.
        term: in which something may be pushed.
    """

    def __init__(
        self,
        processes: GitProcesses,
        place: GitPlace,
        deadline: Deadline,
        folder: Path,
        wire: Wire,
        rooms: Rooms,
        kept: Path | None,
        term: Term,
    ) -> None:
        self.place = place
        self.term = term
        self.limits = processes.limits
        self.folder = folder
        self.git_dir = kept or folder / "git"
        self._processes = processes
        self._deadline = deadline
        self._wire = wire
        self._claim = Claim(rooms, place, (folder, self.git_dir / "objects" / "pack"))
        self._is_made = kept is not None
        self._conversations: dict[tuple[str, ...], Conversation] = {}
        self._opened = ExitStack()

    def local(
        self,
        *arguments: str,
        data: bytes | bytearray = b"",
        variables: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        accept: Collection[int] = (0,),
    ) -> Answer:
        """Run a command that talks to no server and is not given the token.

        Args:
            arguments: of git.
            data: standard input.
            variables: further environment.
            settings: further configuration of git.
            accept: exit codes that are no failure.

        Raises:
            LocalGitError: it ended with another exit code, or complained.
            TooLargeError: it met a limit.
        """
        self.make()
        answer = self._run(arguments, data, variables or {}, settings)
        # `cat-file` tells an object it cannot read from a missing one on standard error only.
        has_complained = answer.status == 0 and answer.err.startswith("error: ")
        if answer.status not in accept or has_complained:
            raise LocalGitError(arguments[0], answer.err)
        return answer

    def ask(
        self, *arguments: str, questions: Iterable[bytes], answer: Callable[[BinaryIO], T]
    ) -> list[T]:
        """Put questions to a local command that runs until the work is done.

        Args:
            arguments: of git.
            questions: see `Conversation.ask`.
            answer: reads one answer.

        Raises:
            LocalGitError: it ended, or complained.
            TooLargeError: it met a limit.
        """
        self.make()
        try:
            # Put back only if nothing went wrong: after an error it is of no use.
            conversation = self._conversations.pop(arguments, None) or self._opened.enter_context(
                self._processes.converse(arguments, self._environment({}), self.folder)
            )
            with self._in_time(arguments[0]):
                answers = conversation.ask(questions, answer, self._deadline.left)
        except EndedError as error:
            check_excess(self.place, self.limits, 1, str(error))
            raise LocalGitError(arguments[0], str(error)) from error
        if (said := conversation.complaints()).startswith("error: "):
            raise LocalGitError(arguments[0], said)
        self._conversations[arguments] = conversation
        return answers

    def store(self, pack: bytes | bytearray, shallow: Sequence[str]) -> Answer:
        """Put fetched objects into the repository as `git fetch` does; look at the status yourself.

        Args:
            pack: of objects that refer to others which are not here.
            shallow: commits in it whose parents are not here.
        """
        self._claim.hold_disk(self.limits, len(pack))
        if shallow:
            # gitrepository-layout(5): one commit on each line.
            told = self.git_dir / "shallow"
            lines = set(told.read_text().split()) if told.exists() else set()
            new = self.git_dir / "shallow.new"
            new.write_text("".join(f"{commit}\n" for commit in sorted(lines | set(shallow))))
            new.replace(told)
        # Of a promisor's pack, git's checks take what is referred to and not here for fetchable.
        words = ("index-pack", "--stdin", "--fsck-objects", "--promisor")
        with self._tidied():
            return self.local(*words, data=pack, settings=KEPT, accept=range(256))

    def list_refs(self, names: Collection[str], limit: int) -> dict[str, str] | None:
        """Ask the server for refs as of `Wire`; None where git's commands have to be used.

        Raises:
            EndedError: git's words for why it could not be asked, or the server's.
            TooLongError: the list has more than `limit` bytes.
            TransientError: it took too long, or what came was no answer.
            TooLargeError: git's helper met a limit.
        """
        with self._asked():
            return self._wire.list_refs(self.place, self._deadline, names, limit)

    def fetch_objects(self, oids: Collection[str], objects: str, limit: int) -> Answer | None:
        """Fetch objects as of `Wire` and `store` them; gives and raises the same as `list_refs`."""
        with self._asked():
            fetched = self._wire.fetch(self.place, self._deadline, oids, objects, limit)
        return None if fetched is None else self.store(fetched.pack, fetched.shallow)

    def bytes_fetched(self) -> int:
        """Give how many bytes are on disk of what was fetched."""
        return self._claim.bytes_fetched()

    def close(self) -> None:
        """End the commands that were asked."""
        self._opened.close()
        self._claim.close()

    def remote(
        self,
        *arguments: str,
        variables: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> Answer:
        """Run a command that talks to the place as remote `origin`; look at the status yourself.

        Args:
            arguments: of git.
            variables: further environment.
            settings: further configuration of git.
            limit: most bytes it may leave on disk, where that is less than any fetch may.

        Raises:
            TransientError: it took longer than the time limit, or others have the room on disk.
            TooLargeError: it met a limit.
        """
        limits = self.limits.for_fetch(limit)
        with server_environment(self.place, self.folder) as environment:
            environment |= variables or {}
            return self._run(arguments, b"", environment, settings or {}, limits)

    def make(self) -> None:
        """Make the repository on disk unless it is there."""
        if not self._is_made:
            self._is_made = True
            self.local("init", "--quiet", "--bare", "--template=", str(self.git_dir))

    def fetch(self, what: Collection[str], *options: str) -> None:
        """Fetch objects by id or refs by name, with options such as `--depth=1`.

        Raises:
            OutsideError: translated.
        """
        answer = self.try_fetch(what, *options)
        if answer.status != 0:
            raise translate(self.place, "read", answer.err)

    def try_fetch(
        self,
        what: Collection[str],
        *options: str,
        settings: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> Answer:
        """Fetch as `fetch` does, and give back how it ended; more as of `remote`."""
        self.make()
        words = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head")
        more = ("--no-recurse-submodules", *options, "--end-of-options", "origin", *what)
        with self._tidied():
            return self.remote(*words, *more, settings=settings, limit=limit)

    def _run(
        self,
        arguments: tuple[str, ...],
        data: bytes | bytearray,
        variables: Mapping[str, str],
        settings: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> Answer:
        """Run a command, and refuse the repository if it meets a limit."""
        environment = self._environment(settings or {}) | dict(variables)
        bounds = limits or self.limits
        watch = partial(self._look, limits)
        with self._in_time(arguments[0]):
            try:
                answer = self._processes.execute(
                    arguments,
                    data,
                    environment,
                    self.folder,
                    bounds,
                    watch,
                    left=self._deadline.left,
                )
            except TooLongError as error:
                raise too_talkative(self.place, arguments[0], ANSWER_BYTES) from error
            finally:
                self._claim.leave_memory()
        check_excess(self.place, bounds, answer.status, answer.err)
        return answer

    @contextmanager
    def _tidied(self) -> Iterator[None]:
        """Remove what a fetch that ends before it is whole leaves; nobody else fetches here."""
        try:
            yield
        finally:
            for path in (self.git_dir / "objects" / "pack").glob("tmp_*"):
                path.unlink(missing_ok=True)

    def _look(self, limits: Limits | None, process: int) -> None:
        """See to it that a command that runs leaves others their share, of disk if it fetches."""
        if limits is not None:
            self._claim.hold_disk(limits)
        self._claim.hold_process(self.limits, process)

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Ask the server over the wire."""
        try:
            with self._in_time("fetch"):
                yield
        except EndedError as error:
            check_excess(self.place, self.limits, 1, str(error))
            raise

    @contextmanager
    def _in_time(self, command: str) -> Iterator[None]:
        said = f"all that was asked of it took longer than {_seconds(self._deadline.limit)}"
        if not self._deadline.left:
            raise unavailable(self.place, said)
        try:
            yield
        except subprocess.TimeoutExpired as error:
            if self._deadline.left:
                said = (
                    f"git {command} took longer than {_seconds(timedelta(seconds=error.timeout))}"
                )
            raise unavailable(self.place, said) from None

    def _environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        return git_environment(self.place, self.folder, self.git_dir, settings)


def _seconds(limit: timedelta) -> str:
    return f"{limit.total_seconds():.0f} seconds"
