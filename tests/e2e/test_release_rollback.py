"""A version that does not run is taken back, and its app is held until a person lifts that."""

import json
import re
import shlex
import uuid
from typing import Any

import pytest

from testbed import PartError
from tests.e2e.applications import APP, application, applied, ensure_file, image_of
from tests.e2e.world import CONFIG, World, wait_for

pytestmark = pytest.mark.e2e

NAME = f"{APP}-reverted"
PATH = f"{NAME}/app.yaml"
PATIENT = {"settle": "1s", "timeout": "4m"}

# One Pod at a time, so that the app answers nobody while its new version does not run.
MANIFESTS = """\
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec:
  selector: {{app.kubernetes.io/name: {name}}}
  ports: [{{name: http, port: 8080}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  progressDeadlineSeconds: 5
  strategy: {{type: Recreate}}
  selector: {{matchLabels: {{app.kubernetes.io/name: {name}}}}}
  template:
    metadata: {{labels: {{app.kubernetes.io/name: {name}}}}}
    spec:
      securityContext: {{runAsNonRoot: true, seccompProfile: {{type: RuntimeDefault}}}}
      containers:
        - name: backend
          image: {image}
          readinessProbe: {{httpGet: {{path: /version, port: 8080}}, periodSeconds: 1}}
          securityContext: {{allowPrivilegeEscalation: false, capabilities: {{drop: [ALL]}}}}
"""


def _pipeline(world: World, **argocd: str) -> None:
    """Apply a pipeline that takes back what fails."""
    edit = {
        "path": PATH,
        "key": "spec.template.spec.containers[name=backend].image",
        "value": "Reference",
        "document": {"kind": "Deployment", "name": NAME},
    }
    app = {
        "name": "backend",
        "edits": [edit],
        "applications": [{"namespace": "argocd", "name": NAME}],
    }
    names = {"branch": f"{NAME}/${{app}}_${{version}}"}
    world.pipeline(
        NAME,
        apps=[app],
        argocd=PATIENT | argocd,
        policy={"rollback": "Revert"},
        config__pullRequest=names,
    )


def _image(world: World, version: str) -> str:
    return f"{world.testbed.registry}/album/album-app-backend:{version}"


def _version(world: World) -> str | None:
    """Ask the app itself; None while it answers nobody."""
    service = f"/api/v1/namespaces/{APP}/services/{NAME}:http"
    try:
        answer = json.loads(world.testbed.kubectl("get", "--raw", f"{service}/proxy/version"))
    except PartError:
        return None
    return str(answer["version"])


def _release_what_ends_at_once(world: World) -> str:
    """Release a version whose process ends at once, with a timeout that is short.

    The release sleeps until Argo CD has found that out, which on a busy machine takes longer.
    """
    branch = f"crashing-{uuid.uuid4().hex[:8]}"
    dockerfile = f"FROM {_image(world, 'v1.0.0')}\nENV ADDRESS=nowhere\n"
    world.branch_source("backend/Dockerfile", dockerfile, branch)
    _pipeline(world, timeout="10s")
    name = world.release(world.new_tag(target=branch), pipeline=NAME)
    number = world.await_reason(name, "AwaitingMerge")["status"]["pullRequest"]["number"]
    _pipeline(world)
    _suspend(world, name, is_suspended=True)
    world.await_reason(name, "Suspended")
    world.reviewer.merge(CONFIG, number)
    refresh = {"argocd.argoproj.io/refresh": "normal"}
    world.patch_application(NAME, {"metadata": {"annotations": refresh}})
    wait_for(f"{NAME} Degraded", lambda: _health(world) == "Degraded")
    _suspend(world, name, is_suspended=False)
    return name


def _suspend(world: World, name: str, *, is_suspended: bool) -> None:
    patch = json.dumps({"spec": {"suspend": is_suspended}})
    world.testbed.kubectl(
        "patch", "albumrelease", name, "-n", world.namespace, "--type=merge", "-p", patch
    )


def _health(world: World) -> str:
    return str(world.application(NAME)["status"]["health"]["status"])


def _await_rollback(world: World, failed: str) -> str:
    def look() -> str | None:
        found: dict[str, Any] = world.get(failed)["status"].get("rollback", {})
        return found.get("release") if "uid" in found else None

    name = wait_for(f"a release that takes {failed} back", look)
    world.made.append(name)
    return name


def test_a_version_that_does_not_run_is_taken_back_and_the_next_waits_for_a_person(
    world: World,
) -> None:
    ensure_file(world, PATH, MANIFESTS.format(name=NAME, image=_image(world, "v1.0.0")))
    _pipeline(world)
    with applied(world, application(world, NAME, NAME, {"path": NAME})):
        good = world.merge_and_finish(world.release(world.new_tag(), pipeline=NAME))["status"]
        running = _version(world)
        assert running is not None

        failed = _release_what_ends_at_once(world)
        rollback = _await_rollback(world, failed)
        assert world.reason(failed) == "Degraded"
        assert not world.condition(failed, "Finished")
        assert _version(world) is None
        newer = world.release(world.new_tag(), pipeline=NAME)
        world.await_reason(newer, "Held")

        back = world.merge_and_finish(rollback)
        assert back["spec"]["rollbackOf"] == {"name": failed}
        assert back["status"]["image"]["digest"] == good["image"]["digest"]
        assert world.jobs(rollback) == []
        assert image_of(world, NAME) == good["image"]["reference"]
        assert _version(world) == running
        assert world.await_finished(failed)["reason"] == "RolledBack"

        held = world.condition(newer, "Ready")
        assert held["reason"] == "Held"
        assert world.jobs(newer) == []
        _lift(world, held["message"])
        refresh = f"album.dev/refresh={uuid.uuid4().hex}"
        world.testbed.kubectl("annotate", "albumrelease", newer, "-n", world.namespace, refresh)
        after = world.merge_and_finish(newer)["status"]
        assert image_of(world, NAME) == after["image"]["reference"]


def _lift(world: World, message: str) -> None:
    """Run the command that the message of a release that is held names."""
    found = re.search(r"kubectl (annotate albumpipeline .+?Z)\.", message)
    assert found is not None, message
    world.testbed.kubectl(*shlex.split(found.group(1)))
