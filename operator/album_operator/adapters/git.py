"""Git, run in bare repositories without a work tree, and told to trust nothing.

Every command gets a fixed argument vector, an environment of its own (no configuration of the
system or a user, no hooks, no proxies, one allowed protocol) and a hard time limit.
"""

import asyncio
import subprocess
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from album_operator.adapters.addresses import (
    check_found,
    check_git_address,
    check_git_credential,
    find_addresses,
    host_and_port,
    is_listed,
)
from album_operator.adapters.deadline import Deadline
from album_operator.adapters.gateway import Gateway
from album_operator.adapters.git_connection import IDLE_SECONDS, Connection, Connections
from album_operator.adapters.git_environment import (
    git_environment,
    server_environment,
    temporary_folder,
)
from album_operator.adapters.git_failures import (
    REFUSED_PAUSE,
    LocalGitError,
    TokenRefusedError,
    translate,
    unavailable,
)
from album_operator.adapters.git_limits import (
    LIMITS,
    Limits,
    check_excess,
    too_talkative,
)
from album_operator.adapters.git_pipes import OverflowedError
from album_operator.adapters.git_process import (
    ANSWER_BYTES,
    STOPPING,
    Answer,
    Conversation,
    EndedError,
    GitProcesses,
)
from album_operator.adapters.git_room import Claim, Rooms, make_rooms
from album_operator.adapters.git_settings import KEPT
from album_operator.adapters.git_wire import WireError
from album_operator.adapters.networks import addresses_of
from album_operator.domain.errors import TransientError
from album_operator.domain.places import GitPlace
from album_operator.domain.reasons import Reason
from album_operator.slots import Shares

T = TypeVar("T")

TIME_LIMIT = timedelta(seconds=60)
"""Longest a single git command may take."""

COMMANDS = 2
"""How many commands that take as long a look or a push has time for, whatever it consists of."""

SHARES = Shares(total=8, namespace=5, host=6, pair=4, own=1)
"""How much of git runs at once: a process or two each, with what they hold in memory."""

THREADS = 1000
"""More than there are ever turns: who has one never waits for a thread."""


class Repository:
    """A repository on disk beside the one at a `GitPlace`.

    Args:
        processes: to run git with.
        place: the repository on a server.
        deadline: of the work.
        folder: removed after the work; holds all but the repository, and a throw-away one too.
        connect: gives a connection to the server, or None where it has to be git's commands.
        rooms: what all works share.
        kept: a bare repository that outlives the work; None for a throw-away one.
    """

    def __init__(
        self,
        processes: GitProcesses,
        place: GitPlace,
        deadline: Deadline,
        folder: Path,
        connect: Callable[[], Connection | None],
        rooms: Rooms,
        kept: Path | None = None,
    ) -> None:
        self.place = place
        self.limits = processes.limits
        self.folder = folder
        self.git_dir = kept or folder / "git"
        self._processes = processes
        self._deadline = deadline
        self._connect = connect
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

    def over_connection(self, ask: Callable[[Connection], T]) -> T | None:
        """Ask the server over a connection; None where git's commands have to be used.

        Raises:
            EndedError: git's words for why it could not be asked, or the server's.
            TransientError: it took too long, or what came was no answer.
            TooLargeError: git's helper met a limit.
        """
        try:
            with self._in_time("fetch"):
                connection = self._connect()
                return None if connection is None else ask(connection)
        except EndedError as error:
            check_excess(self.place, self.limits, 1, str(error))
            raise
        except WireError as error:
            raise unavailable(self.place, f"what it sends is not git's: {error}") from error

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
            except OverflowedError as error:
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


