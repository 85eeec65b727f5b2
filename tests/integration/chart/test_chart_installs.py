"""Helm installs, upgrades and removes the operator on a real API server."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from distribution.chart import CHART
from testbed.commands import PartError, capture, wait_until
from tests.integration.apiserver import ApiServer
from tests.integration.chart.conftest import RELEASE, SYSTEM, Helm, installing, objects_of
from tests.integration.manifests.applications import CRD, MANIFESTS, UNKNOWN_FIELDS_STAY
from tests.integration.manifests.conftest import Installed
from tests.integration.manifests.operator_process import running_operator

RELEASES_CRD = "albumreleases.album.dev"
SHOWN = "/apis/album.dev/v1alpha1/namespaces/shown-builds"
PROBE = "templates/tests/ready.yaml"
CRD_PATH = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{RELEASES_CRD}"


@pytest.fixture
def cluster(helm: Helm, chart_server: ApiServer) -> Iterator[Helm]:
    """Give Helm with a cluster that has nothing of ours, but namespaces of former tests."""
    with installing(helm, chart_server) as cluster:
        yield cluster


def _install(cluster: Helm, system: str, served: str, *options: str) -> str:
    """Install into namespaces of a test's own, for none can be deleted here."""
    return cluster.run(
        *("install", RELEASE, str(CHART), "-n", system, "--create-namespace"),
        *(f"--set=namespaces[0].name={served}", *options),
    )


def _names(server: ApiServer, kind: str) -> set[str]:
    return set(server.run_kubectl("get", kind, "-o", "name").split())


def test_the_operator_is_ready_with_what_the_chart_gives_it(
    cluster: Helm, chart_server: ApiServer, tmp_path: Path
) -> None:
    _install(cluster, SYSTEM, "album")
    token = chart_server.issue_token(SYSTEM, "album-operator")
    with running_operator(Installed(chart_server, token), tmp_path) as operator:
        wait_until(operator.is_ready, part="operator", what="become ready", seconds=60)


def test_an_upgrade_brings_what_is_new_in_crds_and_leaves_what_is_there(
    cluster: Helm, chart_server: ApiServer, tmp_path: Path
) -> None:
    old = tmp_path / "old"
    shutil.copytree(CHART, old)
    crd = old / "files/crds/album.dev_albumreleases.yaml"
    crd.write_text(crd.read_text().replace("    - album\n", "    - before\n"))
    cluster.run(
        "install",
        RELEASE,
        str(old),
        "-n",
        "upgraded",
        "--create-namespace",
        "--set=namespaces[0].name=upgraded-builds",
    )
    names = chart_server.request("GET", CRD_PATH).body["spec"]["names"]
    assert names["categories"] == ["before"]

    cluster.run(
        "upgrade",
        RELEASE,
        str(CHART),
        "-n",
        "upgraded",
        "--reset-then-reuse-values",
        "--set=namespaces[0].name=upgraded-builds",
        "--set=namespaces[1].name=more",
    )

    names = chart_server.request("GET", CRD_PATH).body["spec"]["names"]
    assert names["categories"] == ["album"]
    assert "namespace/upgraded-builds" in _names(chart_server, "namespaces")
    path = "/apis/rbac.authorization.k8s.io/v1/namespaces/more/roles/album-operator"
    assert chart_server.request("GET", path).status == 200


def test_uninstall_leaves_releases_and_their_namespace_and_takes_the_rights(
    cluster: Helm, chart_server: ApiServer
) -> None:
    _install(cluster, "removed", "removed-builds")
    cluster.run("uninstall", RELEASE, "-n", "removed")

    assert chart_server.request("GET", CRD_PATH).status == 200
    assert "namespace/removed-builds" in _names(chart_server, "namespaces")
    assert chart_server.run_kubectl("get", "roles", "-n", "removed-builds", "-o", "name") == ""
    assert _names(chart_server, "validatingadmissionpolicies") == set()
    # As the same release it is there again.
    _install(cluster, "removed", "removed-builds")


def _refusal(cluster: Helm, system: str, served: str, *options: str) -> str:
    with pytest.raises(PartError) as caught:
        _install(cluster, system, served, *options)
    assert cluster.run("list", "-A", "-q") == ""
    return str(caught.value)


