"""What the cluster does to the operator's process, and what goes on all the same."""

import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from testbed.commands import wait_until
from tests.integration.apiserver import ApiServer
from tests.integration.manifests.api_proxy import running_proxy
from tests.integration.manifests.applications import APPLICATIONS, MANIFESTS, Raw, application
from tests.integration.manifests.conftest import Installed
from tests.integration.manifests.operator_process import Running, running_operator

READY_SECONDS = 60
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces"
NOBODY = "http://127.0.0.1:1"
"""A git server and forge that takes no connection: a release that needs it stays in flight."""

IN_FLIGHT = "Unavailable"


def _releases(namespace: str) -> str:
    return f"/apis/album.dev/v1alpha1/namespaces/{namespace}/albumreleases"


def _grant(server: ApiServer, namespace: str) -> None:
    for raw in yaml.safe_load_all((MANIFESTS / "namespace" / "rbac.yaml").read_text()):
        server.request("POST", f"{RBAC}/{namespace}/{raw['kind'].lower()}s", raw)


def _revoke(server: ApiServer, namespace: str) -> None:
    server.request("DELETE", f"{RBAC}/{namespace}/rolebindings/album-operator")


def _fill(server: ApiServer, namespace: str) -> None:
    """Put there what a release needs until it asks the git server."""
    server.create_namespace(namespace)
    pipeline = {
        "apiVersion": "album.dev/v1alpha1",
        "kind": "AlbumPipeline",
        "metadata": {"name": "app"},
        "spec": {
            "source": {"repository": f"{NOBODY}/o/app"},
            "build": {"image": {"registry": "ghcr.io", "project": "o"}},
            "config": {"forge": {"type": "Gitea"}},
            "apps": [{"name": "backend"}],
        },
    }
    path = _releases(namespace).replace("albumreleases", "albumpipelines")
    made = server.request("POST", path, pipeline)
    assert made.status in {201, 409}, made.message
    for name, data in (
        ("album-git", {"url": NOBODY, "token": "t"}),
        ("album-registry", {".dockerconfigjson": '{"auths": {"ghcr.io": {"auth": "eDp5"}}}'}),
    ):
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}
        server.request(
            "POST", f"/api/v1/namespaces/{namespace}/secrets", {**secret, "stringData": data}
        )


def _release(server: ApiServer, namespace: str, name: str, pipeline: str = "app") -> str:
    release = {
        "apiVersion": "album.dev/v1alpha1",
        "kind": "AlbumRelease",
        "metadata": {"name": name},
        "spec": {"pipelineRef": {"name": pipeline}, "tag": "backend-v1.1.0"},
    }
    made = server.request("POST", _releases(namespace), release)
    assert made.status == 201, made.message
    return f"{_releases(namespace)}/{name}"


def _reason(server: ApiServer, path: str) -> str:
    conditions = server.request("GET", path).body.get("status", {}).get("conditions", [])
    return next((item["reason"] for item in conditions if item["type"] == "Ready"), "")


class Stage:
    """A running operator and what is asked of it."""

    def __init__(self, server: ApiServer, operator: Running) -> None:
        self.server = server
        self.operator = operator
        self.until(operator.is_ready, "become ready", READY_SECONDS)
        self.pid = operator.process.pid

    def until(self, is_so: Callable[[], bool], what: str, seconds: float = 30) -> None:
        log = self.operator.log
        wait_until(is_so, part="operator", what=what, seconds=seconds, log=log)

    def until_ready_is(self, path: str, reason: str, seconds: float = 30) -> None:
        what = f"bring {path.split('/')[-1]} to {reason}"
        self.until(lambda: _reason(self.server, path) == reason, what, seconds)

    def until_in_flight(self, path: str) -> None:
        self.until(lambda: _reason(self.server, path).endswith(IN_FLIGHT), "wait for the server")

    def until_served(self, words: str) -> None:
        def is_said() -> bool:
            answer = self.operator.find_answer("/readyz")
            return answer is not None and words in answer[1]

        self.until(is_said, f"say `{words}`")

    def until_logged(self, pattern: str) -> None:
        self.until(
            lambda: bool(re.search(pattern, self.operator.log.read_text())), f"log `{pattern}`"
        )

    def is_the_same(self) -> bool:
        """Tell whether the first process still runs."""
        return self.operator.process.poll() is None


