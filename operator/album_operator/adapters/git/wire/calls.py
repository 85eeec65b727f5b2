"""The three calls by which the rest knows this room; where it can tell nothing, git's commands do.

`git ls-remote` and `git fetch` are a process, a TLS handshake and a greeting each, and a path of
four folders takes seven of them. So a connection is kept a moment for whoever asks next.
"""

import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from album_operator.adapters.git.failures import unavailable
from album_operator.adapters.git.process import GitProcesses
from album_operator.adapters.git.wire.connection import Connection, open_connection
from album_operator.adapters.git.wire.protocol import Fetched, WireError
from album_operator.adapters.servers.deadline import Deadline
from album_operator.domain.names import is_ssh
from album_operator.domain.places import GitPlace

IDLE_LIMIT = 8
"""Most connections that are kept."""

UNUSABLE_SECONDS = 600.0
"""How long a server greeted in vain is left to git's commands; a proxy may have answered for it."""


class Wire:
    """Asks git servers, from any thread, and keeps the connections a moment.

    A question gives None where git's commands have to be used. It raises

        EndedError: git's words for why it could not be asked, or the server's.
        TooLongError: more came than is wanted.
        TransientError: what came is not git's.
        subprocess.TimeoutExpired: the deadline, or the time limit of a command, has passed.

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

    def list_refs(
        self, place: GitPlace, deadline: Deadline, names: Collection[str], limit: int
    ) -> dict[str, str] | None:
        """Ask for refs by their full names as of `protocol.read_refs`, `limit` bytes at most."""
        with self._connected(place, deadline) as connection:
            if connection is None:
                return None
            return connection.list_refs(names, limit, deadline.left)

    def fetch(
        self, place: GitPlace, deadline: Deadline, oids: Collection[str], objects: str, limit: int
    ) -> Fetched | None:
        """Ask for objects as of `protocol.fetch_request`, `limit` bytes at most, packed or not."""
        with self._connected(place, deadline) as connection:
            if connection is None or not connection.can_filter:
                return None
            return connection.fetch(oids, objects, limit, deadline.left)

    def close_idle(self, older_than: float = 0.0) -> None:
        """Close the connections that nobody has used for so many seconds."""
        until = time.monotonic() - older_than
        with self._lock:
            old = [one for one in self._idle if one[0] <= until]
            self._idle = [one for one in self._idle if one[0] > until]
        for _, _, connection in old:
            connection.close()

    @contextmanager
    def _connected(self, place: GitPlace, deadline: Deadline) -> Iterator[Connection | None]:
        """Give a connection for one question, or None where there can be none."""
        connection = self._take(place) or self._open(place, deadline)
        if connection is None:
            yield None
            return
        try:
            yield connection
        except WireError as error:
            raise unavailable(place, f"what it sends is not git's: {error}") from error
        finally:
            self._put_back(place, connection)

    def _take(self, place: GitPlace) -> Connection | None:
        with self._lock:
            kept = next((one for one in self._idle if one[1] == place), None)
            if kept is None:
                return None
            self._idle.remove(kept)
        if kept[2].is_open:
            return kept[2]
        kept[2].close()
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
        connection = open_connection(self._processes, self._folder, place, deadline.left)
        if connection is None:
            self._unusable[place.url] = now + UNUSABLE_SECONDS
        return connection
