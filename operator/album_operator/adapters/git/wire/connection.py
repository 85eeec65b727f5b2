"""A conversation with a git server over HTTP: one process and one connection for many requests.

`git ls-remote` and `git fetch` are a process, a TLS handshake and a greeting each, and a path of
four folders takes seven of them. So git's own HTTP helper is spoken to as git does it
(gitremote-helpers(7), `stateless-connect`): URL, certificates, token and redirects stay git's
matter. That is "for internal use only" there; where it does not answer as expected, as with
servers that do not speak version 2 of the protocol, git's commands are used.
"""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar
from urllib.parse import urlsplit

from album_operator.adapters.git.environment import (
    git_environment,
    server_environment,
    temporary_folder,
)
from album_operator.adapters.git.process import Conversation, EndedError, GitProcesses
from album_operator.adapters.git.wire.pack import Scales
from album_operator.adapters.git.wire.protocol import (
    FETCH,
    Bounded,
    Fetched,
    ServerError,
    TooLongError,
    WireError,
    fetch_request,
    read_capabilities,
    read_fetched,
    read_refs,
    refs_request,
)
from album_operator.adapters.servers.deadline import Deadline
from album_operator.domain.names import is_ssh
from album_operator.domain.places import GitPlace

T = TypeVar("T")

CONNECT = b"stateless-connect git-upload-pack\n"

IDLE_SECONDS = 30.0
"""How long a connection is kept for the next work: a release looks, builds, and looks again."""

IDLE_LIMIT = 8
"""Most connections that are kept."""

GREETING_BYTES = 64 * 1024
"""Longest greeting that is read; git's own has 300 bytes."""

REFS_BYTES = 32 * 1024 * 1024
"""Longest list of refs that is read, some 500,000 of them."""

ABOUT_BYTES = 1024 * 1024
"""What an answer may have beside its pack."""

GREETING_SECONDS = 20.0
"""Longest a server may take to connect, TLS and its first answer included; libcurl's own limit for
the first two are five minutes, and git 2.39 has no setting for it."""

UNUSABLE_SECONDS = 600.0
"""How long a server greeted in vain is left to git's commands; a proxy may have answered for it."""


class Connection:
    """An open conversation with the server of a place; it is of no use after an error.

    Attributes:
        opened: what ends with it.
        deadline: of the work it is lent for.
    """

    def __init__(self, conversation: Conversation, deadline: Deadline) -> None:
        self._conversation = conversation
        self.deadline = deadline
        self._capabilities: Mapping[str, str] = {}
        self._has_failed = False
        self.opened = ExitStack()

    @property
    def is_open(self) -> bool:
        """Whether it is still of use."""
        return not self._has_failed and self._conversation.is_running

    def greet(self) -> bool:
        """Open it; False where the server or the helper cannot be spoken to like this.

        Raises:
            EndedError: git's words for why.
        """
        try:
            self._capabilities = self._ask(CONNECT, _read_greeting, GREETING_SECONDS)
        except (TooLongError, WireError):
            return False
        return self._capabilities.get("object-format", "sha1") == "sha1"

    @property
    def can_filter(self) -> bool:
        """Whether the server can be asked for single objects."""
        return "filter" in self._capabilities.get(FETCH, "").split()

    def list_refs(self, names: Collection[str]) -> dict[str, str]:
        """Ask for refs by their full names; see `read_refs`.

        Raises:
            EndedError: git's words for why not, or the server's.
            TooLongError: so much begins like these names that it is not read.
        """

        def read(answer: BinaryIO) -> dict[str, str]:
            return read_refs(Bounded(answer, REFS_BYTES), names)

        return self._ask(refs_request(names), read)

    def fetch(self, oids: Collection[str], objects: str, limit: int) -> Fetched:
        """Ask for objects; see `fetch_request` and `read_fetched`.

        Raises:
            EndedError: git's words for why not, or the server's.
            TooLongError: the pack has more than `limit` bytes, or unpacked as many as that.
        """

        def read(answer: BinaryIO) -> Fetched:
            bounded = Bounded(answer, limit + ABOUT_BYTES)
            return read_fetched(bounded, limit, Scales(limit).weigh)

        return self._ask(fetch_request(oids, objects), read)

    def close(self) -> None:
        """End it."""
        self.opened.close()

    def _ask(self, question: bytes, answer: Callable[[BinaryIO], T], most: float = math.inf) -> T:
        try:
            return self._conversation.ask([question], answer, min(most, self.deadline.left))[0]
        except BaseException as error:
            self._has_failed = True
            if isinstance(error, ServerError):
                # As git says it.
                raise EndedError(f"fatal: remote error: {error}") from error
            raise


