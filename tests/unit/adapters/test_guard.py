"""Whether the guard on Applications holds us is tried, not believed."""

import copy

import pytest

from album_operator.adapters.cluster.guard import GuardAtStart, prove_guard
from album_operator.domain.errors import TransientError
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from tests.fakes.builders import APPLICATION, raw_application
from tests.fakes.cluster import FakeCluster

DOWN = TransientError(Reason.CLUSTER_UNAVAILABLE, "The API server cannot be reached.")
ANOTHER_RULE = TransientError(Reason.ADMISSION_DENIED, "A policy of yours refuses labels.")


@pytest.fixture
def cluster() -> FakeCluster:
    cluster = FakeCluster()
    cluster.apply(raw_application())
    return cluster


async def test_a_refusal_in_the_guards_words_proves_it(cluster: FakeCluster) -> None:
    await prove_guard(cluster, APPLICATION)


async def test_a_change_that_would_be_done_proves_that_there_is_none(cluster: FakeCluster) -> None:
    cluster.is_guarded = False
    before = copy.deepcopy(cluster.objects)
    with pytest.raises(TransientError) as caught:
        await prove_guard(cluster, APPLICATION)

    assert caught.value.reason is Reason.GUARD_MISSING
    assert "argocd/album-app-backend" in caught.value.sentence
    assert "manifests/base/application-guard.yaml" in caught.value.sentence
    assert "ALBUM_REQUIRE_GUARD=false" in caught.value.sentence
    assert cluster.objects == before
    assert cluster.faults.writes == []


@pytest.mark.parametrize("trouble", [DOWN, ANOTHER_RULE])
async def test_another_refusal_proves_nothing(
    cluster: FakeCluster, trouble: TransientError
) -> None:
    cluster.trouble = trouble
    with pytest.raises(TransientError) as caught:
        await prove_guard(cluster, APPLICATION)

    assert caught.value is trouble


async def test_an_application_that_is_gone_needs_no_guard(cluster: FakeCluster) -> None:
    cluster.is_guarded = False
    await prove_guard(cluster, Ref("argocd", "gone"))


async def test_at_the_start_it_is_asked_for_until_it_holds_and_then_no_more(
    cluster: FakeCluster,
) -> None:
    guard = GuardAtStart(cluster, ["empty", "argocd"])
    cluster.is_guarded = False
    for _ in range(2):
        obstacle = await guard.find_obstacle()
        assert obstacle is not None
        assert "Application argocd/album-app-backend" in obstacle
    cluster.is_guarded = True
    assert await guard.find_obstacle() is None
    # From here on it is proved before each release.
    cluster.is_guarded = False
    assert await guard.find_obstacle() is None


@pytest.mark.parametrize("namespaces", [[], ["empty"]])
async def test_where_nothing_is_to_guard_nothing_is_in_the_way(
    cluster: FakeCluster, namespaces: list[str]
) -> None:
    cluster.is_guarded = False
    assert await GuardAtStart(cluster, namespaces).find_obstacle() is None


async def test_a_namespace_that_cannot_be_asked_about_at_the_start_is_no_obstacle(
    cluster: FakeCluster, caplog: pytest.LogCaptureFixture
) -> None:
    cluster.refused["applications"] = DOWN
    assert await GuardAtStart(cluster, ["argocd"]).find_obstacle() is None
    assert "in namespace argocd: The API server cannot be reached." in caplog.text
