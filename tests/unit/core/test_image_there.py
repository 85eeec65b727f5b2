"""The image that is there: reused, refused, adopted, and read back after a build."""

from datetime import timedelta
from typing import Any

import pytest

from album_operator.domain.errors import TransientError
from album_operator.domain.image_labels import REVISION, SOURCE
from album_operator.domain.names import job_name
from album_operator.domain.reasons import Reason
from album_operator.domain.registry import ImagePlace
from tests.fakes.builders import DIGEST, IMAGE, raw_pipeline
from tests.fakes.cluster import fail_build, finish_build, push_of
from tests.unit.core.stage import Stage

NAME = "backend-v1.1.0"
TAG = "v1.1.0"
OTHER = f"sha256:{'e' * 64}"
STRANGE = "9" * 40


def _stage(**build: object) -> Stage:
    stage = Stage()
    if build:
        stage.cluster.apply(raw_pipeline(build=build))
    stage.apply()
    return stage


def _commit(stage: Stage) -> str:
    return stage.source.tags[NAME]


def _image(stage: Stage, name: str = NAME) -> dict[str, Any]:
    image: dict[str, Any] = stage.status(name)["image"]
    return image


def _delete(stage: Stage, name: str = NAME) -> None:
    """Delete a release, and what Kubernetes deletes with it."""
    objects = stage.cluster.objects
    for path in [path for path in objects if path.endswith((f"/{name}", job_name(name, 1)))]:
        del objects[path]
    stage.memories.clear()


async def _built() -> Stage:
    """Give a stage whose first build has just ended, and nobody has looked."""
    stage = _stage()
    await stage.settle()
    return stage


async def test_a_release_asks_its_registry_three_times_and_never_while_it_builds() -> None:
    stage = _stage()
    await stage.settle()
    assert stage.registry.asked == [f"{IMAGE}:{TAG}"] * 2
    for _ in range(5):
        await stage.run_pass(polled=True)
    assert len(stage.registry.asked) == 2

    await stage.release()
    assert stage.registry.asked == [f"{IMAGE}:{TAG}"] * 3
    assert _image(stage) == {
        "reference": f"{IMAGE}:{TAG}",
        "digest": DIGEST,
        "revision": _commit(stage),
        "origin": "Built",
    }


async def test_a_release_deleted_and_applied_again_uses_its_image_without_a_build() -> None:
    stage = _stage()
    await stage.release()
    _delete(stage)
    stage.registry.asked.clear()
    stage.apply()
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert stage.jobs == []
    assert "build" not in stage.status()
    assert (_image(stage)["digest"], _image(stage)["origin"]) == (DIGEST, "Reused")
    assert stage.registry.asked == [f"{IMAGE}:{TAG}"]
    (ready,) = (step for step in stage.status()["steps"] if step["name"] == "ImageReady")
    assert ready["message"] == (
        f"{IMAGE}:{TAG}@{DIGEST} was there already, built from this commit, and is reused."
    )


async def test_the_job_of_the_deleted_release_is_not_waited_for_where_its_image_is_there() -> None:
    stage = _stage()
    await stage.release()
    path = next(path for path in stage.cluster.objects if path.endswith(f"/{NAME}"))
    del stage.cluster.objects[path]
    stage.memories.clear()
    stage.cluster.apply({**stage.cluster.all_of("Job")[0], "kind": "Job"})
    raw_uid = {"metadata": {"uid": "uid-of-the-second-life"}}
    stage.apply()
    stage.cluster.edit(path, raw_uid)
    await stage.release()

    assert _image(stage)["origin"] == "Reused"
    assert stage.ready() == ("True", "Released")


async def test_a_tag_of_another_commit_is_told_before_the_build_and_never_overwritten() -> None:
    stage = _stage(existingImage="Adopt")
    pushed = stage.registry.push(IMAGE, TAG, {REVISION: STRANGE})
    await stage.settle()

    assert stage.ready() == ("False", "ImageExistsFromOtherCommit")
    assert f"with the label of commit {STRANGE[:12]}, and tag {NAME} is commit" in stage.message()
    assert _commit(stage)[:12] in stage.message()
    assert stage.jobs == []
    found = await stage.registry.find(ImagePlace(IMAGE), TAG)
    assert found is not None
    assert found.digest == pushed


