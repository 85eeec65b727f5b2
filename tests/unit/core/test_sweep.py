"""Branches that merged and closed pull requests left behind go, and no other branch does."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from album_operator.decisions.sweep import REOPENED_FOR
from album_operator.domain.errors import TransientError
from album_operator.domain.pipeline import Pipeline
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Delivery, Ref
from album_operator.pipelines.sweep import FIRST_SECONDS, MOST_LOOKS, Place, Sweep
from tests.fakes.builders import BRANCH, CONFIG, NAMESPACE
from tests.unit.core.stage import REPOSITORY, Stage

PLACE: Place = (NAMESPACE, CONFIG, "album-git")
PIPELINE = Ref(NAMESPACE, "album-app")


class Broom:
    """A stage with a release, and an operator that sweeps."""

    def __init__(self) -> None:
        self.stage = Stage(is_built=True)
        self.seconds = 0.0
        self.restart()

    def restart(self) -> None:
        self.sweeps = Sweep(self.stage.world, lambda: self.seconds)

    async def pipeline(self) -> Pipeline:
        pipeline = await self.stage.world.releases.find_pipeline(PIPELINE)
        assert pipeline is not None
        return pipeline

    async def release(self) -> str:
        """Run a release to its end, its branch left behind; give the head of that."""
        self.stage.apply()
        await self.stage.release()
        await asyncio.gather(*self.stage.world.errands)
        (commit,) = (sha for branch, sha in self.stage.config.pushes if branch == BRANCH)
        self.stage.config.branches[BRANCH] = commit
        return commit

    async def sweep(self) -> bool:
        """Sweep; tell whether the branch of the release is still there."""
        self.sweeps.note(await self.pipeline())
        self.stage.tell_of_releases()
        await self.sweeps.sweep(PLACE)
        return BRANCH in self.stage.config.branches

    def delete_release(self) -> None:
        self.stage.wakeups.index.drop(Ref(NAMESPACE, "backend-v1.1.0"))
        releases = f"/apis/album.dev/v1alpha1/namespaces/{NAMESPACE}/albumreleases"
        del self.stage.cluster.objects[f"{releases}/backend-v1.1.0"]


def _watch(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give what is asked of the config repository from now on."""
    asked: list[str] = []

    def watched(name: str) -> Callable[..., object]:
        method = getattr(stage.config_repository, name)

        def ask(*arguments: object) -> object:
            asked.append(name)
            return method(*arguments)

        return ask

    for name in ("list_branches", "look"):
        monkeypatch.setattr(stage.config_repository, name, watched(name))
    return asked


@pytest.fixture
async def broom() -> Broom:
    """Give one whose release is Released, and whose branch was left behind."""
    broom = Broom()
    await broom.release()
    assert broom.stage.ready() == ("True", "Released")
    return broom


async def test_the_branch_of_a_merged_pull_request_goes(broom: Broom) -> None:
    assert not await broom.sweep()


async def test_it_goes_too_when_its_release_is_gone(broom: Broom) -> None:
    broom.delete_release()

    assert not await broom.sweep()


async def test_the_branch_of_a_closed_one_stays_for_a_day_to_be_reopened() -> None:
    broom = Broom()
    stage = broom.stage
    stage.apply()
    await stage.settle()
    (number,) = stage.forge.waiting
    stage.forge.close_pull_request(REPOSITORY, number)
    await stage.settle()
    assert stage.ready() == ("False", "PullRequestClosed")
    assert stage.status()["pullRequest"]["state"] == "Closed"
    assert await broom.sweep()

    stage.clock.advance(REOPENED_FOR)
    assert not await broom.sweep()


async def test_a_release_in_flight_keeps_its_branch() -> None:
    broom = Broom()
    broom.stage.apply()
    await broom.stage.settle()
    assert broom.stage.ready() == ("Unknown", "AwaitingMerge")

    assert await broom.sweep()


async def test_a_branch_that_somebody_pushed_onto_stays(broom: Broom) -> None:
    broom.stage.config.write(BRANCH, {"backend/values.yaml": "image: {tag: v1.1.1}\n"})

    assert await broom.sweep()


async def test_a_branch_of_another_name_at_our_commit_stays(broom: Broom) -> None:
    branches = broom.stage.config.branches
    branches["release/mine"] = branches[BRANCH]
    await broom.sweep()

    assert "release/mine" in branches
    assert BRANCH not in branches


async def test_a_branch_of_the_same_release_in_another_cluster_stays(broom: Broom) -> None:
    path = f"/apis/album.dev/v1alpha1/namespaces/{NAMESPACE}/albumpipelines/album-app"
    broom.stage.cluster.objects[path]["metadata"]["uid"] = "uid-in-another-cluster"
    broom.delete_release()

    assert await broom.sweep()


async def test_a_branch_that_may_not_be_deleted_stays_and_is_not_tried_on(broom: Broom) -> None:
    broom.stage.config.protected.append("release/")
    assert await broom.sweep()
    broom.stage.config.protected.clear()
    assert await broom.sweep()

    broom.restart()
    assert not await broom.sweep()


async def test_a_pipeline_that_commits_to_the_base_has_nothing_to_sweep(broom: Broom) -> None:
    pipeline = await broom.pipeline()
    commits = replace(pipeline, config=replace(pipeline.config, delivery=Delivery.COMMIT))
    broom.sweeps.note(commits)

    with pytest.raises(KeyError):
        await broom.sweeps.sweep(PLACE)


async def test_a_pipeline_that_is_gone_is_swept_no_more(broom: Broom) -> None:
    broom.sweeps.note(await broom.pipeline())
    broom.sweeps.forget(PIPELINE)

    with pytest.raises(KeyError):
        await broom.sweeps.sweep(PLACE)


async def test_a_trouble_leaves_all_for_the_next_time(broom: Broom) -> None:
    broom.stage.git.trouble = TransientError(Reason.GIT_UNAVAILABLE, "It is down.")
    assert await broom.sweep()
    broom.stage.git.trouble = None

    assert not await broom.sweep()


async def test_while_releases_are_listed_nothing_is_swept(broom: Broom) -> None:
    broom.stage.wakeups.index.begin_list(NAMESPACE)

    assert await broom.sweep()


async def test_pipelines_of_one_repository_share_a_list_and_no_branch_is_read_twice(
    broom: Broom, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = broom.stage.config.branches["main"]
    for number in range(MOST_LOOKS + 1):
        broom.stage.config.branches[f"release/theirs-{number:02}"] = head
    pipeline = await broom.pipeline()
    broom.sweeps.note(replace(pipeline, ref=Ref(NAMESPACE, "other"), uid="other"))
    asked = _watch(broom.stage, monkeypatch)
    assert not await broom.sweep()
    assert asked.count("list_branches") == 1
    assert asked.count("look") == MOST_LOOKS
    asked.clear()

    await broom.sweep()
    assert asked.count("look") == 2
    asked.clear()
    await broom.sweep()
    assert asked == ["list_branches"]


async def test_it_sweeps_by_itself_soon_after_a_start_and_then_seldom(broom: Broom) -> None:
    broom.sweeps.note(await broom.pipeline())
    broom.stage.tell_of_releases()
    running = asyncio.create_task(broom.sweeps.run())
    broom.seconds = FIRST_SECONDS
    broom.sweeps.note(await broom.pipeline())
    async with asyncio.timeout(10):
        while BRANCH in broom.stage.config.branches:
            await asyncio.sleep(0)
    running.cancel()
