"""Build Jobs and their Pods as the operator reads them."""

import asyncio
from typing import Any

import pytest

from album_operator.adapters.cluster.builds import ClusterBuilds, parse_build
from album_operator.adapters.cluster.cluster import parse_time
from album_operator.domain.build_slots import BuildRunning
from album_operator.domain.builds import BuildState, JobOwner, LastWords, PodTrouble
from album_operator.domain.errors import StaleError
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from tests.fakes.builders import DIGEST, NOW, RELEASE
from tests.fakes.cluster import FakeCluster, fail_build, finish_build

OWNER: dict[str, Any] = {
    "apiVersion": "album.dev/v1alpha1",
    "kind": "AlbumRelease",
    "name": RELEASE.ref.name,
    "uid": RELEASE.uid,
    "controller": True,
}
JOB: dict[str, Any] = {
    "kind": "Job",
    "metadata": {
        "namespace": "album",
        "name": "build-1",
        "uid": "job-1",
        "ownerReferences": [OWNER],
    },
}


def _job(kind: str, reason: str = "") -> dict[str, Any]:
    condition = {
        "type": kind,
        "status": "True",
        "reason": reason,
        "lastTransitionTime": "2026-11-20T12:01:00Z",
    }
    return {**JOB, "status": {"startTime": "2026-11-20T12:00:00Z", "conditions": [condition]}}


CONTROLLER: dict[str, Any] = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "name": "build-1",
    "uid": "job-1",
    "controller": True,
}


def _pod(name: str = "build-1-x", **status: object) -> dict[str, Any]:
    metadata = {
        "name": name,
        "creationTimestamp": "2026-11-20T12:00:00Z",
        "ownerReferences": [CONTROLLER],
    }
    return {"metadata": metadata, "status": status}


def _container(name: str = "build", **state: object) -> list[dict[str, Any]]:
    return [{"name": name, "state": state}]


def test_a_job_without_a_pod_runs() -> None:
    seen = parse_build(JOB, [], RELEASE)

    assert (seen.job, seen.state) == ("build-1", BuildState.RUNNING)
    assert seen.trouble is None


def _said(digest: str, name: str = "build-1-x") -> dict[str, Any]:
    ended = _container(terminated={"exitCode": 0, "message": digest})
    return _pod(name, phase="Succeeded", containerStatuses=ended)


def test_a_complete_job_has_the_last_words_of_its_builder() -> None:
    pod = _said(DIGEST)
    pod["status"]["containerStatuses"] = [
        *_container("sidecar", terminated={"exitCode": 0, "message": "bye"}),
        *pod["status"]["containerStatuses"],
    ]
    seen = parse_build(_job("Complete"), [pod], RELEASE)

    assert seen.state is BuildState.SUCCEEDED
    assert seen.last_words == (LastWords("build-1-x", DIGEST),)
    assert (seen.started_at, seen.finished_at) == (
        parse_time("2026-11-20T12:00:00Z"),
        parse_time("2026-11-20T12:01:00Z"),
    )


def test_no_other_container_speaks_for_the_builder() -> None:
    pod = _pod(
        phase="Succeeded",
        initContainerStatuses=[
            *_container("fetch", terminated={"exitCode": 0, "message": DIGEST}),
            *_container("build", terminated={"exitCode": 0, "message": DIGEST}),
        ],
        ephemeralContainerStatuses=_container("build", terminated={"message": DIGEST}),
        containerStatuses=[
            *_container("sidecar", terminated={"exitCode": 0, "message": DIGEST}),
            *_container(terminated={"exitCode": 0}),
        ],
    )

    assert parse_build(_job("Complete"), [pod], RELEASE).last_words == (LastWords("build-1-x", ""),)


@pytest.mark.parametrize(
    "owners",
    [
        [],
        [{**CONTROLLER, "uid": "another"}],
        [{**CONTROLLER, "controller": False}],
        [{**CONTROLLER, "kind": "ReplicaSet"}],
        [{**CONTROLLER, "apiVersion": "apps/v1"}],
        [{**CONTROLLER, "controller": False}, {**OWNER, "uid": "job-1"}],
    ],
    ids=str,
)
def test_a_pod_with_the_jobs_label_is_not_the_jobs_pod(owners: list[dict[str, Any]]) -> None:
    stranger = _said(f"sha256:{'e' * 64}", "newer")
    stranger["metadata"] |= {"creationTimestamp": "2026-11-20T13:00:00Z", "ownerReferences": owners}
    seen = parse_build(_job("Complete"), [stranger, _said(DIGEST)], RELEASE)
    assert seen.last_words == (LastWords("build-1-x", DIGEST),)

    stranger["status"] = {"phase": "Failed", "reason": "Evicted", "message": "by a stranger"}
    assert parse_build(_job("Failed"), [stranger, _pod()], RELEASE).trouble is None