class Git:
    """Runs git for one port, a few works at a time, each in a thread.

    Args:
        insecure_hosts: `host[:port]` of servers that may be spoken to in plain HTTP.
        allowed_hosts: those that may be at an address of the node or the cluster.
        gateway: the way to servers; None for one of its own.
        time_limit: longest a single command may take; a whole work, `COMMANDS` times as long.
        folder: where throw-away folders are made; None for the system's temporary folder.
        limits: of each command.
    """

    def __init__(
        self,
        insecure_hosts: Collection[str],
        *,
        allowed_hosts: Collection[str] = (),
        gateway: Gateway | None = None,
        time_limit: timedelta = TIME_LIMIT,
        folder: Path | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        self._insecure_hosts = frozenset(insecure_hosts)
        self._allowed_hosts = frozenset(allowed_hosts)
        self._listed = self._insecure_hosts | self._allowed_hosts
        self._check_found = partial(check_found, listed=self._listed)
        self._gateway = gateway or Gateway(SHARES, Reason.GIT_UNAVAILABLE)
        self._limit = COMMANDS * time_limit
        self._processes = GitProcesses(time_limit, limits)
        self._rooms = make_rooms(limits)
        self._connections = Connections(self._processes, folder)
        self._folder = folder
        self._is_closed = False
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="git")

    def deadline(self) -> Deadline:
        """Give what several works that belong together may take in all."""
        return Deadline(self._limit)

    async def run(
        self,
        place: GitPlace,
        work: Callable[[Repository], T],
        kept: Path | None = None,
        deadline: Deadline | None = None,
    ) -> T:
        """Do some work with a repository in a thread, when it is its turn.

        Args:
            place: the repository on a server.
            work: what to do.
            kept: the bare repository to do it in; None for a throw-away one.
            deadline: of what the work is a part of; None where it is all.

        Raises:
            TerminalError: `HostNotAllowed` before anything is sent.
        """

        def run_in_repository(at: GitPlace) -> T:
            with self.open(at, kept, deadline) as repository:
                return work(repository)

        async def work_in_thread() -> T:
            if self._is_closed:
                raise unavailable(place, STOPPING)
            at = await self._locate(place) if dials else place
            return await loop.run_in_executor(self._threads, run_in_repository, at)

        self._check(place)
        loop = asyncio.get_running_loop()
        try:
            # Over SSH it is ssh that is told how long it may take; a path of this machine has none.
            dials = place.url.startswith("http")
            try:
                return await self._gateway.run(
                    place, work_in_thread, dials=dials, check=self._check_found
                )
            except TokenRefusedError:
                await asyncio.sleep(REFUSED_PAUSE.total_seconds())
                return await self._gateway.run(
                    place, work_in_thread, dials=dials, check=self._check_found
                )
        finally:
            loop.call_later(IDLE_SECONDS, self._connections.close_idle, IDLE_SECONDS)

    @contextmanager
    def open(
        self, place: GitPlace, kept: Path | None = None, deadline: Deadline | None = None
    ) -> Iterator[Repository]:
        """Give a kept repository, or a throw-away one that is removed, for use in this thread."""
        self._check(place)
        if not place.addresses:
            place = self._look_up(place)
        deadline = deadline or self.deadline()
        try:
            with (
                deadline.running(),
                temporary_folder(self._folder) as folder,
                self._connections.lend(place, deadline) as connect,
                closing(
                    Repository(self._processes, place, deadline, folder, connect, self._rooms, kept)
                ) as repository,
            ):
                yield repository
        except OSError as error:
            raise LocalGitError("repository", error.strerror or str(error)) from error

    async def _locate(self, place: GitPlace) -> GitPlace:
        """Give a place with the addresses it was just reached at."""
        host, port = host_and_port(place.url)
        if is_listed(host, port, self._listed):
            return place
        try:
            found = await self._gateway.dialer.find(host, port)
        except OSError as error:
            raise _unresolved(place, error) from error
        self._check_found(host, port, found)
        return replace(place, addresses=addresses_of(found))

    def _look_up(self, place: GitPlace) -> GitPlace:
        try:
            return replace(place, addresses=find_addresses(place.url, self._listed))
        except OSError as error:
            raise _unresolved(place, error) from error

    def _check(self, place: GitPlace) -> None:
        check_git_address(place.url, self._insecure_hosts, self._allowed_hosts)
        check_git_credential(place.credential, place.url)

    def close(self) -> None:
        """Kill what runs and take no more work."""
        self._is_closed = True
        self._processes.close()
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._connections.close_idle()


def _unresolved(place: GitPlace, error: OSError) -> TransientError:
    return unavailable(place, f"Could not resolve its host ({error.strerror or error})")


def _seconds(limit: timedelta) -> str:
    return f"{limit.total_seconds():.0f} seconds"
