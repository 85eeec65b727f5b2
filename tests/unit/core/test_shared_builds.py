"""Two releases of one image: one builds, the other waits for that and uses it."""

from datetime import timedelta

from album_operator.domain.images import label_of
from album_operator.domain.release import Ref
from album_operator.memory.image_waits import ImageWaits
from album_operator.waking.handlers import read_job
from tests.fakes.builders import IMAGE, NAMESPACE, raw_pipeline
from tests.fakes.cluster import fail_build, finish_build
from tests.unit.core.stage import Stage

STAGING, PROD = "staging", "prod"
TAG = "backend-v1.1.0"


def _pipeline(name: str, **build: object) -> dict[str, object]:
    app = {"name": "backend", "edits": [{"path": "backend/values.yaml", "key": "image.tag"}]}
    pull_request = {"pullRequest": {"branch": f"{name}/${{app}}_${{version}}"}}
    raw = raw_pipeline(apps=[app], config=pull_request, build=build)
    return {**raw, "metadata": {**raw["metadata"], "name": name, "uid": f"uid-of-{name}"}}


def _stage(**build: object) -> Stage:
    """Give a stage on which staging builds, and prod has been applied."""
    stage = Stage()
    consent = f"{NAMESPACE}/{STAGING},{NAMESPACE}/{PROD}"
    stage.application()["metadata"]["annotations"] = {"album.dev/authorized-pipeline": consent}
    for name in (STAGING, PROD):
        stage.cluster.apply(_pipeline(name, **(build if name == PROD else {})))
        stage.apply(name, pipelineRef={"name": name}, tag=TAG)
        stage.wakeups.join(Ref(NAMESPACE, name), None)
    return stage


async def _waiting(**build: object) -> Stage:
    stage = _stage(**build)
    await stage.settle(STAGING)
    await stage.wakeups.wait(Ref(NAMESPACE, PROD)) if _is_woken(stage, PROD) else None
    await stage.settle(PROD)
    return stage


def _is_woken(stage: Stage, name: str) -> bool:
    return stage.wakeups.has_news(Ref(NAMESPACE, name))


def _tell(stage: Stage, *, is_gone: bool = False) -> None:
    read_job(stage.wakeups, stage.jobs[0], is_gone=is_gone)()


async def test_two_environments_of_one_app_share_one_build() -> None:
    stage = await _waiting()
    job = stage.jobs[0]["metadata"]["name"]
    assert len(stage.jobs) == 1
    assert stage.ready(PROD) == ("Unknown", "Building")
    assert f"Job {job} of AlbumRelease {STAGING} builds {IMAGE}:v1.1.0" in stage.message(PROD)
    asked = len(stage.registry.asked)
    for _ in range(3):
        await stage.run_pass(PROD, polled=True)
    assert len(stage.registry.asked) == asked

    finish_build(stage.cluster, stage.jobs[0])
    _tell(stage)
    assert _is_woken(stage, PROD)
    for name in (STAGING, PROD):
        await stage.settle(name)
        assert stage.ready(name) == ("Unknown", "AwaitingMerge")
    assert len(stage.jobs) == 1
    images = [stage.status(name)["image"] for name in (STAGING, PROD)]
    assert [image["origin"] for image in images] == ["Built", "Reused"]
    assert images[0]["digest"] == images[1]["digest"]


async def test_where_the_first_build_fails_the_other_builds() -> None:
    stage = await _waiting()
    fail_build(stage.cluster, stage.jobs[0])
    _tell(stage)
    assert _is_woken(stage, PROD)
    await stage.settle(PROD)

    assert len(stage.jobs) == 2
    finish_build(stage.cluster, stage.jobs[1])
    await stage.settle(PROD)
    assert stage.status(PROD)["image"]["origin"] == "Built"


async def test_a_build_that_is_stopped_lets_the_other_build() -> None:
    stage = await _waiting()
    assert f"kubectl delete job -n {NAMESPACE} {stage.jobs[0]['metadata']['name']}" in (
        stage.message(PROD)
    )
    job = stage.jobs[0]
    path = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs/{job['metadata']['name']}"
    del stage.cluster.objects[path]
    read_job(stage.wakeups, job, is_gone=True)()
    assert _is_woken(stage, PROD)
    await stage.settle(PROD)
    assert PROD in str(stage.jobs[0]["metadata"]["ownerReferences"])


async def test_another_build_of_the_same_tag_is_waited_for_and_not_taken_for_ones_own() -> None:
    stage = await _waiting(args=[{"name": "ENVIRONMENT", "value": "prod"}])
    assert stage.ready(PROD) == ("Unknown", "Building")
    finish_build(stage.cluster, stage.jobs[0])
    await stage.settle(PROD)

    assert stage.ready(PROD) == ("False", "ImageExistsFromOtherBuild")
    assert len(stage.jobs) == 1


async def test_a_build_of_another_image_is_not_waited_for() -> None:
    stage = await _waiting(image={"repository": "owner/other"})
    assert len(stage.jobs) == 2


async def test_of_two_at_one_moment_one_builds() -> None:
    stage = _stage()
    list_of = stage.cluster.get
    passed: list[str] = []

    async def get(path: str, **query: str) -> dict[str, object]:
        found = await list_of(path, **query)
        # The other one begins between a look at the builds and the submission.
        if path.endswith("/jobs") and not passed:
            passed.append(path)
            await stage.settle(STAGING)
        return found

    stage.cluster.get = get  # type: ignore[method-assign]
    await stage.settle(PROD)

    assert passed
    assert len(stage.jobs) == 1
    assert stage.ready(PROD) == ("Unknown", "Building")
    assert f"of AlbumRelease {STAGING}" in stage.message(PROD)


async def test_whoever_waits_looks_once_a_minute_where_no_event_tells() -> None:
    stage = await _waiting()
    due = await stage.run_pass(PROD)
    assert (due.after, due.is_poll) == (timedelta(minutes=1), True)


def test_only_those_are_woken_that_wait_for_the_image() -> None:
    woken: list[Ref] = []
    waits, label = ImageWaits(woken.append), label_of("ghcr.io/owner/app:v1")
    waits.join(Ref("album", "a"), {label})
    waits.join(Ref("album", "b"), {label_of("ghcr.io/owner/other:v1")})
    waits.join(Ref("elsewhere", "c"), {label})
    waits.join(Ref("album", "gone"), {label})
    waits.leave(Ref("album", "gone"))
    waits.leave(Ref("album", "unknown"))
    waits.end("album", label)
    waits.end("album", label)

    assert woken == [Ref("album", "a")]
    alone = ImageWaits()
    alone.join(Ref("album", "a"), {label})
    alone.end("album", label)