@pytest.mark.parametrize("way_out", ["deleted", "another version"])
async def test_either_way_out_of_another_commits_image_leads_to_a_release(way_out: str) -> None:
    stage = _stage()
    stage.registry.push(IMAGE, TAG, {REVISION: STRANGE})
    await stage.settle()
    assert "Release another version, or delete that tag in the registry" in stage.message()

    name = NAME
    if way_out == "deleted":
        stage.registry.delete(IMAGE, TAG)
        stage.annotate(retry="1")
    else:
        name = "backend-v1.2.0"
        stage.apply(name)
    await stage.release(name)
    assert stage.ready(name) == ("True", "Released")
    assert _image(stage, name)["origin"] == "Built"


UNLABELLED = {
    "no label": {},
    "an empty one": {REVISION: ""},
    "no commit": {REVISION: "main"},
    "a commit cut short": {REVISION: "a1b2c3d"},
    "a base image's": {REVISION: STRANGE, SOURCE: "https://github.com/debuerreotype/docker-debian"},
}


@pytest.mark.parametrize("labels", UNLABELLED.values(), ids=UNLABELLED)
async def test_an_image_that_tells_no_commit_of_ours_is_refused_until_it_is_adopted(
    labels: dict[str, str],
) -> None:
    stage = _stage()
    digest = stage.registry.push(IMAGE, TAG, labels)
    await stage.settle()
    assert stage.ready() == ("False", "ImageSourceUnknown")
    assert stage.jobs == []

    assert "or set spec.build.existingImage: Adopt in the pipeline" in stage.message()
    stage.cluster.apply(raw_pipeline(build={"existingImage": "Adopt"}))
    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert stage.jobs == []
    assert _image(stage) == {"reference": f"{IMAGE}:{TAG}", "digest": digest, "origin": "Adopted"}


async def test_forks_share_commits_so_the_commit_counts_whatever_the_repository() -> None:
    stage = _stage()
    labels = {REVISION: _commit(stage), SOURCE: "https://git.example.org/fork/album-app"}
    stage.registry.push(IMAGE, TAG, labels)
    await stage.release()

    assert _image(stage)["origin"] == "Reused"
    assert stage.jobs == []


async def test_a_dockerfile_that_sets_the_label_itself_is_proved_and_reused_all_the_same() -> None:
    stage = _stage()
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[0])
    pushed = await stage.registry.find(ImagePlace(IMAGE), TAG)
    assert pushed is not None
    # kaniko runs the Dockerfile, and its LABEL, after it has set its own.
    labels = {**pushed.labels, REVISION: "unknown", SOURCE: "https://example.org/x"}
    stage.registry.push(IMAGE, TAG, labels, digest=DIGEST)
    await stage.release()
    assert _image(stage)["origin"] == "Built"

    _delete(stage)
    stage.apply()
    await stage.release()
    assert _image(stage)["origin"] == "Reused"


@pytest.mark.parametrize("way_out", ["deleted", "adopted", "put back"])
async def test_an_image_of_a_pipeline_since_edited_is_not_taken_for_what_it_gives_now(
    way_out: str,
) -> None:
    stage = _stage()
    await stage.release()
    args = [{"name": "GO_VERSION", "value": "1.26"}]
    stage.cluster.apply(raw_pipeline(build={"args": args}))
    stage.annotate(retry="1")
    await stage.settle()
    assert stage.ready() == ("False", "ImageExistsFromOtherBuild")
    assert "other args or platforms, than the pipeline gives now" in stage.message()

    if way_out == "deleted":
        stage.registry.delete(IMAGE, TAG)
    elif way_out == "adopted":
        stage.cluster.apply(raw_pipeline(build={"args": args, "existingImage": "Adopt"}))
    else:
        stage.cluster.apply(raw_pipeline())
    stage.annotate(retry="2")
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert len(stage.jobs) == (2 if way_out == "deleted" else 1)


