"""A version that failed is told with the one before it, which a rollback brings back."""

import json
import re
from typing import Any

import pytest

from tests.fakes.builders import DIGEST, IMAGE, VALUES
from tests.fakes.cluster import finish_build
from tests.unit.core.stage import REPOSITORY, Stage

GOOD, BAD = "backend-v1.1.0", "backend-v1.2.0"
OLD, NEW = DIGEST, f"sha256:{'2' * 64}"


async def _release_good(**stage: Any) -> Stage:  # noqa: ANN401 - handed on
    """Give a stage on which v1.1.0 was Released."""
    made = Stage(**stage)
    made.apply(GOOD)
    await made.release(GOOD)
    made.tell_of_releases()
    return made


async def _fail(stage: Stage, name: str = BAD, how: str = "Degraded", **spec: object) -> None:
    """Merge a version that does not do."""
    stage.apply(name, **spec)
    await stage.settle(name)
    if stage.status(name)["steps"][0]["state"] != "Succeeded":
        finish_build(stage.cluster, stage.jobs[-1], NEW, NEW)
        await stage.settle(name)
    if how == "SyncFailed":
        stage.argocd.fails = "one or more objects failed to apply"
    stage.merge()
    await stage.settle(name)
    stage.argocd.run()
    for _ in range(200):
        if how == "Degraded":
            stage.argocd.set_health("album-app-backend", "Degraded")
        due = await stage.run_pass(name)
        if due.after is None:
            break
        stage.clock.advance(due.after)
    stage.argocd.fails = None
    stage.tell_of_releases()
    assert stage.ready(name)[1] == how


def _manifest_in(message: str) -> dict[str, Any]:
    """Take what the command of a message would apply."""
    (found,) = re.findall(r"echo '(.*)' \| kubectl apply -f -", message)
    manifest: dict[str, Any] = json.loads(found)
    return manifest


def _apply(stage: Stage, manifest: dict[str, Any]) -> str:
    name: str = manifest["metadata"]["name"]
    spec = {key: value for key, value in manifest["spec"].items() if key != "pipelineRef"}
    stage.apply(name, **spec)
    return name


async def test_a_rollback_asks_for_no_checks() -> None:
    stage = await _release_good(checks=["unit"])
    stage.forge.set_check(stage.source.tags[BAD], "unit", "success")
    await _fail(stage)
    stage.forge.set_check(stage.source.tags[GOOD], "unit", "failure")
    asked = stage.forge.requests.count("list_checks")

    name = _apply(stage, _manifest_in(stage.message(BAD)))
    await stage.release(name)
    assert stage.ready(name) == ("True", "Released")
    assert stage.forge.requests.count("list_checks") == asked


@pytest.mark.parametrize("how", ["Degraded", "SyncFailed"])
@pytest.mark.parametrize("delivery", ["PullRequest", "Commit"])
async def test_a_failure_names_the_version_before_and_the_command_that_brings_it_back(
    how: str, delivery: str
) -> None:
    stage = await _release_good(delivery=delivery)
    await _fail(stage, how=how)
    message = stage.message(BAD)

    assert "v1.1.0 was Released before (AlbumRelease backend-v1.1.0)" in message
    assert "or mend the cause" in message
    assert message.endswith(", then set the annotation album.dev/retry.")
    [miss] = stage.status(BAD)["misses"]
    assert miss["remedy"].startswith("Bring v1.1.0 back (echo '")

    name = _apply(stage, _manifest_in(message))
    jobs = len(stage.jobs)
    await stage.release(name)
    assert stage.ready(name) == ("True", "Released")
    assert len(stage.jobs) == jobs
    assert stage.status(name)["image"]["digest"] == OLD
    main = stage.config.branches["main"]
    assert b'tag: "v1.1.0"' in stage.config.commits[main].files[VALUES].data


async def test_a_rollback_says_in_its_pull_request_what_it_takes_back() -> None:
    stage = await _release_good()
    await _fail(stage)
    name = _apply(stage, _manifest_in(stage.message(BAD)))
    await stage.release(name)
    number = stage.status(name)["pullRequest"]["number"]

    assert "- Takes back: `album/backend-v1.2.0`" in stage.forge.body(REPOSITORY, number)


async def test_a_rollback_takes_the_image_that_ran_whatever_the_pipeline_builds_by_now() -> None:
    stage = await _release_good()
    await _fail(stage)
    args = {"build": {"args": [{"name": "A", "value": "b"}]}}
    stage.cluster.edit(
        "/apis/album.dev/v1alpha1/namespaces/album/albumpipelines/album-app", {"spec": args}
    )
    name = _apply(stage, _manifest_in(stage.message(BAD)))
    await stage.release(name)

    assert stage.ready(name) == ("True", "Released")
    assert stage.status(name)["image"]["digest"] == OLD


@pytest.mark.parametrize("moved", [False, True])
async def test_a_tag_that_is_gone_or_moved_keeps_nothing_from_coming_back(moved: bool) -> None:
    stage = await _release_good()
    commit = stage.status(GOOD)["resolved"]["source"]["commit"]
    await _fail(stage)
    del stage.source.tags[GOOD]
    if moved:
        stage.source.tags[GOOD] = stage.source.write("main", {"README.md": "Albums\n"})
    name = _apply(stage, _manifest_in(stage.message(BAD)))
    await stage.release(name)

    assert stage.ready(name) == ("True", "Released")
    assert stage.status(name)["resolved"]["source"]["commit"] == commit
    assert stage.status(name)["image"]["digest"] == OLD