def test_without_argo_cds_namespace_nothing_is_installed_and_the_way_out_is_told(
    cluster: Helm, chart_server: ApiServer
) -> None:
    apps = "--set=applicationNamespaces={apps}"
    said = _refusal(cluster, "early", "early-builds", apps)
    assert "applicationNamespaces[0]: namespace apps does not exist: install Argo CD" in said
    assert chart_server.request("GET", CRD_PATH).status == 404
    chart_server.create_namespace("apps")
    _install(cluster, "early", "early-builds", apps)


def test_a_namespace_that_exists_is_taken_as_it_is_when_the_values_say_so(
    cluster: Helm, chart_server: ApiServer
) -> None:
    chart_server.create_namespace("theirs")
    said = _refusal(cluster, "beside", "theirs")
    assert "namespaces[0]: namespace theirs exists, and is not of this Helm release" in said
    assert chart_server.request("GET", CRD_PATH).status == 404
    assert "let namespaces have {name: theirs, create: false}" in said
    _install(cluster, "beside", "theirs", "--set=namespaces[0].create=false")


def test_a_namespace_that_is_missing_is_made_when_the_values_say_so(cluster: Helm) -> None:
    no = "--set=namespaces[0].create=false"
    said = _refusal(cluster, "alone", "alone-builds", no)
    assert "namespaces[0]: namespace alone-builds does not exist: create it, or let" in said
    _install(cluster, "alone", "alone-builds", "--set=namespaces[0].create=true")


def test_what_was_applied_by_kubectl_is_taken_over_without_a_gap(
    cluster: Helm, chart_server: ApiServer
) -> None:
    overlay = str(MANIFESTS / "overlays/default")
    text = chart_server.run_kubectl("kustomize", overlay)
    moved = (
        text.replace("album-system", "taken")
        .replace("namespace: album\n", "namespace: taken-builds\n")
        .replace("name: album\n", "name: taken-builds\n")
    )
    chart_server.run_kubectl("apply", "-f", "-", stdin=moved)
    path = "/apis/apps/v1/namespaces/taken/deployments/album-operator"
    before = chart_server.request("GET", path).body["metadata"]["uid"]

    _install(
        cluster, "taken", "taken-builds", "--take-ownership", "--set=namespaces[0].create=false"
    )

    assert chart_server.request("GET", path).body["metadata"]["uid"] == before
    assert "namespace/taken-builds" in _names(chart_server, "namespaces")


def test_what_another_release_left_is_taken_over_as_the_refusal_says(
    cluster: Helm, chart_server: ApiServer
) -> None:
    _install(cluster, "former", "left-builds")
    cluster.run("uninstall", RELEASE, "-n", "former")
    where = (
        str(CHART),
        "-n",
        "latter",
        "--create-namespace",
        "--set=namespaces[0].name=left-builds",
    )
    remedy = (
        f"--take-ownership takes over what an uninstalled release {RELEASE} of namespace former"
    )
    for name in (RELEASE, "other"):
        assert remedy in cluster.refusal("install", name, *where)

    install = ("install", "other", *where, "--set=namespaces[0].create=false")
    said = cluster.refusal(*install)
    assert 'CustomResourceDefinition "albumpipelines.album.dev" in namespace "" exists' in said
    cluster.run(*install, "--take-ownership")

    found = chart_server.request("GET", CRD_PATH).body["metadata"]["annotations"]
    assert found["meta.helm.sh/release-name"] == "other"
    assert cluster.run("list", "-A", "-q").split() == ["other"]


def test_what_is_rendered_is_taken_by_kubectl(helm: Helm, chart_server: ApiServer) -> None:
    names = ("--set=namespaces[0].name=rendered-builds",)
    for name in ("rendered", "rendered-builds"):
        chart_server.create_namespace(name)
    text = helm.template(*names, namespace="rendered")
    apply = ("apply", "--server-side", "--dry-run=server", "-f", "-")
    lines = chart_server.run_kubectl(*apply, stdin=text).splitlines()
    assert len(lines) == len(objects_of(text))
    for line in lines:
        assert line.endswith("serverside-applied (server dry run)")


def test_the_notes_tell_what_is_in_the_way_of_builds(
    cluster: Helm, chart_server: ApiServer
) -> None:
    chart_server.create_namespace("strict")
    label = "pod-security.kubernetes.io/enforce"
    chart_server.run_kubectl("label", "namespace", "strict", f"{label}=restricted")
    no = "--set=namespaces[0].create=false"
    said = _install(cluster, "noted", "strict", no)

    assert "image.repository is album-operator, which no registry serves" in said
    assert "there are no Applications" not in said
    remedy = f"kubectl label namespace strict --overwrite {label}=baseline"
    assert remedy in said
    chart_server.run_kubectl(*remedy.split()[1:])
    again = cluster.run("upgrade", RELEASE, str(CHART), "-n", "noted", "--reset-then-reuse-values")
    assert "kubectl label" not in again
    assert "kubectl rollout status deployment/album-operator -n noted" in again


