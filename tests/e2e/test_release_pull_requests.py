"""Pull requests on their way to the merge: conflicts, refusals, the operator's own merges."""

import base64
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from testbed.deploy import SYSTEM
from tests.e2e.world import CONFIG, World, wait_for

pytestmark = pytest.mark.e2e

VALUES = "backend/values.yaml"


def _merged(world: World, name: str) -> dict[str, Any]:
    return world.condition(name, "Merged")


def _await_detail(world: World, name: str, reason: str) -> None:
    wait_for(f"{name} {reason}", lambda: _merged(world, name).get("reason") == reason, 120)


def _deliveries(world: World) -> float:
    """Give how many webhooks of the forge the operator has taken."""
    pod = f"{world.operator_pod()}:8082"
    text = world.core.connect_get_namespaced_pod_proxy_with_path(pod, SYSTEM, "metrics")
    found = re.search(r'deliveries_total\{forge="gitea",result="accepted"\} (\S+)', text)
    return float(found.group(1)) if found is not None else 0.0


def test_the_forge_tells_of_a_merge_and_the_branch_goes(world: World) -> None:
    name = world.release(world.new_tag())
    status = world.await_reason(name, "AwaitingMerge")["status"]
    before = _deliveries(world)
    world.reviewer.merge(CONFIG, status["pullRequest"]["number"])
    wait_for("a webhook", lambda: _deliveries(world) > before, 60)
    world.await_finished(name)
    merged = _merged(world, name)
    assert merged["status"] == "True"
    assert f"by {world.testbed.reviewer} as" in merged["message"]
    branch = status["config"]["branch"]
    wait_for("the branch is gone", lambda: world.find_branch(branch) is None, 60)


def test_a_conflict_is_mended_on_the_new_base(world: World) -> None:
    name = world.release(world.new_tag())
    status = world.await_reason(name, "AwaitingMerge")["status"]
    first, number = status["config"]["commit"], status["pullRequest"]["number"]
    mark = f"by {uuid.uuid4().hex[:8]}"
    world.change_base(VALUES, "# set by releases", f"# set by releases, {mark}")
    wait_for(
        "the same edit on the new base",
        lambda: world.get(name)["status"]["config"]["commit"] != first,
        120,
    )
    assert world.forge.call("GET", f"/repos/{CONFIG}/pulls/{number}")["state"] == "open"
    release = world.merge_and_finish(name)
    assert release["status"]["pullRequest"]["number"] == number
    merged = release["status"]["pullRequest"]["mergeCommit"]
    found = world.forge.call("GET", f"/repos/{CONFIG}/contents/{VALUES}?ref={merged}")
    text = base64.b64decode(found["content"]).decode()
    assert mark in text
    assert release["status"]["version"] in text
    world.change_base(VALUES, f"# set by releases, {mark}", "# set by releases")


def test_a_closed_pull_request_is_a_no_and_tells_who_said_it(world: World) -> None:
    name = world.release(world.new_tag())
    number = world.await_reason(name, "AwaitingMerge")["status"]["pullRequest"]["number"]
    world.reviewer.call("PATCH", f"/repos/{CONFIG}/pulls/{number}", {"state": "closed"})
    ready = world.await_finished(name, 60)
    assert ready["reason"] == "PullRequestClosed"
    assert f"#{number}" in ready["message"]
    assert f"closed by {world.testbed.reviewer}" in ready["message"]


@pytest.fixture
def required_check(world: World) -> Iterator[str]:
    """Let `main` of the config repository be merged into only with a check."""
    path, check = f"/repos/{CONFIG}/branch_protections", "values"
    rule = {
        "rule_name": "main",
        "enable_push": True,
        "enable_status_check": True,
        "status_check_contexts": [check],
    }
    world.forge.call("POST", path, rule)
    yield check
    world.forge.call("DELETE", f"{path}/main")


def test_merge_auto_waits_for_checks_and_needs_nobody(world: World, required_check: str) -> None:
    world.pipeline(config__pullRequest={"merge": "Auto", "labels": ["release"]})
    name = world.release(world.new_tag())
    pull_request = world.await_reason(name, "AwaitingMerge")["status"]["pullRequest"]
    _await_detail(world, name, "ChecksRunning")
    wait_for("armed", lambda: "by itself" in _merged(world, name)["message"], 60)
    found = world.forge.call("GET", f"/repos/{CONFIG}/pulls/{pull_request['number']}")
    assert [label["name"] for label in found["labels"]] == ["release"]
    path = f"/repos/{CONFIG}/statuses/{pull_request['headSHA']}"
    world.reviewer.call("POST", path, {"context": required_check, "state": "success"})
    ready = world.await_finished(name)
    assert ready["status"] == "True", ready["message"]
    assert f"merged by {world.testbed.forge_user}" in _merged(world, name)["message"]
