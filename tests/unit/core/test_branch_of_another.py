"""A release whose branch is another's waits for it before it builds anything, and then goes on."""

import asyncio
import math
from typing import Any

import pytest

from album_operator.codec import parse_seen
from album_operator.domain.claims import ConfigBranch
from album_operator.domain.release import Ref
from album_operator.memory import release_index
from tests.fakes.builders import BRANCH, CONFIG, NAMESPACE, raw_application, raw_pipeline
from tests.fakes.cluster import fail_build, finish_build
from tests.unit.core.stage import Stage

TAG = "backend-v1.1.0"
FIRST, SECOND = "first", "second"
TAKEN = ("Unknown", "BranchTaken")
RELEASES = f"/apis/album.dev/v1alpha1/namespaces/{NAMESPACE}/albumreleases"

JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"


class Both:
    """Two releases of one tag, and an API server that tells of each when it is asked to."""

    def __init__(self, **stage: Any) -> None:  # noqa: ANN401 - handed on
        self.stage = Stage(**stage)
        self.stage.apply(FIRST, tag=TAG)
        self.stage.apply(SECOND, tag=TAG)
        self.join()

    def join(self) -> None:
        for name in (FIRST, SECOND):
            self.stage.wakeups.join(Ref(NAMESPACE, name), None)

    def tell(self, *, is_listed: bool = False) -> None:
        """Tell of both, as Kopf's events do."""
        for name in (FIRST, SECOND):
            body = self.stage.cluster.objects.get(f"{RELEASES}/{name}")
            ref = Ref(NAMESPACE, name)
            if body is None:
                self.stage.wakeups.index.drop(ref)
            else:
                if is_listed:
                    self.stage.wakeups.index.note_listed(ref)
                self.stage.wakeups.index.note(ref, parse_seen(body))

    async def settle(self, name: str) -> None:
        await self.stage.settle(name)
        self.tell()

    async def begin(self) -> None:
        """Let the first build, and the second be told."""
        await self.settle(FIRST)
        await self.settle(SECOND)
        assert self.stage.ready(SECOND) == TAKEN

    def is_second_woken(self) -> bool:
        return self.stage.wakeups.has_news(Ref(NAMESPACE, SECOND))


async def test_whose_branch_is_anothers_is_told_so_before_it_builds() -> None:
    both = Both()
    await both.begin()
    assert f"AlbumRelease {NAMESPACE}/{FIRST}" in both.stage.message(SECOND)
    assert BRANCH in both.stage.message(SECOND)
    assert len(both.stage.jobs) == 1
    assert not both.is_second_woken()


async def test_the_merge_of_the_first_lets_the_second_go_on_by_itself() -> None:
    both = Both()
    await both.begin()
    stage = both.stage
    finish_build(stage.cluster, stage.jobs[0])
    await both.settle(FIRST)
    stage.merge()
    assert not both.is_second_woken()
    await both.settle(FIRST)
    assert both.is_second_woken()

    await both.settle(SECOND)
    assert stage.status(SECOND)["image"]["origin"] == "Reused"
    assert stage.ready(SECOND) == ("Unknown", "Syncing")


async def test_a_version_goes_to_two_stages_of_one_repository_one_after_the_other() -> None:
    both = Both()
    stage = both.stage
    stage.config.write("main", {"prod/values.yaml": 'image:\n  tag: "v1.0.0"\n'})
    application = raw_application("prod")
    application["metadata"]["annotations"] = {"album.dev/authorized-pipeline": "album/prod"}
    stage.cluster.apply(application)
    app = {
        "name": "backend",
        "edits": [{"path": "prod/values.yaml", "key": "image.tag"}],
        "applications": [{"namespace": "argocd", "name": "album-app-prod"}],
    }
    prod = raw_pipeline(apps=[app])
    prod["metadata"] = {**prod["metadata"], "name": "prod", "uid": "uid-of-prod"}
    stage.cluster.apply(prod)
    second = {"spec": {"pipelineRef": {"name": "prod"}}}
    stage.cluster.edit(f"{RELEASES}/{SECOND}", second)
    await both.begin()
    for name in (FIRST, SECOND):
        await both.settle(name)
        if name == FIRST:
            finish_build(stage.cluster, stage.jobs[0])
        await both.settle(name)
        assert stage.ready(name) == ("Unknown", "AwaitingMerge")
        stage.merge()
        await both.settle(name)

    values = stage.config.commits[stage.config.branches["main"]].files["prod/values.yaml"]
    assert b"v1.1.0" in values.data


@pytest.mark.parametrize("end", ["deleted", "failed"])
async def test_the_end_of_the_first_lets_the_second_go_on_by_itself(end: str) -> None:
    both = Both()
    await both.begin()
    stage = both.stage
    if end == "deleted":
        del stage.cluster.objects[f"{RELEASES}/{FIRST}"]
        # The garbage collector's doing.
        for job in stage.jobs:
            del stage.cluster.objects[f"{JOBS}/{job['metadata']['name']}"]
        both.tell()
    else:
        fail_build(stage.cluster, stage.jobs[0])
        await both.settle(FIRST)
        assert stage.ready(FIRST)[0] == "False"
    assert both.is_second_woken()
    await both.settle(SECOND)
    assert stage.ready(SECOND) == ("Unknown", "Building")

    second = next(job for job in stage.jobs if SECOND in str(job["metadata"]["ownerReferences"]))
    finish_build(stage.cluster, second)
    await both.settle(SECOND)
    assert stage.ready(SECOND) == ("Unknown", "AwaitingMerge")


