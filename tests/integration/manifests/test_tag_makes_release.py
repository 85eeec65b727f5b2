"""The operator as a process, with its own rights: a tag that is pushed makes a release."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.integration.manifests.applications import Raw
from tests.integration.manifests.conftest import Installed
from tests.integration.manifests.operator_stage import Stage
from tests.integration.manifests.tag_desk import PIPELINE, Desk, desk_in


def test_a_pushed_tag_makes_its_release_once_and_one_that_is_deleted_stays_deleted(
    installed: Installed, tmp_path: Path
) -> None:
    with desk_in(installed, "tagged", tmp_path, {}) as desk:
        desk.push("backend-v1.1.0")
        with _receiver() as receiver:
            host = f"127.0.0.1:{receiver.server_port}"
            sink = {"name": "bus", "url": f"http://{host}/", "format": "CloudEvents"}
            file = tmp_path / "sinks.yaml"
            file.write_text(json.dumps({"sinks": [sink | {"key": f"whsec_{'a' * 40}"}]}))
            with desk.operator(host, ALBUM_NOTIFICATIONS_FILE=str(file)) as operator:
                _make_releases(desk, operator)
                name = "tagged/backend-v1.1.0/1"
                operator.until(lambda: name in receiver.subjects, "tell of the release")


class _Receiver(ThreadingHTTPServer):
    """A sink.

    Attributes:
        subjects: of the CloudEvents that it was told.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.subjects: set[str] = set()


class _Handler(BaseHTTPRequestHandler):
    server: _Receiver

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.subjects.add(json.loads(body)["subject"])
        self.send_response(204)
        self.end_headers()


@contextmanager
def _receiver() -> Iterator[_Receiver]:
    with _Receiver() as receiver:
        threading.Thread(target=receiver.serve_forever, args=(0.05,), daemon=True).start()
        yield receiver
        receiver.shutdown()


def _make_releases(desk: Desk, operator: Stage) -> None:
    made = _until_made(desk, operator, "backend-v1.1.0")
    assert made["spec"]["tag"] == "backend-v1.1.0"
    assert made["metadata"]["labels"]["album.dev/trigger"] == "Tag"
    assert made["metadata"]["annotations"]["album.dev/requested-by"] == f"AlbumPipeline {PIPELINE}"

    desk.push("backend-v1.2.0")
    # A fork has the same tags, and whoever owns it may tell of them.
    assert desk.deliver("backend-v1.2.0", "eve/app", "eve") == 204
    assert desk.deliver("backend-v1.2.0") == 204
    _until_made(desk, operator, "backend-v1.2.0")
    told = {"tag": "backend-v1.2.0", "version": "v1.2.0", "release": "backend-v1.2.0"}
    operator.until(
        lambda: told.items() <= desk.trigger().get("decided", {}).items(), "say what it decided"
    )
    operator.until(
        lambda: desk.find("backend-v1.2.0").body.get("status", {}).get("requestedBy") == "ada",
        "say who asked",
    )

    desk.server.request("DELETE", f"{desk.releases}/backend-v1.2.0")
    desk.push("backend-v1.2.1")
    desk.deliver("backend-v1.2.1")
    _until_made(desk, operator, "backend-v1.2.1")
    assert desk.find("backend-v1.2.0").status == 404
    said = operator.operator.log.read_text()
    assert [word for word in ("Traceback", "canary-token", "is lost") if word in said] == []


def _until_made(desk: Desk, operator: Stage, name: str) -> Raw:
    operator.until(lambda: desk.find(name).status == 200, f"make {name}")
    made: Raw = desk.find(name).body
    return made
