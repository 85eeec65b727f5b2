"""Each way in which a build does not run, or ends badly, told in the words of whoever knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from testbed.demo import condition
from testbed.deploy import NAMESPACE, deploy
from tests.e2e.bad_registry import FORGETFUL, REFUSING, running_bad_registry
from tests.e2e.nodes import (
    add_lost_node,
    give_slot,
    give_slot_back,
    give_up_lost_node,
    remove_lost_node,
    run_on_lost_node,
    take_slot,
)
from tests.e2e.registry import Repository
from tests.e2e.troubled_builds import (
    BUILDS,
    FULL,
    LIE,
    MUTATIONS,
    STRICT,
    Builds,
    apply,
    consent,
    join,
    let_push,
    make_namespace,
    part,
    release,
)
from tests.e2e.world import World, wait_for

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def bad_registry(session_world: World) -> Iterator[str]:
    """A registry that is in trouble, and a Secret for it."""
    network, _, _ = session_world.testbed.registry.rpartition(".")
    with running_bad_registry(f"{network}.1") as host:
        let_push(session_world.testbed, host)
        yield host


@pytest.fixture(scope="module")
def troubles(session_world: World, bad_registry: str) -> Iterator[dict[str, World]]:
    """The cluster in which builds are in trouble, with an operator that serves all of it."""
    testbed = session_world.testbed
    make_namespace(testbed, FULL, "privileged")
    make_namespace(testbed, STRICT, "restricted")
    apply(testbed, *(item for case in MUTATIONS for item in join(case)))
    forge = testbed.forge_url.partition("://")[2]
    deploy(
        testbed,
        (FULL, STRICT),
        ALBUM_BUILDS_PER_NAMESPACE="30",
        ALBUM_INSECURE_HOSTS=f"{forge},{testbed.registry},{bad_registry}",
    )
    worlds = dict.fromkeys(BUILDS, session_world)
    worlds["quota"] = replace(session_world, namespace=FULL)
    worlds["strict"] = replace(session_world, namespace=STRICT)
    consents = [f"{world.namespace}/{case}" for case, world in worlds.items()]
    consent(session_world, ["album/album-app", *consents])
    yield worlds
    consent(session_world, ["album/album-app"])
    for case in MUTATIONS:
        part(testbed, case)
    testbed.kubectl("delete", "namespace", FULL, STRICT, "--wait=false")
    deploy(testbed)


@pytest.fixture(scope="module")
def builds(troubles: dict[str, World], bad_registry: str, each_engine: str) -> Iterator[Builds]:
    """One release for each trouble, all at once."""
    names: dict[str, str] = {}
    apply(troubles["lost"].testbed, *join("lost"))
    add_lost_node(troubles["lost"])
    give_slot(troubles["urgent"])
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "spec": {"hard": {"pods": "0"}}}
    metadata = {"name": "no-room", "namespace": FULL}
    apply(troubles["quota"].testbed, {**quota, "metadata": metadata})
    try:
        for case, world in troubles.items():
            world.engine = each_engine
            names[case] = release(case, world, bad_registry)
        begun = Builds(troubles, names)
        run_on_lost_node(troubles["lost"], begun.job("lost"))
        yield begun
    finally:
        remove_lost_node(troubles["lost"])
        give_slot_back(troubles["urgent"], NAMESPACE)
        for case, world in troubles.items():
            world.engine = "BuildKit"
            where = ("-n", world.namespace, "--ignore-not-found", "--wait=false")
            world.testbed.kubectl("delete", "albumrelease", names.get(case, case), *where)
            world.testbed.kubectl("delete", "albumpipeline", case, *where)


def test_a_build_that_is_evicted_is_told(builds: Builds) -> None:
    world, name = builds.world["taken"], builds.names["taken"]
    pod = builds.running("taken")
    metadata = {"name": pod, "namespace": world.namespace}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
    world.core.create_namespaced_pod_eviction(pod, world.namespace, eviction)
    message = condition(world.await_reason(name, "BuildEvicted"), "Ready")["message"]
    assert f"Pod {pod} of Job {builds.job('taken')} was taken away, and the build begins" in message
    assert "Eviction API" in message


def test_a_build_that_gives_way_to_a_more_urgent_pod_is_told_in_the_schedulers_words(
    builds: Builds,
) -> None:
    world, name = builds.world["urgent"], builds.names["urgent"]
    pod = builds.running("urgent")
    take_slot(world, NAMESPACE)
    message = condition(world.await_reason(name, "BuildEvicted"), "Ready")["message"]
    assert f"Pod {pod} of Job {builds.job('urgent')} was taken away" in message
    assert "preempting to accommodate a higher priority pod" in message
    give_slot_back(world, NAMESPACE)


def test_a_quota_without_room_is_told_in_the_api_servers_words(builds: Builds) -> None:
    message = builds.told("quota", "QuotaExceeded")
    assert "exceeded quota: no-room, requested: pods=1, used: pods=0, limited: pods=0" in message
    builds.world["quota"].testbed.kubectl("delete", "resourcequota", "no-room", "-n", FULL)


def test_pod_security_is_told_in_the_api_servers_words(builds: Builds) -> None:
    message = builds.told("strict", "PodRefused")

    assert 'violates PodSecurity "restricted:latest": ' in message


def test_a_pod_no_node_has_room_for_is_told_in_the_schedulers_words(builds: Builds) -> None:
    message = builds.told("room", "Unschedulable")

    assert re.search(r"0/. nodes are available: .*1 Insufficient cpu", message)


def test_an_image_that_cannot_be_pulled_is_named(builds: Builds) -> None:
    message = builds.told("image", "ImagePullFailed")

    assert "does not run in container build: " in message
    assert "registry.invalid/no/such:image" in message


def test_a_container_that_cannot_be_started_is_tried_anew_and_blames_no_step(
    builds: Builds,
) -> None:
    world = builds.world["program"]

    failure = builds.failed("program")

    assert (failure["reason"], failure["exitCode"]) == ("PodNotStarted", 128)
    assert "/no/such/program" in failure["message"]
    assert "at 4 tries: " in builds.message("program")
    assert "The image has no such program: correct which image it is" in builds.message("program")
    assert world.batch.read_namespaced_job(builds.job("program"), NAMESPACE).status.failed == 4
    assert f" {failure['pod']}" in builds.message("program").partition("kubectl describe pod ")[2]


def test_a_volume_that_does_not_mount_is_named(builds: Builds) -> None:
    assert 'secret "no-such-secret" not found' in builds.told("mount", "PodNotStarted")


@pytest.mark.parametrize(
    ("case", "reason", "said"),
    [
        ("limiting", "RateLimited", "limits requests"),
        ("broken", "RegistryUnavailable", "cannot answer now: HTTP status 503"),
        ("garbled", "RegistryUnavailable", "its answer makes no sense"),
        ("elsewhere", "HostNotAllowed", "to registry.example.org, where nothing proves"),
    ],
)
def test_a_registry_that_cannot_be_asked_is_named_before_anything_is_built(
    case: str, reason: str, said: str, builds: Builds, bad_registry: str
) -> None:
    world, name = builds.world[case], builds.names[case]

    message = condition(world.await_reason(name, reason, said=said), "Ready")["message"]

    assert f"Registry {bad_registry} " in message
    assert world.jobs(name) == []


def test_a_step_that_fails_is_told_with_its_container_and_where_its_log_is(builds: Builds) -> None:
    failure = builds.failed("step")

    assert (failure["reason"], failure["container"]) == ("BuildFailed", "build")
    assert failure["exitCode"] != 0
    assert ("line 2 of the Dockerfile ended with exit code 7" in failure["message"]) == (
        builds.world["step"].engine == "BuildKit"
    )
    command = builds.message("step").partition("Logs: kubectl ")[2]
    assert command == f"logs -n album {failure['pod']} -c build"
    assert "the secret word" in builds.world["step"].testbed.kubectl(*command.split())
    assert "the secret word" not in str(builds.status("step"))


def test_a_base_image_that_is_not_there_is_told_by_its_line(builds: Builds) -> None:
    failure = builds.failed("base")

    assert (failure["reason"], failure["container"]) == ("BuildFailed", "build")
    assert ("line 1 of the Dockerfile could not be done" in failure["message"]) == (
        builds.world["base"].engine == "BuildKit"
    )
    assert builds.message("base").endswith(f"logs -n album {failure['pod']} -c build")


def test_a_base_image_that_a_registry_refuses_is_named_where_the_log_may_be_shown(
    builds: Builds, bad_registry: str
) -> None:
    failure = builds.failed(REFUSING)

    assert (failure["reason"], failure["container"]) == ("BuildFailed", "build")
    assert f"{bad_registry}/{REFUSING}/base" in failure["message"]


def test_bytes_in_the_log_and_the_termination_message_are_told_as_text(builds: Builds) -> None:
    failure = builds.failed("noise")

    assert (failure["reason"], failure["container"]) == ("BuildFailed", "build")
    assert len(builds.message("noise")) <= 2048
    for said in (failure["message"], builds.message("noise")):
        assert re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", said) is None


def test_a_step_that_forks_for_ever_ends_its_build_alone(builds: Builds) -> None:
    failure = builds.failed("forks")

    assert (failure["reason"], failure["container"]) == ("BuildFailed", "build")
    assert len(builds.world["forks"].jobs(builds.names["forks"])) == 1


def test_a_process_that_a_step_leaves_behind_makes_nobody_believe_its_digest(
    builds: Builds,
) -> None:
    world, name = builds.world["liar"], builds.names["liar"]
    if world.engine == "Kaniko":
        assert builds.failed("liar")["reason"] == "ImageMismatch"
        assert f"left the digest {LIE}" in builds.message("liar")
        assert "a process that a step of the Dockerfile left behind" in builds.message("liar")
        world.testbed.kubectl(
            "annotate", "albumrelease", name, "-n", world.namespace, "album.dev/retry=again"
        )
        wait_for(f"{name} AwaitingMerge", lambda: world.reason(name) == "AwaitingMerge")
    image = world.await_reason(name, "AwaitingMerge")["status"]["image"]
    registry = Repository(world.testbed.registry, "album/album-app-backend")
    assert image["digest"] == registry.digest(image["reference"].rpartition(":")[2])
    assert image["origin"] == ("Reused" if world.engine == "Kaniko" else "Built")


def test_a_node_that_reports_no_more_is_told(builds: Builds) -> None:
    world, name = builds.world["lost"], builds.names["lost"]
    message = condition(world.await_reason(name, "NodeLost"), "Ready")["message"]
    assert f"of Job {builds.job('lost')} does not answer or is gone" in message
    part(world.testbed, "lost")
    give_up_lost_node(world)


def test_a_registry_that_takes_a_push_and_has_nothing_of_it_is_told(builds: Builds) -> None:
    assert builds.failed(FORGETFUL)["reason"] == "ImageMismatch"
    assert "the registry has no such image and none under the tag" in builds.message(FORGETFUL)


def test_a_step_that_takes_too_much_memory_is_told(builds: Builds) -> None:
    failure = builds.failed("memory")

    assert (failure["reason"], failure["container"]) == ("BuildOutOfMemory", "build")
    assert "Raise build.resources.limits.memory in the pipeline" in builds.message("memory")


def test_a_step_that_takes_too_much_disk_is_told_in_the_kubelets_words(builds: Builds) -> None:
    failure = builds.failed("disk")

    assert failure["reason"] == "BuildOutOfDisk"
    assert "exceeds" in failure["message"]
    assert len(builds.world["disk"].jobs(builds.names["disk"])) == 1
    assert "raise build.resources.limits.ephemeral-storage" in builds.message("disk")


def test_a_build_over_its_time_is_told(builds: Builds) -> None:
    assert builds.failed("late")["reason"] == "BuildTimedOut"


def test_a_sidecar_that_goes_on_does_not_hold_up_the_digest(builds: Builds) -> None:
    world, name = builds.world["sidecar"], builds.names["sidecar"]
    status = world.await_reason(name, "AwaitingMerge")["status"]
    assert status["image"]["digest"].startswith("sha256:")
    (job,) = world.jobs(name)
    assert world.batch.read_namespaced_job(job, world.namespace).status.active == 1


@pytest.mark.parametrize("case", ["taken", "quota", "urgent", "lost"])
def test_what_kubernetes_mends_by_itself_needs_nobody(case: str, builds: Builds) -> None:
    world, name = builds.world[case], builds.names[case]

    assert world.await_reason(name, "AwaitingMerge")["status"]["attempt"] == 1
    assert len(world.jobs(name)) == 1


def test_the_operator_has_met_no_bug(builds: Builds) -> None:
    log = builds.world["step"].operator_logs()

    assert "failed by a bug" not in log
