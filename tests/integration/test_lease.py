"""Who leads by a Lease of a real API server; the time that passes is each candidate's own."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kubernetes.aio import client, config

from album_operator.adapters.cluster.cluster import Cluster
from album_operator.adapters.cluster.lease import ADDRESS, DeposedError, LeaseLock
from album_operator.clock import ServerClock
from album_operator.domain.candidacy import LONGEST_LEASE, Candidacy, Leader
from album_operator.term import Term
from tests.integration.apiserver import ApiServer

NAMESPACE = "leases"
NAME = "album-operator"
PATH = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{NAME}"
LEASE, RENEW = 15, 10


@dataclass
class Candidate:
    """An operator that stands for election, with a clock of its own.

    Attributes:
        now: seconds of that clock.
        said: who leads, in its words.
    """

    name: str
    cluster: Cluster
    now: float
    lease: int = LEASE
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.term = Term(RENEW, lambda: self.now)
        candidacy = Candidacy(NAMESPACE, NAME, self.name, "10.0.0.1", self.lease, RENEW, 2)
        self.lock = LeaseLock(self.cluster, candidacy, self.term, self._note)

    def _note(self, words: str, *, answered: bool) -> None:
        self.said.append(words if answered else f"? {words}")

    async def try_it(self) -> bool:
        """Look at the Lease, and take or renew it where it may be; tell whether that was done."""
        may, _ = await self.lock.get(NAME, NAMESPACE)
        return may and await self.lock.update(NAME, NAMESPACE)


@dataclass
class World:
    """The API server, and who stands there."""

    server: ApiServer
    stack: AsyncExitStack

    async def stand(self, name: str, **fields: Any) -> Candidate:  # noqa: ANN401 - handed on
        """Let one more stand, an hour ahead of those before by its own clock."""
        settings = client.Configuration()
        await config.load_kube_config(str(self.server.kubeconfig), client_configuration=settings)
        wrong = ServerClock(wall=lambda: datetime.now(UTC) - timedelta(hours=5))
        cluster = Cluster(client.ApiClient(settings), wrong)
        self.stack.push_async_callback(cluster.close)
        return Candidate(name, cluster, 3600.0 * len(name), **fields)

    def lease(self) -> dict[str, Any]:
        """Give the Lease."""
        found: dict[str, Any] = self.server.request("GET", PATH).body
        return found

    def edit(self, **spec: object) -> None:
        """Write to it as a stranger."""
        assert self.server.request("PATCH", PATH, {"spec": spec}).status == 200


@pytest.fixture
async def world(api_server: ApiServer) -> AsyncIterator[World]:
    """Give an API server without a Lease."""
    api_server.create_namespace(NAMESPACE)
    api_server.request("DELETE", PATH)
    async with AsyncExitStack() as stack:
        yield World(api_server, stack)


async def test_the_first_leads_and_the_second_only_after_it_has_renewed_nothing_for_the_lease(
    world: World,
) -> None:
    one, other = await world.stand("one"), await world.stand("other")
    assert await one.try_it()
    assert not await other.try_it()
    assert other.said == ["one leads"]
    assert other.lock.leader == Leader("one", "10.0.0.1")

    other.now += LEASE - 1
    assert await one.try_it()
    assert not await other.try_it()
    other.now += LEASE - 0.1
    assert not await other.try_it()
    other.now += 0.1
    assert await other.try_it()
    assert (other.term.is_running, other.term.left) == (True, RENEW)
    with pytest.raises(DeposedError, match="other holds it"):
        await one.try_it()
    assert not one.term.is_running


async def test_of_two_that_find_it_free_at_once_one_leads(world: World) -> None:
    one, other = await world.stand("one"), await world.stand("other")
    assert [(await one.lock.get())[0], (await other.lock.get())[0]] == [True, True]
    assert [await one.lock.update(), await other.lock.update()] == [True, False]
    assert not other.term.is_running


async def test_what_is_written_is_in_utc_by_the_api_servers_clock(world: World) -> None:
    one = await world.stand("one")
    assert await one.try_it()
    first = world.lease()["spec"]
    assert await one.try_it()
    spec = world.lease()["spec"]
    for name in ("acquireTime", "renewTime"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", spec[name])
        assert abs(datetime.fromisoformat(spec[name]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert (spec["holderIdentity"], spec["leaseDurationSeconds"]) == ("one", LEASE)
    assert (spec["leaseTransitions"], spec["acquireTime"]) == (0, first["acquireTime"])


async def test_a_lease_that_is_given_back_is_taken_at_once_and_what_others_wrote_stays(
    world: World,
) -> None:
    one, other = await world.stand("one"), await world.stand("other")
    assert await one.try_it()
    theirs = {"metadata": {"annotations": {"example.org/theirs": "1"}}}
    world.server.request("PATCH", PATH, theirs)
    assert not await other.try_it()
    await one.lock.give_back()
    assert not one.term.is_running
    assert await other.try_it()
    found = world.lease()
    assert found["metadata"]["annotations"] == {"example.org/theirs": "1", ADDRESS: "10.0.0.1"}
    assert (found["spec"]["holderIdentity"], found["spec"]["leaseTransitions"]) == ("other", 1)


async def test_who_does_not_lead_gives_nothing_back(world: World) -> None:
    one, other = await world.stand("one"), await world.stand("other")
    assert await one.try_it()
    assert not await other.try_it()
    await other.lock.give_back()
    assert world.lease()["spec"]["holderIdentity"] == "one"


async def test_a_container_that_is_started_anew_in_its_pod_goes_on_leading(world: World) -> None:
    assert await (await world.stand("one")).try_it()
    assert await (await world.stand("one")).try_it()


async def test_annotations_of_others_are_no_renewal(world: World) -> None:
    one, other = await world.stand("one"), await world.stand("other")
    assert await one.try_it()
    assert not await other.try_it()
    other.now += LEASE
    world.server.request("PATCH", PATH, {"metadata": {"annotations": {"example.org/theirs": "1"}}})
    assert await other.try_it()


async def test_a_lease_that_is_deleted_is_made_again_by_its_leader_and_by_nobody_else_in_time(
    world: World,
) -> None:
    one, other = await world.stand("one"), await world.stand("other")
    assert await one.try_it()
    assert not await other.try_it()
    world.server.request("DELETE", PATH)
    assert not await other.try_it()
    assert await one.try_it()
    assert not await other.try_it()

    world.server.request("DELETE", PATH)
    other.now += LEASE
    assert await other.try_it()
    with pytest.raises(DeposedError):
        await one.try_it()


async def test_a_lease_that_a_stranger_empties_is_its_leaders_still(world: World) -> None:
    one, other = await world.stand("one"), await world.stand("other")
    assert await one.try_it()
    world.edit(holderIdentity="")
    assert not await other.try_it()
    assert other.said == ["nobody leads"]
    assert await one.try_it()
    assert world.lease()["spec"]["holderIdentity"] == "one"


async def test_a_lease_that_a_stranger_takes_ends_the_term_and_is_free_after_an_hour_at_most(
    world: World,
) -> None:
    one, other = await world.stand("one"), await world.stand("other")
    assert await one.try_it()
    world.edit(holderIdentity="stranger", leaseDurationSeconds=2**31 - 1)
    with pytest.raises(DeposedError, match="stranger holds it"):
        await one.try_it()
    assert not one.term.is_running

    assert not await other.try_it()
    other.now += LONGEST_LEASE
    assert await other.try_it()


async def test_what_the_leader_wrote_counts_where_the_standby_is_set_to_less(world: World) -> None:
    one, other = await world.stand("one", lease=60), await world.stand("other", lease=15)
    assert await one.try_it()
    assert not await other.try_it()
    other.now += 59
    assert not await other.try_it()
    other.now += 1
    assert await other.try_it()


async def test_a_lease_that_somebody_made_without_a_spec_is_taken_after_a_while(
    world: World,
) -> None:
    raw = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": NAME}}
    assert world.server.request("POST", PATH.removesuffix(f"/{NAME}"), raw).status == 201
    one = await world.stand("one")
    assert not await one.try_it()
    one.now += LEASE
    assert await one.try_it()


async def test_a_term_that_ran_out_is_not_renewed_though_nobody_else_leads(world: World) -> None:
    one = await world.stand("one")
    assert await one.try_it()
    written = world.lease()["metadata"]["resourceVersion"]
    one.now += RENEW
    with pytest.raises(DeposedError, match="not renewed in time"):
        await one.try_it()
    assert world.lease()["metadata"]["resourceVersion"] == written


async def test_a_renewal_that_was_stopped_on_its_way_prolongs_nothing(world: World) -> None:
    one = await world.stand("one")
    assert await one.try_it()
    sending = one.lock._write

    async def stop(seconds: int, holder: str) -> dict[str, Any]:
        one.now += 60
        return await sending(seconds, holder)

    one.lock._write = stop  # type: ignore[method-assign]
    assert not await one.try_it()
    assert not one.term.is_running


async def test_who_may_not_read_the_lease_says_which_manifests_let_it(world: World) -> None:
    world.server.run_kubectl("create", "serviceaccount", "-n", NAMESPACE, "nobody")
    one = await world.stand("one")
    token = world.server.issue_token(NAMESPACE, "nobody")
    one.cluster._api.configuration.api_key = {"BearerToken": token}
    one.cluster._api.configuration.api_key_prefix = {"BearerToken": "Bearer"}
    assert not await one.try_it()
    (said,) = one.said
    assert said.startswith("? The Lease cannot be read: ")
    assert "may not get coordination.k8s.io/leases in namespace leases" in said
    assert "the Role and RoleBinding of manifests/base" in said