def test_of_a_jobs_pods_those_that_succeeded_speak() -> None:
    lost = _said(f"sha256:{'e' * 64}", "build-1-lost")
    lost["status"] |= {"phase": "Failed", "reason": "Terminated"}
    seen = parse_build(_job("Complete"), [lost, _said(DIGEST), _pod("none")], RELEASE)
    assert seen.last_words == (LastWords("build-1-x", DIGEST),)

    both = [_said(DIGEST, "a"), _said("another", "b")]
    assert len(parse_build(_job("Complete"), both, RELEASE).last_words) == 2


def test_a_job_whose_pod_has_just_ended_is_waited_for() -> None:
    seen = parse_build(JOB, [_said(DIGEST)], RELEASE)

    assert (seen.state, seen.last_words) == (BuildState.RUNNING, ())


def _beside(sidecar: dict[str, Any], **terminated: object) -> dict[str, Any]:
    """Give a Pod whose builder has ended, beside a container that somebody put there."""
    ended = _container(terminated={"finishedAt": "2026-11-20T12:00:40Z", **terminated})
    return _pod(
        phase="Running", containerStatuses=[{"name": "istio-proxy", "state": sidecar}, *ended]
    )


GOES_ON: dict[str, Any] = {"running": {"startedAt": "2026-11-20T12:00:01Z"}}


def test_a_sidecar_that_goes_on_does_not_hold_up_the_digest() -> None:
    seen = parse_build(JOB, [_beside(GOES_ON, exitCode=0, message=DIGEST)], RELEASE)

    assert (seen.state, seen.trouble) == (BuildState.SUCCEEDED, None)
    assert seen.last_words == (LastWords("build-1-x", DIGEST),)
    assert seen.finished_at == parse_time("2026-11-20T12:00:40Z")


def test_a_sidecar_that_goes_on_does_not_hold_up_a_failure() -> None:
    seen = parse_build(JOB, [_beside(GOES_ON, exitCode=2, reason="Error")], RELEASE)

    assert seen.state is BuildState.FAILED
    assert seen.trouble == PodTrouble("build-1-x", "build", "Error", "", 2)
    assert seen.finished_at == parse_time("2026-11-20T12:00:40Z")
    assert (seen.failure_reason, seen.failure_message) == (None, "")


def test_a_builder_that_goes_on_beside_a_sidecar_that_ended_is_waited_for() -> None:
    pod = _beside({"terminated": {"exitCode": 0}})
    pod["status"]["containerStatuses"][1]["state"] = {"running": {}}

    assert parse_build(JOB, [pod], RELEASE).state is BuildState.RUNNING


def test_of_two_pods_that_go_on_none_speaks_before_the_job_has_ended() -> None:
    pods = [_beside(GOES_ON, exitCode=0, message=DIGEST), _pod("another", phase="Running")]

    assert parse_build(JOB, pods, RELEASE).state is BuildState.RUNNING


def test_a_builder_that_was_killed_with_its_pod_does_not_end_the_build() -> None:
    pod = _beside(GOES_ON, exitCode=137, reason="Error")
    pod["status"]["conditions"] = [{"type": "DisruptionTarget", "status": "True"}]
    seen = parse_build(JOB, [pod], RELEASE)

    assert seen.state is BuildState.RUNNING
    assert seen.trouble == PodTrouble("build-1-x", None, "DisruptionTarget", "")


@pytest.mark.parametrize("phase", ["Failed", "Running"])
def test_a_job_that_failed_by_a_sidecar_has_built(phase: str) -> None:
    pod = _beside({"terminated": {"exitCode": 1}}, exitCode=0, message=DIGEST)
    pod["status"]["phase"] = phase
    seen = parse_build(_job("Failed", "PodFailurePolicy"), [pod], RELEASE)

    assert seen.state is BuildState.SUCCEEDED
    assert seen.last_words == (LastWords("build-1-x", DIGEST),)


def test_a_job_that_failed_has_not_built_by_the_word_of_one_pod_among_others() -> None:
    failed = _pod("build-1-y", containerStatuses=_container(terminated={"exitCode": 1}))
    seen = parse_build(_job("Failed"), [_said(DIGEST), failed], RELEASE)

    assert (seen.state, seen.last_words) == (BuildState.FAILED, ())


