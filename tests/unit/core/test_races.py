"""Things that change between a look and the write it led to."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from album_operator.adapters.cluster.cluster import path_of
from album_operator.domain.errors import TransientError
from album_operator.domain.places import Change, Draft, ForgePlace, GitPlace
from album_operator.domain.pull_requests import PullRequestSeen
from album_operator.domain.reasons import Reason
from tests.fakes.builders import BRANCH, raw_pipeline
from tests.fakes.cluster import APIS, finish_build, raw_pod, raw_secret
from tests.fakes.git_server import TOKEN
from tests.unit.core.stage import REPOSITORY, Stage

Merge = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]

APPLICATION = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/album-app-backend"


def _before_patches_of(stage: Stage, suffix: str, happens: Callable[[], object]) -> list[str]:
    """Let something happen right before the first patch of an object; give the patches' paths."""
    merge: Merge = stage.cluster.merge
    patched: list[str] = []

    async def spoiled(path: str, body: dict[str, Any]) -> dict[str, Any]:
        if path.endswith(suffix):
            patched.append(path)
            if len(patched) == 1:
                happens()
        return await merge(path, body)

    stage.cluster.merge = spoiled  # type: ignore[assignment,method-assign]
    return patched


async def _merged(stage: Stage) -> None:
    stage.apply()
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[0])
    await stage.settle()
    stage.merge()


async def test_consent_moved_between_look_and_refresh_keeps_the_patch_out() -> None:
    stage = Stage()
    # Nothing to patch but the refresh of step Deployed.
    stage.application()["spec"]["syncPolicy"] = {
        "automated": {"selfHeal": True},
        "syncOptions": ["ApplyOutOfSyncOnly=true"],
    }
    await _merged(stage)
    stage.clock.advance(timedelta(seconds=11))
    moved = {"metadata": {"annotations": {"album.dev/authorized-pipeline": "album/another"}}}
    patched = _before_patches_of(
        stage, "/album-app-backend", lambda: stage.cluster.edit(APPLICATION, moved)
    )
    await stage.settle()

    assert len(patched) == 1
    assert stage.ready() == ("False", "NotAuthorized")
    assert "argocd.argoproj.io/refresh" not in stage.application()["metadata"]["annotations"]


async def test_an_application_that_changed_before_its_patch_is_looked_at_again_at_once() -> None:
    stage = Stage()
    await _merged(stage)
    options = {"spec": {"syncPolicy": {"syncOptions": ["PruneLast=true"]}}}
    patched = _before_patches_of(
        stage, "/album-app-backend", lambda: stage.cluster.edit(APPLICATION, options)
    )
    await stage.settle()

    assert len(patched) == 2
    assert stage.application()["spec"]["syncPolicy"] == {
        "automated": {"selfHeal": True},
        "syncOptions": ["PruneLast=true", "ApplyOutOfSyncOnly=true"],
    }
    assert "ClusterUnavailable" not in stage.events()
    assert stage.conditions()["SyncPolicyApplied"] == "True"


async def test_consent_taken_back_right_before_the_patch_is_respected() -> None:
    stage = Stage()
    await _merged(stage)
    revoked = {"metadata": {"annotations": {"album.dev/authorized-pipeline": None}}}
    _before_patches_of(
        stage, "/album-app-backend", lambda: stage.cluster.edit(APPLICATION, revoked)
    )
    await stage.settle()

    assert stage.ready() == ("False", "NotAuthorized")
    assert "syncPolicy" not in stage.application()["spec"]


async def test_a_release_that_changed_before_its_marks_is_looked_at_again_at_once() -> None:
    stage = Stage()
    stage.apply()
    _before_patches_of(stage, "/backend-v1.1.0", lambda: stage.annotate(refresh="1"))
    assert (await stage.run_pass()).after == timedelta()
    assert stage.jobs == []

    await stage.settle()
    assert stage.status()["lastHandledRefresh"] == "1"
    assert len(stage.jobs) == 1


