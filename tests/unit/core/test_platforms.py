"""Several platforms with kaniko: a Job for each, and an index of their images."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

import pytest

from album_operator.domain.errors import TransientError
from album_operator.domain.image_labels import BUILD, REVISION
from album_operator.domain.images import in_full
from album_operator.domain.names import job_name
from album_operator.domain.reasons import Reason
from album_operator.domain.registry import ImagePlace
from album_operator.domain.release import Ref
from album_operator.waking.handlers import read_job
from tests.fakes.builders import IMAGE, NAMESPACE, raw_pipeline
from tests.fakes.cluster import digest_of, fail_build, finish_build, push_of, raw_pod, raw_secret
from tests.fakes.faults import Faults
from tests.unit.core.stage import RECIPE, Stage

NAME, TAG = "backend-v1.1.0", "v1.1.0"
AMD, ARM = "linux/amd64", "linux/arm64"
PLATFORMS = {"platforms": [AMD, ARM]}
STRANGE = {REVISION: "9" * 40}


def _stage(*, limit: int = 5, **build: Any) -> Stage:  # noqa: ANN401
    stage = Stage(build={**PLATFORMS, **build}, ALBUM_BUILDS_PER_NAMESPACE=str(limit))
    stage.apply()
    return stage


def _job(stage: Stage, platform: str, attempt: int = 1) -> dict[str, Any]:
    name = job_name(NAME, attempt, platform.removeprefix("linux/"))
    return next(job for job in stage.jobs if job["metadata"]["name"] == name)


def _names(stage: Stage) -> list[str]:
    return [job["metadata"]["name"] for job in stage.jobs]


def _all(attempt: int = 1) -> list[str]:
    return [job_name(NAME, attempt, word) for word in ("amd64", "arm64")]


async def _building(**build: Any) -> Stage:  # noqa: ANN401
    stage = _stage(**build)
    await stage.settle()
    return stage


def _delete_release(stage: Stage) -> None:
    """Delete the release, and its Jobs with it."""
    for path in [path for path in stage.cluster.objects if NAME in path or "/jobs/" in path]:
        del stage.cluster.objects[path]
    stage.memories.clear()


def _index(stage: Stage, tag: str = TAG) -> str:
    digest = stage.registry.digest_of(IMAGE, tag)
    assert digest is not None
    return digest


async def test_each_platform_is_built_by_a_job_of_its_own_and_all_become_one_image() -> None:
    stage = await _building(tags=["latest"])
    assert _names(stage) == _all()
    for platform, word in ((AMD, "amd64"), (ARM, "arm64")):
        job = _job(stage, platform)
        spec = job["spec"]["template"]["spec"]
        assert spec["nodeSelector"] == {"kubernetes.io/arch": word}
        args = spec["containers"][0]["args"]
        assert [arg for arg in args if "destination" in arg] == [
            f"--destination={IMAGE}:{TAG}-{word}"
        ]
    assert f"{AMD}: Job {_all()[0]} builds" in stage.message()

    await stage.release()
    assert stage.ready() == ("True", "Released")
    status = stage.status()
    assert status["image"] == {
        "reference": f"{IMAGE}:{TAG}",
        "digest": _index(stage),
        "revision": stage.source.tags[NAME],
        "origin": "Built",
    }
    assert _index(stage, "latest") == _index(stage)
    assert status["build"]["platforms"] == [
        {"platform": platform, "job": name, "digest": digest_of(_job(stage, platform))}
        for platform, name in zip((AMD, ARM), _all(), strict=True)
    ]
    assert status["build"]["startedAt"].startswith("2026-11-20T12:00:00")
    assert status["build"]["finishedAt"].startswith("2026-11-20T12:00:30")
    assert stage.faults.writes.count("put index") == 1


async def test_the_index_is_of_exactly_what_the_builders_made_and_bears_their_label() -> None:
    stage = _stage()
    await stage.release()
    found = await stage.registry.find(ImagePlace(IMAGE), TAG)
    assert found is not None
    assert sorted(found.images) == sorted(digest_of(job) for job in stage.jobs)
    assert sorted(found.platforms) == [AMD, ARM]
    assert found.labels[BUILD].startswith(f"{stage.source.tags[NAME]}.")


async def test_no_registry_is_asked_while_a_platform_builds() -> None:
    stage = await _building()
    finish_build(stage.cluster, _job(stage, AMD))
    await stage.settle()
    asked = len(stage.registry.asked)
    for _ in range(5):
        await stage.run_pass(polled=True)

    assert len(stage.registry.asked) == asked
    assert f"There already: the image of {AMD}." in stage.message()
    assert stage.status()["build"]["platforms"][0]["digest"] == digest_of(_job(stage, AMD))
    assert stage.status()["build"]["job"] == _all()[1]


async def test_with_fewer_turns_than_platforms_they_build_one_after_another() -> None:
    stage = _stage(limit=1, platforms=[AMD, ARM, "linux/arm/v7"])
    for count in (1, 2, 3):
        await stage.settle()
        assert len(stage.jobs) == count
        running = stage.jobs[-1]
        if count < 3:
            assert "Place 1 of 1 in the line of namespace album" in stage.message()
            (ready,) = (each for each in stage.status()["steps"] if each["name"] == "ImageReady")
            assert ready["reason"] == "Queued"
        await stage.run_pass(polled=True)
        assert len(stage.jobs) == count
        finish_build(stage.cluster, running)
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert len(stage.registry.asked) < 16


async def test_a_release_in_line_for_a_platform_is_woken_when_a_build_ends() -> None:
    stage = _stage(limit=1)
    ref = Ref(NAMESPACE, NAME)
    stage.wakeups.join(ref, None)
    await stage.settle()
    await stage.wakeups.wait(ref) if stage.wakeups.has_news(ref) else None
    finish_build(stage.cluster, stage.jobs[0])
    read_job(stage.wakeups, stage.jobs[0], is_gone=False)()

    assert stage.wakeups.has_news(ref)


async def test_a_sidecar_of_one_platform_does_not_keep_the_others_from_their_turn() -> None:
    stage = _stage(limit=1)
    await stage.settle()
    job = stage.jobs[0]
    ended = {"exitCode": 0, "message": digest_of(job), "finishedAt": "2026-11-20T12:00:30Z"}
    containers = [
        {"name": "build", "state": {"terminated": ended}},
        {"name": "istio-proxy", "state": {"running": {}}},
    ]
    stage.cluster.apply(raw_pod(job, phase="Running", containerStatuses=containers))
    push_of(stage.registry, job, digest_of(job))
    for _ in range(3):
        await stage.settle()

    assert _names(stage) == _all()


async def test_a_platform_that_fails_is_named_once_the_others_have_ended() -> None:
    stage = await _building()
    fail_build(stage.cluster, _job(stage, ARM))
    await stage.settle()
    assert stage.ready() == ("Unknown", "BuildFailed")
    assert stage.message().startswith(
        f"{ARM}: Container build of the build failed with exit code 1"
    )
    assert f"once {AMD} has ended too" in stage.message()

    finish_build(stage.cluster, _job(stage, AMD))
    await stage.settle()
    assert stage.ready() == ("False", "BuildFailed")
    failure = stage.status()["failure"]
    assert (failure["platform"], failure["exitCode"]) == (ARM, 1)
    assert failure["pod"].startswith(_all()[1])
    assert f"{ARM}: " in stage.message()
    assert stage.status()["build"]["job"] == _all()[1]
    assert stage.registry.digest_of(IMAGE, TAG) is None


async def test_a_retry_builds_the_platform_that_failed_and_uses_the_others() -> None:
    stage = await _building()
    finish_build(stage.cluster, _job(stage, AMD))
    fail_build(stage.cluster, _job(stage, ARM))
    await stage.settle()
    assert stage.ready() == ("False", "BuildFailed")

    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert _names(stage) == [*_all(), _all(2)[1]]
    amd, arm = stage.status()["build"]["platforms"]
    assert amd == {"platform": AMD, "digest": digest_of(_job(stage, AMD))}
    assert arm["job"] == _all(2)[1]
    assert stage.status()["image"]["origin"] == "Built"
    (before,) = stage.status()["attempts"]
    assert before["job"] == _all()[1]
    assert before["message"].startswith(f"{ARM}: Container build of the build failed")


async def test_a_retry_while_others_build_waits_for_what_they_push() -> None:
    stage = await _building()
    fail_build(stage.cluster, _job(stage, ARM))
    await stage.settle()
    stage.annotate(retry="1")
    await stage.settle()
    assert _names(stage) == [*_all(), _all(2)[1]]
    assert f"{AMD}: Job {_all()[0]} of an earlier attempt of this release builds" in stage.message()

    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert len(stage.jobs) == 3


async def test_two_that_fail_are_both_named() -> None:
    stage = await _building()
    for platform in (AMD, ARM):
        fail_build(stage.cluster, _job(stage, platform), 2 if platform == ARM else 1)
    await stage.settle()

    assert stage.ready() == ("False", "BuildFailed")
    assert f"{AMD}: Container build of the build failed with exit code 1" in stage.message()
    assert f"{ARM}: Container build of the build failed with exit code 2" in stage.message()
    assert stage.status()["failure"]["platform"] == AMD
    assert [miss["message"].partition(":")[0] for miss in stage.status()["misses"]] == [AMD, ARM]


async def test_a_platform_without_a_node_is_told_with_its_architecture() -> None:
    stage = await _building()
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
    }
    pod = raw_pod(_job(stage, ARM), phase="Pending", conditions=[condition])
    stage.cluster.apply(pod)
    await stage.settle()

    assert stage.ready() == ("Unknown", "Unschedulable")
    assert f"{ARM}: Pod {_all()[1]}-x7x7x of Job {_all()[1]} does not run: Unschedulable" in (
        stage.message()
    )
    assert "It needs a node whose label kubernetes.io/arch is arm64." in stage.message()
    assert f"{AMD}: Job {_all()[0]} builds" in stage.message()

    finish_build(stage.cluster, _job(stage, AMD))
    del stage.cluster.objects[f"/api/v1/namespaces/{NAMESPACE}/pods/{pod['metadata']['name']}"]
    failed = {
        "type": "Failed",
        "status": "True",
        "reason": "DeadlineExceeded",
        "lastTransitionTime": "2026-11-20T12:30:00Z",
    }
    path = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs/{_all()[1]}"
    stage.cluster.edit(path, {"status": {"conditions": [failed]}})
    await stage.settle()
    assert stage.ready() == ("False", "BuildTimedOut")
    assert "What was last seen to keep it: Pod" in stage.message()
    assert "kubernetes.io/arch is arm64" in stage.message()
    assert stage.status()["failure"]["platform"] == ARM


@pytest.mark.parametrize("way_out", ["deleted", "another version"])
async def test_an_image_of_another_commit_under_a_platforms_tag_is_not_overwritten(
    way_out: str,
) -> None:
    stage = _stage(existingImage="Adopt")
    stage.registry.push(IMAGE, f"{TAG}-arm64", STRANGE)
    await stage.settle()
    finish_build(stage.cluster, _job(stage, AMD))
    await stage.settle()
    assert stage.ready() == ("False", "ImageExistsFromOtherCommit")
    assert stage.message().startswith(f"{ARM}: {IMAGE}:{TAG}-arm64 is in the registry already")
    assert _names(stage) == _all()[:1]

    name = NAME
    if way_out == "deleted":
        stage.registry.delete(IMAGE, f"{TAG}-arm64")
        stage.annotate(retry="1")
    else:
        name = "backend-v1.2.0"
        stage.apply(name)
    await stage.release(name)
    assert stage.ready(name) == ("True", "Released")


async def test_an_image_that_tells_no_commit_is_never_adopted_for_one_platform() -> None:
    stage = _stage(existingImage="Adopt")
    stage.registry.push(IMAGE, f"{TAG}-amd64", {})
    await stage.settle()
    assert stage.ready() == ("False", "ImageSourceUnknown")
    assert "existingImage: Adopt" not in stage.message()

    stage.registry.delete(IMAGE, f"{TAG}-amd64")
    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_an_index_that_is_there_is_used_without_a_build() -> None:
    stage = _stage()
    await stage.release()
    digest = _index(stage)
    _delete_release(stage)
    stage.registry.asked.clear()
    stage.apply()
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert stage.jobs == []
    image = stage.status()["image"]
    assert (image["digest"], image["origin"]) == (digest, "Reused")
    assert stage.registry.asked == [f"{IMAGE}:{TAG}"]


async def test_images_that_are_there_without_their_index_need_no_build() -> None:
    stage = _stage()
    await stage.release()
    digest = _index(stage)
    _delete_release(stage)
    stage.registry.delete(IMAGE, TAG)
    stage.apply()
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert stage.jobs == []
    assert (_index(stage), stage.status()["image"]["digest"]) == (digest, digest)


async def test_an_image_for_one_platform_is_not_taken_for_that_of_several() -> None:
    stage = _stage()
    labels = {REVISION: stage.source.tags[NAME], BUILD: f"{stage.source.tags[NAME]}.{RECIPE}"}
    stage.registry.push(IMAGE, TAG, labels)
    await stage.settle()

    assert stage.ready() == ("False", "ImageExistsFromOtherBuild")
    assert stage.jobs == []


async def test_a_builder_that_lies_about_one_platform_gets_no_index() -> None:
    stage = await _building()
    finish_build(stage.cluster, _job(stage, AMD))
    finish_build(stage.cluster, _job(stage, ARM), f"sha256:{'0' * 64}")
    await stage.settle()

    assert stage.ready() == ("False", "ImageMismatch")
    assert stage.message().startswith(f"{ARM}: Job {_all()[1]} succeeded, but Pod")
    assert stage.status()["failure"]["platform"] == ARM
    assert stage.registry.digest_of(IMAGE, TAG) is None


async def test_a_tag_that_somebody_else_pushed_meanwhile_is_not_believed() -> None:
    stage = await _building()
    for job in stage.jobs:
        finish_build(stage.cluster, job)
    stage.registry.push(IMAGE, TAG, STRANGE)
    await stage.settle()
    assert stage.ready() == ("False", "ImageMismatch")
    assert f"The images of {AMD} and {ARM} are pushed" in stage.message()

    stage.registry.delete(IMAGE, TAG)
    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert len(stage.jobs) == 2


async def test_an_index_of_this_commit_that_another_put_there_is_used() -> None:
    stage = await _building()
    for job in stage.jobs:
        finish_build(stage.cluster, job)
    labels = (await stage.registry.find(ImagePlace(IMAGE), f"{TAG}-amd64")).labels  # type: ignore[union-attr]
    other = stage.registry.push(IMAGE, TAG, labels, (AMD, ARM))
    await stage.release()

    image = stage.status()["image"]
    assert (image["digest"], image["origin"]) == (other, "Reused")


async def test_a_tag_taken_between_the_look_and_the_index_is_looked_at_again() -> None:
    stage = await _building()
    for job in stage.jobs:
        finish_build(stage.cluster, job)
    put = stage.registry.put_index

    async def meet(place: ImagePlace, images: Collection[str], tag: str) -> str:
        stage.registry.push(IMAGE, TAG, STRANGE)
        return await put(place, images, tag)

    stage.registry.put_index = meet  # type: ignore[method-assign]
    await stage.settle()

    assert stage.ready() == ("False", "ImageMismatch")


async def test_a_registry_in_trouble_at_the_index_is_waited_for() -> None:
    stage = await _building()
    for job in stage.jobs:
        finish_build(stage.cluster, job)
    put = stage.registry.put_index
    tries: list[int] = []

    async def meet(place: ImagePlace, images: Collection[str], tag: str) -> str:
        tries.append(1)
        if len(tries) == 1:
            raise TransientError(Reason.REGISTRY_UNAVAILABLE, "It answers with 503.")
        return await put(place, images, tag)

    stage.registry.put_index = meet  # type: ignore[method-assign]
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert len(tries) == 2


async def test_a_pod_that_is_taken_away_begins_anew_and_the_others_go_on() -> None:
    stage = await _building()
    condition = {"type": "DisruptionTarget", "status": "True", "message": "taint manager"}
    stage.cluster.apply(raw_pod(_job(stage, ARM), phase="Failed", conditions=[condition]))
    finish_build(stage.cluster, _job(stage, AMD))
    await stage.settle()
    assert stage.ready() == ("Unknown", "BuildEvicted")
    assert f"There already: the image of {AMD}." in stage.message()

    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_eight_platforms_are_begun_in_one_pass() -> None:
    words = ["386", "amd64", "arm", "arm64", "ppc64le", "s390x", "riscv64", "mips64le"]
    many = [f"linux/{word}" for word in words]
    stage = _stage(limit=9, platforms=many)
    await stage.run_pass()

    assert len(stage.jobs) == 8
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_a_push_secret_that_leaves_the_credential_to_a_program_is_told_before_any_build() -> (
    None
):
    stage = _stage(image={"registry": "1.dkr.ecr.eu-central-1.amazonaws.com"})
    stage.cluster.apply(
        raw_secret("album-registry", **{".dockerconfigjson": '{"credsStore": "ecr-login"}'})
    )
    await stage.settle()
    assert stage.ready() == ("False", "CredentialsMissing")
    assert "which has no such programs, pushes their index" in stage.message()
    assert stage.jobs == []


async def test_two_environments_share_the_builds_of_each_platform() -> None:
    stage = Stage(Faults())
    names = ("staging", "prod")
    consent = ",".join(f"{NAMESPACE}/{name}" for name in names)
    stage.application()["metadata"]["annotations"] = {"album.dev/authorized-pipeline": consent}
    app = {"name": "backend", "edits": [{"path": "backend/values.yaml", "key": "image.tag"}]}
    for name in names:
        config = {"pullRequest": {"branch": f"{name}/${{app}}_${{version}}"}}
        raw = raw_pipeline(apps=[app], config=config, build=PLATFORMS)
        raw["metadata"] |= {"name": name, "uid": f"uid-of-{name}"}
        stage.cluster.apply(raw)
        stage.apply(name, pipelineRef={"name": name}, tag=NAME)
    for name in names:
        await stage.settle(name)
    assert len(stage.jobs) == 2
    assert f"{ARM}: Job {stage.jobs[1]['metadata']['name']} of AlbumRelease staging builds" in (
        stage.message("prod")
    )

    for job in stage.jobs:
        finish_build(stage.cluster, job)
        read_job(stage.wakeups, job, is_gone=False)()
    for name in reversed(names):
        await stage.settle(name)
        assert stage.ready(name) == ("Unknown", "AwaitingMerge")
    digests = {stage.status(name)["image"]["digest"] for name in names}
    assert digests == {_index(stage)}
    assert len(stage.jobs) == 2


async def test_a_release_that_dies_after_a_day_finds_its_images_though_no_job_is_left() -> None:
    stage = await _building()
    for job in stage.jobs:
        finish_build(stage.cluster, job)
    for path in [path for path in stage.cluster.objects if "/jobs/" in path or "/pods/" in path]:
        del stage.cluster.objects[path]
    stage.restart()
    stage.clock.advance(timedelta(days=1, hours=1))
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert stage.jobs == []
    assert in_full(stage.status()["image"]["reference"]) == f"{IMAGE}:{TAG}"
