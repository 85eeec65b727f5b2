"""Builds whose Pods and Jobs are not what they seem."""

from tests.fakes.builders import DIGEST, NAMESPACE, raw_pipeline
from tests.fakes.cluster import finish_build
from tests.unit.core.stage import Stage

FORGED = f"sha256:{'e' * 64}"


def _forge_pod(stage: Stage, digest: str, owners: list[dict[str, object]]) -> None:
    """Create a Pod as anybody may: newer than the build's, with its label and a word of its own."""
    labels = {"batch.kubernetes.io/job-name": stage.jobs[0]["metadata"]["name"]}
    ended = {"exitCode": 0, "message": digest}
    stage.cluster.apply(
        {
            "kind": "Pod",
            "metadata": {
                "namespace": NAMESPACE,
                "name": "forged",
                "creationTimestamp": "2026-11-20T13:00:00Z",
                "labels": labels,
                "ownerReferences": owners,
            },
            "status": {
                "phase": "Succeeded",
                "containerStatuses": [{"name": "build", "state": {"terminated": ended}}],
            },
        }
    )


async def test_a_pod_that_only_has_the_jobs_label_does_not_tell_the_digest() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    _forge_pod(stage, FORGED, [])
    finish_build(stage.cluster, stage.jobs[0])
    await stage.settle()

    assert stage.status()["image"]["digest"] == DIGEST


async def test_a_pod_that_claims_to_be_the_jobs_cannot_choose_the_digest() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[0])
    owners = stage.cluster.all_of("Pod")[0]["metadata"]["ownerReferences"]
    _forge_pod(stage, FORGED, owners)
    await stage.settle()

    assert stage.status()["image"]["digest"] == DIGEST


async def test_where_the_builder_alone_is_believed_two_pods_that_disagree_are_not() -> None:
    stage = Stage()
    stage.cluster.apply(raw_pipeline(build={"proof": "Builder"}))
    stage.apply()
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[0])
    owners = stage.cluster.all_of("Pod")[0]["metadata"]["ownerReferences"]
    _forge_pod(stage, FORGED, owners)
    await stage.settle()

    assert stage.ready() == ("False", "BuildFailed")
    assert "forged among them" in stage.message()
    assert "image" not in stage.status()
    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert stage.registry.asked == []


async def test_a_job_owned_by_something_that_only_has_our_uid_is_left_alone() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    stage.jobs[0]["metadata"]["ownerReferences"][0]["kind"] = "ConfigMap"
    finish_build(stage.cluster, stage.jobs[0])
    await stage.settle()

    assert stage.ready() == ("False", "BuildFailed")
    assert "was not made by this release" in stage.message()
