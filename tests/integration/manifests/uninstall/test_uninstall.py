"""Uninstalling in any order: nothing hangs, and Applications get their sync policies back."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from album_operator.adapters.cluster.applications import parse_application
from album_operator.domain.argocd import SyncPolicyWish
from album_operator.render.sync_policy import APPLIED_POLICY, PREVIOUS_POLICY, patch_for
from tests.integration.apiserver import (
    ApiServer,
    ensure_programs,
    running_api_server,
    running_controllers,
)
from tests.integration.manifests.applications import APPLICATIONS, CONSENT, MANIFESTS, Raw
from tests.integration.manifests.conftest import Installed, install
from tests.integration.manifests.operator_process import running_operator
from tests.integration.manifests.operator_stage import NOBODY, Stage, fill, make_release
from tests.unit.docs.documents import fences, read, section

CONTROLLERS = ("namespace-controller", "garbage-collector-controller")
"""Those that delete what lies in a deleted namespace, and what belongs to a deleted object."""

APP = f"{APPLICATIONS}/app-backend"
POLICY: Raw = {"automated": {"prune": True}, "syncOptions": ["CreateNamespace=true"]}
OVERLAY = str(MANIFESTS / "overlays" / "default")

NAMESPACES = ("namespace/album-system", "namespace/album")
CRDS = ("crd/albumreleases.album.dev", "crd/albumpipelines.album.dev")
ARGO_CD = ("crd/applications.argoproj.io", "namespace/argocd")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Run a server whose deleted namespaces go."""
    folder = tmp_path_factory.mktemp("uninstall")
    binaries = ensure_programs()
    with (
        running_api_server(binaries, folder) as running,
        running_controllers(running, binaries, folder, *CONTROLLERS),
    ):
        yield running


@pytest.fixture
def installed(server: ApiServer) -> Iterator[Installed]:
    """Install, with an Application whose policy is lent, and take away what is left in the end."""
    result = install(server)
    fill(server, "album")
    own = {"metadata": {"annotations": {CONSENT: "album/app"}}, "spec": {"syncPolicy": None}}
    server.request("PATCH", APP, own)
    server.request("PATCH", APP, {"spec": {"syncPolicy": POLICY}})
    seen = parse_application(server.request("GET", APP).body)
    lent = patch_for(seen, SyncPolicyWish(self_heal=True, apply_out_of_sync_only=True))
    answer = result.as_operator("PATCH", APP, lent, "application/merge-patch+json")
    assert answer.status == 200, answer.message
    # Argo CD's own finalizer, which nobody here takes away.
    server.request("PATCH", f"{APPLICATIONS}/guard-is-up", {"metadata": {"finalizers": None}})
    yield result
    _delete(server, *ARGO_CD)


def _delete(server: ApiServer, *what: str) -> None:
    """Delete and wait until all of it is gone."""
    server.run_kubectl("delete", "--ignore-not-found", "--timeout=50s", *what)


def _has_policy_back(server: ApiServer) -> bool:
    raw = server.request("GET", APP).body
    kept = {PREVIOUS_POLICY, APPLIED_POLICY} & raw["metadata"]["annotations"].keys()
    return raw["spec"]["syncPolicy"] == POLICY and not kept


def _run_documented_command(server: ApiServer) -> None:
    """Run what docs/install.md says for Applications that nobody gives their policy back."""
    told = fences(section(read("docs/install.md"), "When the operator is gone"))
    (command,) = (one.text for one in told if "syncPolicy" in one.text)
    path = f"{server.kubectl.parent}:{os.environ['PATH']}"
    home = server.kubeconfig.parent  # kubectl keeps what it has found out there
    env = {"PATH": path, "KUBECONFIG": str(server.kubeconfig), "HOME": str(home)}
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command], env=env, capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stderr.decode()


@pytest.mark.parametrize(
    "first", [NAMESPACES[1:], CRDS, ARGO_CD], ids=["namespace", "CRDs", "Argo CD"]
)
def test_the_operator_outlives_whatever_is_deleted_before_it(
    installed: Installed, tmp_path: Path, first: tuple[str, ...]
) -> None:
    server = installed.server
    nobody = NOBODY.removeprefix("http://")
    with running_operator(
        installed, tmp_path, hurried=True, ALBUM_INSECURE_HOSTS=nobody
    ) as operator:
        stage = Stage(server, operator)
        release = make_release(server, "album", "in-flight")
        stage.until_in_flight(release)
        _delete(server, *first)
        if first == ARGO_CD:
            stage.until_ready_is(release, "Forbidden")
        else:
            stage.until_served("no namespace is served")
            stage.until(lambda: _has_policy_back(server), "give the sync policy back")
        assert stage.is_the_same()
    assert "Traceback" not in operator.log.read_text()
    _delete(server, "-k", OVERLAY)
    _check_that_nothing_is_left(server)


def test_without_an_operator_all_of_it_goes_and_a_command_gives_the_policy_back(
    installed: Installed, tmp_path: Path
) -> None:
    server = installed.server
    nobody = NOBODY.removeprefix("http://")
    with running_operator(installed, tmp_path, ALBUM_INSECURE_HOSTS=nobody) as operator:
        Stage(server, operator).until_in_flight(make_release(server, "album", "in-flight"))
    _delete(server, "namespace/album-system")
    # The guards that are left know of no operator any more, and hold nobody else.
    label = {"metadata": {"labels": {"team": "music"}}}
    assert server.request("PATCH", APP, label).status == 200
    _delete(server, "namespace/album")
    _delete(server, "-k", OVERLAY)
    _check_that_nothing_is_left(server)
    assert not _has_policy_back(server)
    _run_documented_command(server)
    assert _has_policy_back(server)
    _run_documented_command(server)


def _check_that_nothing_is_left(server: ApiServer) -> None:
    said = server.run_kubectl("get", "--ignore-not-found", *NAMESPACES, *CRDS)
    assert said == ""
    policies = "validatingadmissionpolicies,validatingadmissionpolicybindings"
    assert "album" not in server.run_kubectl("get", policies)
