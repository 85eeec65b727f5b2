"""The sync policy from before us, given back once nobody holds it any more."""

import asyncio
from typing import Any

import pytest

from album_operator.adapters.cluster.applications import ClusterApplications, parse_application
from album_operator.adapters.cluster.releases import ClusterReleases
from album_operator.codec import parse_seen
from album_operator.domain.errors import TransientError
from album_operator.domain.pipeline import Pipeline
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.waking.policy_returns import LIST_SECONDS, PolicyReturns
from tests.fakes.builders import APPLICATION, NAMESPACE
from tests.unit.core.stage import Stage

PATH = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/album-app-backend"
PIPELINE = f"/apis/album.dev/v1alpha1/namespaces/{NAMESPACE}/albumpipelines/album-app"
RELEASE = Ref(NAMESPACE, "backend-v1.1.0")
CONSENT = "album.dev/authorized-pipeline"
KEPT = ("album.dev/previous-sync-policy", "album.dev/applied-sync-policy")


class Custodian:
    """An operator that has released, and what it does afterwards."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.seconds = 0.0
        self.start()

    def start(self) -> None:
        """Start anew: nothing is remembered but what is listed."""
        stage, clock = self.stage, lambda: self.seconds
        is_there = PIPELINE in stage.cluster.objects
        self.told = {Ref(NAMESPACE, "album-app"): True} if is_there else {}
        self.asked = 0
        self.refusal: TransientError | None = None
        self.returns = PolicyReturns(
            ClusterApplications(stage.cluster),
            self._find_pipeline,
            self.told.get,
            [NAMESPACE],
            stage.wakeups.index,
            clock,
        )
        self.returns.miss("argocd")
        self.seconds += LIST_SECONDS

    async def _find_pipeline(self, ref: Ref) -> Pipeline | None:
        self.asked += 1
        if self.refusal is not None:
            raise self.refusal
        releases = ClusterReleases(self.stage.cluster, self.stage.clock)
        return await releases.find_pipeline(ref)

    def delete_pipeline(self) -> None:
        """Delete the pipeline, and let that event arrive."""
        del self.stage.cluster.objects[PIPELINE]
        self.told[Ref(NAMESPACE, "album-app")] = False
        self.returns.let_go(Ref(NAMESPACE, "album-app"))

    def tell(self) -> None:
        """Let the events of the release and its Application arrive."""
        self.returns.note(APPLICATION, parse_application(self.stage.application()))
        for raw in self.stage.cluster.all_of("AlbumRelease"):
            self.stage.wakeups.index.note(RELEASE, parse_seen(raw))

    async def sweep(self) -> Any:  # noqa: ANN401 - as the Application has it
        """Look, and give the policy that is there then."""
        self.tell()
        await self.returns.sweep()
        return self.stage.application()["spec"].get("syncPolicy")

    @property
    def annotations(self) -> dict[str, str]:
        found: dict[str, str] = self.stage.application()["metadata"]["annotations"]
        return found


@pytest.fixture
async def custodian() -> Custodian:
    stage = Stage(is_built=True)
    stage.apply()
    await stage.release()
    assert stage.ready() == ("True", "Released")
    custodian = Custodian(stage)
    assert set(KEPT) <= custodian.annotations.keys()
    return custodian


def _consent(custodian: Custodian, text: str | None) -> None:
    custodian.stage.cluster.edit(PATH, {"metadata": {"annotations": {CONSENT: text}}})


async def test_a_policy_is_held_while_its_pipeline_is_there(custodian: Custodian) -> None:
    assert (await custodian.sweep())["automated"] == {"selfHeal": True}
    assert custodian.asked == 0


async def test_a_pipeline_of_which_no_event_has_told_is_asked_for(custodian: Custodian) -> None:
    custodian.told.clear()
    assert await custodian.sweep() is not None
    assert custodian.asked == 1


async def test_a_pipeline_that_is_deleted_leaves_no_trace(custodian: Custodian) -> None:
    custodian.delete_pipeline()

    assert await custodian.sweep() is None
    assert not set(KEPT) & custodian.annotations.keys()
    assert custodian.stage.ready() == ("True", "Released")


async def test_consent_that_is_taken_away_lets_go(custodian: Custodian) -> None:
    _consent(custodian, None)

    assert await custodian.sweep() is None


async def test_a_pipeline_of_nobody_is_no_news(custodian: Custodian) -> None:
    custodian.tell()
    custodian.returns.let_go(Ref(NAMESPACE, "another"))
    del custodian.stage.cluster.objects[PIPELINE]
    custodian.told.clear()
    await custodian.returns.look_at_changed()
    assert "syncPolicy" in custodian.stage.application()["spec"]


@pytest.mark.parametrize("is_pipeline", [True, False])
async def test_a_consent_or_a_pipeline_that_goes_is_looked_at_at_once(
    custodian: Custodian, *, is_pipeline: bool
) -> None:
    custodian.tell()
    looking = asyncio.create_task(custodian.returns.run())
    if is_pipeline:
        custodian.delete_pipeline()
    else:
        _consent(custodian, None)
    custodian.tell()
    async with asyncio.timeout(10):
        while "syncPolicy" in custodian.stage.application()["spec"]:
            await asyncio.sleep(0)
    looking.cancel()


async def test_what_happened_while_no_operator_ran_is_found_at_its_start(
    custodian: Custodian,
) -> None:
    custodian.delete_pipeline()
    custodian.start()
    await custodian.returns.sweep()

    assert "syncPolicy" not in custodian.stage.application()["spec"]


async def test_right_after_the_start_nothing_is_given_back(custodian: Custodian) -> None:
    custodian.delete_pipeline()
    custodian.start()
    custodian.seconds -= 1

    assert await custodian.sweep() is not None


@pytest.mark.parametrize("consents", ["album/album-app,other/app", "other/app"])
async def test_a_pipeline_nobody_here_can_tell_of_holds_it(
    custodian: Custodian, consents: str
) -> None:
    custodian.delete_pipeline()
    _consent(custodian, consents)

    assert await custodian.sweep() is not None


async def test_a_release_in_flight_holds_it(custodian: Custodian) -> None:
    stage = custodian.stage
    stage.annotate(retry="1")
    await stage.settle()
    custodian.delete_pipeline()
    assert await custodian.sweep() is not None

    await stage.release()
    assert await custodian.sweep() is None


async def test_what_somebody_changed_since_stays(custodian: Custodian) -> None:
    custodian.delete_pipeline()
    custodian.stage.cluster.edit(PATH, {"spec": {"syncPolicy": {"automated": {"prune": True}}}})

    assert await custodian.sweep() == {"automated": {"selfHeal": True, "prune": True}}
    assert not set(KEPT) & custodian.annotations.keys()


async def test_a_trouble_is_tried_again(custodian: Custodian) -> None:
    custodian.delete_pipeline()
    trouble = TransientError(Reason.CLUSTER_UNAVAILABLE, "It is down.")
    custodian.stage.cluster.trouble = trouble
    assert await custodian.sweep() is not None
    custodian.stage.cluster.trouble = None

    assert await custodian.sweep() is None


@pytest.mark.parametrize("reason", [Reason.FORBIDDEN, Reason.CLUSTER_UNAVAILABLE])
async def test_an_event_is_believed_where_its_namespace_or_the_crds_went_with_the_pipeline(
    custodian: Custodian, reason: Reason
) -> None:
    custodian.refusal = TransientError(reason, "It cannot be asked for.")
    custodian.told.clear()
    assert await custodian.sweep() is not None

    custodian.delete_pipeline()
    assert await custodian.sweep() is None


async def test_it_is_given_back_once(custodian: Custodian) -> None:
    custodian.delete_pipeline()
    await custodian.sweep()
    writes = len(custodian.stage.faults.writes)
    await custodian.sweep()

    assert len(custodian.stage.faults.writes) == writes


async def test_an_application_that_is_gone_is_forgotten(custodian: Custodian) -> None:
    custodian.delete_pipeline()
    custodian.tell()
    del custodian.stage.cluster.objects[PATH]
    await custodian.returns.sweep()
    custodian.returns.note(APPLICATION, None)
    await custodian.returns.sweep()
