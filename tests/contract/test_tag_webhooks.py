"""What a real Gitea tells when a tag is pushed, and when a release of one is published."""

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from album_operator.codec.notices import parse_notices
from album_operator.domain.forges import ForgeType, forge_of
from album_operator.domain.notice import TagNotice
from testbed.commands import wait_until
from tests.contract.gitea_server import ADMIN, GiteaServer
from tests.contract.gitea_stage import GiteaStage
from tests.fakes.git_history import Commit, File

EVENTS = ["create", "release", "push"]
"""Those of docs/install.md, in the words of Gitea's API."""


class Listener(http.server.ThreadingHTTPServer):
    """Takes deliveries."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told: list[tuple[str, TagNotice]] = []


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Listener

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        payload: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        (event,) = (
            self.headers[name]
            for name in forge_of(ForgeType.GITEA).deliveries.events[:1]
            if name in self.headers
        )
        for notice in parse_notices(ForgeType.GITEA, event, payload):
            if isinstance(notice, TagNotice):
                self.server.told.append((event, notice))
        self.send_response(204)
        self.end_headers()


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


async def test_a_pushed_tag_and_a_published_release_are_told_by_a_real_gitea(
    gitea_stage: GiteaStage, gitea: GiteaServer, listener: Listener, name: str
) -> None:
    place = gitea_stage.make_repository(name)
    sha = gitea_stage.store(place, Commit((), {"a": File(b"b")}, "first"))
    gitea_stage.set_branch(place, "main", sha)
    owner = place.url.split("/")[-2]
    url = f"http://127.0.0.1:{listener.server_port}/webhooks/gitea"
    config = {"url": url, "content_type": "json", "secret": "x" * 16}
    gitea.do(
        "POST",
        f"/repos/{owner}/{name}/hooks",
        {"type": "gitea", "active": True, "events": EVENTS, "config": config},
    )

    def told(event: str) -> list[TagNotice]:
        return [notice for of, notice in listener.told if of == event]

    gitea_stage.set_tag(place, "backend-v1.1.0", sha, annotated=True)
    wait_until(lambda: bool(told("create")), part="gitea", what="tell of a tag", seconds=30)
    (notice,) = told("create")
    assert (notice.tag, notice.user) == ("backend-v1.1.0", ADMIN)
    assert notice.is_of(place.url)

    release = {"tag_name": "backend-v1.2.0", "target_commitish": "main", "name": "1.2"}
    gitea.do("POST", f"/repos/{owner}/{name}/releases", release)
    wait_until(lambda: bool(told("release")), part="gitea", what="tell of a release", seconds=30)
    assert {one.tag for one in told("release")} == {"backend-v1.2.0"}
