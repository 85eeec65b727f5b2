"""Alerts that are caused: a real operator gets into trouble, and a real Prometheus tells of it.

Each is gone through as docs/runbooks.md says. Only times are shorter than the shipped ones.
"""

import base64
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from testbed.commands import wait_until
from testbed.github.gate import Gate
from testbed.github.server import GitHubServer
from tests.e2e.prometheus import Prometheus, serving
from tests.fakes.collector import FakeCollector, listening
from tests.integration.manifests.api_proxy import ApiProxy, running_proxy
from tests.integration.manifests.conftest import Installed
from tests.integration.manifests.neighbours.served import SECONDS, Served
from tests.integration.manifests.neighbours.teams import APPS, working_team
from tests.integration.manifests.operator_process import Running, running_operator

NAMESPACE = "watched"
LIMIT = 5000
LEFT = 400
PATIENCE = {"> 900": "> 4"}
"""Of AlbumOperatorNotReconciling, in seconds."""


@dataclass(frozen=True)
class Scene(Served):
    """An operator, all that it needs, and who watches it."""

    forge: GitHubServer
    token: str
    sink: FakeCollector
    proxy: ApiProxy
    prometheus: Prometheus

    def until_firing(self, alert: str, **labels: str) -> dict[str, Any]:
        """Wait until an alert fires, and give it."""
        self.until(lambda: self.prometheus.firing(alert, **labels) is not None, f"fire {alert}")
        found = self.prometheus.firing(alert, **labels)
        assert found is not None
        assert found["annotations"]["runbook_url"] == f"docs/runbooks.md#{alert.lower()}"
        return found

    def until_over(self, alert: str) -> None:
        """Wait until an alert fires no more."""
        self.until(lambda: self.prometheus.firing(alert) is None, f"end {alert}")

    def until_logged(self, words: str) -> None:
        """Wait for words in the operator's log."""
        self.until(lambda: words in self.operator.log.read_text(), f"log `{words}`")

    def is_quiet(self, *alerts: str) -> bool:
        """Tell whether none of some alerts fires."""
        return all(self.prometheus.firing(alert) is None for alert in alerts)


@contextmanager
def _scene(installed: Installed, folder: Path) -> Iterator[Scene]:
    with ExitStack() as stack:
        team, forge = stack.enter_context(working_team(installed.server, NAMESPACE, folder))
        token = team.server.request("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets/album-git")
        sink = stack.enter_context(listening())
        proxy = stack.enter_context(running_proxy(installed.server))
        sinks = folder / "sinks.yaml"
        sinks.write_text(f"sinks:\n- {{name: chat, url: {sink.url}/in, format: Slack}}\n")
        operator = stack.enter_context(
            running_operator(
                installed,
                folder,
                NAMESPACE,
                api_server=proxy.url,
                ALBUM_INSECURE_HOSTS=f"{forge.host},{sink.url.removeprefix('http://')}",
                ALBUM_MERGE_POLL_SECONDS="0.3",
                ALBUM_NOTIFICATIONS_FILE=str(sinks),
            )
        )
        wait_until(operator.is_ready, part="operator", what="be ready", seconds=SECONDS)
        (folder / "prometheus").mkdir()
        scrapes = serving(_configuration(operator), folder / "prometheus", PATIENCE)
        prometheus = stack.enter_context(scrapes)
        decoded = base64.b64decode(token.body["data"]["token"]).decode()
        yield Scene(team, operator, forge, decoded, sink, proxy, prometheus)


def _configuration(operator: Running) -> dict[str, Any]:
    labels = {"namespace": "album-system", "pod": "operator"}
    target = {"targets": [f"127.0.0.1:{operator.metrics_port}"], "labels": labels}
    scrape = {"job_name": "album-operator-metrics", "honor_labels": True}
    return {
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{**scrape, "static_configs": [target]}],
    }


@pytest.fixture(scope="module")
def scene(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with _scene(installed, tmp_path_factory.mktemp("alerts")) as made:
        made.until(lambda: made.prometheus.value("sum(album_leader)") == 1, "lead")
        yield made


def test_a_limit_that_is_nearly_used_up_is_told_of_before_releases_wait_for_it(
    scene: Scene,
) -> None:
    alert = "AlbumRateLimitNear"
    scene.forge.limits.core = LIMIT
    scene.forge.exhaust(scene.token, datetime.now(UTC) + timedelta(hours=1), left=LEFT)
    name = scene.release(APPS[0])
    told = scene.until_firing(alert, host=scene.forge.host)
    assert "% of the requests are left" in told["annotations"]["description"]
    scene.until_reason(name, "Released")

    soon = datetime.now(UTC) + timedelta(seconds=12)
    scene.forge.exhaust(scene.token, soon)
    waits = scene.release(APPS[1])
    scene.until_reason(waits, "RateLimited")
    assert scene.prometheus.firing(alert)
    assert scene.is_quiet("AlbumOperatorNotReconciling")
    # "... and go on by themselves afterwards."
    scene.until_reason(waits, "Released")
    scene.until_over(alert)


def test_a_sink_that_answers_500_loses_nothing_until_it_refuses(scene: Scene) -> None:
    alert = "AlbumNotificationsLost"
    scene.until_reason(scene.release(APPS[4]), "Released")
    scene.until(lambda: len(scene.sink.got) > 0, "tell the sink")
    scene.sink.status = 500
    before = len(scene.sink.got)
    scene.until_reason(scene.release(APPS[2]), "Released")
    scene.until(lambda: len(scene.sink.got) > before + 1, "try again")
    queued = 'album_notifications_queued{sink="chat"}'
    scene.until(lambda: scene.prometheus.value(queued) > 0, "show what waits")
    assert scene.is_quiet(alert)

    scene.sink.status = 404
    told = scene.until_firing(alert, sink="chat")
    assert "notifications to chat were given up" in told["annotations"]["description"]
    refused = 'album_notifications_total{sink="chat",result="refused"}'
    assert scene.prometheus.value(refused) > 0
    # "The log names the sink, and what it answered."
    (line, *_) = [one for one in scene.operator.log.read_text().splitlines() if "is lost" in one]
    assert "Sink chat: " in line
    assert "it answers with HTTP status 404" in line


def test_an_operator_whose_passes_hang_is_told_of_and_one_that_is_stopped_is_down(
    scene: Scene,
) -> None:
    hangs, down = "AlbumOperatorNotReconciling", "AlbumOperatorDown"
    name = f"{APPS[3]}-v1.1.0"
    gate = Gate("GET", f".*/albumreleases/{name}")
    scene.proxy.gates.append(gate)
    scene.release(APPS[3])
    try:
        assert gate.has_come.wait(SECONDS)
        scene.until_firing(hangs, namespace="album-system")
        assert scene.is_quiet(down, "AlbumNoLeader")
        answer = scene.operator.find_answer("/readyz")
        assert answer is not None
        assert answer[0] == 200
        scene.until_logged(f"AlbumRelease {NAMESPACE}/{name}: ")
    finally:
        gate.opens.set()
    scene.until_reason(name, "Released")
    scene.until_over(hangs)

    os.kill(scene.operator.process.pid, signal.SIGSTOP)
    try:
        scene.until_firing(down)
        assert scene.is_quiet(hangs)
    finally:
        os.kill(scene.operator.process.pid, signal.SIGCONT)
    scene.until_over(down)
    assert scene.operator.process.poll() is None