async def test_a_write_whose_effect_never_shows_does_not_spin() -> None:
    stage = Stage()
    stage.apply()
    create = stage.cluster.create
    tries: list[str] = []

    async def forgetful(path: str, body: dict[str, Any]) -> dict[str, Any]:
        if not path.endswith("/jobs"):
            return await create(path, body)
        tries.append(path)
        return body

    stage.cluster.create = forgetful  # type: ignore[assignment,method-assign]
    due = await stage.settle()

    assert len(tries) < 10
    assert due.after is not None
    assert due.after > timedelta()
    assert "no effect yet" in stage.message()


async def test_a_base_branch_deleted_while_building_ends_the_release() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[0])
    del stage.config.branches["main"]
    await stage.settle()

    assert stage.ready() == ("False", "BaseBranchNotFound")
    assert stage.forge.count(REPOSITORY) == 0


async def test_an_application_deleted_on_the_way_ends_the_release() -> None:
    stage = Stage()
    await _merged(stage)
    await stage.settle()
    del stage.cluster.objects[APPLICATION]
    await stage.settle()

    assert stage.ready() == ("False", "ApplicationNotFound")


async def test_a_forge_has_a_secret_of_its_own_where_the_pipeline_says_so() -> None:
    stage = Stage()
    stage.cluster.apply(raw_pipeline(config={"forge": {"secretRef": {"name": "forge"}}}))
    stage.apply()
    await stage.settle()
    assert stage.ready() == ("False", "CredentialsMissing")
    assert "album/forge" in stage.message()

    stage.cluster.apply(raw_secret("forge", url="https://elsewhere.example.org", token=TOKEN))
    stage.annotate(retry="1")
    await stage.settle()
    assert stage.ready() == ("False", "HostNotAllowed")

    stage.cluster.apply(raw_secret("forge", url="https://git.example.org/owner", token=TOKEN))
    stage.annotate(retry="2")
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_a_token_replaced_on_the_way_is_used_at_once() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    stage.git.tokens = {"new"}
    stage.cluster.apply(raw_secret("album-git", url="https://git.example.org", token="new"))
    await stage.release()

    assert stage.ready() == ("True", "Released")


async def test_a_job_of_the_same_name_that_is_not_ours_is_left_alone() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    (job,) = stage.jobs
    job["metadata"]["ownerReferences"][0]["name"] = "backend-v1.0.0"
    await stage.settle()

    assert stage.ready() == ("False", "BuildFailed")
    assert "was not made by this release" in stage.message()


async def test_a_release_made_anew_at_once_outwaits_the_job_of_the_deleted_one() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    (job,) = stage.jobs
    job["metadata"]["ownerReferences"][0]["uid"] = "of-the-deleted-one"
    finish_build(stage.cluster, job)
    await stage.settle()
    assert stage.ready() == ("Unknown", "Building")
    assert "by an earlier release of this name, which is deleted" in stage.message()

    metadata = job["metadata"]
    del stage.cluster.objects[path_of(*APIS["Job"], metadata["namespace"], metadata["name"])]
    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_a_pod_that_cannot_run_is_shown_and_forgotten_when_it_runs() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    statuses = [{"name": "build", "state": waiting}]
    stage.cluster.apply(raw_pod(stage.jobs[0], containerStatuses=statuses))
    due = await stage.settle()
    assert stage.ready() == ("Unknown", "ImagePullFailed")
    assert due.after is not None
    assert "no such image" in stage.message()

    await stage.release()
    assert stage.ready() == ("True", "Released")


async def test_a_merge_right_between_two_looks_makes_no_second_pull_request() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[0])
    find = stage.forge.find

    async def after_the_merge(place: ForgePlace, head: str, base: str) -> PullRequestSeen | None:
        stage.merge()  # the config repository was looked at before
        return await find(place, head, base)

    stage.forge.find = after_the_merge  # type: ignore[method-assign]
    due = await stage.settle()
    assert due.after == timedelta(seconds=1)

    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert stage.forge.count(REPOSITORY) == 1
    assert len(stage.config.pushes) == 1


async def test_a_release_taken_back_by_hand_is_proposed_anew_once_its_branch_is_gone() -> None:
    stage = Stage()
    stage.apply()
    await stage.release()
    file = stage.config.commits[stage.config.branches["main"]].files["backend/values.yaml"]
    stage.config.write(
        "main", {"backend/values.yaml": file.data.decode().replace("v1.1.0", "v1.0.0")}
    )
    assert BRANCH not in stage.config.branches
    # Somebody who wants to see it restores it, as forges offer.
    stage.config.branches[BRANCH] = stage.config.pushes[0][1]
    stage.annotate(retry="1")
    await stage.settle()
    assert stage.ready() == ("False", "BranchTaken")

    del stage.config.branches[BRANCH]
    stage.annotate(retry="2")
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert stage.forge.count(REPOSITORY) == 2
    assert len(stage.jobs) == 1


