"""Two pipelines release one app into two folders of one config repository: staging and prod."""

from typing import Any

import pytest

from album_operator.domain.errors import TransientError
from album_operator.domain.places import Draft, ForgePlace
from album_operator.domain.pull_requests import PullRequestSeen
from album_operator.domain.reasons import Reason
from tests.fakes.builders import IMAGE, NAMESPACE, raw_application, raw_pipeline
from tests.fakes.cluster import finish_build
from tests.unit.core.stage import REPOSITORY, VALUES, Stage

STAGING, PROD = "staging", "prod"
BOTH = (STAGING, PROD)
TAG = "backend-v1.1.0"
WISH = {
    "branch": "${environment}/${app}_${version}",
    "title": "${environment}: ${app} ${version}",
    "body": "Rolls `${app}` out to ${environment}.",
}
MESSAGE = "deploy(${environment}): ${app} ${version}\n\nOf ${digest}."


def _pipeline(environment: str, wish: dict[str, Any] | None = None) -> dict[str, Any]:
    app = {
        "name": "backend",
        "edits": [{"path": f"{environment}/values.yaml", "key": "image.tag"}],
        "applications": [{"namespace": "argocd", "name": f"album-app-{environment}"}],
    }
    config = {
        "pullRequest": {**WISH, "labels": [environment], **(wish or {})},
        "commitMessage": MESSAGE,
    }
    raw = raw_pipeline(apps=[app], config=config, environment=environment)
    names = {"name": f"album-app-{environment}", "uid": f"uid-of-{environment}"}
    return {**raw, "metadata": {**raw["metadata"], **names}}


def _stage() -> Stage:
    stage = Stage()
    for environment in BOTH:
        text = VALUES.format(app=environment, image=IMAGE)
        stage.config.write("main", {f"{environment}/values.yaml": text})
        application = raw_application(environment)
        pipeline = f"{NAMESPACE}/album-app-{environment}"
        application["metadata"]["annotations"] = {"album.dev/authorized-pipeline": pipeline}
        stage.cluster.apply(application)
        stage.argocd.sync(f"album-app-{environment}")
        stage.cluster.apply(_pipeline(environment))
        raw = {"pipelineRef": {"name": f"album-app-{environment}"}, "tag": TAG}
        stage.apply(environment, **raw)
    return stage


async def _propose(stage: Stage, *names: str) -> None:
    for name in names:
        await stage.settle(name)
        if stage.ready(name) == ("Unknown", "Building"):
            finish_build(stage.cluster, stage.jobs[-1])
        await stage.settle(name)
        assert stage.ready(name) == ("Unknown", "AwaitingMerge")


def _number(stage: Stage, name: str) -> int:
    number: int = stage.status(name)["pullRequest"]["number"]
    return number


def _value(stage: Stage, environment: str) -> str:
    files = stage.config.commits[stage.config.branches["main"]].files
    return files[f"{environment}/values.yaml"].data.decode()


async def test_both_are_proposed_side_by_side_each_with_names_of_its_own() -> None:
    stage = _stage()
    await _propose(stage, *BOTH)

    for name in BOTH:
        found = await stage.forge.get(stage.forge_place, _number(stage, name))
        assert found.head == f"{name}/backend_v1.1.0"
        assert found.title == f"{name}: backend v1.1.0"
        assert found.labels == {name}
        commit = stage.config.commits[stage.config.branches[found.head]]
        assert commit.message.startswith(f"deploy({name}): backend v1.1.0\n\nOf sha256:")
        assert f"\nAlbumRelease: {NAMESPACE}/{name}\n" in commit.message
        assert "\nArgocd-reference-commit-sha: " in commit.message
        changed = [path for path in commit.files if "v1.1.0" in commit.files[path].data.decode()]
        assert changed == [f"{name}/values.yaml"]
    assert len(stage.jobs) == 1
    assert [stage.status(name)["image"]["origin"] for name in BOTH] == ["Built", "Reused"]


async def test_a_merge_of_one_leaves_the_other_as_it_is() -> None:
    stage = _stage()
    await _propose(stage, *BOTH)
    stage.forge.merge_as(REPOSITORY, _number(stage, STAGING))
    stage.forge.waiting.discard(_number(stage, STAGING))
    await stage.settle(STAGING)

    assert "v1.1.0" in _value(stage, STAGING)
    assert "v1.0.0" in _value(stage, PROD)
    await stage.settle(PROD)
    assert stage.ready(PROD) == ("Unknown", "AwaitingMerge")
    for name in BOTH:
        await stage.release(name)
        assert stage.ready(name) == ("True", "Released")
    assert "v1.1.0" in _value(stage, PROD)


async def test_a_no_to_one_does_not_end_the_other() -> None:
    stage = _stage()
    await _propose(stage, STAGING)
    stage.forge.close_pull_request(REPOSITORY, _number(stage, STAGING))
    stage.forge.waiting.discard(_number(stage, STAGING))
    await stage.settle(STAGING)
    assert stage.ready(STAGING) == ("False", "PullRequestClosed")

    await stage.release(PROD)
    assert stage.ready(PROD) == ("True", "Released")
    assert "v1.0.0" in _value(stage, STAGING)


