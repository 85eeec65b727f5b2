"""Helm 4 renders the same as Helm 3, and installs by server-side apply."""

import pytest

from distribution.chart import CHART
from testbed.offline import gotools
from tests.integration.apiserver import ApiServer
from tests.integration.chart.conftest import RELEASE, Helm, installing, objects_of


@pytest.fixture(scope="session")
def helm4(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Give Helm 4 without a cluster."""
    return Helm(gotools.ensure(["helm4"]) / "helm4", tmp_path_factory.mktemp("helm4"))


def test_both_render_the_same(helm: Helm, helm4: Helm) -> None:
    version = f"--kube-version={gotools.KUBERNETES}"
    assert objects_of(helm4.template(version)) == objects_of(helm.template(version))


def test_it_installs_upgrades_and_removes(helm4: Helm, chart_server: ApiServer) -> None:
    where = (RELEASE, "-n", "fourth")
    with installing(helm4, chart_server) as cluster:
        served = "--set=namespaces[0].name=fourth-builds"
        cluster.run("install", *where, str(CHART), "--create-namespace", served)
        more = "--set=settings.ALBUM_BUILDS=3"
        cluster.run("upgrade", *where, str(CHART), "--reset-then-reuse-values", more)
        path = "/api/v1/namespaces/fourth/configmaps/album-operator-defaults"
        assert chart_server.request("GET", path).body["data"]["ALBUM_BUILDS"] == "3"
        cluster.run("uninstall", *where)
        assert chart_server.request("GET", path).status == 404
