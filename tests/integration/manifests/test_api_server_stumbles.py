"""An API server that restarts or falls silent is outlived, and stalls nothing."""

from pathlib import Path

import pytest

from tests.integration.manifests.api_proxy import running_proxy
from tests.integration.manifests.conftest import Installed
from tests.integration.manifests.operator_process import running_operator
from tests.integration.manifests.operator_stage import Stage, clear, fill, make_release, releases_of


def test_a_watch_that_freezes_is_noticed(installed: Installed, tmp_path: Path) -> None:
    server = installed.server
    with (
        running_proxy(server) as proxy,
        running_operator(
            installed, tmp_path, api_server=proxy.url, ALBUM_WATCH_IDLE_SECONDS="2"
        ) as operator,
    ):
        stage = Stage(server, operator)
        stage.until(lambda: proxy.watches >= 3, "watch releases, Jobs and Applications")
        proxy.freeze()
        path = make_release(server, "album", "after-the-freeze", "not-there")
        stage.until_ready_is(path, "PipelineNotFound")
        assert stage.is_the_same()
        clear(server, "album")


@pytest.mark.parametrize(
    "answer",
    [
        (401, '{"kind": "Status", "message": "Unauthorized", "reason": "Unauthorized"}'),
        (403, '{"kind": "Status", "message": "is forbidden: User \\"x\\" cannot do it"}'),
        (404, "404 page not found\n"),
        (503, '{"kind": "Status", "message": "storage is (re)initializing"}'),
    ],
    ids=lambda answer: str(answer[0]),
)
def test_a_restart_of_the_api_server_stalls_nothing(
    installed: Installed, tmp_path: Path, answer: tuple[int, str]
) -> None:
    server = installed.server
    fill(server, "album")
    with (
        running_proxy(server) as proxy,
        running_operator(
            installed,
            tmp_path,
            api_server=proxy.url,
            hurried=True,
            ALBUM_INSECURE_HOSTS="127.0.0.1:1",
        ) as operator,
    ):
        stage = Stage(server, operator)
        path = make_release(server, "album", f"x-{answer[0]}")
        stage.until_in_flight(path)
        proxy.answer = answer
        # What wakes the watches: they end then, as a server that restarts ends them.
        server.request("PATCH", path, {"metadata": {"annotations": {"album.dev/refresh": "1"}}})
        stage.until_logged(r"AlbumRelease album/x-\d+: The API server")
        proxy.answer = None
        pipeline = releases_of("album").replace("albumreleases", "albumpipelines") + "/app"
        server.request("DELETE", pipeline)

        stage.until_ready_is(path, "PipelineNotFound", 60)
        late = make_release(server, "album", f"late-{answer[0]}", "not-there")
        stage.until_ready_is(late, "PipelineNotFound", 60)
        assert stage.is_the_same()
        clear(server, "album")


def test_an_api_server_that_knows_no_rights_for_a_while_stalls_nothing(
    installed: Installed, tmp_path: Path
) -> None:
    server = installed.server
    fill(server, "album")
    with (
        running_proxy(server) as proxy,
        running_operator(
            installed,
            tmp_path,
            api_server=proxy.url,
            hurried=True,
            ALBUM_INSECURE_HOSTS="127.0.0.1:1",
        ) as operator,
    ):
        stage = Stage(server, operator)
        path = make_release(server, "album", "without-rights")
        stage.until_in_flight(path)
        proxy.knows_rights = False
        stage.until_served("album: may not get album.dev/albumreleases")
        proxy.knows_rights = True
        stage.until_served("serving album.")
        stage.until_in_flight(path)
        late = make_release(server, "album", "late-without-rights", "not-there")
        stage.until_ready_is(late, "PipelineNotFound", 60)
        assert stage.is_the_same()
        clear(server, "album")