def test_a_complete_job_whose_pod_is_gone_has_no_last_words() -> None:
    assert parse_build(_job("Complete"), [], RELEASE).last_words == ()


def test_a_condition_that_is_false_is_none() -> None:
    job = _job("Failed")
    job["status"]["conditions"][0]["status"] = "False"

    assert parse_build(job, [], RELEASE).state is BuildState.RUNNING


def test_a_failed_job_says_why() -> None:
    seen = parse_build(_job("Failed", "DeadlineExceeded"), [], RELEASE)

    assert (seen.state, seen.failure_reason) == (BuildState.FAILED, "DeadlineExceeded")
    job = _job("Failed", "PodFailurePolicy")
    job["status"]["conditions"][0]["message"] = "by a rule"
    job["status"]["failed"] = 2
    seen = parse_build(job, [], RELEASE)
    assert (seen.failure_message, seen.failed_pods) == ("by a rule", 2)


def test_a_container_that_containerd_could_not_start_is_told_with_its_words() -> None:
    # As a kubelet 1.37 with containerd 2.4 has it, of a command that its image lacks.
    said = (
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: "
        "runc create failed: unable to start container process: error during container init: "
        'exec: "/no/such/program": stat /no/such/program: no such file or directory'
    )
    ended = {
        "containerID": f"containerd://{'5' * 64}",
        "exitCode": 128,
        "finishedAt": "2026-11-29T02:37:05Z",
        "message": said,
        "reason": "StartError",
        "startedAt": "1970-01-01T00:00:00Z",
    }
    trouble = PodTrouble("build-1-x", "build", "StartError", said, 128)
    # The kubelet tells of the container first, and of the Pod later.
    for phase in ("Pending", "Running", "Failed"):
        pod = _pod(phase=phase, containerStatuses=_container(terminated=ended))
        seen = parse_build(JOB, [pod], RELEASE)
        assert (seen.state, seen.trouble) == (BuildState.RUNNING, trouble)
    assert trouble.never_ran
    assert not trouble.is_log


def test_a_builder_that_could_not_be_started_beside_a_sidecar_that_goes_on_has_failed() -> None:
    seen = parse_build(JOB, [_beside(GOES_ON, exitCode=128, reason="StartError")], RELEASE)

    assert seen.state is BuildState.FAILED
    assert seen.trouble == PodTrouble("build-1-x", "build", "StartError", "", 128)


def test_a_job_that_somebody_suspended_says_so() -> None:
    condition = {"type": "Suspended", "status": "True", "message": "Job suspended"}
    job = {**JOB, "status": {"conditions": [condition]}}
    assert parse_build(job, [], RELEASE).trouble == PodTrouble(
        "", None, "Suspended", "Job suspended"
    )

    condition["status"] = "False"
    assert parse_build(job, [], RELEASE).trouble is None


