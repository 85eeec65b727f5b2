"""A release in mode Plan looks, tells what it would do, and does nothing."""

import json
from copy import deepcopy
from typing import Any

import pytest

from album_operator.codec import is_in_flight
from album_operator.domain.errors import TransientError
from album_operator.domain.reasons import Reason
from tests.fakes.builders import NAMESPACE
from tests.fakes.editor import FakeEditor
from tests.fakes.git_repositories import FakeConfigRepository
from tests.fakes.git_server import TOKEN
from tests.unit.core.stage import Stage

NAME = "backend-v1.1.0"
RELEASE = f"/apis/album.dev/v1alpha1/namespaces/{NAMESPACE}/albumreleases/{NAME}"


async def _planned(stage: Stage) -> dict[str, Any]:
    stage.apply(NAME, tag=NAME, mode="Plan")
    due = await stage.settle()
    assert due.after is None
    return deepcopy(stage.status())


def _others(stage: Stage) -> dict[str, Any]:
    """Give all objects of the cluster but the release itself and the Events about it."""
    return deepcopy(
        {
            path: raw
            for path, raw in stage.cluster.objects.items()
            if path != RELEASE and raw["kind"] != "Event"
        }
    )


async def test_a_plan_is_finished_with_all_it_would_do_in_its_status() -> None:
    stage = Stage()
    status = await _planned(stage)

    assert stage.ready() == ("True", "Planned")
    assert stage.conditions()["Finished"] == "True"
    assert {"Reconciling", "Stalled"}.isdisjoint(stage.conditions())
    assert (status["app"], status["version"]) == ("backend", "v1.1.0")
    plan = status["plan"]
    assert plan["image"] == "ghcr.io/owner/album-app-backend:v1.1.0"
    assert plan["branch"] == "release/backend_v1.1.0"
    assert plan["baseCommit"] == stage.config.branches["main"]
    assert plan["diff"].startswith("diff --git a/backend/values.yaml b/backend/values.yaml\nindex ")
    assert [line for line in plan["diff"].splitlines() if line[0] in "+-"][2:] == [
        '-  tag: "v1.0.0" # the release',
        '+  tag: "v1.1.0" # the release',
    ]
    (application,) = plan["applications"]
    assert (application["namespace"], application["name"]) == ("argocd", "album-app-backend")
    patch = json.loads(application["patch"])
    assert patch["spec"]["syncPolicy"]["automated"] == {"selfHeal": True}


async def test_a_plan_writes_nothing_but_its_own_status() -> None:
    stage = Stage()
    before = _others(stage)
    await _planned(stage)

    assert _others(stage) == before
    assert stage.config.pushes == []
    assert stage.forge.waiting == set()
    assert stage.cluster.objects[RELEASE]["metadata"].get("labels") is None
    assert stage.events() == ["Planned"]


async def test_a_plan_needs_no_right_to_push() -> None:
    stage = Stage()
    stage.config.protected.append("release/")
    stage.forge.readers.add(TOKEN)
    await _planned(stage)

    assert stage.ready() == ("True", "Planned")
    stage.edit(NAME, {"spec": {"mode": "Apply"}})
    await stage.settle()
    assert stage.ready() == ("False", "CredentialsRefused")


async def test_a_plan_that_would_change_nothing_says_so() -> None:
    stage = Stage()
    stage.apply(NAME)
    await stage.release()
    stage.apply("again", tag=NAME, mode="Plan")
    await stage.settle("again")

    assert stage.ready("again") == ("True", "Planned")
    assert "propose nothing, as branch main" in stage.message("again")
    assert "diff" not in stage.status("again")["plan"]


async def test_a_long_diff_of_a_plan_is_cut_with_a_note() -> None:
    stage = Stage()
    edits = [{"path": "long.yaml", "key": f"k{number}"} for number in range(16)]
    lines = "".join(f"# {'x' * 700}\nk{number}: v1.0.0\n" for number in range(16))
    stage.config.write("main", {"backend/long.yaml": lines})
    edits = [{**edit, "path": "backend/long.yaml"} for edit in edits]
    raw = stage.cluster.objects[
        f"/apis/album.dev/v1alpha1/namespaces/{NAMESPACE}/albumpipelines/album-app"
    ]
    raw["spec"]["apps"] = [{"name": "backend", "edits": edits}]
    diff = (await _planned(stage))["plan"]["diff"]

    assert 7000 < len(diff.encode()) <= 8192
    assert diff.endswith("\n… the rest of the diff is left out\n")


