"""Operators that stand for election on a real API server: one works, another is there for it."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from testbed.commands import wait_until
from tests.integration.apiserver import ApiServer
from tests.integration.manifests.api_proxy import running_proxy
from tests.integration.manifests.conftest import OPERATOR, SYSTEM, Installed
from tests.integration.manifests.operator_process import Running, running_operator
from tests.integration.manifests.operator_stage import (
    Stage,
    clear,
    grant,
    make_release,
    reason_of,
    releases_of,
)

NAMESPACE = "led"
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{SYSTEM}/leases"
SHORT = {
    "ALBUM_LEASE_NAMESPACE": SYSTEM,
    "ALBUM_LEASE_NAME": OPERATOR,
    "ALBUM_LEASE_SECONDS": "8",
    "ALBUM_LEASE_RENEW_SECONDS": "6",
    "ALBUM_LEASE_RETRY_SECONDS": "1",
}
"""A Lease that is over soon, for a test has to outlast it."""

STARTS_WORK = f"Namespace {NAMESPACE} is served"


@dataclass
class Pods:
    """Operators of one Deployment.

    Attributes:
        installed: where.
        folder: for the files of all.
    """

    installed: Installed
    folder: Path
    stack: ExitStack = field(default_factory=ExitStack)

    @property
    def server(self) -> ApiServer:
        """The API server."""
        return self.installed.server

    def start(self, name: str, api_server: str = "") -> Running:
        """Start one more, under the name of a Pod."""
        folder = self.folder / f"{name}-{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        running = running_operator(
            self.installed,
            folder,
            NAMESPACE,
            api_server=api_server,
            hurried=True,
            ALBUM_POD_NAME=name,
            **SHORT,  # type: ignore[arg-type] # all of them are settings
        )
        return self.stack.enter_context(running)

    def lead(self, name: str, api_server: str = "") -> Stage:
        """Start one and wait until it leads."""
        return self.await_leading(self.start(name, api_server))

    def await_leading(self, running: Running) -> Stage:
        """Wait until an operator leads."""
        stage = Stage(self.server, running)
        stage.until_served(f"serving {NAMESPACE}.")
        return stage

    def stand_by(self, name: str, leader: str) -> Stage:
        """Start one and wait until it is ready to take over from another."""
        stage = Stage(self.server, self.start(name))
        stage.until_served(f"standby, {leader} leads")
        return stage

    def lease(self) -> dict[str, Any]:
        """Give the spec of the Lease, empty where there is none."""
        found: dict[str, Any] = self.server.request("GET", f"{LEASES}/{OPERATOR}").body.get(
            "spec", {}
        )
        return found

    def works(self, stage: Stage, name: str) -> None:
        """See that an operator serves releases."""
        stage.until_ready_is(
            make_release(self.server, NAMESPACE, name, "not-there"), "PipelineNotFound"
        )


@pytest.fixture
def pods(installed: Installed, tmp_path: Path) -> Iterator[Pods]:
    """Give a namespace to serve, and no Lease."""
    installed.server.create_namespace(NAMESPACE)
    grant(installed.server, NAMESPACE)
    installed.server.request("DELETE", f"{LEASES}/{OPERATOR}")
    made = Pods(installed, tmp_path)
    with made.stack:
        yield made
    clear(installed.server, NAMESPACE)


def test_when_the_leader_is_killed_the_standby_works_on(pods: Pods) -> None:
    one = pods.lead("one")
    other = pods.stand_by("other", "one")
    pods.works(one, "before")
    assert STARTS_WORK not in other.operator.log.read_text()

    one.operator.process.kill()
    late = make_release(pods.server, NAMESPACE, "late", "not-there")
    other.until_ready_is(late, "PipelineNotFound")
    other.until_served(f"serving {NAMESPACE}.")
    assert pods.lease()["holderIdentity"] == "other"
    assert pods.lease()["leaseTransitions"] == 1


def test_a_leader_that_is_stopped_gives_the_lease_back_when_its_work_has_ended(pods: Pods) -> None:
    one = pods.lead("one")
    other = pods.stand_by("other", "one")
    one.operator.process.terminate()
    assert one.operator.process.wait(30) == 0
    pods.works(other, "after")
    assert "Traceback" not in one.operator.log.read_text()


def test_the_last_one_that_is_stopped_leaves_a_lease_that_the_next_takes_at_once(
    pods: Pods,
) -> None:
    one = pods.lead("one")
    one.operator.process.terminate()
    assert one.operator.process.wait(30) == 0
    assert (pods.lease()["holderIdentity"], pods.lease()["leaseDurationSeconds"]) == ("", 1)
    pods.works(pods.lead("other"), "after")


def test_a_standby_that_is_stopped_starts_no_work(pods: Pods) -> None:
    one = pods.lead("one")
    other = pods.stand_by("other", "one")
    other.operator.process.terminate()
    assert other.operator.process.wait(30) == 0
    said = other.operator.log.read_text()
    assert [word for word in (STARTS_WORK, "Traceback", "leads no more") if word in said] == []
    assert pods.lease()["holderIdentity"] == "one"
    assert one.is_the_same()


def test_a_leader_that_slept_longer_than_its_term_writes_nothing_and_ends(pods: Pods) -> None:
    one = pods.lead("one")
    other = pods.stand_by("other", "one")
    one.operator.process.send_signal(signal.SIGSTOP)
    paths = [make_release(pods.server, NAMESPACE, f"x{n}", "not-there") for n in range(8)]
    for path in paths:
        other.until_ready_is(path, "PipelineNotFound")
    before = _versions(pods.server)

    one.operator.process.send_signal(signal.SIGCONT)
    assert one.operator.process.wait(30) == 1
    said = one.operator.log.read_text()
    assert "This operator leads no more: " in said
    assert "Traceback" not in said
    assert _versions(pods.server) == before
    assert pods.lease()["holderIdentity"] == "other"
    assert other.is_the_same()


def test_a_lease_that_is_deleted_changes_nothing(pods: Pods) -> None:
    one = pods.lead("one")
    other = pods.stand_by("other", "one")
    assert pods.server.request("DELETE", f"{LEASES}/{OPERATOR}").status == 200
    one.until(lambda: pods.lease().get("holderIdentity") == "one", "make the Lease again")
    pods.works(one, "after")
    assert one.is_the_same()
    assert other.is_the_same()
    assert STARTS_WORK not in other.operator.log.read_text()


def test_a_stranger_who_takes_the_lease_ends_the_leader_and_is_waited_for(pods: Pods) -> None:
    one = pods.lead("one")
    other = pods.stand_by("other", "one")
    taken = {"spec": {"holderIdentity": "stranger"}}
    assert pods.server.request("PATCH", f"{LEASES}/{OPERATOR}", taken).status == 200
    assert one.operator.process.wait(30) == 1
    assert "leads no more: stranger holds it" in one.operator.log.read_text()
    other.until_served("standby, stranger leads")
    pods.works(pods.await_leading(other.operator), "after")


def test_an_api_server_that_is_away_longer_than_a_term_ends_it_and_is_waited_for(
    pods: Pods,
) -> None:
    with running_proxy(pods.server) as proxy:
        one = pods.lead("one", proxy.url)
        proxy.answer = (503, '{"kind": "Status", "message": "etcd is away"}')
        assert one.operator.process.wait(30) == 1
        assert "it could not be renewed" in one.operator.log.read_text()

        # The container that is started anew in the same Pod waits, and goes on.
        again = pods.start("one", proxy.url)

        def says_why() -> bool:
            answer = again.find_answer("/readyz")
            return answer is not None and answer[0] == 503 and "etcd is away" in answer[1]

        wait_until(says_why, part="operator", what="say why", seconds=30, log=again.log)
        assert again.find_answer("/healthz") == (200, "ok\n")
        proxy.answer = None
        pods.works(pods.await_leading(again), "after")
        # Before the proxy, which leaves sockets open else.
        again.process.kill()
        again.process.wait(30)


def _versions(server: ApiServer) -> dict[str, str]:
    items = server.request("GET", releases_of(NAMESPACE)).body["items"]
    assert all(
        reason_of(server, f"{releases_of(NAMESPACE)}/{one['metadata']['name']}") for one in items
    )
    return {one["metadata"]["name"]: one["metadata"]["resourceVersion"] for one in items}
