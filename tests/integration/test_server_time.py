"""The operator's clock follows the times of the real API server's answers."""

from datetime import UTC, datetime, timedelta

import pytest
from kubernetes.aio import client, config

from album_operator.adapters.cluster.cluster import Cluster, path_of
from album_operator.clock import ServerClock
from tests.integration.apiserver import ApiServer


@pytest.mark.parametrize("minutes", [-16, 16])
async def test_a_node_whose_clock_is_wrong_tells_the_api_servers_time(
    crds_installed: ApiServer, minutes: int
) -> None:
    wrong = ServerClock(wall=lambda: datetime.now(UTC) + timedelta(minutes=minutes))
    assert abs(wrong() - datetime.now(UTC)) > timedelta(minutes=15)
    settings = client.Configuration()
    await config.load_kube_config(str(crds_installed.kubeconfig), client_configuration=settings)
    cluster = Cluster(client.ApiClient(settings), wrong)
    try:
        made = await cluster.create(
            path_of("/api/v1", "configmaps", "default"), {"metadata": {"generateName": "clock-"}}
        )
    finally:
        await cluster.close()
    stamp = datetime.fromisoformat(made["metadata"]["creationTimestamp"])
    assert abs(wrong() - stamp) < timedelta(seconds=30)