async def test_a_pipeline_that_is_edited_changes_no_name_of_a_release_that_has_begun() -> None:
    stage = _stage()
    await stage.settle(PROD)
    edited = _pipeline(PROD, {"branch": "other/${tag}", "title": "other"})
    edited["spec"]["environment"] = "production"
    edited["metadata"]["generation"] = 3
    stage.cluster.apply(edited)
    await stage.release(PROD)

    assert stage.ready(PROD) == ("True", "Released")
    assert stage.config.pushes[0][0] == "prod/backend_v1.1.0"
    found = await stage.forge.get(stage.forge_place, _number(stage, PROD))
    assert found.title == "prod: backend v1.1.0"


async def test_a_restart_after_the_push_finds_branch_and_commit_again() -> None:
    stage = _stage()
    await stage.settle(PROD)
    finish_build(stage.cluster, stage.jobs[0])
    open_pull_request = stage.forge.open

    async def not_now(place: ForgePlace, draft: Draft) -> PullRequestSeen:
        raise TransientError(Reason.FORGE_UNAVAILABLE, f"No {draft.title} at {place.api_url} now.")

    stage.forge.open = not_now  # type: ignore[method-assign]
    await stage.settle(PROD)
    stage.forge.open = open_pull_request  # type: ignore[method-assign]
    stage.restart()
    await stage.release(PROD)

    assert stage.ready(PROD) == ("True", "Released")
    assert len(stage.config.pushes) == 1
    assert stage.forge.count(REPOSITORY) == 1


@pytest.mark.parametrize("mode", ["Apply", "Plan"])
async def test_a_default_branch_called_release_is_told_first_and_a_template_mends_it(
    mode: str,
) -> None:
    stage = Stage()
    stage.config.branches["release"] = stage.config.branches.pop("main")
    stage.config.default_branch = "release"
    stage.apply(TAG, tag=TAG, mode=mode)
    await stage.settle()

    assert stage.ready() == ("False", "BranchTaken")
    assert "release is there" in stage.message()
    assert "set spec.config.pullRequest.branch of the pipeline" in stage.message()
    assert stage.jobs == []

    stage.cluster.apply(raw_pipeline(config={"pullRequest": {"branch": "album/${app}_${version}"}}))
    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released" if mode == "Apply" else "Planned")


@pytest.mark.parametrize("way_out", ["delete", "template"])
async def test_a_branch_that_holds_anothers_commit_is_told_before_the_build(way_out: str) -> None:
    stage = Stage()
    branch = f"release/{TAG.replace('-', '_')}"
    stage.config.branches[branch] = stage.config.branches["main"]
    theirs = stage.config.write(branch, {"notes": "theirs"})
    stage.apply(TAG, tag=TAG)
    await stage.settle()
    assert stage.ready() == ("False", "BranchTaken")
    assert stage.jobs == []

    if way_out == "delete":
        del stage.config.branches[branch]
    else:
        wish = {"branch": "album/${app}_${version}"}
        stage.cluster.apply(raw_pipeline(config={"pullRequest": wish}))
    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert stage.config.branches.get(branch) == (theirs if way_out == "template" else None)


@pytest.mark.parametrize("way_out", ["merge", "template"])
async def test_a_branch_with_an_open_pull_request_of_somebody_else_is_not_to_be_deleted(
    way_out: str,
) -> None:
    stage = Stage()
    branch = f"release/{TAG.replace('-', '_')}"
    stage.config.branches[branch] = stage.config.branches["main"]
    stage.config.write(branch, {"notes": "theirs"})
    theirs = await stage.forge.open(stage.forge_place, Draft(branch, "main", "notes", ""))
    stage.forge.waiting.clear()
    stage.apply(TAG, tag=TAG)
    await stage.settle()
    assert stage.ready() == ("False", "BranchTaken")
    assert f"It has the open pull request #{theirs.number}: {theirs.url}." in stage.message()
    assert "Merge that and delete the branch, or set spec.config" in stage.message()
    assert stage.jobs == []

    if way_out == "merge":
        stage.forge.merge_as(REPOSITORY, theirs.number)
        del stage.config.branches[branch]
    else:
        wish = {"branch": "album/${app}_${version}"}
        stage.cluster.apply(raw_pipeline(config={"pullRequest": wish}))
    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_a_template_that_gives_no_branch_is_refused_and_leaves_no_trace() -> None:
    stage = Stage()
    wish = {"branch": f"{'x' * 190}/${{tag}}"}
    stage.cluster.apply(raw_pipeline(config={"pullRequest": wish}))
    stage.apply(TAG, tag=TAG)
    await stage.settle()

    assert stage.ready() == ("False", "NameNotAllowed")
    assert stage.message().startswith("spec.config.pullRequest.branch: ")
    assert stage.jobs == []
    assert "resolved" not in stage.status()

    stage.cluster.apply(raw_pipeline())
    stage.annotate(retry="1")
    await stage.release()
    assert stage.ready() == ("True", "Released")
