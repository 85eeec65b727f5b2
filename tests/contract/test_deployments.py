"""A release as GitHub's deployment of its source commit: port `PullRequests`."""

from dataclasses import replace

import pytest

from album_operator.domain.errors import OutsideError, TerminalError, TransientError
from album_operator.domain.places import Deployment, DeploymentState, GitPlace
from tests.contract.gitea_stage import GiteaStage
from tests.contract.stages import Stage
from tests.fakes.git_history import Commit, File

TEXT, PAGE = "v1.1.0 is being released.", "https://example.org/pulls/6"
BEGUN, DONE = DeploymentState.IN_PROGRESS, DeploymentState.SUCCESS
FAILED, INACTIVE = DeploymentState.FAILURE, DeploymentState.INACTIVE


@pytest.fixture
def place(stage: Stage, name: str) -> GitPlace:
    made = stage.make_repository(name)
    tagged = stage.store(made, Commit((), {"app": File(b"1\n")}, "tagged"))
    later = stage.store(made, Commit((tagged,), {"app": File(b"2\n")}, "later"))
    stage.set_branches(made, {"release": tagged, "main": later})
    return made


@pytest.fixture
def wish(stage: Stage, place: GitPlace) -> Deployment:
    commit = stage.head(place, "release") or ""
    return Deployment(
        commit, "production", "deploy:backend", "album/backend-v1.1.0", "uid-1", "backend v1.1.0"
    )


async def _set(
    stage: Stage, place: GitPlace, deployment: Deployment, *states: DeploymentState
) -> None:
    forge = stage.forge_place(place)
    for state in states:
        await stage.pull_requests.set_deployment(forge, deployment, state, TEXT, PAGE)


def _told(stage: Stage, place: GitPlace) -> list[tuple[str, str]]:
    return [(task, state) for _, task, state in stage.deployments(place)]


async def test_a_deployment_is_made_once_and_goes_through_its_states(
    stage: Stage, place: GitPlace, wish: Deployment
) -> None:
    for state in (BEGUN, BEGUN, FAILED, BEGUN, DONE, DONE):
        await _set(stage, place, wish, state)
        assert stage.deployments(place) == [(wish.commit, "deploy:backend", str(state))]


async def test_checks_and_a_base_that_went_on_are_not_in_its_way(
    stage: Stage, place: GitPlace, wish: Deployment
) -> None:
    stage.set_status(place, wish.commit, "ci", "failure")
    await _set(stage, place, wish, BEGUN)
    assert stage.deployments(place) == [(wish.commit, "deploy:backend", "in_progress")]
    assert stage.head(place, "release") == wish.commit


@pytest.mark.parametrize("environment", ["production", "staging / Zürich"])
async def test_the_one_that_succeeds_takes_the_place_of_its_own_app_alone(
    stage: Stage, place: GitPlace, wish: Deployment, environment: str
) -> None:
    wish = replace(wish, environment=environment)
    other = replace(wish, task="deploy:frontend", uid="uid-2")
    elsewhere = replace(wish, environment="other", uid="uid-3")
    later = replace(wish, commit=stage.head(place, "main") or "", uid="uid-4")
    for each in (wish, other, elsewhere):
        await _set(stage, place, each, DONE)
    await _set(stage, place, later, BEGUN)
    assert _told(stage, place)[0] == ("deploy:backend", "success")
    await _set(stage, place, later, DONE)
    assert [state for _, state in _told(stage, place)] == [
        "inactive",
        "success",
        "success",
        "success",
    ]


async def test_a_version_that_comes_back_is_a_deployment_of_its_own(
    stage: Stage, place: GitPlace, wish: Deployment
) -> None:
    later = replace(wish, commit=stage.head(place, "main") or "", uid="uid-2")
    for each in (wish, later, replace(wish, uid="uid-3")):
        await _set(stage, place, each, BEGUN, DONE)
    assert [state for _, state in _told(stage, place)] == ["inactive", "inactive", "success"]


async def test_one_that_a_deleted_release_left_ends_with_the_next_success(
    stage: Stage, place: GitPlace, wish: Deployment
) -> None:
    left, failed, newer = (replace(wish, uid=f"uid-{number}") for number in (2, 3, 4))
    await _set(stage, place, left, BEGUN)
    await _set(stage, place, failed, FAILED)
    await _set(stage, place, wish, BEGUN)
    await _set(stage, place, newer, BEGUN)
    await _set(stage, place, wish, DONE)
    assert [state for _, state in _told(stage, place)] == [
        "inactive",
        "failure",
        "success",
        "in_progress",
    ]


async def test_what_is_taken_back_is_inactive_and_makes_none(
    stage: Stage, place: GitPlace, wish: Deployment
) -> None:
    await _set(stage, place, wish, INACTIVE)
    assert stage.deployments(place) == []
    await _set(stage, place, wish, BEGUN, INACTIVE)
    assert _told(stage, place) == [("deploy:backend", "inactive")]


async def test_one_whose_answer_was_lost_is_adopted(
    stage: Stage, place: GitPlace, wish: Deployment
) -> None:
    async with stage.losing_line(place) as line:
        with pytest.raises(TransientError):
            await line.pull_requests.set_deployment(
                stage.forge_place(line.place), wish, BEGUN, TEXT, None
            )
    await _set(stage, place, wish, DONE)
    assert stage.deployments(place) == [(wish.commit, "deploy:backend", "success")]


async def test_a_commit_that_does_not_exist_has_none(
    stage: Stage, place: GitPlace, wish: Deployment
) -> None:
    with pytest.raises(OutsideError):
        await _set(stage, place, replace(wish, commit="1" * 40), BEGUN)
    assert stage.deployments(place) == []


async def test_a_gitea_has_none(gitea_stage: GiteaStage, name: str) -> None:
    place = gitea_stage.make_repository(name)
    with pytest.raises(TerminalError, match=r"make deployments in .*: Gitea has none"):
        await gitea_stage.pull_requests.set_deployment(
            gitea_stage.forge_place(place),
            Deployment("1" * 40, "production", "deploy:backend", "album/x", "uid", "backend"),
            BEGUN,
            TEXT,
            None,
        )