def test_the_notes_tell_that_argo_cd_is_missing_until_it_is_there(
    cluster: Helm, chart_server: ApiServer
) -> None:
    served = "--set=namespaces[0].name=first-builds"
    install = ("install", RELEASE, str(CHART), "-n", "first", "--dry-run=server", served)
    told = "WARNING: there are no Applications in this cluster. Install Argo CD"
    chart_server.run_kubectl("delete", "crd", "applications.argoproj.io")
    try:
        assert told in cluster.run(*install)
    finally:
        chart_server.request("POST", CRD, UNKNOWN_FIELDS_STAY)
    assert told not in cluster.run(*install)


def test_the_examples_for_artifact_hub_are_taken(cluster: Helm, chart_server: ApiServer) -> None:
    _install(cluster, "shown", "shown-builds")
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    examples = yaml.safe_load(chart["annotations"]["artifacthub.io/crdsExamples"])
    plurals = {"AlbumPipeline": "albumpipelines", "AlbumRelease": "albumreleases"}
    assert [one["kind"] for one in examples] == list(plurals)

    def are_served() -> bool:
        return all(
            chart_server.request("GET", f"{SHOWN}/{it}").status == 200 for it in plurals.values()
        )

    wait_until(are_served, part="CRDs", what="become served", seconds=30)
    for one in examples:
        one["metadata"]["namespace"] = "shown-builds"
        path = f"{SHOWN}/{plurals[one['kind']]}?dryRun=All"
        answer = chart_server.request("POST", path, one)
        assert answer.status == 201, answer.message


def test_what_helm_test_runs_is_admitted_and_tells_what_readiness_is(
    helm: Helm, cluster: Helm, chart_server: ApiServer, tmp_path: Path
) -> None:
    _install(cluster, "tested", "tested-builds")
    restricted = "pod-security.kubernetes.io/enforce=restricted"
    chart_server.run_kubectl("label", "namespace", "tested", restricted)
    text = helm.run("template", RELEASE, str(CHART), "-n", "tested", "--show-only", PROBE)
    found = objects_of(text)
    pod = found["Pod", "tested", "album-operator-test"]
    # Nobody else makes it here.
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    chart_server.request("POST", "/api/v1/namespaces/tested/serviceaccounts", account)
    answer = chart_server.request("POST", "/api/v1/namespaces/tested/pods?dryRun=All", pod)
    assert answer.status == 201, answer.message
    (container,) = pod["spec"]["containers"]
    code, url, _ = container["args"]
    assert url == "http://album-operator-test.tested.svc:8080/readyz"

    def run(port: int) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-c", code, f"http://127.0.0.1:{port}/readyz", "0"]
        return subprocess.run(argv, capture_output=True, text=True, check=False)

    token = chart_server.issue_token("tested", "album-operator")
    installed = Installed(chart_server, token)
    with running_operator(installed, tmp_path, "tested-builds") as operator:
        wait_until(operator.is_ready, part="operator", what="become ready", seconds=60)
        done = run(operator.port)
        assert (done.returncode, done.stderr) == (0, "")
        assert operator.find_answer("/readyz") == (200, done.stdout.removesuffix("\n"))
    gone = run(operator.port)
    assert gone.returncode == 1
    assert "refused" in gone.stderr


def test_one_file_has_all_that_helm_would_install(helm: Helm, kubectl: Path) -> None:
    image = "registry.example.org:5000/tools/album-operator"
    make = ["make", "--silent", "install-yaml", f"IMAGE={image}:next", f"KUBECTL={kubectl}"]
    capture(make, part="make", cwd=MANIFESTS.parent)
    found = objects_of((MANIFESTS.parent / "dist/install.yaml").read_text())
    (deployment,) = (one for (kind, *_), one in found.items() if kind == "Deployment")
    values = (f"--set=image.repository={image}", "--set=image.tag=next")
    rendered = objects_of(helm.template(*values))
    key = ("Deployment", SYSTEM, "album-operator")
    assert rendered[key]["spec"]["template"]["spec"]["containers"][0]["image"] == f"{image}:next"
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"{image}:next"
    assert len(found) == len(rendered) + 1
