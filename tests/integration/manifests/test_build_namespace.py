"""Build Jobs in the namespace that the manifests make for releases."""

import pytest

from album_operator.codec import parse_pipeline, parse_release
from album_operator.decisions.conventions import resolve
from album_operator.domain.resolved import Resolved
from album_operator.render.job import EngineSettings, render_job
from tests.integration import objects
from tests.integration.apiserver import ApiServer
from tests.integration.manifests.applications import Raw
from tests.integration.manifests.conftest import Installed

NAMESPACE = "album"
JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs?dryRun=All"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods?dryRun=All"


def _create(server: ApiServer, raw: Raw) -> Raw:
    answer = server.request("POST", f"{objects.collection(raw, NAMESPACE)}?dryRun=All", raw)
    assert answer.status == 201, answer.message
    body: Raw = answer.body
    body["metadata"]["resourceVersion"] = "1"  # a dry run stores nothing, so it gives none
    return body


def _job(server: ApiServer) -> Raw:
    """Render kaniko's Job of a release as users write it, with the API server's defaults."""
    release = parse_release(_create(server, objects.release()))
    pipeline = parse_pipeline(_create(server, objects.pipeline()))
    resolved = resolve(release, pipeline)
    assert isinstance(resolved, Resolved)
    images = EngineSettings("album-operator:0.1.0", "kaniko:v1", "buildkit:v1")
    return render_job(release, resolved, 1, images)


@pytest.fixture(autouse=True)
def _default_service_account(installed: Installed) -> None:
    """Make what the ServiceAccount controller makes in every namespace of a whole cluster."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    installed.server.request("POST", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", account)


def test_the_operator_may_create_the_job_also_where_owners_are_guarded(
    installed: Installed,
) -> None:
    job = _job(installed.server)
    answer = installed.as_operator("POST", JOBS, job)
    assert answer.status == 201, answer.message
    # The admission plugin is on: a Job that held up its owner's deletion would need more rights.
    (owner,) = job["metadata"]["ownerReferences"]
    owner["blockOwnerDeletion"] = True
    assert "blockOwnerDeletion" in installed.as_operator("POST", JOBS, job).message


def test_its_pod_passes_the_pod_security_of_the_namespace(installed: Installed) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "build-"},
        "spec": _job(installed.server)["spec"]["template"]["spec"],
    }
    answer = installed.server.request("POST", PODS, pod)
    assert answer.status == 201, answer.message
    pod["spec"]["hostNetwork"] = True
    assert "violates PodSecurity" in installed.server.request("POST", PODS, pod).message
