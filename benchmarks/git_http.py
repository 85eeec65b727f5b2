"""A git server over plain HTTP, its own process: `python -m benchmarks.git_http FOLDER`.

It serves the bare repositories of a folder by git's own `git-http-backend`, at
`/<client>/<repository>`, and counts what each client sends and is sent. It prints its port and
ends when its standard input does, so it cannot outlive who started it.
"""

import http.server
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from socket import socket
from typing import IO, Any, cast

THREADS = 32
BUFFER = 1 << 16
BACKEND = "git-http-backend"
TRAFFIC_PATH = "/-/traffic"
COUNTERS = ("requests", "received", "sent")


class Meter:
    """Counts requests and bytes by client; both as the server sees them, headers included."""

    def __init__(self) -> None:
        self._counts: defaultdict[str, dict[str, int]] = defaultdict(
            lambda: dict.fromkeys(COUNTERS, 0)
        )
        self._running = 0
        self._changed = threading.Condition()

    def begin(self) -> None:
        """A request has begun."""
        with self._changed:
            self._running += 1

    def end(self, client: str, received: int, sent: int) -> None:
        """A request has ended, and its answer is on the way."""
        with self._changed:
            counts = self._counts[client]
            for name, more in zip(COUNTERS, (1, received, sent), strict=True):
                counts[name] += more
            self._running -= 1
            self._changed.notify_all()

    def read(self) -> Mapping[str, Mapping[str, int]]:
        """Give the counts once no request runs: a client may be ahead of our counting."""
        with self._changed:
            self._changed.wait_for(lambda: self._running == 0, timeout=60)
            return {client: dict(counts) for client, counts in self._counts.items()}


class _Wire(io.RawIOBase):
    """A connection that counts its bytes."""

    def __init__(self, connection: socket) -> None:
        self._connection = connection
        self.received = 0
        self.sent = 0

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - as its base class has it
        count = self._connection.recv_into(buffer)
        self.received += count
        return count

    def write(self, data: Any) -> int:  # noqa: ANN401 - as its base class has it
        self._connection.sendall(data)
        self.sent += len(data)
        return len(data)

    def take_counts(self) -> tuple[int, int]:
        """Give bytes received and sent since this was asked before."""
        counts = self.received, self.sent
        self.received = self.sent = 0
        return counts


class Server(http.server.HTTPServer):
    """Listens on loopback only and answers with a bounded number of threads."""

    request_queue_size = 256

    def __init__(self, folder: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.meter = Meter()
        # Started as `git http-backend`, it would be one more process for each request.
        self.backend = str(
            Path(subprocess.check_output(["git", "--exec-path"], text=True).strip()) / BACKEND
        )
        self._threads = ThreadPoolExecutor(THREADS)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Answer in a thread."""
        self._threads.submit(self._answer, request, client_address)

    def _answer(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        try:
            self.finish_request(request, client_address)
        except OSError:
            self.handle_error(request, client_address)
        finally:
            self.shutdown_request(request)


class Handler(http.server.BaseHTTPRequestHandler):
    """Hands requests to `git-http-backend`, a CGI program (RFC 3875)."""

    protocol_version = "HTTP/1.1"
    timeout = 60
    # Chunks are small at times, and a delayed acknowledgement would cost 40 ms each.
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Count the connection's bytes."""
        super().setup()
        self._wire = _Wire(self.connection)
        self.rfile = io.BufferedReader(self._wire, BUFFER)
        self.wfile = io.BufferedWriter(self._wire, BUFFER)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer a question, also the one for the counts."""
        if self.path == TRAFFIC_PATH:
            server = cast("Server", self.server)
            self._send_json(server.meter.read())
            return
        self._serve()

    def do_POST(self) -> None:
        """Answer a call of a git service."""
        self._serve()

    def _serve(self) -> None:
        server = cast("Server", self.server)
        client, _, rest = self.path.removeprefix("/").partition("/")
        path, _, query = rest.partition("?")
        server.meter.begin()
        try:
            with tempfile.TemporaryFile() as body:
                self._read_body(body)
                body.seek(0)
                with subprocess.Popen(
                    [server.backend],
                    env=self._environment(server.folder, f"/{path}", query),
                    stdin=body,
                    stdout=subprocess.PIPE,
                ) as process:
                    self._send(cast("IO[bytes]", process.stdout))
            self.wfile.flush()
        finally:
            server.meter.end(client, *self._wire.take_counts())

    def _read_body(self, body: IO[bytes]) -> None:
        """Read the whole request first, so that git cannot wait for us while we wait for it."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body.write(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
        else:
            body.write(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

    def _environment(self, folder: str, path: str, query: str) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        words = {
            "GIT_PROJECT_ROOT": folder,
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REMOTE_ADDR": self.client_address[0],
        }
        # Without a length, git reads to the end of the body.
        for variable, header in {
            "CONTENT_TYPE": "Content-Type",
            "CONTENT_LENGTH": "Content-Length",
            "HTTP_CONTENT_ENCODING": "Content-Encoding",
            "GIT_PROTOCOL": "Git-Protocol",
        }.items():
            if header in self.headers:
                words[variable] = self.headers[header]
        return kept | words

    def _send(self, answer: IO[bytes]) -> None:
        """Send on what a CGI program answers: its headers, and its body in chunks."""
        headers = []
        status = 200
        while line := answer.readline().decode("latin-1").strip():
            name, _, value = line.partition(":")
            if name == "Status":
                status = int(value.split()[0])
            else:
                headers.append((name, value.strip()))
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while chunk := cast("io.BufferedReader", answer).read1(BUFFER):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def _send_json(self, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def main(folder: str) -> None:
    """Serve until standard input ends."""
    server = Server(folder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.buffer.read()
    server.shutdown()


if __name__ == "__main__":
    main(sys.argv[1])
