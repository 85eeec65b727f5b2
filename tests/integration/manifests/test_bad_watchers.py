"""Sinks, a collector and scrapers that misbehave, beside an operator that is a process of its own.

Whatever they do, releases go on, the log stays readable, and the operator ends when it is told to.
"""

import http.client
import json
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from testbed.commands import wait_until
from tests.fakes.collector import FakeCollector, listening
from tests.integration.manifests.conftest import Installed
from tests.integration.manifests.neighbours.served import SECONDS, Served
from tests.integration.manifests.neighbours.teams import (
    APPS,
    PASSWORD,
    working_team,
)
from tests.integration.manifests.operator_process import running_operator
from tests.unit.adapters.test_github_session import own_certificate

ENDS_SECONDS = 20
"""A Pod has 40 to end in, and gives its Lease back before."""

CANARY = "canary0123456789canary01"
"""In the URL of each sink: who knows it may post there."""

MANY = """
from album_operator import __main__
from album_operator.metrics.metrics import Metrics
class Many(Metrics):
    def __init__(self, now):
        super().__init__(now)
        for number in range(100_000):
            self.lead_time.labels("many", "shop", f"app-{number}").observe(60)
__main__.Metrics = Many
__main__.leave(__main__.main())
"""
"""The operator, which has counted releases of a hundred thousand apps."""

STEPPING = """
import os, time
real = time.time
time.time = lambda: real() - (86400 if os.path.exists("stepped") else 0)
from album_operator import __main__
__main__.leave(__main__.main())
"""
"""The operator on a node whose clock steps back by a day once there is a file `stepped`."""

OWN_API = "/apis/album.dev/v1alpha1"

MOST_BYTES = 1_000_000
"""That an answer may have."""


@dataclass
class Silent:
    """A server that takes every connection and all that is sent, and never answers.

    Attributes:
        host: `host:port`.
        tls: what it presents itself with, None for plain.
        taken: bytes that it was sent.
    """

    tls: ssl.SSLContext | None = None
    host: str = ""
    taken: bytearray = field(default_factory=bytearray)

    @contextmanager
    def running(self) -> Iterator["Silent"]:
        """Run it until the block ends; whoever is connected has gone by then."""
        silent = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                silent.take(self.request)

        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
            self.host = f"127.0.0.1:{server.server_address[1]}"
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()

    def take(self, connection: socket.socket) -> None:
        """Take what comes over a connection."""
        with suppress(OSError), ExitStack() as stack:
            if self.tls is not None:
                wrapped = self.tls.wrap_socket(connection, server_side=True)
                connection = stack.enter_context(wrapped)
            while data := connection.recv(65536):
                self.taken += data


@dataclass(frozen=True)
class Scene(Served):
    """An operator that is watched badly.

    Attributes:
        last_words: what builders say before they fail, by namespace.
        good: one of its sinks, which takes all.
        elsewhere: where one of its sinks redirects to.
        hangs: one of its sinks, its collector too.
        forged: one of its sinks, whose certificate nobody has signed.
    """

    last_words: dict[str, str]
    good: FakeCollector
    elsewhere: FakeCollector
    hangs: Silent
    forged: Silent

    def figure(self, name: str, **labels: str) -> float:
        """Give the value of a series; 0 where there is none."""
        _, text = self.operator.find_answer("/metrics") or (0, "")
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and sample.labels.items() >= labels.items()
        )

    def lines(self) -> list[dict[str, Any]]:
        """Give the lines of its log, each of which is one object."""
        return [json.loads(line) for line in self.operator.log.read_text().splitlines()]


def _sinks(**urls: str) -> str:
    return json.dumps(
        {"sinks": [{"name": name, "url": url, "format": "Slack"} for name, url in urls.items()]}
    )


