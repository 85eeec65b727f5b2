"""Servers no tenant should have to wait for: silent, slow, and talkative ones, on loopback."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

TRICKLE = b"0" * 150
"""Sent ten times a second: the 1.5 KB/s that once held every thread of git."""

NESTED = b"[" * 4_000_000


class _Handler(http.server.BaseHTTPRequestHandler):
    server: "HostileServer"
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        self.server.asked.set()
        self.close_connection = True
        try:
            if "/silent/" in self.path:
                self.server.ending.wait()
            elif "/api/" in self.path:
                self._answer("application/json", NESTED)
            else:
                self._trickle()
        except OSError:
            return

    def _answer(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _trickle(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
        self.end_headers()
        self.wfile.write(b"001e# service=git-upload-pack\n0000")
        while not self.server.ending.wait(0.1):
            self.wfile.write(b"%04x%b" % (len(TRICKLE) + 4, TRICKLE))
            self.wfile.flush()


class HostileServer(http.server.ThreadingHTTPServer):
    """Answers `/silent/…` never, `/api/…` with JSON too deep to read, all else a bit at a time.

    Attributes:
        asked: set once somebody asked.
        ending: set when it ends.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked = threading.Event()
        self.ending = threading.Event()

    @property
    def host(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_port}"


@contextmanager
def running_hostile_server() -> Iterator[HostileServer]:
    """Run one until the block ends."""
    server = HostileServer()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.ending.set()
        server.shutdown()
        thread.join()
        server.server_close()
