"""Leaders that fall asleep in the middle of a write, one after the other, and wake far too late.

Each has sent the write, which has no effect yet when it falls asleep. The next one leads then, and
does the same to the next write, until the last ends the release. After that all that was held back
takes effect, and those who sent it wake.
"""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from testbed.commands import wait_until
from testbed.github.gate import Gate
from testbed.github.server import GitHubServer
from tests.contract.plain_git import git
from tests.integration.manifests.api_proxy import running_proxy
from tests.integration.manifests.applications import APPLICATIONS
from tests.integration.manifests.conftest import OPERATOR, Installed
from tests.integration.manifests.neighbours.teams import (
    OWNER,
    Namespace,
    Raw,
    ready,
    working_team,
)
from tests.integration.manifests.operator_process import Running
from tests.integration.manifests.operator_stage import clear
from tests.integration.manifests.pods import LEASES, Pods

NAMESPACE = "asleep"
APP, VERSION = "app0", "v1.1.0"
RELEASE = f"{APP}-{VERSION}"

OF_THE_CLUSTER = {
    "the status": ("PATCH", f".*/{NAMESPACE}/albumreleases/{RELEASE}/status.*"),
    "the Job": ("POST", f".*/{NAMESPACE}/jobs.*"),
    # At its start an operator asks by a dry run whether a guard holds it.
    "the Application": ("PATCH", rf"(?!.*dryRun).*/applications/album-app-{APP}(\?.*)?"),
}
OF_THE_FORGE = {
    "the push": ("POST", ".*/git-receive-pack"),
    "the pull request": ("POST", ".*/pulls"),
    "the merge": ("PUT", ".*/merge"),
}
IN_TURN = ("the status", "the Job", "the push", "the pull request", "the merge", "the Application")


@dataclass
class Scene:
    """One release, and what is known of it outside.

    Attributes:
        team: its namespace.
        forge: with the config repository.
        pods: the operators.
    """

    team: Namespace
    forge: GitHubServer
    pods: Pods

    def jobs(self) -> list[Raw]:
        """Give the Jobs of the namespace."""
        path = f"/apis/batch/v1/namespaces/{self.team.name}/jobs"
        found: list[Raw] = self.team.server.request("GET", path).body["items"]
        return found

    def opened(self) -> int:
        """Give how many pull requests were opened."""
        told = (event for event in self.forge.events if event.name == "pull_request")
        return sum(event.payload["action"] == "opened" for event in told)

    def seen(self) -> dict[str, object]:
        """Give all that a write of the release would change."""
        server, config = self.team.server, self.forge.git_dir(f"{OWNER}/album-app-config")
        application = server.request("GET", f"{APPLICATIONS}/album-app-{APP}").body
        return {
            "release": self.team.releases()[RELEASE],
            "jobs": [job["metadata"]["uid"] for job in self.jobs()],
            "commits": git(config, "rev-list", "refs/heads/main"),
            "pull requests": self.opened(),
            "policy": application["spec"].get("syncPolicy"),
            "annotations": application["metadata"].get("annotations"),
        }


@pytest.fixture
def scene(installed: Installed, tmp_path: Path) -> Iterator[Scene]:
    """Give a release's namespace, its forge, and builds and an Argo CD that are stood in for."""
    installed.server.request("DELETE", f"{LEASES}/{OPERATOR}")
    (pods := tmp_path / "pods").mkdir()
    with ExitStack() as stack:
        working = working_team(installed.server, NAMESPACE, tmp_path)
        team, forge = stack.enter_context(working)
        stack.callback(clear, installed.server, NAMESPACE)
        settings = {"ALBUM_INSECURE_HOSTS": forge.host, "ALBUM_MERGE_POLL_SECONDS": "0.3"}
        made = Pods(installed, pods, NAMESPACE, settings)
        stack.enter_context(made.stack)
        yield Scene(team, forge, made)


def test_no_write_of_a_leader_that_slept_in_it_is_done_twice(scene: Scene) -> None:
    gates = {what: Gate(*(OF_THE_CLUSTER | OF_THE_FORGE)[what]) for what in IN_TURN}
    with ExitStack() as stack:
        asleep: list[Running] = []
        for what, gate in gates.items():
            proxy = stack.enter_context(running_proxy(scene.team.server))
            (proxy.gates if what in OF_THE_CLUSTER else scene.forge.gates).append(gate)
            stack.callback(gate.opens.set)
            leader = scene.pods.lead(what.lower().replace(" ", "-"), proxy.url)
            # Before the proxy, which leaves sockets open else.
            stack.callback(leader.operator.process.wait, 30)
            stack.callback(leader.operator.process.kill)
            if not asleep:
                scene.team.release(RELEASE, "album-app", RELEASE)
            leader.until(gate.has_come.is_set, f"send {what}", 60)
            leader.operator.process.send_signal(signal.SIGSTOP)
            asleep.append(leader.operator)
        scene.pods.lead("last")
        _await_released(scene)
        before = scene.seen()

        for gate in gates.values():
            gate.opens.set()
        for sleeper in asleep:
            sleeper.process.send_signal(signal.SIGCONT)
        for sleeper in asleep:
            assert sleeper.process.wait(30) == 1
            said = sleeper.log.read_text()
            assert "This operator leads no more: " in said
            assert "Traceback" not in said
        assert scene.seen() == before

    assert len(scene.jobs()) == 1
    assert scene.opened() == 1
    config = scene.forge.git_dir(f"{OWNER}/album-app-config")
    subjects = git(config, "log", "--format=%s", "refs/heads/main").splitlines()
    assert sum(line.startswith(f"release: {APP} ") for line in subjects) == 1


def _await_released(scene: Scene) -> None:
    def is_released() -> bool:
        condition = ready(scene.team.releases()[RELEASE])
        assert condition.get("status") != "False", condition
        return condition.get("reason") == "Released"

    wait_until(is_released, part="the last one", what="end the release", seconds=60)
