"""What the port `ConfigRepository` promises about commits on the base branch itself."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from album_operator.domain.errors import StaleError, TerminalError, TransientError
from album_operator.domain.places import Change, GitPlace
from album_operator.domain.reasons import Reason
from album_operator.domain.seen import ConfigSeen
from tests.contract.stages import Stage
from tests.fakes.git_history import Commit, File

NUMBERS = range(6)
PATHS = tuple(f"app{number}/values.yaml" for number in NUMBERS)
FILES = {path: File(b"tag: v1.0.0\n") for path in PATHS}
AFTER = b"tag: v1.1.0\n"


@pytest.fixture
def place(stage: Stage, name: str) -> GitPlace:
    return stage.make_repository(name)


@pytest.fixture
def base(stage: Stage, place: GitPlace) -> str:
    sha = stage.store(place, Commit((), FILES))
    stage.set_branch(place, "main", sha)
    return sha


def change(seen: ConfigSeen, path: str = PATHS[0]) -> Change:
    """Make the change of one file on the base that was seen."""
    return Change(
        base_commit=seen.base_commit or "",
        branch="main",
        files={path: AFTER},
        message=f"release: {path}\n",
        author_name="Album Release Operator",
        author_email="album-operator@album.invalid",
        date=datetime(2026, 11, 20, 12, 0, tzinfo=UTC),
        expected=seen.base_commit,
    )


async def change_it(seen: ConfigSeen, path: str = PATHS[0]) -> Change:
    return change(seen, path)


async def no_change(seen: ConfigSeen) -> None:
    del seen


def _written(commit: Commit, path: str) -> Commit:
    return Commit((commit.sha,), {**commit.files, path: File(b"theirs\n")}, "theirs")


async def test_a_commit_goes_on_from_the_head_that_was_seen(
    stage: Stage, place: GitPlace, base: str
) -> None:
    made = await stage.config.commit(place, "main", PATHS, change_it)

    assert made is not None
    assert stage.head(place, "main") == made.commit
    assert made.files[PATHS[0]] == AFTER
    assert made.parent_files == {path: file.data for path, file in FILES.items()}
    assert made.changed_paths == {PATHS[0]}
    seen = await stage.config.look(place, "main", PATHS, "main")
    assert seen.branch == made
    expected = Commit(
        (base,),
        {**FILES, PATHS[0]: File(AFTER)},
        f"release: {PATHS[0]}\n",
        "Album Release Operator",
        "album-operator@album.invalid",
        datetime(2026, 11, 20, 12, 0, tzinfo=UTC),
    )
    assert made.commit == expected.sha


async def test_without_a_change_nothing_is_pushed(stage: Stage, place: GitPlace, base: str) -> None:
    assert await stage.config.commit(place, "main", PATHS, no_change) is None
    assert stage.head(place, "main") == base


async def test_a_race_that_somebody_else_won_is_told_and_their_commit_kept(
    stage: Stage, place: GitPlace, base: str
) -> None:
    first = Commit((), FILES)
    assert first.sha == base
    theirs = _written(first, "theirs")

    async def late(seen: ConfigSeen) -> Change:
        stage.set_branch(place, "main", stage.store(place, theirs))
        return change(seen)

    with pytest.raises(StaleError) as caught:
        await stage.config.commit(place, "main", PATHS, late)
    assert "main" in caught.value.sentence
    assert stage.head(place, "main") == theirs.sha

    made = await stage.config.commit(place, "main", PATHS, change_it)
    assert made is not None
    assert stage.head(place, "main") == made.commit
    assert (await stage.config.look(place, "main", ["theirs"], None)).files == {
        "theirs": b"theirs\n"
    }


async def test_a_branch_that_somebody_deleted_meanwhile_stays_deleted(
    stage: Stage, place: GitPlace, base: str
) -> None:
    stage.set_branch(place, "prod", base)

    async def late(seen: ConfigSeen) -> Change:
        stage.set_branch(place, "prod", None)
        return replace(change(seen), branch="prod")

    with pytest.raises(StaleError):
        await stage.config.commit(place, "prod", PATHS, late)
    assert stage.head(place, "prod") is None


@pytest.mark.usefixtures("base")
async def test_writers_of_one_process_wait_for_each_other_and_none_loses(
    stage: Stage, place: GitPlace
) -> None:
    def of(path: str) -> Callable[[ConfigSeen], Coroutine[Any, Any, Change]]:
        return lambda seen: change_it(seen, path)

    made = await asyncio.gather(
        *(stage.config.commit(place, "main", PATHS, of(path)) for path in PATHS)
    )

    assert None not in made
    seen = await stage.config.look(place, "main", PATHS, None)
    assert seen.files == dict.fromkeys(PATHS, AFTER)


async def test_a_protected_base_branch_refuses_with_the_way_out(
    stage: Stage, place: GitPlace, base: str
) -> None:
    stage.protect(place, "main")
    with pytest.raises(TerminalError) as caught:
        await stage.config.commit(place, "main", PATHS, change_it)
    assert caught.value.reason is Reason.PUSH_REFUSED
    assert "main" in caught.value.sentence
    assert "spec.config.delivery" in caught.value.sentence
    assert "create branches" not in caught.value.sentence
    assert stage.head(place, "main") == base


async def test_what_the_edit_refuses_is_not_pushed(
    stage: Stage, place: GitPlace, base: str
) -> None:
    async def refuse(seen: ConfigSeen) -> Change:
        raise TerminalError(Reason.VALUES_NOT_EDITABLE, f"Not at {seen.base_commit}.")

    with pytest.raises(TerminalError) as caught:
        await stage.config.commit(place, "main", PATHS, refuse)
    assert base in caught.value.sentence
    assert stage.head(place, "main") == base


async def test_a_base_that_is_not_there_is_for_the_edit_to_see(
    stage: Stage, place: GitPlace, base: str
) -> None:
    looks: list[ConfigSeen] = []
    assert base

    async def look(seen: ConfigSeen) -> None:
        looks.append(seen)

    assert await stage.config.commit(place, "nope", PATHS, look) is None
    assert [seen.base_commit for seen in looks] == [None]


async def test_a_dead_server_is_a_passing_trouble(stage: Stage) -> None:
    with pytest.raises(TransientError) as caught:
        await stage.config.commit(stage.dead_place(), "main", PATHS, change_it)
    assert caught.value.reason is Reason.GIT_UNAVAILABLE


@pytest.mark.parametrize("base", ["--mirror", "a..b"])
async def test_what_git_could_misread_goes_nowhere(stage: Stage, base: str) -> None:
    with pytest.raises(TerminalError):
        await stage.config.commit(stage.dead_place(), base, PATHS, change_it)
