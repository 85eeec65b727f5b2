"""A conversation with a git server over HTTP: one process and one connection for many requests.

Git's own HTTP helper is spoken to as git does it (gitremote-helpers(7), `stateless-connect`): URL,
certificates, token and redirects stay git's matter. That is "for internal use only" there; where it
does not answer as expected, as with servers that do not speak version 2 of the protocol, there is
no connection.
"""

from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, TypeVar
from urllib.parse import urlsplit

from album_operator.adapters.git.environment import (
    git_environment,
    server_environment,
    temporary_folder,
)
from album_operator.adapters.git.process import Conversation, EndedError, GitProcesses
from album_operator.adapters.git.streams import Bounded, TooLongError
from album_operator.adapters.git.wire.pack import Scales
from album_operator.adapters.git.wire.protocol import (
    FETCH,
    Fetched,
    ServerError,
    WireError,
    fetch_request,
    read_capabilities,
    read_fetched,
    read_refs,
    refs_request,
)
from album_operator.domain.places import GitPlace

T = TypeVar("T")

CONNECT = b"stateless-connect git-upload-pack\n"

GREETING_BYTES = 64 * 1024
"""Longest greeting that is read; git's own has 300 bytes."""

ABOUT_BYTES = 1024 * 1024
"""What an answer may have beside its pack."""

GREETING_SECONDS = 20.0
"""Longest a server may take to connect, TLS and its first answer included; libcurl's own limit for
the first two are five minutes, and git 2.39 has no setting for it."""


class Connection:
    """An open conversation with the server of a place; it is of no use after an error.

    Attributes:
        opened: what ends with it.
    """

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._capabilities: Mapping[str, str] = {}
        self._has_failed = False
        self.opened = ExitStack()

    @property
    def is_open(self) -> bool:
        """Whether it is still of use."""
        return not self._has_failed and self._conversation.is_running

    def greet(self, left: float) -> bool:
        """Open it; False where the server or the helper cannot be spoken to like this.

        Raises:
            EndedError: git's words for why.
        """
        try:
            self._capabilities = self._ask(CONNECT, _read_greeting, min(left, GREETING_SECONDS))
        except (TooLongError, WireError):
            return False
        return self._capabilities.get("object-format", "sha1") == "sha1"

    @property
    def can_filter(self) -> bool:
        """Whether the server can be asked for single objects."""
        return "filter" in self._capabilities.get(FETCH, "").split()

    def list_refs(self, names: Collection[str], limit: int, left: float) -> dict[str, str]:
        """Ask for refs by their full names; raises as `Wire` does, see there and `read_refs`."""

        def read(answer: BinaryIO) -> dict[str, str]:
            return read_refs(Bounded(answer, limit), names)

        return self._ask(refs_request(names), read, left)

    def fetch(self, oids: Collection[str], objects: str, limit: int, left: float) -> Fetched:
        """Ask for objects; raises as `Wire` does, see there and `fetch_request`."""

        def read(answer: BinaryIO) -> Fetched:
            bounded = Bounded(answer, limit + ABOUT_BYTES)
            return read_fetched(bounded, limit, Scales(limit).weigh)

        return self._ask(fetch_request(oids, objects), read, left)

    def close(self) -> None:
        """End it."""
        self.opened.close()

    def _ask(self, question: bytes, answer: Callable[[BinaryIO], T], left: float) -> T:
        try:
            return self._conversation.ask([question], answer, left)[0]
        except BaseException as error:
            self._has_failed = True
            if isinstance(error, ServerError):
                # As git says it.
                raise EndedError(f"fatal: remote error: {error}") from error
            raise


def open_connection(
    processes: GitProcesses, above: Path | None, place: GitPlace, left: float
) -> Connection | None:
    """Greet a server; None where it or the helper cannot be spoken to like this.

    Args:
        processes: to run git with.
        above: where the connection's folder is made; None for the system's temporary folder.
        place: the repository.
        left: most seconds it may take.

    Raises:
        EndedError: git's words for why it could not be greeted.
    """
    with ExitStack() as opened:
        folder = opened.enter_context(temporary_folder(above))
        environment = git_environment(place, folder, folder / "git", {})
        environment |= opened.enter_context(server_environment(place, folder))
        helper = f"remote-{urlsplit(place.url).scheme}"
        conversation = opened.enter_context(
            processes.converse([helper, "origin", place.url], environment, folder)
        )
        connection = Connection(conversation)
        if connection.greet(left):
            connection.opened = opened.pop_all()
            return connection
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
