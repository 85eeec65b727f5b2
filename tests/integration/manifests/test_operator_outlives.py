"""What the cluster does to the operator's process, and what goes on all the same."""

import signal
from pathlib import Path

import pytest

from testbed.commands import wait_until
from tests.integration.manifests.applications import APPLICATIONS, Raw, application
from tests.integration.manifests.conftest import Installed
from tests.integration.manifests.operator_process import running_operator
from tests.integration.manifests.operator_stage import (
    IN_FLIGHT,
    NOBODY,
    READY_SECONDS,
    Stage,
    clear,
    fill,
    grant,
    make_release,
    reason_of,
    revoke,
)


def test_a_namespace_that_loses_its_rights_ends_alone_and_comes_back(
    installed: Installed, tmp_path: Path
) -> None:
    server = installed.server
    with running_operator(
        installed, tmp_path, "album,team-b", hurried=True, ALBUM_INSECURE_HOSTS="127.0.0.1:1"
    ) as operator:
        stage = Stage(server, operator)
        stage.until_served("not team-b: may not get album.dev/albumreleases")
        fill(server, "album")
        ours = make_release(server, "album", "ours-1")
        stage.until_in_flight(ours)

        # A namespace that appears later is served when its rights come.
        fill(server, "team-b")
        grant(server, "team-b")
        stage.until_served("serving album, team-b.")
        theirs = make_release(server, "team-b", "theirs-1")
        stage.until_in_flight(theirs)

        revoke(server, "team-b")
        stage.until_served("serving album. not team-b: may not")
        served = make_release(server, "album", "ours-2", "not-there")
        stage.until_ready_is(served, "PipelineNotFound")
        unserved = make_release(server, "team-b", "theirs-2", "not-there")

        grant(server, "team-b")
        stage.until_served("serving album, team-b.")
        stage.until_ready_is(unserved, "PipelineNotFound")
        assert stage.is_the_same()
        assert reason_of(server, ours).endswith(IN_FLIGHT)
        assert reason_of(server, theirs).endswith(IN_FLIGHT)
        clear(server, "album", "team-b")
    assert "Traceback" not in operator.log.read_text()


def test_a_release_in_flight_goes_when_its_rights_went_first(
    installed: Installed, tmp_path: Path
) -> None:
    server = installed.server
    fill(server, "team-c")
    grant(server, "team-c")
    with running_operator(
        installed, tmp_path, "album,team-c", hurried=True, ALBUM_INSECURE_HOSTS="127.0.0.1:1"
    ) as operator:
        stage = Stage(server, operator)
        stage.until_served("team-c")
        path = make_release(server, "team-c", "x")
        stage.until_in_flight(path)

        revoke(server, "team-c")
        stage.until_served("not team-c")
        server.request("DELETE", path)
        assert server.request("GET", path).status == 404
        assert stage.is_the_same()


def test_a_release_deleted_in_flight_and_made_anew_at_once_is_served(
    installed: Installed, tmp_path: Path
) -> None:
    server = installed.server
    fill(server, "album")
    with running_operator(installed, tmp_path, ALBUM_INSECURE_HOSTS="127.0.0.1:1") as operator:
        stage = Stage(server, operator)
        for _ in range(3):
            path = make_release(server, "album", "anew")
            stage.until_in_flight(path)
            server.request("DELETE", path)
        path = make_release(server, "album", "anew", "not-there")
        stage.until_ready_is(path, "PipelineNotFound")
        clear(server, "album")


def test_the_finalizer_of_an_older_operator_is_taken_away(
    installed: Installed, tmp_path: Path
) -> None:
    server = installed.server
    path = make_release(server, "album", "old", "not-there")
    old = {"metadata": {"finalizers": ["album.dev/in-flight", "example.org/theirs"]}}
    server.request("PATCH", path, old)
    with running_operator(installed, tmp_path) as operator:
        stage = Stage(server, operator)

        def finalizers() -> list[str]:
            found: list[str] = server.request("GET", path).body["metadata"].get("finalizers", [])
            return found

        stage.until(lambda: finalizers() == ["example.org/theirs"], "take the finalizer away")
        stage.until_ready_is(path, "PipelineNotFound")
    server.request("PATCH", path, {"metadata": {"finalizers": None}})
    clear(server, "album")


def test_an_application_nobody_can_read_ends_nothing(installed: Installed, tmp_path: Path) -> None:
    server = installed.server
    with running_operator(installed, tmp_path) as operator:
        stage = Stage(server, operator)
        for name, health in (
            ("year-0", {"lastTransitionTime": "0000-01-01T00:00:00Z"}),
            ("no-map", "Healthy"),
        ):
            raw: Raw = application(name)
            raw["status"] = {"health": health}
            raw["metadata"]["finalizers"] = []
            assert server.request("POST", APPLICATIONS, raw).status == 201
        stage.until_logged("Application argocd/no-map is skipped")
        metrics = operator.find_answer("/metrics")
        assert metrics is not None
        assert 'album_unreadable_objects_total{kind="Application"} 2.0' in metrics[1]
        assert operator.log.read_text().count("is skipped") == 2
        assert stage.is_the_same()
        for name in ("year-0", "no-map"):
            server.request("DELETE", f"{APPLICATIONS}/{name}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_while_it_waits_for_rights(
    installed: Installed, tmp_path: Path, number: signal.Signals
) -> None:
    with running_operator(installed, tmp_path, "default") as operator:

        def is_waiting() -> bool:
            answer = operator.find_answer("/readyz")
            return answer is not None and "default: may not" in answer[1]

        wait_until(is_waiting, part="operator", what="wait for rights", seconds=READY_SECONDS)
        operator.process.send_signal(number)
        assert operator.process.wait(5) == 0


def test_it_ends_at_once_while_the_api_server_is_away(installed: Installed, tmp_path: Path) -> None:
    with running_operator(installed, tmp_path, api_server=NOBODY) as operator:

        def is_waiting() -> bool:
            answer = operator.find_answer("/readyz")
            return answer is not None and "cannot be reached" in answer[1]

        wait_until(is_waiting, part="operator", what="listen", seconds=READY_SECONDS)
        operator.process.terminate()
        assert operator.process.wait(5) == 0
