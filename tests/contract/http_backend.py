"""Git's own HTTP server on loopback, which counts what it sends and can be told to stall."""

import http.server
import os
import re
import subprocess
import threading
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from album_operator.domain.places import Credential, GitPlace
from tests.contract.hostile_packs import replace_pack
from tests.contract.plain_git import git

CHUNK = 64 * 1024

REPOSITORY = re.compile(r"(?:\.git)?(/info/|/git-)")
"""Where the path of a repository ends; it may be asked for with `.git` and without."""

COMMITTED = 1_700_000_000
"""When commits are made that say nothing else, in seconds of Unix time."""


@dataclass
class Traffic:
    """What went over the line since the last reset.

    Attributes:
        requests: one for each, such as `POST /a.git/git-upload-pack`.
        sent: bytes of the bodies of answers.
        received: bytes of the bodies of requests.
    """

    requests: list[str] = field(default_factory=list)
    sent: int = 0
    received: int = 0


class Backend(http.server.ThreadingHTTPServer):
    """Serves the bare repositories of a folder.

    Attributes:
        traffic: counted so far.
        stalls_at: end of the path of requests that carry a pack and whose answer pauses in the
            middle; None for no such.
        has_stalled: set when that happened.
        goes_on: to be set for the answer to go on.
        speaks_version_2: whether it knows version 2 of git's protocol, or only the oldest.
        answers_after: seconds after which it answers a request.
        hangs_up: whether it closes each connection after its answer.
        refusals: how many requests it refuses by 401, whatever token they show.
        private: repositories it shows to nobody without a token.
        shown: who came with a token, by the repository.
        rubbish: sent instead of each answer to a POST.
        pack: sent instead of each pack.
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.traffic = Traffic()
        self.stalls_at: str | None = None
        self.has_stalled = threading.Event()
        self.goes_on = threading.Event()
        self.speaks_version_2 = True
        self.answers_after = 0.0
        self.hangs_up = False
        self.refusals = 0
        self.private: set[str] = set()
        self.shown: set[str] = set()
        self.rubbish: bytes | None = None
        self.pack: bytes | None = None

    @property
    def host(self) -> str:
        """Host and port, as in the operator's list of insecure hosts."""
        return f"127.0.0.1:{self.server_port}"

    def place(self, name: str) -> GitPlace:
        """Give a repository; whoever asks may do everything."""
        url = f"http://{self.host}"
        return GitPlace(f"{url}/{name}", Credential("album-git", url, "x", "some-token"))

    def make(self, name: str, files: Mapping[str, bytes]) -> Path:
        """Make a repository with one commit on its branch `main`."""
        path = self.folder / f"{name}.git"
        git(path, "init", "--quiet", "--bare", "--initial-branch=main", str(path))
        for key in ("http.receivepack", "uploadpack.allowFilter"):
            git(path, "config", key, "true")
        commit(path, "main", files)
        return path

    def reset(self) -> None:
        """Count anew."""
        self.traffic = Traffic()


class _Handler(http.server.BaseHTTPRequestHandler):
    """Hands requests to `git http-backend`, a CGI program (RFC 3875)."""

    server: Backend
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        path, _, query = self.path.partition("?")
        self.server.traffic.requests.append(f"{self.command} {path}")
        self.server.traffic.received += len(body)
        if self.server.answers_after:
            self.server.goes_on.wait(self.server.answers_after)
        if self._is_refused(path.split("/")[1].removesuffix(".git")):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        at = self.server.stalls_at
        stalls = at is not None and self.command == "POST" and path.endswith(at)
        head, _, data = self._ask(path, query, body).partition(b"\r\n\r\n")
        if self.command == "POST" and self.server.rubbish is not None:
            data = self.server.rubbish
        if self.server.pack is not None and b"\x01PACK" in data:
            data = replace_pack(data, self.server.pack)
        self.close_connection |= self.server.hangs_up
        self.send_response(200)
        for line in head.decode().split("\r\n"):
            name, _, value = line.partition(": ")
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        try:
            if stalls and b"PACK" in data + body:
                self._send(data[: len(data) // 2])
                self.server.has_stalled.set()
                self.server.goes_on.wait(60)
                data = data[len(data) // 2 :]
            self._send(data)
        except OSError:
            self.close_connection = True  # Nobody listens any more.

    def _is_refused(self, name: str) -> bool:
        shown = b64decode((self.headers.get("Authorization") or "").removeprefix("Basic "))
        if shown.endswith(b":some-token"):
            self.server.shown.add(name)
        elif name in self.server.private:
            return True
        if self.server.refusals:
            self.server.refusals -= 1
            return True
        return False

    def _send(self, data: bytes) -> None:
        for at in range(0, len(data), CHUNK):
            self.wfile.write(data[at : at + CHUNK])
            self.wfile.flush()
            self.server.traffic.sent += len(data[at : at + CHUNK])

    def _ask(self, path: str, query: str, body: bytes) -> bytes:
        is_current = self.server.speaks_version_2
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROJECT_ROOT": str(self.server.folder),
            "PATH_INFO": REPOSITORY.sub(r".git\1", path),
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", "") if is_current else "",
        }
        ended = subprocess.run(
            ["git", "http-backend"], input=body, env=environment, capture_output=True, check=False
        )
        return ended.stdout


def commit(repository: Path, branch: str, files: Mapping[str, bytes], date: int = COMMITTED) -> str:
    """Commit files on a branch, which is made where it does not exist; all others stay."""
    has_parent = git(repository, "for-each-ref", f"refs/heads/{branch}") != ""
    lines = [
        f"commit refs/heads/{branch}\ncommitter A <a@example.org> {date} +0000\n".encode(),
        b"data 6\nchange\n",
        f"from refs/heads/{branch}^0\n".encode() if has_parent else b"",
    ]
    for path, data in files.items():
        lines.append(b"M 100644 inline %b\ndata %d\n%b\n" % (path.encode(), len(data), data))
    git(repository, "fast-import", "--quiet", data=b"".join(lines))
    return git(repository, "rev-parse", f"refs/heads/{branch}")


@contextmanager
def running_backend(folder: Path) -> Iterator[Backend]:
    """Run a server for a folder."""
    folder.mkdir()
    server = Backend(folder)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.goes_on.set()
        server.shutdown()
        thread.join()
        server.server_close()