async def test_with_no_version_before_there_is_none_to_go_back_to() -> None:
    stage = Stage()
    await _fail(stage)

    assert "No earlier version of backend was Released here" in stage.message(BAD)
    assert "kubectl" not in stage.message(BAD)


async def test_the_version_before_is_the_one_released_last_and_none_that_is_newer() -> None:
    stage = await _release_good()
    stage.source.tags["backend-v1.3.0"] = stage.source.tags[GOOD]
    for name in ("backend-v1.2.0", "backend-v1.3.0"):
        stage.apply(name)
        await stage.release(name)
        stage.tell_of_releases()
    stage.source.tags["backend-v1.2.5"] = stage.source.tags[GOOD]
    await _fail(stage, "backend-v1.2.5", tag="backend-v1.2.5", allowDowngrade=True)

    assert "v1.2.0 was Released before" in stage.message("backend-v1.2.5")


async def test_a_rollback_that_fails_is_not_rolled_back() -> None:
    stage = await _release_good()
    await _fail(stage)
    manifest = _manifest_in(stage.message(BAD))
    name, spec = manifest["metadata"]["name"], manifest["spec"]
    del spec["pipelineRef"]
    await _fail(stage, name, **spec)

    assert "nothing is rolled back again" in stage.message(name)


async def _refused(stage: Stage, **spec: object) -> str:
    """Apply a rollback that is refused, with nothing written."""
    wish = {"app": "backend", "version": "v1.1.0", "rollbackOf": {"name": BAD}, **spec}
    branches, jobs = dict(stage.config.branches), len(stage.jobs)
    stage.apply("back", **wish)
    await stage.settle("back")
    assert (stage.config.branches, len(stage.jobs)) == (branches, jobs)
    return stage.message("back")


async def test_what_was_never_released_is_not_brought_back() -> None:
    stage = Stage()
    await _fail(stage)
    message = await _refused(stage)

    assert stage.ready("back") == ("False", "RollbackRefused")
    assert "no AlbumRelease in namespace album shows that v1.1.0 of backend was ever" in message


async def test_a_rollback_is_not_taken_back_by_another() -> None:
    stage = await _release_good()
    await _fail(stage)
    name = _apply(stage, _manifest_in(stage.message(BAD)))
    await stage.release(name)
    stage.tell_of_releases()
    message = await _refused(stage, rollbackOf={"name": name}, version="v1.2.0")

    assert f"AlbumRelease {name} is a rollback itself" in message


async def test_a_version_does_not_take_itself_back() -> None:
    stage = await _release_good()
    message = await _refused(stage, rollbackOf={"name": GOOD})

    assert "is of v1.1.0 too" in message


async def test_what_is_taken_back_may_be_deleted() -> None:
    stage = await _release_good()
    await _fail(stage)
    manifest = _manifest_in(stage.message(BAD))
    del stage.cluster.objects[f"/apis/album.dev/v1alpha1/namespaces/album/albumreleases/{BAD}"]
    name = _apply(stage, manifest)
    await stage.release(name)

    assert stage.ready(name) == ("True", "Released")


async def test_an_image_that_is_gone_or_another_is_not_brought_back_and_mended_it_is() -> None:
    stage = await _release_good()
    await _fail(stage)
    labels = stage.registry.labels_of(IMAGE, "v1.1.0")
    stage.registry.delete(IMAGE, "v1.1.0")
    message = await _refused(stage)
    assert stage.ready("back") == ("False", "RollbackRefused")
    assert "is not in its registry any more" in message

    stage.registry.push(IMAGE, "v1.1.0", labels, digest=NEW)
    stage.annotate("back", retry="1")
    await stage.settle("back")
    assert f"is {NEW} by now, and not {OLD}" in stage.message("back")

    stage.registry.push(IMAGE, "v1.1.0", labels, digest=OLD)
    stage.annotate("back", retry="2")
    await stage.release("back")
    assert stage.ready("back") == ("True", "Released")


async def test_a_values_file_that_has_moved_is_told_before_anything_is_written() -> None:
    stage = await _release_good()
    await _fail(stage)
    stage.config.commit("main", {VALUES: None})
    message = await _refused(stage)

    assert stage.ready("back") == ("False", "ValuesFileNotFound")
    assert f"{VALUES} does not exist" in message


async def test_an_image_that_no_registry_is_asked_for_is_not_brought_back() -> None:
    stage = await _release_good(build={"proof": "Builder"})
    await _fail(stage)
    message = await _refused(stage)

    assert "With proof: Builder no registry is asked" in message


async def test_a_release_that_only_follows_is_taken_back_by_whoever_made_it() -> None:
    stage = await _release_good()
    stage.push("v1.2.0", NEW)
    stage.apply(BAD, tag=BAD, mode="Follow")
    await stage.settle(BAD)
    commit = stage.config.commits[stage.config.branches["main"]]
    text = commit.files[VALUES].data.decode().replace("v1.1.0", "v1.2.0")
    stage.config.write("main", {VALUES: text})
    stage.argocd.fails = "one or more objects failed to apply"
    for _ in range(20):
        due = await stage.run_pass(BAD)
        if due.after is None:
            break
        stage.argocd.sync("album-app-backend")
        stage.clock.advance(due.after)

    assert stage.ready(BAD) == ("False", "SyncFailed")
    assert "kubectl apply" not in stage.message(BAD)
    assert "was Released before" not in stage.message(BAD)
