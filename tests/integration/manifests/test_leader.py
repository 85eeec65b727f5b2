"""Operators that stand for election on a real API server: one works, another is there for it."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.commands import wait_until
from tests.integration.apiserver import ApiServer
from tests.integration.manifests.api_proxy import running_proxy
from tests.integration.manifests.conftest import OPERATOR, Installed
from tests.integration.manifests.operator_stage import (
    clear,
    grant,
    make_release,
    reason_of,
    releases_of,
)
from tests.integration.manifests.pods import LEASES, Pods

NAMESPACE = "led"
STARTS_WORK = f"Namespace {NAMESPACE} is served"


@pytest.fixture
def pods(installed: Installed, tmp_path: Path) -> Iterator[Pods]:
    """Give a namespace to serve, and no Lease."""
    installed.server.create_namespace(NAMESPACE)
    grant(installed.server, NAMESPACE)
    installed.server.request("DELETE", f"{LEASES}/{OPERATOR}")
    made = Pods(installed, tmp_path, NAMESPACE)
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