@pytest.mark.parametrize(
    ("tag", "reason"), [("backend-v9.9.9", "TagNotFound"), ("web-v1.0.0", "TagInvalid")]
)
async def test_what_would_stop_a_release_stops_its_plan(tag: str, reason: str) -> None:
    stage = Stage()
    stage.apply(NAME, tag=tag, mode="Plan")
    await stage.settle()

    assert stage.ready() == ("False", reason)
    assert stage.status()["failure"]["step"] == "Preflight"
    assert "plan" not in stage.status()


async def test_a_plan_for_an_older_version_is_superseded() -> None:
    stage = Stage()
    stage.apply("backend-v1.2.0")
    await stage.release("backend-v1.2.0")
    await _planned(stage)

    assert stage.ready() == ("False", "Superseded")
    assert stage.status()["supersededBy"] == {"version": "v1.2.0"}


async def test_a_plan_waits_for_what_cannot_be_reached_now() -> None:
    stage = Stage()
    stage.git.trouble = TransientError(Reason.GIT_UNAVAILABLE, "It cannot be reached.")
    stage.apply(NAME, tag=NAME, mode="Plan")
    assert (await stage.settle()).after is not None
    assert stage.ready() == ("Unknown", "GitUnavailable")
    stage.git.trouble = None
    await stage.settle()

    assert stage.ready() == ("True", "Planned")
    assert {step["state"] for step in stage.status()["steps"]} == {"Pending"}


async def test_a_plan_that_is_applied_is_released_for_real() -> None:
    stage = Stage()
    await _planned(stage)
    stage.edit(NAME, {"spec": {"mode": "Apply"}})
    assert is_in_flight(stage.cluster.objects[RELEASE])
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert "plan" not in stage.status()
    assert [branch for branch, _ in stage.config.pushes] == ["release/backend_v1.1.0"]


async def test_a_plan_that_is_applied_follows_the_pipeline_as_it_is_then() -> None:
    stage = Stage()
    await _planned(stage)
    stage.source.tags.clear()
    stage.edit(NAME, {"spec": {"mode": "Apply"}})
    await stage.settle()

    assert stage.ready() == ("False", "TagNotFound")


@pytest.mark.parametrize("word", ["retry", "refresh"])
async def test_a_plan_is_made_anew_once_when_asked(word: str) -> None:
    stage = Stage()
    before = await _planned(stage)
    stage.config.write("main", {"other": "x"})
    stage.annotate(**{word: "1"})
    await stage.settle()

    assert stage.ready() == ("True", "Planned")
    assert not is_in_flight(stage.cluster.objects[RELEASE])
    assert stage.status()["attempt"] == 1
    assert stage.status()["plan"]["baseCommit"] != before["plan"]["baseCommit"]


async def test_a_plan_looks_at_the_values_and_edits_them_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage, done = Stage(), []

    def counting(kind: type, name: str) -> None:
        real = getattr(kind, name)

        async def call(*args: object, **kwargs: object) -> object:
            done.append(name)
            return await real(*args, **kwargs)

        monkeypatch.setattr(kind, name, call)

    counting(FakeConfigRepository, "look")
    counting(FakeEditor, "edit")
    stage.apply(NAME, tag=NAME, mode="Plan")
    await stage.settle(NAME)

    assert stage.ready(NAME) == ("True", "Planned")
    assert sorted(done) == ["edit", "look"]


@pytest.mark.parametrize("word", ["retry", "refresh"])
async def test_a_plan_tells_whether_the_release_is_ready_and_is_asked_again(word: str) -> None:
    stage = Stage()
    commit = stage.source.tags.pop(NAME)
    secret = stage.cluster.objects.pop("/api/v1/namespaces/album/secrets/album-registry")
    status = await _planned(stage)

    (told,) = (one for one in status["conditions"] if one["type"] == "ReadyToRelease")
    assert (told["status"], told["reason"]) == ("False", "CredentialsMissing")
    assert "(2) Tag backend-v1.1.0 does not exist" in told["message"]
    assert len(status["misses"]) == 2

    stage.source.tags[NAME] = commit
    stage.cluster.apply(secret)
    stage.annotate(**{word: "1"})
    await stage.settle()
    assert stage.conditions()["ReadyToRelease"] == "True"
    assert "misses" not in stage.status()
    assert stage.jobs == []

    stage.edit(NAME, {"spec": {"mode": "Apply"}})
    await stage.release()
    assert stage.ready() == ("True", "Released")
    assert "ReadyToRelease" not in stage.conditions()
