"""Finished releases are removed on a real API server, each only as it was seen."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from kubernetes.aio import client, config

from album_operator.adapters.cluster.cluster import Cluster, path_of
from album_operator.adapters.cluster.releases import ClusterReleases
from album_operator.codec import parse_seen
from album_operator.domain.history import HistoryWish
from album_operator.domain.pipeline import PolicyWish
from album_operator.domain.pipeline_record import PipelineRecord
from album_operator.domain.release import Ref
from album_operator.memory.release_index import ReleaseIndex
from album_operator.pipelines.retention import Retention
from tests.fakes.builders import NOW, PIPELINE, raw_finished
from tests.integration.apiserver import ApiServer

NAMESPACE = "history"
RELEASES = path_of("/apis/album.dev/v1alpha1", "albumreleases", NAMESPACE)
HISTORY = HistoryWish(released=3, others=1, age=timedelta(days=90))
KEEPING = replace(
    PIPELINE, ref=Ref(NAMESPACE, PIPELINE.ref.name), policy=PolicyWish(history=HISTORY)
)


@pytest.fixture
async def cluster(crds_installed: ApiServer) -> AsyncIterator[Cluster]:
    crds_installed.create_namespace(NAMESPACE)
    settings = client.Configuration()
    await config.load_kube_config(str(crds_installed.kubeconfig), client_configuration=settings)
    real = Cluster(client.ApiClient(settings))
    yield real
    await real.close()


async def _finish(cluster: Cluster, name: str, minutes: int) -> None:
    raw = raw_finished(name, NOW + timedelta(minutes=minutes))
    metadata = {"namespace": NAMESPACE, "name": name}
    await cluster.create(RELEASES, {**raw, "metadata": metadata})
    await cluster.merge(f"{RELEASES}/{name}/status", {"status": raw["status"]})


async def _list(cluster: Cluster) -> dict[str, Any]:
    return {raw["metadata"]["name"]: raw async for raw in cluster.list_all(RELEASES)}


async def test_what_is_beyond_the_number_goes_and_what_changes_meanwhile_stays(
    cluster: Cluster,
) -> None:
    names = [f"backend-v1.{number}.0" for number in range(8)]
    for number, name in enumerate(names):
        await _finish(cluster, name, number)
    index = ReleaseIndex()
    for name, raw in (await _list(cluster)).items():
        index.note(Ref(NAMESPACE, name), parse_seen(raw))
    kept = {"metadata": {"annotations": {"album.dev/keep": "yes"}}}
    await cluster.merge(f"{RELEASES}/{names[0]}", kept)
    retention = Retention(ClusterReleases(cluster, lambda: NOW), index, lambda: NOW)
    record = PipelineRecord(message="All is well.")
    assert await retention.look(KEEPING, record) == record
    while await retention.remove_next() is not None:
        pass

    assert set(await _list(cluster)) == {names[0], *names[-3:]}
