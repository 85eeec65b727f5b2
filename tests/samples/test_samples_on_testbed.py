"""The samples running under Argo CD on a whole testbed."""

import json
from typing import Any

import pytest

from testbed import Testbed, samples
from testbed.commands import PartError, wait_until
from testbed.forge import Forge
from testbed.samples.applications import application_name
from testbed.samples.history import ALBUM_APP_CONFIG, APPS

pytestmark = pytest.mark.e2e

PREVIOUS = "album.dev/previous-sync-policy"


@pytest.fixture(scope="module", autouse=True)
def _first_state(testbed: Testbed) -> None:
    """The samples in their first state, whatever ran on the testbed before."""
    samples.reset(testbed)


def get(testbed: Testbed, app: str) -> dict[str, Any]:
    argv = ("--namespace=argocd", "get", "application", application_name(app), "--output=json")
    found: dict[str, Any] = json.loads(testbed.kubectl(*argv))
    return found


def patch(testbed: Testbed, app: str, change: dict[str, Any]) -> None:
    argv = ("--namespace=argocd", "patch", "application", application_name(app), "--type=merge")
    testbed.kubectl(*argv, f"--patch={json.dumps(change)}")


def assert_first_state(testbed: Testbed) -> None:
    branch = f"/repos/album/{ALBUM_APP_CONFIG.name}/branches/main"
    head = Forge.of_owner(testbed).call("GET", branch)["commit"]["id"]
    for app in APPS:
        found = get(testbed, app)
        assert "syncPolicy" not in found["spec"]
        annotations = found["metadata"]["annotations"]
        assert annotations["album.dev/authorized-pipeline"] == "album/album-app"
        assert PREVIOUS not in annotations
        status = found["status"]
        assert (status["sync"]["status"], status["sync"]["revision"]) == ("Synced", head)
        assert status["health"]["status"] == "Healthy"
        image = f"{testbed.registry}/album/album-app-{app}:v1.0.0"
        assert status["summary"]["images"] == [image]
        assert samples.running_version(testbed, app) == "v1.0.0"


def test_the_samples_are_healthy_at_their_first_version(testbed: Testbed) -> None:
    assert_first_state(testbed)


def test_the_frontend_passes_the_api_on_to_the_backend(testbed: Testbed) -> None:
    frontend = "/api/v1/namespaces/album-app/services/album-app-frontend:http/proxy"

    def is_passed_on() -> bool:
        # A Service follows its Pods a moment later: right after a rollout one try may go astray.
        try:
            answer = testbed.kubectl("get", "--raw", f"{frontend}/api/version")
        except PartError:
            return False
        assert json.loads(answer) == {"app": "backend", "version": "v1.0.0"}
        return True

    wait_until(is_passed_on, part="frontend", what="pass the API on", seconds=60)
    assert "<title>Albums</title>" in testbed.kubectl("get", "--raw", f"{frontend}/index.html")


def test_a_second_up_syncs_nothing_again(testbed: Testbed) -> None:
    before = {app: get(testbed, app)["status"]["operationState"] for app in APPS}
    samples.ensure(testbed)
    assert {app: get(testbed, app)["status"]["operationState"] for app in APPS} == before


def test_a_reset_takes_back_a_sync_policy_and_a_withdrawn_consent(testbed: Testbed) -> None:
    annotations = {PREVIOUS: "{}", "album.dev/authorized-pipeline": None}
    policy = {"automated": {"selfHeal": True}, "syncOptions": ["ApplyOutOfSyncOnly=true"]}
    change = {"metadata": {"annotations": annotations}, "spec": {"syncPolicy": policy}}
    patch(testbed, "backend", change)
    samples.reset(testbed)
    assert_first_state(testbed)
