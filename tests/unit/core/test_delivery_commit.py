"""Delivery `Commit`: releases that commit to the base branch themselves, alone and in a crowd."""

import asyncio

import pytest

from album_operator.domain.errors import TransientError
from album_operator.domain.places import Change, GitPlace
from album_operator.domain.reasons import Reason
from tests.fakes.builders import BRANCH, raw_application, raw_pipeline
from tests.fakes.cluster import finish_build
from tests.fakes.git_history import ancestors
from tests.unit.core.stage import REPOSITORY, VALUES, Stage

NAME = "backend-v1.1.0"
PATH = "backend/values.yaml"


def _stage() -> Stage:
    stage = Stage(delivery="Commit", ALBUM_BUILDS_PER_NAMESPACE="50")
    stage.forge.trouble = TransientError(Reason.FORGE_UNAVAILABLE, "No forge is asked.")
    return stage


async def _built(stage: Stage, *names: str) -> None:
    for name in names:
        stage.apply(name)
        await stage.settle(name)
    for job in stage.jobs:
        finish_build(stage.cluster, job)


def _step(stage: Stage, step: str, name: str = NAME) -> tuple[str, str, str]:
    (found,) = (item for item in stage.status(name)["steps"] if item["name"] == step)
    return found["state"], found["reason"], found["message"]


def _text(stage: Stage, path: str = PATH) -> str:
    main = stage.config.commits[stage.config.branches["main"]]
    return main.files[path].data.decode()


def _before_pushes(stage: Stage, *happenings: str) -> None:
    """Let somebody write these texts to our file, one right before each of the next pushes."""
    push, texts = stage.config_repository.push, iter(happenings)

    async def after_somebody(place: GitPlace, change: Change) -> str:
        text = next(texts, None)
        if text is not None:
            stage.config.write("main", {PATH: text})
        return await push(place, change)

    stage.config_repository.push = after_somebody  # type: ignore[method-assign]


async def test_a_release_commits_to_the_base_branch_and_no_forge_is_asked() -> None:
    stage = _stage()
    stage.apply()
    base = stage.config.branches["main"]
    before = _text(stage)
    await stage.release()

    head = stage.config.branches["main"]
    assert stage.ready() == ("True", "Released")
    assert stage.config.pushes == [("main", head)]
    assert stage.config.commits[head].parents == (base,)
    assert _text(stage) == before.replace("v1.0.0", "v1.1.0")
    assert BRANCH not in stage.config.branches
    assert stage.forge.count(REPOSITORY) == 0

    status = stage.status()
    said = f"Committed to main as {head[:12]}; no pull request was needed."
    assert "pullRequest" not in status
    assert status["config"]["branch"] == "main"
    assert status["config"]["commit"] == status["config"]["mergedCommit"] == head
    assert '+  tag: "v1.1.0" # the release' in status["config"]["diff"]
    assert _step(stage, "Proposed") == ("Succeeded", "Succeeded", said)
    assert _step(stage, "Merged") == ("Succeeded", "Succeeded", said)
    assert stage.status()["applications"][0]["acceptedBecause"] == "Equal"


async def test_a_value_that_somebody_else_wrote_is_taken_as_it_is() -> None:
    stage = _stage()
    await _built(stage, NAME)
    theirs = stage.config.write("main", {PATH: _text(stage).replace("v1.0.0", "v1.1.0")})
    await stage.release()

    assert stage.config.pushes == []
    assert stage.ready() == ("True", "Released")
    assert "commit" not in stage.status()["config"]
    assert stage.status()["config"]["mergedCommit"] == theirs
    assert _step(stage, "Merged")[1:] == ("NoChange", "Nothing had to be merged.")


async def test_a_lost_race_is_run_again_in_the_same_pass_on_what_the_other_made() -> None:
    stage = _stage()
    await _built(stage, NAME)
    theirs = _text(stage) + "# theirs\n"
    _before_pushes(stage, theirs, theirs + "# again\n")
    await stage.run_pass()

    assert _step(stage, "Merged")[0] == "Succeeded"
    assert _text(stage) == (theirs + "# again\n").replace("v1.0.0", "v1.1.0")
    assert len(stage.config.pushes) == 1
    assert "GitUnavailable" not in stage.events()


async def test_a_race_that_is_lost_again_and_again_does_not_spin() -> None:
    stage = _stage()
    await _built(stage, NAME)
    _before_pushes(stage, *(f"{_text(stage)}# {number}\n" for number in range(50)))
    due = await stage.settle()

    assert due.after is not None
    assert "no effect yet" in stage.message()
    assert stage.config.pushes == []


async def test_a_newer_version_that_wins_the_race_supersedes_the_release() -> None:
    stage = _stage()
    await _built(stage, NAME)
    _before_pushes(stage, _text(stage).replace("v1.0.0", "v2.0.0"))
    await stage.settle()

    assert stage.ready() == ("False", "Superseded")
    assert stage.config.pushes == []
    assert '"v2.0.0"' in _text(stage)


async def test_a_downgrade_on_purpose_is_committed() -> None:
    stage = _stage()
    stage.config.write("main", {PATH: _text(stage).replace("v1.0.0", "v2.0.0")})
    stage.apply(NAME, tag=NAME, allowDowngrade=True)
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert '"v1.1.0"' in _text(stage)


