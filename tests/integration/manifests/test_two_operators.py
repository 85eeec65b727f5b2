"""Two whole operators at once on one API server, as by a Deployment that somebody doubled."""

from contextlib import ExitStack
from pathlib import Path

from testbed.commands import wait_until
from tests.integration.manifests.applications import Raw
from tests.integration.manifests.conftest import Installed
from tests.integration.manifests.operator_process import running_operator

RELEASES = "/apis/album.dev/v1alpha1/namespaces/album/albumreleases"
COUNT = 8
READY_SECONDS = 60
UNWANTED = ("Traceback", "ERROR", "CRITICAL", "forbidden", "failed by a bug")


def _release(number: int) -> Raw:
    return {
        "apiVersion": "album.dev/v1alpha1",
        "kind": "AlbumRelease",
        "metadata": {"name": f"doubled-{number}"},
        "spec": {"pipelineRef": {"name": "not-there"}, "tag": "backend-v1.1.0"},
    }


def _is_finished(release: Raw) -> bool:
    """Tell whether nobody will do anything to it any more."""
    conditions = release.get("status", {}).get("conditions", [])
    is_over = any(one["type"] == "Finished" and one["status"] == "True" for one in conditions)
    return is_over and not release["metadata"].get("finalizers")


def test_two_operators_bring_every_release_to_one_end_and_leave_it_alone(
    installed: Installed, tmp_path: Path
) -> None:
    server = installed.server
    paths = [f"{RELEASES}/doubled-{number}" for number in range(COUNT)]
    with ExitStack() as stack:
        operators = []
        for name in ("one", "other"):
            (tmp_path / name).mkdir()
            cache = str(tmp_path / name / "cache")
            running = running_operator(installed, tmp_path / name, ALBUM_CACHE_DIR=cache)
            operators.append(stack.enter_context(running))
        for operator in operators:
            wait_until(operator.is_ready, part="operator", what="be ready", seconds=READY_SECONDS)
        for number in range(COUNT):
            assert server.request("POST", RELEASES, _release(number)).status == 201

        def are_finished() -> bool:
            return all(_is_finished(server.request("GET", path).body) for path in paths)

        wait_until(are_finished, part="releases", what="finish", seconds=60, log=operators[0].log)
        for path in paths:
            assert server.request("DELETE", path).status == 200
        wait_until(
            lambda: all(server.request("GET", path).status == 404 for path in paths),
            part="releases",
            what="be gone",
            seconds=30,
            log=operators[1].log,
        )
        for operator in operators:
            operator.process.terminate()
        for operator in operators:
            assert operator.process.wait(30) == 0
            said = operator.log.read_text()
            assert [word for word in UNWANTED if word in said] == []