@pytest.mark.parametrize(
    ("pod", "trouble"),
    [
        (
            _pod(containerStatuses=_container(terminated={"exitCode": 2, "message": " x \n"})),
            PodTrouble("build-1-x", "build", "Error", "x", 2),
        ),
        (
            _pod(
                initContainerStatuses=_container(
                    "fetch", terminated={"exitCode": 1, "reason": "Error"}
                ),
                containerStatuses=_container(waiting={"reason": "PodInitializing"}),
            ),
            PodTrouble("build-1-x", "fetch", "Error", "", 1),
        ),
        (
            _pod(containerStatuses=_container(terminated={"exitCode": 137, "reason": "OOMKilled"})),
            PodTrouble("build-1-x", "build", "OOMKilled", "", 137),
        ),
        (
            _pod(containerStatuses=_container(waiting={"reason": "ErrImagePull", "message": "no"})),
            PodTrouble("build-1-x", "build", "ErrImagePull", "no"),
        ),
        (
            _pod(conditions=[{"type": "PodScheduled", "status": "False", "message": "0/1 nodes"}]),
            PodTrouble("build-1-x", None, "Unschedulable", "0/1 nodes"),
        ),
        (
            _pod(conditions=[{"type": "DisruptionTarget", "status": "True"}]),
            PodTrouble("build-1-x", None, "DisruptionTarget", ""),
        ),
        (
            _pod(phase="Failed", reason="Evicted", message="disk"),
            PodTrouble("build-1-x", None, "Evicted", "disk"),
        ),
        (
            _pod(
                phase="Failed",
                reason="Evicted",
                message='Usage of EmptyDir volume "source" exceeds the limit "5Gi".',
                containerStatuses=_container(terminated={"exitCode": 137, "reason": "Error"}),
            ),
            PodTrouble(
                "build-1-x",
                None,
                "Evicted",
                'Usage of EmptyDir volume "source" exceeds the limit "5Gi"',
            ),
        ),
        (
            _pod(
                phase="Failed",
                reason="Evicted",
                conditions=[
                    {"type": "DisruptionTarget", "status": "True", "message": "node is low"}
                ],
                containerStatuses=_container(terminated={"exitCode": 137, "reason": "Error"}),
            ),
            PodTrouble("build-1-x", None, "DisruptionTarget", "node is low"),
        ),
        (
            _pod(
                initContainerStatuses=[
                    *_container("istio-proxy", terminated={"exitCode": 143, "reason": "Error"}),
                    *_container("fetch", terminated={"exitCode": 0}),
                ],
                containerStatuses=_container(terminated={"exitCode": 2, "message": "x"}),
            ),
            PodTrouble("build-1-x", "build", "Error", "x", 2),
        ),
        (
            _pod(
                initContainerStatuses=_container("istio-proxy", waiting={"reason": "ErrImagePull"}),
                containerStatuses=_container(waiting={"reason": "PodInitializing"}),
            ),
            PodTrouble("build-1-x", "istio-proxy", "ErrImagePull", ""),
        ),
        (_pod(phase="Failed"), PodTrouble("build-1-x", None, "Error", "")),
        (_pod(containerStatuses=_container(waiting={"reason": "ContainerCreating"})), None),
        (_pod(containerStatuses=_container(running={})), None),
        (_pod(conditions=[{"type": "PodScheduled", "status": "True"}]), None),
    ],
)
def test_what_is_wrong_with_a_pod_is_found(pod: dict[str, Any], trouble: PodTrouble | None) -> None:
    assert parse_build(JOB, [pod], RELEASE).trouble == trouble


def test_a_log_is_not_cut_before_its_secrets_are_taken_out() -> None:
    log = f"{'x' * 5000}the cause"
    pod = _pod(containerStatuses=_container(terminated={"exitCode": 1, "message": log}))
    trouble = parse_build(JOB, [pod], RELEASE).trouble

    assert trouble is not None
    assert trouble.message == log


async def test_a_job_is_read_with_its_newest_pod() -> None:
    cluster = FakeCluster()
    builds = ClusterBuilds(cluster, lambda: NOW)
    job = Ref("album", "build-1")
    assert await builds.find(job, RELEASE) is None
    await builds.submit(JOB, 1, bool)
    await builds.submit({**JOB, "spec": "another"}, 9, bool)
    assert "spec" not in cluster.all_of("Job")[0]

    fail_build(cluster, JOB, 1, "first")
    older = cluster.all_of("Pod")[0]
    newer = {**older, "metadata": {**older["metadata"], "name": "build-1-newer"}}
    newer["metadata"]["creationTimestamp"] = "2026-11-20T13:00:00Z"
    cluster.apply(newer)
    seen = await builds.find(job, RELEASE)

    assert seen is not None
    assert seen.trouble is not None
    assert seen.trouble.pod == "build-1-newer"


async def test_a_build_that_ended_well_leaves_its_digest() -> None:
    cluster = FakeCluster()
    builds = ClusterBuilds(cluster, lambda: NOW)
    await builds.submit(JOB, 1, bool)
    finish_build(cluster, JOB)
    seen = await builds.find(Ref("album", "build-1"), RELEASE)

    assert seen is not None
    assert [words.text for words in seen.last_words] == [DIGEST]


def _owner_of(*owners: dict[str, Any]) -> JobOwner:
    job = {"metadata": {"name": "build-1", "ownerReferences": list(owners)}}
    return parse_build(job, [], RELEASE).owner


def test_a_job_is_ours_by_its_controllers_kind_name_and_uid() -> None:
    assert _owner_of(OWNER) is JobOwner.RELEASE
    assert _owner_of({**OWNER, "controller": False}, OWNER) is JobOwner.RELEASE
    assert _owner_of({**OWNER, "apiVersion": "album.dev/v1"}) is JobOwner.RELEASE


def test_a_job_of_a_deleted_release_of_our_name_is_told_apart() -> None:
    assert _owner_of({**OWNER, "uid": "of-the-one-before"}) is JobOwner.EARLIER


