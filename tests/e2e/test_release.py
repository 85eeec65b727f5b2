"""The main job on real parts: from a tag to a Healthy app, and nothing damaged on the way."""

import base64
import json
import uuid
from datetime import datetime, timedelta

import pytest

from testbed import samples
from tests.e2e.registry import Repository
from tests.e2e.world import CONFIG, SOURCE, World, wait_for

pytestmark = pytest.mark.e2e


def test_a_release_goes_from_tag_to_healthy_app(world: World, engine: str) -> None:
    tag = world.new_tag(target="main")
    version = tag.removeprefix("backend-")

    release = world.merge_and_finish(world.release(tag))

    status = release["status"]
    assert samples.running_version(world.testbed, "backend") == version
    assert status["image"]["reference"].endswith(f"/album/album-app-backend:{version}")
    assert status["build"]["type"] == engine
    assert status["applications"][0]["revision"] == status["pullRequest"]["mergeCommit"]
    assert status["applications"][0]["acceptedBecause"] == "Equal"
    assert [step["state"] for step in status["steps"]] == ["Succeeded"] * 5
    assert float(status["overhead"]) == pytest.approx(
        sum(float(step["overhead"]) for step in status["steps"])
    )
    assert release["metadata"]["labels"]["album.dev/app"] == "backend"
    assert len(json.dumps(status)) < 16 * 1024


def test_the_pull_request_changes_one_value_and_no_other_byte(world: World) -> None:
    tag = world.new_tag()
    name = world.release(tag)
    status = world.await_reason(name, "AwaitingMerge")["status"]
    commit = status["config"]["commit"]
    parent = world.commits(commit)[1]["sha"]

    def values(ref: str) -> bytes:
        found = world.forge.call("GET", f"/repos/{CONFIG}/contents/backend/values.yaml?ref={ref}")
        return base64.b64decode(found["content"])

    before, after = values(parent), values(commit)
    changed = [
        (old, new)
        for old, new in zip(before.splitlines(True), after.splitlines(True), strict=True)
        if old != new
    ]
    assert len(changed) == 1
    old, new = changed[0]
    was, _, comment = old.partition(b'"')[2].partition(b'"')
    assert new == old.replace(was, tag.removeprefix("backend-").encode())
    assert b"#" in comment


def test_the_sync_policy_keeps_what_was_there_and_the_previous_one(world: World) -> None:
    own = {"automated": None, "syncOptions": ["Validate=true"], "retry": {"limit": 3}}
    world.patch_application(
        "album-app-backend",
        {
            "metadata": {"annotations": {"album.dev/previous-sync-policy": None}},
            "spec": {"syncPolicy": own},
        },
    )
    release = world.merge_and_finish(world.release(world.new_tag()))

    application = world.application("album-app-backend")
    policy = application["spec"]["syncPolicy"]
    assert policy["automated"] == {"selfHeal": True}
    assert policy["syncOptions"] == ["Validate=true", "ApplyOutOfSyncOnly=true"]
    assert policy["retry"] == {"limit": 3}
    kept = json.loads(application["metadata"]["annotations"]["album.dev/previous-sync-policy"])
    assert kept == {"syncOptions": ["Validate=true"], "retry": {"limit": 3}}
    assert release["status"]["applications"][0]["health"] == "Healthy"


def test_two_apps_released_at_once_share_the_branch(world: World) -> None:
    names = [world.release(world.new_tag("backend")), world.release(world.new_tag("frontend"))]
    numbers = [
        world.await_reason(name, "AwaitingMerge")["status"]["pullRequest"]["number"]
        for name in names
    ]
    for number in numbers:
        world.reviewer.merge(CONFIG, number)
    for name in names:
        ready = world.await_finished(name)
        assert ready["status"] == "True", ready["message"]
    accepted = {world.get(name)["status"]["applications"][0]["acceptedBecause"] for name in names}
    assert accepted <= {"Equal", "Descendant"}


