"""Build Jobs and their Pods as the operator reads them."""

from typing import Any

import pytest

from album_operator.adapters.builds import ClusterBuilds, parse_build
from album_operator.adapters.cluster import parse_time
from album_operator.domain.release import Ref
from album_operator.domain.seen import BuildState, JobOwner, PodTrouble
from tests.fakes.builders import DIGEST, RELEASE
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


def _pod(**status: object) -> dict[str, Any]:
    return {"metadata": {"name": "build-1-x"}, "status": status}


def _container(name: str = "build", **state: object) -> list[dict[str, Any]]:
    return [{"name": name, "state": state}]


def test_a_job_without_a_pod_runs() -> None:
    seen = parse_build(JOB, {}, RELEASE)

    assert (seen.job, seen.state) == ("build-1", BuildState.RUNNING)
    assert seen.trouble is None


def test_a_complete_job_has_the_last_words_of_its_builder() -> None:
    pod = _pod(
        containerStatuses=[
            *_container("sidecar", terminated={"message": "bye"}),
            *_container(terminated={"exitCode": 0, "message": DIGEST}),
        ]
    )
    seen = parse_build(_job("Complete"), pod, RELEASE)

    assert seen.state is BuildState.SUCCEEDED
    assert seen.termination_message == DIGEST
    assert (seen.started_at, seen.finished_at) == (
        parse_time("2026-11-20T12:00:00Z"),
        parse_time("2026-11-20T12:01:00Z"),
    )


def test_a_complete_job_whose_pod_is_gone_has_no_last_words() -> None:
    assert parse_build(_job("Complete"), {}, RELEASE).termination_message is None


def test_a_condition_that_is_false_is_none() -> None:
    job = _job("Failed")
    job["status"]["conditions"][0]["status"] = "False"

    assert parse_build(job, {}, RELEASE).state is BuildState.RUNNING


def test_a_failed_job_says_why() -> None:
    seen = parse_build(_job("Failed", "DeadlineExceeded"), {}, RELEASE)

    assert (seen.state, seen.failure_reason) == (BuildState.FAILED, "DeadlineExceeded")


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
        (_pod(phase="Failed"), PodTrouble("build-1-x", None, "Error", "")),
        (_pod(containerStatuses=_container(waiting={"reason": "ContainerCreating"})), None),
        (_pod(containerStatuses=_container(running={})), None),
        (_pod(conditions=[{"type": "PodScheduled", "status": "True"}]), None),
    ],
)
def test_what_is_wrong_with_a_pod_is_found(pod: dict[str, Any], trouble: PodTrouble | None) -> None:
    assert parse_build(JOB, pod, RELEASE).trouble == trouble


def test_a_long_log_keeps_its_end() -> None:
    log = f"{'x' * 5000}the cause"
    pod = _pod(containerStatuses=_container(terminated={"exitCode": 1, "message": log}))
    trouble = parse_build(JOB, pod, RELEASE).trouble

    assert trouble is not None
    assert len(trouble.message) == 1024
    assert trouble.message.endswith("the cause")


async def test_a_job_is_read_with_its_newest_pod() -> None:
    cluster = FakeCluster()
    builds = ClusterBuilds(cluster)
    job = Ref("album", "build-1")
    assert await builds.find(job, RELEASE) is None
    await builds.submit(JOB)
    await builds.submit({**JOB, "spec": "another"})
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
    builds = ClusterBuilds(cluster)
    await builds.submit(JOB)
    finish_build(cluster, JOB)
    seen = await builds.find(Ref("album", "build-1"), RELEASE)

    assert seen is not None
    assert seen.termination_message == DIGEST


def _owner_of(*owners: dict[str, Any]) -> JobOwner:
    job = {"metadata": {"name": "build-1", "ownerReferences": list(owners)}}
    return parse_build(job, {}, RELEASE).owner


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
    assert parse_build({"metadata": {"name": "x"}}, {}, RELEASE).owner is JobOwner.OTHER
