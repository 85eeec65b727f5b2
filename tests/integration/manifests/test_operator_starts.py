"""The operator itself, with exactly the rights that the manifests give it."""

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testbed.commands import last_lines, wait_until
from tests.integration.manifests.applications import MANIFESTS, Raw
from tests.integration.manifests.conftest import Installed

OPERATOR = Path(__file__).parents[3] / "operator"
RELEASES = "/apis/album.dev/v1alpha1/namespaces/album/albumreleases"
EVENTS = "/apis/events.k8s.io/v1/namespaces/album/events"
READY_SECONDS = 60
STOP_SECONDS = 30
UNWANTED = ("Traceback", "ERROR", "CRITICAL", "refused", "forbidden", "is lost")


@dataclass(frozen=True)
class Running:
    """An operator process.

    Attributes:
        process: the process.
        port: of its probes.
        log: file with its output.
    """

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def find_answer(self, path: str) -> tuple[int, str] | None:
        """Ask a probe; None where nothing listens yet."""
        url = f"http://127.0.0.1:{self.port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return None

    def is_ready(self) -> bool:
        """Tell whether the operator says so."""
        assert self.process.poll() is None, "\n".join(last_lines(self.log, 40))
        answer = self.find_answer("/readyz")
        return answer is not None and answer[0] == 200


@contextmanager
def _running(installed: Installed, folder: Path, namespaces: str = "album") -> Iterator[Running]:
    kubeconfig = json.loads(installed.server.kubeconfig.read_text())
    kubeconfig["users"][0]["user"]["token"] = installed.token
    (folder / "kubeconfig").write_text(json.dumps(kubeconfig))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    lines = (MANIFESTS / "base" / "settings.env").read_text().splitlines()
    settings = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    environment = {
        **settings,
        "ALBUM_NAMESPACES": namespaces,
        "ALBUM_OPERATOR_IMAGE": "album-operator:0.1.0",
        "ALBUM_HEALTH_PORT": str(port),
        "KUBECONFIG": str(folder / "kubeconfig"),
        "PYTHONPATH": str(OPERATOR),
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
    }
    log = folder / "operator.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "album_operator"],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Running(process, port, log)
        finally:
            process.kill()
            process.wait()


def _find_condition(release: Raw, kind: str) -> Raw | None:
    conditions = release.get("status", {}).get("conditions", [])
    return next((one for one in conditions if one["type"] == kind), None)


def test_it_watches_reads_writes_status_and_posts_events(
    installed: Installed, tmp_path: Path
) -> None:
    server = installed.server
    with _running(installed, tmp_path) as operator:
        wait_until(operator.is_ready, part="operator", what="become ready", seconds=READY_SECONDS)
        assert operator.find_answer("/healthz") == (200, "ok\n")
        release = {
            "apiVersion": "album.dev/v1alpha1",
            "kind": "AlbumRelease",
            "metadata": {"name": "backend-v1.1.0"},
            "spec": {"pipelineRef": {"name": "not-there"}, "tag": "backend-v1.1.0"},
        }
        assert server.request("POST", RELEASES, release).status == 201
        path = f"{RELEASES}/backend-v1.1.0"

        def is_finished() -> bool:
            now = server.request("GET", path).body
            return bool(_find_condition(now, "Finished")) and not now["metadata"].get("finalizers")

        wait_until(is_finished, part="release", what="finish", seconds=30, log=operator.log)
        stalled = _find_condition(server.request("GET", path).body, "Stalled")
        assert stalled is not None
        assert stalled["reason"] == "PipelineNotFound"

        def is_told() -> bool:
            events = server.request("GET", EVENTS).body["items"]
            return "PipelineNotFound" in {event["reason"] for event in events}

        wait_until(is_told, part="Event", what="appear", seconds=10, log=operator.log)
        operator.process.terminate()
        assert operator.process.wait(STOP_SECONDS) == 0
    said = operator.log.read_text()
    assert [word for word in UNWANTED if word in said] == []


def test_a_namespace_without_rights_is_named_and_the_others_are_served(
    installed: Installed, tmp_path: Path
) -> None:
    with _running(installed, tmp_path, namespaces="album,default") as operator:
        wait_until(operator.is_ready, part="operator", what="become ready", seconds=READY_SECONDS)
        answer = operator.find_answer("/readyz")
        assert answer is not None
        assert answer[1].startswith("serving album. not default: may not ")


def test_without_any_right_it_is_alive_but_not_ready(installed: Installed, tmp_path: Path) -> None:
    with _running(installed, tmp_path, namespaces="default") as operator:

        def is_known() -> bool:
            assert operator.process.poll() is None
            answer = operator.find_answer("/readyz")
            return answer is not None and "default: may not" in answer[1]

        wait_until(is_known, part="operator", what="name the right", seconds=READY_SECONDS)
        answer = operator.find_answer("/readyz")
        assert answer is not None
        assert answer[0] == 503
        assert operator.find_answer("/healthz") == (200, "ok\n")
