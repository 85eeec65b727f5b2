"""The operator itself, with exactly the rights that the manifests give it."""

import json
from pathlib import Path

from testbed.commands import wait_until
from tests.fakes.collector import listening
from tests.integration.manifests.applications import Raw
from tests.integration.manifests.conftest import Installed
from tests.integration.manifests.operator_process import running_operator

RELEASES = "/apis/album.dev/v1alpha1/namespaces/album/albumreleases"
EVENTS = "/apis/events.k8s.io/v1/namespaces/album/events"
READY_SECONDS = 60
STOP_SECONDS = 30
UNWANTED = ("Traceback", "ERROR", "CRITICAL", "refused", "forbidden", "is lost")


def _find_condition(release: Raw, kind: str) -> Raw | None:
    conditions = release.get("status", {}).get("conditions", [])
    return next((one for one in conditions if one["type"] == kind), None)


def test_it_watches_reads_writes_status_and_posts_events(
    installed: Installed, tmp_path: Path
) -> None:
    server = installed.server
    with (
        listening() as collector,
        running_operator(
            installed,
            tmp_path,
            ALBUM_LOG_FORMAT="json",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        ) as operator,
    ):
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
        assert server.request("DELETE", path).status == 200
        operator.process.terminate()
        assert operator.process.wait(STOP_SECONDS) == 0
        (span,) = collector.spans
    assert (span.name, span.status.message) == ("RUN not-there", stalled["message"])
    said = operator.log.read_text()
    assert [word for word in UNWANTED if word in said] == []
    lines = [json.loads(line) for line in said.splitlines()]
    (told,) = [line for line in lines if line.get("reason") == "PipelineNotFound"]
    assert (told["namespace"], told["release"]) == ("album", "backend-v1.1.0")


def test_a_namespace_without_rights_is_named_and_the_others_are_served(
    installed: Installed, tmp_path: Path
) -> None:
    with running_operator(installed, tmp_path, namespaces="album,default") as operator:
        wait_until(operator.is_ready, part="operator", what="become ready", seconds=READY_SECONDS)
        answer = operator.find_answer("/readyz")
        assert answer is not None
        assert answer[1].startswith("serving album. not default: may not ")


def test_without_any_right_it_is_alive_but_not_ready(installed: Installed, tmp_path: Path) -> None:
    with running_operator(installed, tmp_path, namespaces="default") as operator:

        def is_known() -> bool:
            assert operator.process.poll() is None
            answer = operator.find_answer("/readyz")
            return answer is not None and "default: may not" in answer[1]

        wait_until(is_known, part="operator", what="name the right", seconds=READY_SECONDS)
        answer = operator.find_answer("/readyz")
        assert answer is not None
        assert answer[0] == 503
        assert operator.find_answer("/healthz") == (200, "ok\n")