async def test_of_two_applied_at_one_moment_one_goes_on_whatever_is_told_when() -> None:
    both = Both()
    passes = [both.stage.run_pass(name) for name in (FIRST, SECOND)]
    await asyncio.gather(*passes)
    for name in (FIRST, SECOND):
        await both.settle(name)
    reasons = sorted(both.stage.ready(name)[1] for name in (FIRST, SECOND))
    assert reasons == ["BranchTaken", "Building"]
    assert len(both.stage.jobs) == 1


async def test_one_that_begins_anew_waits_behind_one_that_has_begun_meanwhile() -> None:
    both = Both()
    await both.begin()
    stage = both.stage
    fail_build(stage.cluster, stage.jobs[0])
    await both.settle(FIRST)
    await both.settle(SECOND)
    path = f"{RELEASES}/{FIRST}"
    stage.cluster.edit(path, {"metadata": {"annotations": {"album.dev/retry": "1"}}})
    both.tell()
    await both.settle(FIRST)
    assert stage.ready(FIRST) == TAKEN
    assert f"{NAMESPACE}/{SECOND}" in stage.message(FIRST)


async def test_commits_to_the_base_branch_are_in_nobodys_way() -> None:
    both = Both(delivery="Commit")
    await both.settle(FIRST)
    await both.settle(SECOND)
    assert [both.stage.ready(name)[1] for name in (FIRST, SECOND)] == ["Building", "Building"]


async def test_a_plan_waits_for_nobody_and_nobody_for_a_plan() -> None:
    both = Both()
    both.stage.cluster.edit(f"{RELEASES}/{SECOND}", {"spec": {"mode": "Plan"}})
    await both.settle(SECOND)
    assert both.stage.ready(SECOND) == ("True", "Planned")
    await both.settle(FIRST)
    assert both.stage.ready(FIRST) == ("Unknown", "Building")


async def test_a_release_of_another_namespace_is_waited_for_and_not_named() -> None:
    both = Both()
    both.stage.wakeups.index.claim(Ref("team-b", "secret-plans"), ConfigBranch(CONFIG, BRANCH))
    await both.settle(FIRST)
    assert both.stage.ready(FIRST) == TAKEN
    assert "team-b" not in both.stage.message(FIRST)
    assert "secret-plans" not in both.stage.message(FIRST)

    both.stage.wakeups.index.drop(Ref("team-b", "secret-plans"))
    await both.settle(FIRST)
    assert both.stage.ready(FIRST) == ("Unknown", "Building")


async def test_another_repository_has_branches_of_its_own() -> None:
    both = Both()
    elsewhere = "https://git.example.org/owner/another-config"
    both.stage.git.add_repository(elsewhere)
    both.stage.wakeups.index.claim(Ref(NAMESPACE, "x"), ConfigBranch(elsewhere, BRANCH))
    await both.settle(FIRST)
    assert both.stage.ready(FIRST) == ("Unknown", "Building")


async def test_after_a_restart_who_waited_goes_on_waiting_while_releases_are_listed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = Both()
    await both.begin()
    stage = both.stage
    monkeypatch.setattr(release_index, "LIST_SECONDS", math.inf)
    monkeypatch.setattr(release_index, "PAUSE_SECONDS", 0.0)
    stage.restart()
    both.join()
    stage.wakeups.index.begin_list(NAMESPACE)
    # The second is listed first, and looks at once.
    await stage.settle(SECOND)
    assert stage.ready(SECOND) == TAKEN
    assert "finds out" in stage.message(SECOND)

    both.tell(is_listed=True)
    await both.settle(SECOND)
    assert f"{NAMESPACE}/{FIRST}" in stage.message(SECOND)
    del stage.cluster.objects[f"{RELEASES}/{FIRST}"]
    both.tell()
    monkeypatch.setattr(release_index, "LIST_SECONDS", 0.0)
    await both.settle(SECOND)
    assert stage.ready(SECOND) == ("Unknown", "Building")


async def test_who_looks_only_after_the_first_has_pushed_waits_for_its_merge_all_the_same() -> None:
    both = Both()
    stage = both.stage
    await both.settle(FIRST)
    finish_build(stage.cluster, stage.jobs[0])
    await both.settle(FIRST)
    assert BRANCH in stage.config.branches

    await both.settle(SECOND)
    assert stage.ready(SECOND) == TAKEN
    assert f"AlbumRelease {NAMESPACE}/{FIRST}" in stage.message(SECOND)
    assert len(stage.jobs) == 1

    stage.merge()
    await both.settle(FIRST)
    await both.settle(SECOND)
    assert stage.ready(SECOND)[1] != "BranchTaken"


async def test_after_a_restart_a_branch_with_anothers_commit_is_judged_once_all_are_listed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = Both()
    stage = both.stage
    await both.settle(FIRST)
    finish_build(stage.cluster, stage.jobs[0])
    await both.settle(FIRST)
    stage.restart()
    both.join()
    monkeypatch.setattr(release_index, "LIST_SECONDS", math.inf)
    monkeypatch.setattr(release_index, "PAUSE_SECONDS", 0.0)
    stage.wakeups.index.begin_list(NAMESPACE)
    await stage.settle(SECOND)
    assert stage.ready(SECOND) == TAKEN
    assert "finds out" in stage.message(SECOND)

    del stage.cluster.objects[f"{RELEASES}/{FIRST}"]
    both.tell()
    monkeypatch.setattr(release_index, "LIST_SECONDS", 0.0)
    await both.settle(SECOND)
    assert stage.ready(SECOND) == ("False", "BranchTaken")
    assert "not this release's" in stage.message(SECOND)
    assert len(stage.jobs) == 1