async def test_two_apps_of_one_image_and_one_build_share_it_and_others_do_not() -> None:
    stage = Stage()
    worker = {"name": "frontend", "image": IMAGE, "contextDir": "backend"}
    stage.cluster.apply(raw_pipeline(apps=[{"name": "backend"}, worker]))
    stage.apply()
    await stage.release()
    stage.apply("frontend-v1.1.0")
    await stage.settle("frontend-v1.1.0")
    assert _image(stage, "frontend-v1.1.0")["origin"] == "Reused"

    apps = [{"name": "backend"}, {**worker, "contextDir": "frontend"}]
    stage.cluster.apply(raw_pipeline(apps=apps))
    stage.annotate("frontend-v1.1.0", retry="1")
    await stage.settle("frontend-v1.1.0")
    assert stage.ready("frontend-v1.1.0") == ("False", "ImageExistsFromOtherBuild")


ZEROS = f"sha256:{'0' * 64}"


@pytest.mark.parametrize("word", [ZEROS, OTHER])
async def test_a_digest_that_the_registry_does_not_have_is_a_lie_of_something_in_the_pod(
    word: str,
) -> None:
    stage = await _built()
    finish_build(stage.cluster, stage.jobs[0], word)
    await stage.settle()

    assert stage.ready() == ("False", "ImageMismatch")
    assert f"left the digest {word}" in stage.message()
    assert f"the registry has {DIGEST}" in stage.message()
    assert "image" not in stage.status()
    assert "set the annotation album.dev/retry to take what the registry has" in stage.message()

    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert (_image(stage)["digest"], _image(stage)["origin"]) == (DIGEST, "Reused")


@pytest.mark.parametrize("word", ["", "boom", f"{DIGEST} and more"])
async def test_where_the_builder_leaves_no_digest_the_registry_tells_it(word: str) -> None:
    stage = await _built()
    finish_build(stage.cluster, stage.jobs[0], word)
    await stage.release()

    assert (_image(stage)["digest"], _image(stage)["origin"]) == (DIGEST, "Built")
    (ready,) = (step for step in stage.status()["steps"] if step["name"] == "ImageReady")
    assert "The registry tells, for Pod" in ready["message"]


async def test_where_the_pod_is_gone_the_registry_tells_the_digest() -> None:
    stage = await _built()
    finish_build(stage.cluster, stage.jobs[0])
    for path in [path for path in stage.cluster.objects if "/pods/" in path]:
        del stage.cluster.objects[path]
    await stage.release()

    assert (_image(stage)["digest"], _image(stage)["origin"]) == (DIGEST, "Built")


async def test_where_the_job_is_gone_before_anybody_looked_its_image_is_found() -> None:
    stage = await _built()
    finish_build(stage.cluster, stage.jobs[0])
    for path in [path for path in stage.cluster.objects if "/pods/" in path or "/jobs/" in path]:
        del stage.cluster.objects[path]
    await stage.release()

    assert (_image(stage)["digest"], _image(stage)["origin"]) == (DIGEST, "Reused")
    assert stage.jobs == []


async def test_a_registry_that_shows_the_image_a_moment_later_is_asked_again() -> None:
    stage = await _built()
    finish_build(stage.cluster, stage.jobs[0], pushed="")
    due = await stage.settle()
    assert due.after == timedelta(seconds=5)
    assert due.is_poll
    assert stage.ready() == ("Unknown", "Building")
    assert "does not show" in stage.message()

    push_of(stage.registry, stage.jobs[0])
    await stage.release()
    assert _image(stage)["origin"] == "Built"


@pytest.mark.parametrize("word", [DIGEST, "boom"])
async def test_a_registry_that_never_shows_the_image_ends_the_release_after_a_minute(
    word: str,
) -> None:
    stage = await _built()
    finish_build(stage.cluster, stage.jobs[0], word, pushed="")
    stage.clock.advance(timedelta(seconds=91))
    await stage.settle()
    assert stage.ready() == ("False", "ImageMismatch")
    assert "and the registry has no" in stage.message()

    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert len(stage.jobs) == 2