def test_a_release_deleted_and_applied_again_uses_the_image_that_is_there(world: World) -> None:
    tag = world.new_tag()
    name = world.release(tag)
    first = world.merge_and_finish(name)["status"]["image"]
    assert first["origin"] == "Built"
    world.testbed.kubectl("delete", "albumrelease", name, "-n", "album", "--timeout=60s")

    world.release(tag)
    world.await_finished(name)
    status = world.get(name)["status"]

    assert status["image"] == {**first, "origin": "Reused"}
    assert "build" not in status
    (ready,) = (step for step in status["steps"] if step["name"] == "ImageReady")
    begun, ended = (datetime.fromisoformat(ready[key]) for key in ("startedAt", "finishedAt"))
    assert ended - begun < timedelta(seconds=1)


@pytest.mark.usefixtures("engine")
def test_deleting_a_release_in_flight_stops_its_job_and_takes_its_pull_request_back(
    world: World,
) -> None:
    tag = world.new_tag()
    name = world.release(tag)
    branch = world.await_reason(name, "AwaitingMerge")["status"]["config"]["branch"]
    jobs = world.jobs(name)

    world.testbed.kubectl("delete", "albumrelease", name, "-n", "album", "--timeout=60s")

    def left() -> set[str]:
        return {job.metadata.name for job in world.batch.list_namespaced_job("album").items}

    wait_for("the Job is gone", lambda: not left() & set(jobs))
    wait_for(f"{branch} is gone", lambda: world.find_branch(branch) is None)
    assert [item["state"] for item in world.pull_requests(branch)] == ["closed"]


def test_a_suspended_release_waits_and_goes_on(world: World) -> None:
    tag = world.new_tag()
    world.testbed.kubectl(
        "apply",
        "-f",
        "-",
        stdin=json.dumps(
            {
                "apiVersion": "album.dev/v1alpha1",
                "kind": "AlbumRelease",
                "metadata": {"name": tag, "namespace": "album"},
                "spec": {"pipelineRef": {"name": "album-app"}, "tag": tag, "suspend": True},
            }
        ),
    )
    world.made.append(tag)
    world.await_reason(tag, "Suspended")
    assert world.jobs(tag) == []
    world.testbed.kubectl(
        "patch", "albumrelease", tag, "-n", "album", "--type=merge", '-p={"spec":{"suspend":false}}'
    )
    world.merge_and_finish(tag)


def test_a_forge_that_is_down_is_asked_again_at_the_time_shown(world: World) -> None:
    name = world.release(world.new_tag())
    world.await_reason(name, "AwaitingMerge")
    with world.forge_down():
        ready = world.await_reason(name, "ForgeUnavailable")
        message = next(
            item["message"] for item in ready["status"]["conditions"] if item["type"] == "Ready"
        )
        assert "Next try at " in message
    world.merge_and_finish(name)


@pytest.mark.usefixtures("engine")
def test_a_step_that_nothing_changed_for_comes_from_the_cache(world: World) -> None:
    world.pipeline(build__cache={"repository": f"album/cache-{uuid.uuid4().hex[:8]}"})
    branch = f"cached-{uuid.uuid4().hex[:8]}"
    dockerfile = (
        "FROM debian:bookworm-slim\n"
        "RUN cat /proc/sys/kernel/random/uuid >/never-twice-the-same\n"
        "ARG VERSION\nCOPY main.go /opt/$VERSION/main.go\nRUN echo $VERSION >/version\n"
    )
    world.branch_source("backend/Dockerfile", dockerfile, branch)
    images, built = Repository(world.testbed.registry, "album/album-app-backend"), []
    for tag in (world.new_tag(target=branch), world.new_tag(target=branch)):
        status = world.await_reason(world.release(tag), "AwaitingMerge")["status"]
        built.append(images.layers(status["image"]["digest"]))
    first, second = built
    assert first[:-2] == second[:-2]
    assert not {*first[-2:]} & {*second[-2:]}


@pytest.mark.usefixtures("engine")
def test_two_tags_of_one_commit_get_an_image_each(world: World) -> None:
    first, second = world.new_tag(), world.new_tag()
    commits = {
        world.forge.call("GET", f"/repos/{SOURCE}/tags/{tag}")["commit"]["sha"]
        for tag in (first, second)
    }
    assert len(commits) == 1
    digests = set()
    for tag in (first, second):
        image = world.merge_and_finish(world.release(tag))["status"]["image"]
        assert image["reference"].endswith(f":{tag.removeprefix('backend-')}")
        digests.add(image["digest"])
    assert len(digests) == 2
