"""The checks of a commit, whatever forge has them: port `PullRequests`."""

from dataclasses import replace

import pytest

from album_operator.domain.errors import TerminalError, TransientError
from album_operator.domain.places import ForgePlace, GitPlace
from album_operator.domain.pull_requests import Checks
from album_operator.domain.reasons import Reason
from tests.contract.stages import Stage
from tests.fakes.git_history import Commit, File


@pytest.fixture
def place(stage: Stage, name: str) -> GitPlace:
    made = stage.make_repository(name)
    stage.set_branches(made, {"main": stage.store(made, Commit((), {"a": File(b"a")}, "base"))})
    return made


@pytest.fixture
def forge(stage: Stage, place: GitPlace) -> ForgePlace:
    return stage.forge_place(place)


async def test_a_commit_without_checks_has_none(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    sha = stage.head(place, "main") or ""
    assert await stage.pull_requests.list_checks(forge, sha) == {}


async def test_of_each_check_the_last_word_counts(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    sha = stage.head(place, "main") or ""
    stage.set_status(place, sha, "lint", "failure")
    known = {"pending": Checks.RUNNING, "failure": Checks.FAILING, "success": Checks.PASSING}
    for said, state in known.items():
        stage.set_status(place, sha, "unit", said)
        found = await stage.pull_requests.list_checks(forge, sha)
        assert found == {"lint": Checks.FAILING, "unit": state}


async def test_many_checks_are_all_read(stage: Stage, place: GitPlace, forge: ForgePlace) -> None:
    sha = stage.head(place, "main") or ""
    names = {f"check-{number}" for number in range(103)}
    for name in names:
        stage.set_status(place, sha, name, "success")
    found = await stage.pull_requests.list_checks(forge, sha)
    assert found == dict.fromkeys(names, Checks.PASSING)


async def test_checks_of_an_unknown_repository_are_not_taken_for_none(
    stage: Stage, forge: ForgePlace
) -> None:
    gone = replace(forge, repository=f"{forge.repository}-other")
    with pytest.raises(TerminalError) as caught:
        await stage.pull_requests.list_checks(replace(gone, field="spec.source"), "1" * 40)
    assert caught.value.reason is Reason.REPOSITORY_NOT_FOUND
    assert "spec.config" not in caught.value.sentence


async def test_a_commit_the_forge_does_not_know_is_not_taken_for_one_without_checks(
    stage: Stage, forge: ForgePlace
) -> None:
    with pytest.raises(TransientError) as caught:
        await stage.pull_requests.list_checks(replace(forge, field="spec.source"), "9" * 40)
    assert caught.value.reason is Reason.FORGE_UNAVAILABLE
    assert "does not know commit 999999999999" in caught.value.message
    assert "spec.source.forge of the pipeline" in caught.value.message