async def test_a_tag_deleted_right_after_the_push_is_told_as_that() -> None:
    stage = await _built()
    finish_build(stage.cluster, stage.jobs[0])
    stage.registry.delete(IMAGE, TAG)
    stage.clock.advance(timedelta(seconds=91))
    await stage.settle()

    assert stage.ready() == ("False", "ImageMismatch")
    assert "not under the tag: somebody has deleted that since" in stage.message()


async def test_another_build_of_the_commit_that_came_last_is_the_one_that_is_used() -> None:
    stage = await _built()
    finish_build(stage.cluster, stage.jobs[0])
    push_of(stage.registry, stage.jobs[0], OTHER)
    await stage.release()

    assert (_image(stage)["digest"], _image(stage)["origin"]) == (OTHER, "Reused")
    (ready,) = (step for step in stage.status()["steps"] if step["name"] == "ImageReady")
    assert "Another build of this commit has put the tag there" in ready["message"]


@pytest.mark.parametrize(
    ("labels", "whose"),
    [
        ({REVISION: STRANGE}, f"with the label of commit {STRANGE[:12]}"),
        ({}, "without the label of a commit"),
    ],
)
@pytest.mark.parametrize("word", [DIGEST, "boom"])
async def test_a_tag_that_somebody_else_moved_meanwhile_is_not_believed(
    labels: dict[str, str], whose: str, word: str
) -> None:
    stage = await _built()
    finish_build(stage.cluster, stage.jobs[0], word)
    stage.registry.push(IMAGE, TAG, labels, digest=OTHER)
    await stage.settle()
    assert stage.ready() == ("False", "ImageMismatch")
    assert f"the registry has {OTHER}, an image {whose}. So somebody else" in stage.message()

    stage.registry.delete(IMAGE, TAG)
    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_a_digest_of_an_image_that_nobody_built_here_is_not_believed_for_its_tag() -> None:
    stage = await _built()
    finish_build(stage.cluster, stage.jobs[0])
    stage.registry.push(IMAGE, TAG, {REVISION: STRANGE}, digest=DIGEST)
    await stage.settle()

    assert stage.ready() == ("False", "ImageMismatch")
    assert f"left the digest {DIGEST}, and under" in stage.message()


async def test_a_registry_in_trouble_is_waited_for_before_and_after_the_build() -> None:
    stage = _stage()
    stage.registry.trouble = TransientError(Reason.REGISTRY_UNAVAILABLE, "It answers with 503.")
    await stage.settle()
    assert stage.ready() == ("Unknown", "RegistryUnavailable")
    assert stage.jobs == []

    trouble, stage.registry.trouble = stage.registry.trouble, None
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[0])
    stage.registry.trouble = trouble
    await stage.settle()
    assert stage.ready() == ("Unknown", "RegistryUnavailable")
    assert "image" not in stage.status()

    stage.registry.trouble = None
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_a_push_refused_for_an_immutable_tag_is_mended_by_a_retry_that_finds_the_image() -> (
    None
):
    stage = await _built()
    push_of(stage.registry, stage.jobs[0], OTHER)  # another cluster's operator was faster
    fail_build(stage.cluster, stage.jobs[0])
    await stage.settle()
    assert stage.ready() == ("False", "BuildFailed")

    stage.annotate(retry="1")
    await stage.release()
    assert (_image(stage)["digest"], _image(stage)["origin"]) == (OTHER, "Reused")


async def test_where_the_builder_alone_is_believed_no_registry_is_asked() -> None:
    stage = _stage(proof="Builder")
    stage.registry.push(IMAGE, TAG, {REVISION: STRANGE})
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert stage.registry.asked == []
    assert _image(stage)["origin"] == "Built"
    _delete(stage)
    stage.apply()
    await stage.settle()
    assert stage.ready() == ("Unknown", "Building")


async def test_the_secret_to_read_with_is_looked_at_like_the_one_to_push_with() -> None:
    stage = _stage(readSecretRef={"name": "album-reader"})
    await stage.settle()
    assert stage.ready() == ("False", "CredentialsMissing")
    assert (
        "Secret album/album-reader with the registry credential does not exist" in stage.message()
    )