async def test_the_same_value_of_somebody_faster_is_not_committed_twice() -> None:
    stage = _stage()
    await _built(stage, NAME)
    _before_pushes(stage, _text(stage).replace("v1.0.0", "v1.1.0"))
    await stage.settle()

    assert _step(stage, "Proposed")[1] == "NoChange"
    assert stage.config.pushes == []


async def test_a_value_that_came_between_look_and_write_is_not_committed_again() -> None:
    stage = _stage()
    await _built(stage, NAME)
    commit = stage.config_repository.commit

    async def after_somebody(*args: object) -> object:
        stage.config.write("main", {PATH: _text(stage).replace("v1.0.0", "v1.1.0")})
        return await commit(*args)  # type: ignore[arg-type]

    stage.config_repository.commit = after_somebody  # type: ignore[assignment,method-assign]
    await stage.settle()

    assert _step(stage, "Proposed")[1] == "NoChange"
    assert stage.config.pushes == []


@pytest.mark.parametrize("others", [0, 1])
async def test_a_push_whose_answer_is_lost_is_found_and_not_done_again(others: int) -> None:
    stage = _stage()
    await _built(stage, NAME)
    stage.git.lose_push_answer = True
    await stage.settle()
    assert stage.ready() == ("Unknown", "GitUnavailable")
    ours = stage.config.branches["main"]
    for number in range(others):
        stage.config.write("main", {"other": f"{number}"})
    await stage.release()

    assert stage.ready() == ("True", "Released")
    assert stage.config.pushes == [("main", ours)]
    # Whose commit it was shows only while it is the head; what counts is that the value is there.
    assert stage.status()["config"].get("commit") == (None if others else ours)
    assert stage.status()["config"]["mergedCommit"] == stage.config.branches["main"]


async def test_a_protected_base_branch_stops_the_release_with_nothing_written() -> None:
    stage = _stage()
    stage.config.protected.append("main")
    await _built(stage, NAME)
    await stage.settle()

    assert stage.ready() == ("False", "PushRefused")
    assert stage.status()["failure"]["step"] == "Proposed"
    assert stage.config.pushes == []


async def test_a_base_branch_deleted_while_building_ends_the_release() -> None:
    stage = _stage()
    await _built(stage, NAME)
    del stage.config.branches["main"]
    await stage.settle()

    assert stage.ready() == ("False", "BaseBranchNotFound")


class _Crowd:
    """Fifty apps in one repository, and somebody else who pushes to it all the time."""

    APPS = tuple(f"app{number:02}" for number in range(50))
    EVERY = 3

    def __init__(self) -> None:
        self.stage = _stage()
        self.theirs: list[str] = []
        self._pushes = 0
        self._push = self.stage.config_repository.push
        self._look = self.stage.config_repository.look
        stage = self.stage
        spec = {
            "config": {"delivery": "Commit"},
            "apps": [{"name": app} for app in self.APPS],
        }
        stage.cluster.apply(raw_pipeline(**spec))
        commit = stage.source.write("main", {f"{app}/Dockerfile": "FROM x\n" for app in self.APPS})
        stage.config.write(
            "main",
            {f"{app}/values.yaml": VALUES.format(app=app, image=app) for app in self.APPS},
        )
        for app in self.APPS:
            stage.cluster.apply(raw_application(app))
            stage.source.tags[f"{app}-v1.1.0"] = commit
        stage.config_repository.push = self._push_in_a_crowd  # type: ignore[method-assign]
        stage.config_repository.look = self._look_in_a_crowd  # type: ignore[assignment,method-assign]

    async def _look_in_a_crowd(self, *args: object) -> object:
        seen = await self._look(*args)  # type: ignore[arg-type]
        await asyncio.sleep(0)  # lets the others run
        return seen

    async def _push_in_a_crowd(self, place: GitPlace, change: Change) -> str:
        self._pushes += 1
        if self._pushes % self.EVERY == 0:
            text = f"{len(self.theirs)}\n"
            self.theirs.append(self.stage.config.write("main", {"theirs": text}))
        await asyncio.sleep(0)
        return await self._push(place, change)


async def test_fifty_releases_and_a_foreign_writer_on_one_branch_lose_nothing() -> None:
    crowd = _Crowd()
    stage, names = crowd.stage, [f"{app}-v1.1.0" for app in crowd.APPS]
    base = stage.config.branches["main"]
    await _built(stage, *names)
    await asyncio.gather(*(stage.run_pass(name) for name in names))

    history = list(ancestors(stage.config.commits, stage.config.branches["main"]))
    made = history[: history.index(base)]
    assert all(len(stage.config.commits[sha].parents) == 1 for sha in made)
    commits = {name: stage.status(name)["config"]["commit"] for name in names}
    assert len(crowd.theirs) >= len(names) // crowd.EVERY
    assert sorted(made) == sorted([*commits.values(), *crowd.theirs])
    for name, app in zip(names, crowd.APPS, strict=True):
        assert stage.config.commits[commits[name]].message.startswith(f"release: {app} v1.1.0\n")
        assert 'tag: "v1.1.0"' in _text(stage, f"{app}/values.yaml")
        assert _step(stage, "Merged", name)[0] == "Succeeded"
    assert _text(stage, "theirs") == f"{len(crowd.theirs) - 1}\n"