def _clear(server: ApiServer, *namespaces: str) -> None:
    for namespace in namespaces:
        server.request("DELETE", _releases(namespace))


def test_a_namespace_that_loses_its_rights_ends_alone_and_comes_back(
    installed: Installed, tmp_path: Path
) -> None:
    server = installed.server
    with running_operator(
        installed, tmp_path, "album,team-b", hurried=True, ALBUM_INSECURE_HOSTS="127.0.0.1:1"
    ) as operator:
        stage = Stage(server, operator)
        stage.until_served("not team-b: may not get album.dev/albumreleases")
        _fill(server, "album")
        ours = _release(server, "album", "ours-1")
        stage.until_in_flight(ours)

        # A namespace that appears later is served when its rights come.
        _fill(server, "team-b")
        _grant(server, "team-b")
        stage.until_served("serving album, team-b.")
        theirs = _release(server, "team-b", "theirs-1")
        stage.until_in_flight(theirs)

        _revoke(server, "team-b")
        stage.until_served("serving album. not team-b: may not")
        served = _release(server, "album", "ours-2", "not-there")
        stage.until_ready_is(served, "PipelineNotFound")
        unserved = _release(server, "team-b", "theirs-2", "not-there")

        _grant(server, "team-b")
        stage.until_served("serving album, team-b.")
        stage.until_ready_is(unserved, "PipelineNotFound")
        assert stage.is_the_same()
        assert _reason(server, ours).endswith(IN_FLIGHT)
        assert _reason(server, theirs).endswith(IN_FLIGHT)
        _clear(server, "album", "team-b")
    assert "Traceback" not in operator.log.read_text()


def test_a_release_in_flight_goes_when_its_rights_went_first(
    installed: Installed, tmp_path: Path
) -> None:
    server = installed.server
    _fill(server, "team-c")
    _grant(server, "team-c")
    with running_operator(
        installed, tmp_path, "album,team-c", hurried=True, ALBUM_INSECURE_HOSTS="127.0.0.1:1"
    ) as operator:
        stage = Stage(server, operator)
        stage.until_served("team-c")
        path = _release(server, "team-c", "x")
        stage.until_in_flight(path)

        _revoke(server, "team-c")
        stage.until_served("not team-c")
        server.request("DELETE", path)
        assert server.request("GET", path).status == 404
        assert stage.is_the_same()


def test_the_finalizer_of_an_older_operator_is_taken_away(
    installed: Installed, tmp_path: Path
) -> None:
    server = installed.server
    path = _release(server, "album", "old", "not-there")
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
    _clear(server, "album")


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
        path = _release(server, "album", "after-the-freeze", "not-there")
        stage.until_ready_is(path, "PipelineNotFound")
        assert stage.is_the_same()
        _clear(server, "album")


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
    _fill(server, "album")
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
        path = _release(server, "album", f"x-{answer[0]}")
        stage.until_in_flight(path)
        proxy.answer = answer
        # What wakes the watches: they end then, as a server that restarts ends them.
        server.request("PATCH", path, {"metadata": {"annotations": {"album.dev/refresh": "1"}}})
        stage.until_logged(
            r"AlbumRelease album/x-\d+: .*(Unauthorized|forbidden|not found|storage)"
        )
        proxy.answer = None
        pipeline = _releases("album").replace("albumreleases", "albumpipelines") + "/app"
        server.request("DELETE", pipeline)

        stage.until_ready_is(path, "PipelineNotFound", 60)
        late = _release(server, "album", f"late-{answer[0]}", "not-there")
        stage.until_ready_is(late, "PipelineNotFound", 60)
        assert stage.is_the_same()
        _clear(server, "album")


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
