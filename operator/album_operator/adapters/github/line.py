"""The TCP connection below PyGithub's, which can be ended from outside.

The timeouts of `requests` are for each single read. Whoever sends a byte now and then, of headers
or of a body, would keep the thread of a credential for ever.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType

import requests
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from album_operator.domain.proxies import Proxy


class LateError(requests.Timeout):
    """An answer did not come in time."""


class Line:
    """Knows the connection that was opened last; one thread opens them, one at a time.

    Args:
        check: refuses a connection by its host, port, and the address of its other end: DNS may
            have told something else since the host was looked at.
    """

    def __init__(self, check: Callable[[str, int, str], None] = lambda *_: None) -> None:
        self.check = check
        self._socket: socket.socket | None = None

    def follow(self, adapter: requests.adapters.BaseAdapter, proxy: Proxy | None) -> None:
        """Learn of each connection that an adapter of `requests` opens, and of those to a proxy."""
        line = self

        class Plain(_Followed, HTTPConnection):
            followed_by = line

        class Tls(_Followed, HTTPSConnection):
            followed_by = line

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class TlsPool(HTTPSConnectionPool):
            ConnectionCls = Tls

        # Neither is typed.
        managers: list[urllib3.PoolManager] = [getattr(adapter, "poolmanager")]  # noqa: B009
        if proxy is not None:
            managers.append(getattr(adapter, "proxy_manager_for")(proxy.secret_url))  # noqa: B009
        for manager in managers:
            manager.pool_classes_by_scheme = {"http": PlainPool, "https": TlsPool}

    def begin(self, made: socket.socket) -> None:
        """Note a connection that was made."""
        self.close()
        # TLS takes a socket its descriptor, and an answer without a length its connection's socket.
        self._socket = made.dup()

    def end(self) -> None:
        """Let whoever reads from the connection meet its end."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        self.close()

    def close(self) -> None:
        """Forget the connection."""
        known, self._socket = self._socket, None
        if known is not None:
            known.close()


class _Followed:
    """What both kinds of connection have in common; comes before urllib3's class."""

    followed_by: Line
    host: str
    port: int

    def _new_conn(self) -> socket.socket:
        made: socket.socket = super()._new_conn()  # type: ignore[misc]
        try:
            self.followed_by.check(self.host, self.port, made.getpeername()[0])
        except BaseException:
            made.close()
            raise
        self.followed_by.begin(made)
        return made


class Late:
    """Ends a connection whose answer does not come in time, headers and body together.

    Args:
        line: of the connection.
        limit: seconds.
    """

    def __init__(self, line: Line, limit: float) -> None:
        self._line = line
        self._is_over = False
        self._timer = threading.Timer(limit, self._end)
        self._timer.daemon = True
        self._timer.start()

    @contextmanager
    def unless_answered(self) -> Iterator[None]:
        """Wait for the headers; the body is still waited for.

        Raises:
            LateError: they did not come.
        """
        try:
            yield
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise

    def __enter__(self) -> None:
        """Wait for the body."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait no more.

        Raises:
            LateError: it was too late, whatever that looked like.
        """
        self._timer.cancel()
        if self._is_over:
            raise LateError("the answer did not come in time") from error

    def _end(self) -> None:
        self._is_over = True
        self._line.end()
