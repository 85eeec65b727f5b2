"""A build that an admission webhook refuses is told of, and goes on once it no longer does.

API server, Job controller, webhook and operator are real; no kubelet runs: Pods end by the test.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.contract.gitea_server import free_port
from tests.integration.apiserver import ensure_programs, running_controllers
from tests.integration.manifests.admission_webhook import NAME, WORDS, Webhook, running_webhook
from tests.integration.manifests.conftest import installing
from tests.integration.manifests.neighbours.controllers import DIGEST, ended_builder
from tests.integration.manifests.operator_stage import Stage
from tests.integration.manifests.tag_desk import PIPELINE, Desk, desk_in

NAMESPACE = "refused"
SECONDS = 30
"""In which it is told what keeps a build."""

JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"

Raw = dict[str, Any]

POD: Raw = {"restartPolicy": "Never", "containers": [{"name": "probe", "image": "none"}]}
PROBE = {"generateName": "probe-"}
ASKED: dict[str, tuple[Raw, tuple[str, Raw]]] = {
    "Pod": (
        {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]},
        (PODS, {"metadata": PROBE, "spec": POD}),
    ),
    "Job": (
        {"apiGroups": ["batch"], "apiVersions": ["v1"], "resources": ["jobs"]},
        (JOBS, {"metadata": PROBE, "spec": {"template": {"spec": POD}}}),
    ),
}
"""What a webhook is asked about, as a rule, and what shows that it is."""

REFUSED = f'admission webhook "{NAME}" denied the request: {WORDS}'
UNHEARD = f'failed calling webhook "{NAME}": '
MENDED = (
    "Change what its words name: the rule or the namespace, and the build goes on by itself; or "
    "the pipeline, and set the annotation album.dev/retry."
)
MENDED_FIRST = (
    "Whoever runs the cluster changes the rule, or you change what it names; the operator tries "
    "again by itself."
)
IN_NEED = "The API server cannot answer now: Internal error occurred: "


@dataclass
class Scene:
    """An operator beside the Job controller, and a webhook that nobody asks yet."""

    desk: Desk
    stage: Stage
    webhook: Webhook
    versions: list[str] = field(default_factory=list)

    def release(self) -> str:
        """Push the tag of one more version, and give the path of its release."""
        tag = f"backend-v1.{len(self.versions) + 1}.0"
        self.versions.append(tag)
        self.desk.push(tag)
        release = {
            "apiVersion": "album.dev/v1alpha1",
            "kind": "AlbumRelease",
            "metadata": {"name": tag},
            "spec": {"pipelineRef": {"name": PIPELINE}, "tag": tag},
        }
        made = self.desk.server.request("POST", self.desk.releases, release)
        assert made.status == 201, made.message
        return f"{self.desk.releases}/{tag}"

    def told(self, path: str, reason: str, seconds: float = SECONDS) -> str:
        """Wait for a reason of a release, and give what it says."""
        self.stage.until_ready_is(path, reason, seconds)
        conditions = self.desk.server.request("GET", path).body["status"]["conditions"]
        (message,) = (one["message"] for one in conditions if one["type"] == "Ready")
        return str(message)

    def pods(self, path: str) -> list[Raw]:
        """Give the Pods of a release's build."""
        found: list[Raw] = self.desk.server.request("GET", PODS).body["items"]
        name = path.rpartition("/")[2].replace(".", "-")
        return [one for one in found if f"-{name}-" in one["metadata"]["name"]]

    def end_build(self, path: str) -> None:
        """Wait for the Pod of a release's build, and end it as a kubelet does after a push."""
        self.stage.until(lambda: bool(self.pods(path)), "get a Pod", 2 * SECONDS)
        (pod,) = self.pods(path)
        patched = self.desk.server.request(
            "PATCH",
            f"{PODS}/{pod['metadata']['name']}/status",
            {"status": ended_builder(0, DIGEST)},
        )
        assert patched.status == 200, patched.message
        self.stage.until(lambda: self.digest(path) == DIGEST, "have an image")

    def digest(self, path: str) -> str:
        """Give the digest of a release's image, empty for none."""
        status = self.desk.server.request("GET", path).body["status"]
        return str(status.get("image", {}).get("digest", ""))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Run them with a server of their own: its Job controller would make others' Pods too."""
    folder = tmp_path_factory.mktemp("refused")
    with ExitStack() as stack:
        (folder / "server").mkdir()
        installed = stack.enter_context(installing(folder / "server"))
        controllers = running_controllers(
            installed.server, ensure_programs(), folder, "job-controller"
        )
        stack.enter_context(controllers)
        spec = {"build": BUILD, "triggers": None}
        desk = stack.enter_context(desk_in(installed, NAMESPACE, folder, spec))
        webhook = stack.enter_context(running_webhook(folder))
        yield Scene(desk, stack.enter_context(desk.operator()), webhook)


BUILD = {
    "image": {"registry": "ghcr.io", "repository": "o/app"},
    "proof": "Builder",
    "timeout": "2m",
}


@pytest.mark.parametrize(
    ("kind", "is_up", "reason", "said"),
    [
        ("Pod", True, "PodRefused", (f"gets no Pod from the API server ({REFUSED}).", MENDED)),
        ("Pod", False, "PodRefused", (f"Internal error occurred: {UNHEARD}", MENDED)),
        ("Job", True, "AdmissionDenied", (REFUSED, MENDED_FIRST)),
        ("Job", False, "ClusterUnavailable", (IN_NEED + UNHEARD,)),
    ],
)
def test_a_build_that_a_webhook_refuses_is_told_in_its_words_and_goes_on_without_it(
    scene: Scene, kind: str, reason: str, said: tuple[str, ...], *, is_up: bool
) -> None:
    webhook = scene.webhook if is_up else Webhook(free_port(), scene.webhook.bundle)
    with webhook.asked_by(scene.desk.server, *ASKED[kind]):
        path = scene.release()
        told = scene.told(path, reason)
        assert [words for words in said if words not in told] == [], told
        assert scene.pods(path) == []
    scene.end_build(path)


def test_a_build_that_is_refused_to_its_end_says_by_what(scene: Scene) -> None:
    short = {"spec": {"build": {**BUILD, "timeout": "10s"}}}
    pipeline = f"{scene.desk.pipelines}/{PIPELINE}"
    assert scene.desk.server.request("PATCH", pipeline, short).status == 200
    with scene.webhook.asked_by(scene.desk.server, *ASKED["Pod"]):
        path = scene.release()
        told = scene.told(path, "BuildTimedOut", 3 * SECONDS)

    assert "The build was not done within build.timeout (10s)." in told
    assert re.search(
        rf"What was last seen to keep it: Job \S+ gets no Pod .*{re.escape(REFUSED)}", told
    )
    assert "Mend that, then set the annotation album.dev/retry." in told