@pytest.mark.parametrize(
    "owner",
    [
        {"controller": False},
        {"controller": None},
        {"controller": "true"},
        {"kind": "ConfigMap"},
        {"kind": "AlbumPipeline"},
        {"apiVersion": "v1"},
        {"apiVersion": "album.dev.evil.example/v1"},
        {"apiVersion": "album.development/v1"},
        {"name": "another"},
        {"name": "another", "uid": "another"},
    ],
    ids=str,
)
def test_whoever_else_owns_a_job_it_is_not_ours(owner: dict[str, Any]) -> None:
    assert _owner_of({**OWNER, **owner}) is JobOwner.OTHER


def test_a_job_of_nobody_is_not_ours() -> None:
    assert _owner_of() is JobOwner.OTHER
    assert parse_build({"metadata": {"name": "x"}}, [], RELEASE).owner is JobOwner.OTHER


def _job_of(name: str, release: str, **status: object) -> dict[str, Any]:
    metadata = {
        "namespace": "album",
        "name": name,
        "labels": {"album.dev/release": release},
        "ownerReferences": [{**OWNER, "name": release}],
    }
    return {"kind": "Job", "metadata": metadata, "status": status}


async def test_builds_that_run_are_those_of_releases_that_have_not_ended() -> None:
    cluster = FakeCluster()
    for end in ("Complete", "Failed"):
        cluster.apply(_job_of(end.lower(), end, conditions=[{"type": end, "status": "True"}]))
    second = _job_of("b", "second", active=1)
    second["metadata"]["labels"]["album.dev/pipeline"] = "album-app"
    cluster.apply(second)
    cluster.apply(_job_of("a", "first"))
    strangers = _job_of("c", "a-cron-job")
    strangers["metadata"]["ownerReferences"][0]["kind"] = "CronJob"
    cluster.apply(strangers)
    unlabelled = _job_of("d", "unlabelled")
    unlabelled["metadata"]["labels"] = {}
    cluster.apply(unlabelled)

    builds = ClusterBuilds(cluster, lambda: NOW)
    assert list(await builds.list_running("album")) == [
        BuildRunning("b", "second", "album-app"),
        BuildRunning("a", "first", ""),
    ]
    assert list(await builds.list_running("another")) == []


async def test_a_build_that_does_not_count_takes_nobodys_room() -> None:
    cluster = FakeCluster()
    builds = ClusterBuilds(cluster, lambda: NOW)
    cluster.apply(_job_of("a", "built", active=1))
    with pytest.raises(StaleError):
        await builds.submit(_job_of("b", "second"), 1, lambda build: build.release != "third")
    await builds.submit(_job_of("b", "second"), 1, lambda build: build.release != "built")

    assert len(cluster.all_of("Job")) == 2


@pytest.mark.parametrize("operators", [1, 2])
async def test_of_jobs_submitted_at_once_only_so_many_are_created(operators: int) -> None:
    cluster = FakeCluster()
    get = cluster.get

    async def slow_get(path: str, **query: str) -> dict[str, Any]:
        listed = await get(path, **query)
        await asyncio.sleep(0)
        return listed

    cluster.get = slow_get  # type: ignore[method-assign]
    builds = [ClusterBuilds(cluster, lambda: NOW) for _ in range(operators)]
    submits = (
        builds[number % operators].submit(_job_of(f"b{number}", f"r{number}"), 3, bool)
        for number in range(9)
    )
    outcomes = await asyncio.gather(*submits, return_exceptions=True)

    # A second operator counts by itself, so both can find room for the last one.
    assert len(cluster.all_of("Job")) == 3 + (operators - 1)
    refused = [outcome for outcome in outcomes if isinstance(outcome, StaleError)]
    assert len(refused) == 9 - len(cluster.all_of("Job"))
    assert {error.reason for error in refused} == {Reason.QUEUED}


async def test_long_lists_are_read_page_by_page_to_their_end() -> None:
    cluster = FakeCluster()
    for number in range(47):
        cluster.apply(_job_of(f"b{number:02}", f"r{number:02}"))
    get, asked = cluster.get, []

    async def get_page(path: str, **query: str) -> dict[str, Any]:
        asked.append(query)
        return await get(path, **query)

    cluster.get = get_page  # type: ignore[method-assign]

    assert len(await ClusterBuilds(cluster, lambda: NOW).list_running("album")) == 47
    assert [query.get("continue") for query in asked] == [None, "20", "40"]
    assert {query["limit"] for query in asked} == {"20"}