@contextmanager
def _scene(installed: Installed, folder: Path, namespace: str, program: str) -> Iterator[Scene]:
    last_words: dict[str, str] = {}
    with ExitStack() as stack:
        working = working_team(installed.server, namespace, folder, last_words)
        team, forge = stack.enter_context(working)
        good, redirects, elsewhere = (stack.enter_context(listening()) for _ in range(3))
        redirects.status, redirects.location = 307, f"{elsewhere.url}/{CANARY}"
        hangs = stack.enter_context(Silent().running())
        forged = stack.enter_context(Silent(own_certificate(folder)).running())
        sinks = folder / "sinks.yaml"
        sinks.write_text(
            _sinks(
                hangs=f"http://{hangs.host}/{CANARY}",
                redirects=f"{redirects.url}/{CANARY}",
                forged=f"https://{forged.host}/{CANARY}",
                good=f"{good.url}/{CANARY}",
            )
        )
        hosts = (one.url.removeprefix("http://") for one in (good, redirects))
        operator = stack.enter_context(
            running_operator(
                installed,
                folder,
                namespace,
                program=program,
                ALBUM_INSECURE_HOSTS=",".join((forge.host, hangs.host, *hosts)),
                ALBUM_ALLOWED_HOSTS=forged.host,
                ALBUM_MERGE_POLL_SECONDS="0.3",
                ALBUM_NOTIFICATIONS_FILE=str(sinks),
                ALBUM_LOG_FORMAT="json",
                OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{hangs.host}",
                OTEL_BSP_SCHEDULE_DELAY="200",
            )
        )
        wait_until(operator.is_ready, part="operator", what="be ready", seconds=SECONDS)
        yield Scene(team, operator, last_words, good, elsewhere, hangs, forged)


def test_no_release_waits_for_those_who_watch_and_the_log_stays_readable(
    installed: Installed, tmp_path: Path
) -> None:
    with _scene(installed, tmp_path, "badly-watched", "") as scene:
        name = scene.release(APPS[0])
        scene.until_reason(name, "Released")
        scene.until(lambda: b"/v1/traces" in scene.hangs.taken, "send a trace")
        count = "album_notifications_total"
        scene.until(lambda: scene.figure(count, sink="redirects", result="refused") > 1, "refuse")
        for sink in ("hangs", "forged"):
            assert scene.figure("album_notifications_queued", sink=sink) > 0
            assert scene.figure(count, sink=sink, result="refused") == 0
        scene.until(lambda: "certificate verify failed" in scene.operator.log.read_text(), "say so")
        assert scene.elsewhere.got == []
        assert scene.forged.taken == b""
        assert any(line.get("release") == name for line in scene.lines())
        assert CANARY not in scene.operator.log.read_text()


def test_a_message_with_a_secret_and_line_ends_is_one_line_without_it(
    installed: Installed, tmp_path: Path
) -> None:
    with _scene(installed, tmp_path, "badly-told", "") as scene:
        scene.last_words["badly-told"] = (
            f'cannot log in as "bot:{PASSWORD}"\n{{"level":"ERROR","message":"forged"}}\x1b[31m\r'
        )
        shown = {"spec": {"build": {"failureLog": True}}}
        pipeline = f"{OWN_API}/namespaces/badly-told/albumpipelines/album-app"
        assert scene.team.server.request("PATCH", pipeline, shown).status == 200
        failed = scene.release(APPS[0])
        scene.until_reason(failed, "BuildFailed")
        scene.until(lambda: any(b"BuildFailed" in body for _, _, body in scene.good.got), "tell")
        said = scene.lines()
        assert not any(line["message"] == "forged" for line in said)
        (line,) = (line for line in said if line.get("reason") == "BuildFailed")
        assert line["release"] == failed
        assert 'cannot log in as "' in line["message"]
        told = [json.loads(body)["text"] for _, _, body in scene.good.got]
        assert any('cannot log in as "' in text for text in told)
        assert PASSWORD not in scene.operator.log.read_text()
        assert not any(PASSWORD in text for text in told)