def _edit_values(stage: Stage, old: str, new: str) -> str:
    path = "backend/values.yaml"
    text = stage.config.commits[stage.config.branches["main"]].files[path].data.decode()
    return stage.config.write("main", {path: text.replace(old, new)})


async def _pushed_without_a_pull_request(stage: Stage) -> None:
    stage.apply()
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[0])
    open_pull_request = stage.forge.open

    async def not_now(place: ForgePlace, draft: Draft) -> PullRequestSeen:
        raise TransientError(Reason.FORGE_UNAVAILABLE, f"No {draft.title} at {place.api_url} now.")

    stage.forge.open = not_now  # type: ignore[method-assign]
    await stage.settle()
    stage.forge.open = open_pull_request  # type: ignore[method-assign]
    assert len(stage.config.pushes) == 1


async def test_our_branch_is_made_anew_where_its_file_changed_on_the_base_since() -> None:
    stage = Stage()
    await _pushed_without_a_pull_request(stage)
    base = _edit_values(stage, "8080", "9090")
    await stage.settle()

    head = stage.config.branches[BRANCH]
    assert stage.config.pushes[1:] == [(BRANCH, head)]
    assert stage.config.commits[head].parents == (base,)
    assert "9090" in stage.config.commits[head].files["backend/values.yaml"].data.decode()
    assert stage.forge.count(REPOSITORY) == 1
    assert stage.status()["config"]["commit"] == stage.status()["pullRequest"]["headSHA"] == head


async def test_our_branch_is_left_alone_while_others_change_other_files_of_the_base() -> None:
    stage = Stage()
    await _pushed_without_a_pull_request(stage)
    for number in range(3):
        stage.config.write("main", {"frontend/values.yaml": f"{number}\n"})
        await stage.run_pass()
    await stage.release()

    assert len(stage.config.pushes) == 1
    assert stage.ready() == ("True", "Released")


async def test_an_open_pull_request_stays_the_same_when_its_branch_is_made_anew() -> None:
    stage = Stage()
    stage.apply()
    await stage.settle()
    finish_build(stage.cluster, stage.jobs[0])
    await stage.settle()
    before = stage.status()["pullRequest"]
    _edit_values(stage, "8080", "9090")
    stage.annotate(retry="1")
    await stage.settle()

    after = stage.status()["pullRequest"]
    assert (after["number"], after["state"]) == (before["number"], "Open")
    assert after["headSHA"] == stage.config.branches[BRANCH] != before["headSHA"]
    assert stage.forge.count(REPOSITORY) == 1
    assert stage.ready() == ("Unknown", "AwaitingMerge")


async def test_our_branch_is_not_made_anew_for_a_version_older_than_the_bases() -> None:
    stage = Stage()
    await _pushed_without_a_pull_request(stage)
    pushed = list(stage.config.pushes)
    _edit_values(stage, "v1.0.0", "v2.0.0")
    await stage.settle()

    assert stage.ready() == ("False", "Superseded")
    assert stage.config.pushes == pushed
    assert BRANCH not in stage.config.branches
    assert stage.forge.count(REPOSITORY) == 0


async def test_a_commit_somebody_adds_before_our_branch_is_made_anew_is_never_lost() -> None:
    stage = Stage()
    await _pushed_without_a_pull_request(stage)
    _edit_values(stage, "8080", "9090")
    push = stage.config_repository.push

    async def after_somebody(place: GitPlace, change: Change) -> str:
        stage.config.write(BRANCH, {"theirs": "x"})
        return await push(place, change)

    stage.config_repository.push = after_somebody  # type: ignore[method-assign]
    await stage.settle()

    assert stage.ready() == ("False", "BranchTaken")
    assert len(stage.config.pushes) == 1
    assert "theirs" in stage.config.commits[stage.config.branches[BRANCH]].files
