"""A server of Git LFS's batch API on loopback (git-lfs, docs/api/batch.md), which keeps objects."""

import hashlib
import http.server
import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"


class LfsStore(http.server.ThreadingHTTPServer):
    """Has objects for whoever shows the token, each behind a link that needs a header.

    Attributes:
        objects: by SHA-256.
        token: that the API wants; empty for none.
        elsewhere: base URL that downloads are redirected to; None: they are here.
        says: status and body of the API's next answers, in the place of its own.
        spoils: whether it gives another content.
        href: of each object, in the place of its own.
        asked: bodies of the API's requests.
        shown: Authorization of each download that came here.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}
        self.token = ""
        self.elsewhere: str | None = None
        self.says: list[tuple[int, bytes]] = []
        self.spoils = False
        self.href: str | None = None
        self.asked: list[Any] = []
        self.shown: list[str | None] = []

    @property
    def host(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_port}"

    def add(self, data: bytes) -> bytes:
        """Keep a file and give the pointer to it."""
        oid = hashlib.sha256(data).hexdigest()
        self.objects[oid] = data
        return POINTER.format(oid, len(data)).encode()

    def answer(self, wanted: list[Any]) -> Any:  # noqa: ANN401 - JSON
        """Answer a request of the API."""
        base = self.href or f"http://{self.host}/objects"
        return {
            "transfer": "basic",
            "objects": [
                {
                    **one,
                    "actions": {
                        "download": {
                            "href": f"{base}/{one['oid']}",
                            "header": {"X-Link": "some-link", "Host": "evil.example.org"},
                        }
                    },
                }
                if one["oid"] in self.objects
                else {**one, "error": {"code": 404, "message": "Object does not exist"}}
                for one in wanted
            ],
        }


class _Handler(http.server.BaseHTTPRequestHandler):
    server: LfsStore

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        store = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        store.asked.append((self.path, body))
        pair = b64encode(f"x-access-token:{store.token}".encode()).decode()
        if store.token and self.headers.get("Authorization") != f"Basic {pair}":
            self._send(401, b"{}")
        elif store.says:
            self._send(*store.says.pop(0))
        else:
            self._send(200, json.dumps(store.answer(body["objects"])).encode())

    def do_GET(self) -> None:
        store = self.server
        store.shown.append(self.headers.get("Authorization"))
        name = self.path.rsplit("/", 1)[-1]
        if store.elsewhere is not None:
            self.send_response(302)
            self.send_header("Location", f"{store.elsewhere}/{name}")
            self.end_headers()
        elif self.headers["Host"] != store.host:
            self._send(403, b"")
        else:
            data = store.objects[name]
            self._send(200, data[::-1] if store.spoils else data)

    def _send(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def running_store() -> Iterator[LfsStore]:
    """Run a server without objects."""
    store = LfsStore()
    thread = threading.Thread(target=store.serve_forever)
    thread.start()
    try:
        yield store
    finally:
        store.shutdown()
        thread.join()
        store.server_close()