def test_it_ends_in_time_whoever_scrapes_and_hangs(installed: Installed, tmp_path: Path) -> None:
    with _scene(installed, tmp_path, "scraped-badly", MANY) as scene:
        scene.until_reason(scene.release(APPS[0]), "Released")
        port = scene.operator.metrics_port
        told: list[bytes | None] = []
        ends = threading.Event()

        def scrape() -> None:
            while not ends.is_set():
                told.append(_scrape(port))

        threads = [threading.Thread(target=scrape) for _ in range(4)]
        with closing(_asks_and_reads_nothing(port)):
            for thread in threads:
                thread.start()
            try:
                scene.until(lambda: len([one for one in told if one]) > 8, "be scraped")
                scene.operator.process.terminate()
                assert scene.operator.process.wait(ENDS_SECONDS) == 0
            finally:
                ends.set()
                for thread in threads:
                    thread.join()
        whole = [one for one in told if one is not None]
        # Of a hundred thousand apps the answer tells whole, and within its size.
        assert all(one.endswith(b"\n") for one in whole)
        assert max(map(len, whole)) < MOST_BYTES
        counted = sum(
            float(line.rsplit(" ", 1)[1])
            for line in whole[-1].decode().splitlines()
            if line.startswith("album_release_lead_time_seconds_count{")
        )
        assert counted == 100_001


def _scrape(port: int) -> bytes | None:
    """Ask for the metrics; None for an answer that did not come, and never for a part of one."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read()
    except (http.client.HTTPException, OSError):
        return None
    finally:
        connection.close()


def _asks_and_reads_nothing(port: int) -> socket.socket:
    """Ask for more than the connection holds, and let it lie."""
    asking = socket.socket()
    # As little as there is: the rest stays with the operator.
    asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    asking.connect(("127.0.0.1", port))
    request = b"GET /metrics HTTP/1.1\r\nHost: operator\r\n\r\n"
    asking.sendall(request * 20)
    return asking


def test_a_clock_that_steps_back_makes_no_pass_late_and_no_time_negative(
    installed: Installed, tmp_path: Path
) -> None:
    with _scene(installed, tmp_path, "stepped", STEPPING) as scene:
        scene.until_reason(scene.release(APPS[0]), "Released")
        begun = time.time()
        (tmp_path / "stepped").touch()
        scene.until_reason(scene.release(APPS[1]), "Released")
        last = "album_last_pass_timestamp_seconds"
        scene.until(lambda: scene.figure(last, kind="AlbumRelease") > begun - 5, "end a pass")
        times = ("step_duration", "review_wait", "release_lead_time", "build_duration",
                 "pass_duration", "outside_request_duration", "event_loop_lag")  # fmt: skip
        _, text = scene.operator.find_answer("/metrics") or (0, "")
        sums = {
            sample.name: sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name in {f"album_{one}_seconds_sum" for one in times}
        }
        assert len(sums) == len(times)
        assert min(sums.values()) >= 0
        told = [line["time"] for line in scene.lines()]
        # The lines have the node's clock, for whoever reads them beside those of others.
        assert any(later < earlier for earlier, later in pairwise(told))


@pytest.mark.parametrize("host", ["127.0.0.1:8443", "api.kube-system.svc", "169.254.169.254"])
def test_a_sink_at_an_address_of_the_cluster_is_refused_at_the_start(
    installed: Installed, tmp_path: Path, host: str
) -> None:
    sinks = tmp_path / "sinks.yaml"
    sinks.write_text(_sinks(inside=f"https://{host}/{CANARY}"))
    with running_operator(installed, tmp_path, ALBUM_NOTIFICATIONS_FILE=str(sinks)) as operator:
        assert operator.process.wait(SECONDS) == 2
    said = operator.log.read_text()
    assert "sinks[0].url: " in said
    assert f"add {host} to ALBUM_ALLOWED_HOSTS" in said
    assert CANARY not in said
