"""A collector of traces on loopback, which keeps what it gets."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class FakeCollector:
    """What a collector got, and what it answers.

    Attributes:
        got: path and authorization of each request, with its body.
        location: where it redirects to; None: it does not.
    """

    url: str = ""
    status: int = 200
    location: str | None = None
    got: list[tuple[str, str | None, bytes]] = field(default_factory=list)

    @property
    def spans(self) -> list[Span]:
        """Give all spans it got."""
        requests = [
            ExportTraceServiceRequest.FromString(body)
            for path, _, body in self.got
            if path.endswith("/v1/traces")
        ]
        return [
            span
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@contextmanager
def listening() -> Iterator[FakeCollector]:
    """Run one on loopback."""
    fake = FakeCollector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Content-Encoding"] == "gzip":
                body = gzip.decompress(body)
            fake.got.append((self.path, self.headers["Authorization"], body))
            self.send_response(fake.status)
            if fake.location is not None:
                self.send_header("Location", fake.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
