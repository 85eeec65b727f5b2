"""The operator dies at its worst moments; a new Pod ends the release with nothing done twice."""

from collections.abc import Callable

import pytest

from tests.e2e.world import World, wait_for

pytestmark = pytest.mark.e2e

Look = Callable[[World, str, str], bool]

AT_ONCE = 0.005
"""Seconds between looks for the effect a kill is to follow."""

EFFECTS: dict[str, Look] = {
    "job": lambda world, name, _: bool(world.jobs(name)),
    "branch": lambda world, _, branch: world.find_branch(branch) is not None,
    "pull request": lambda world, _, branch: bool(world.pull_requests(branch)),
    "status": lambda world, name, _: "resolved" in world.get(name).get("status", {}),
}


def _ends_once(world: World, name: str, branch: str) -> None:
    world.merge_and_finish(name)
    assert len(world.jobs(name)) == 1
    pull_requests = world.pull_requests(branch)
    assert len(pull_requests) == 1
    status = world.get(name)["status"]
    head, base = world.commits(status["config"]["commit"])[:2]
    assert head["commit"]["message"].startswith("release: backend ")
    assert not base["commit"]["message"].startswith(head["commit"]["message"])
    assert status["attempt"] == 1


@pytest.mark.parametrize("effect", EFFECTS)
def test_a_new_pod_ends_the_release_after_a_kill_at_the(effect: str, world: World) -> None:
    tag = world.new_tag()
    branch = f"release/backend_{tag.removeprefix('backend-')}"
    with world.killer() as kill:
        name = world.release(tag)
        wait_for(effect, lambda: EFFECTS[effect](world, name, branch), pause=AT_ONCE)
        kill()
    _ends_once(world, name, branch)


def test_a_new_pod_ends_the_release_after_a_kill_at_the_application_patch(world: World) -> None:
    world.patch_application(
        "album-app-backend",
        {
            "metadata": {"annotations": {"album.dev/previous-sync-policy": None}},
            "spec": {"syncPolicy": None},
        },
    )
    tag = world.new_tag()
    branch = f"release/backend_{tag.removeprefix('backend-')}"
    name = world.release(tag)
    number = world.await_reason(name, "AwaitingMerge")["status"]["pullRequest"]["number"]

    def is_patched() -> bool:
        policy = world.application("album-app-backend")["spec"].get("syncPolicy") or {}
        return bool(policy.get("automated", {}).get("selfHeal"))

    with world.killer() as kill:
        world.reviewer.merge("album/album-app-config", number)
        wait_for("the sync policy", is_patched, pause=AT_ONCE)
        kill()
    ready = world.await_finished(name)
    assert ready["status"] == "True", ready["message"]
    assert len(world.pull_requests(branch)) == 1
    kept = world.application("album-app-backend")["metadata"]["annotations"]
    assert kept["album.dev/previous-sync-policy"] == "null"


def test_a_restart_with_finished_releases_writes_nothing(world: World) -> None:
    finished = world.release("backend-v0.0.1", name="finished", pipeline="nowhere")
    assert world.await_finished(finished)["reason"] == "PipelineNotFound"
    assert "finalizers" not in world.get(finished)["metadata"]
    start = world.audit_offset()
    with world.killer() as kill:
        kill()
    # A later release that the new Pod has dealt with proves that it has seen the earlier one.
    later = world.release("backend-v0.0.2", name="later", pipeline="nowhere")
    world.await_finished(later)

    def is_served() -> bool:
        return any(
            event["verb"] == "watch" and event["objectRef"]["resource"] == "albumreleases"
            for event in world.audit(start)
        )

    wait_for("a watch of releases in the audit log", lambda: is_served() or None, 60)
    touched = {
        event["objectRef"].get("name", "")
        for event in world.operator_writes(start)
        if event["objectRef"]["resource"] != "events"
    }
    assert touched == {later}