class Connections:
    """Opens connections, and keeps them a moment for whoever comes next.

    Args:
        processes: to run git with.
        folder: where folders of connections are made; None for the system's temporary folder.
    """

    def __init__(self, processes: GitProcesses, folder: Path | None) -> None:
        self._processes = processes
        self._folder = folder
        self._idle: list[tuple[float, GitPlace, Connection]] = []
        self._unusable: dict[str, float] = {}
        self._lock = threading.Lock()

    @contextmanager
    def lend(
        self, place: GitPlace, deadline: Deadline
    ) -> Iterator[Callable[[], Connection | None]]:
        """Give a function that gives one connection, opened when it is first asked for.

        It gives None where git's commands have to be used. Raises EndedError where the server
        could not be greeted, with git's words.
        """
        lent: list[Connection] = []

        def connect() -> Connection | None:
            if not lent and (kept := self._take(place)):
                kept.deadline = deadline
                lent.append(kept)
            if lent and not lent[0].is_open:
                lent.pop().close()
            if not lent and (new := self._open(place, deadline)):
                lent.append(new)
            return lent[0] if lent else None

        try:
            yield connect
        finally:
            for connection in lent:
                self._put_back(place, connection)

    def close_idle(self, older_than: float = 0.0) -> None:
        """Close the connections that nobody has used for so many seconds."""
        until = time.monotonic() - older_than
        with self._lock:
            old = [one for one in self._idle if one[0] <= until]
            self._idle = [one for one in self._idle if one[0] > until]
        for _, _, connection in old:
            connection.close()

    def _take(self, place: GitPlace) -> Connection | None:
        with self._lock:
            for one in self._idle:
                if one[1] == place:
                    self._idle.remove(one)
                    return one[2]
        return None

    def _put_back(self, place: GitPlace, connection: Connection) -> None:
        surplus: Connection | None = connection
        with self._lock:
            if connection.is_open:
                self._idle.append((time.monotonic(), place, connection))
                surplus = self._take_surplus()
        if surplus is not None:
            surplus.close()

    def _take_surplus(self) -> Connection | None:
        """Take the oldest of the namespace that has most, where more are kept than may be."""
        if len(self._idle) <= IDLE_LIMIT:
            return None
        kept = Counter(place.namespace for _, place, _ in self._idle)
        most = max(kept, key=lambda namespace: kept[namespace])
        one = next(one for one in self._idle if one[1].namespace == most)
        self._idle.remove(one)
        return one[2]

    def _open(self, place: GitPlace, deadline: Deadline) -> Connection | None:
        now = time.monotonic()
        if is_ssh(place.url) or now < self._unusable.get(place.url, now):
            return None
        with ExitStack() as opened:
            folder = opened.enter_context(temporary_folder(self._folder))
            environment = git_environment(place, folder, folder / "git", {})
            environment |= opened.enter_context(server_environment(place, folder))
            helper = f"remote-{urlsplit(place.url).scheme}"
            conversation = opened.enter_context(
                self._processes.converse([helper, "origin", place.url], environment, folder)
            )
            connection = Connection(conversation, deadline)
            if connection.greet():
                connection.opened = opened.pop_all()
                return connection
            self._unusable[place.url] = now + UNUSABLE_SECONDS
        return None


def _read_greeting(stream: BinaryIO) -> Mapping[str, str]:
    """Read what the helper says first.

    Raises:
        WireError: it cannot connect like this.
    """
    bounded = Bounded(stream, GREETING_BYTES)
    line = bounded.readline()
    if not line:
        raise EOFError
    if line != b"\n":
        raise WireError(f"the helper says {line[:100]!r}")
    return read_capabilities(bounded)
