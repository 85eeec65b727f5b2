"""The benchmarks' git server, as the side that starts it sees it."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.git_http import TRAFFIC_PATH
from testbed.commands import PartError

ROOT = Path(__file__).parents[1]
STOP_SECONDS = 15


@dataclass(frozen=True)
class Traffic:
    """What one client and the server sent each other.

    Attributes:
        requests: HTTP requests; each is a round trip.
        received: bytes the client received, HTTP headers included.
        sent: bytes the client sent.
    """

    requests: int = 0
    received: int = 0
    sent: int = 0

    def since(self, before: "Traffic") -> "Traffic":
        """Give what came after an earlier count."""
        return Traffic(
            self.requests - before.requests,
            self.received - before.received,
            self.sent - before.sent,
        )


@dataclass(frozen=True)
class GitServer:
    """A running server.

    Attributes:
        host: `127.0.0.1:<port>`.
        folder: its bare repositories.
    """

    host: str
    folder: Path

    def url(self, client: str, repository: str) -> str:
        """Give the address of a repository for a client, whose bytes are counted by its name."""
        return f"http://{self.host}/{client}/{repository}"

    def traffic(self, client: str) -> Traffic:
        """Give what this client and the server have sent each other so far."""
        connection = http.client.HTTPConnection(self.host, timeout=120)
        try:
            connection.request("GET", TRAFFIC_PATH)
            counts = json.loads(connection.getresponse().read()).get(client)
        finally:
            connection.close()
        if counts is None:
            return Traffic()
        return Traffic(
            sent=counts["received"], received=counts["sent"], requests=counts["requests"]
        )


@contextmanager
def running_server(folder: Path) -> Iterator[GitServer]:
    """Start a server of a folder's repositories, and end it at the end."""
    with _listening("benchmarks.git_http", str(folder)) as host:
        yield GitServer(host, folder)


@contextmanager
def far_away(server: GitServer, round_trip: int) -> Iterator[GitServer]:
    """Give a running server as it is from so many milliseconds away."""
    with _listening("benchmarks.delay", server.host, str(round_trip)) as host:
        yield replace(server, host=host)


@contextmanager
def _listening(module: str, *arguments: str) -> Iterator[str]:
    """Start a module that prints its port, give its address, and end it at the end.

    It is a process of its own, so that its work and its children are not counted as the client's.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    stdin, stdout = process.stdin, process.stdout
    try:
        port = stdout.readline().strip() if stdout is not None else b""
        if not port.isdigit():
            raise PartError(module, "it did not start")
        yield f"127.0.0.1:{port.decode()}"
    finally:
        for pipe in filter(None, (stdin, stdout)):
            pipe.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
