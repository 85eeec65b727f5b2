"""What the port `ConfigRepository` promises about pushing."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from album_operator.domain.errors import StaleError, TerminalError, TransientError
from album_operator.domain.places import Change, GitPlace
from album_operator.domain.reasons import Reason
from tests.contract.stages import Stage
from tests.fakes.git_history import Commit, File
from tests.fakes.git_server import with_token

VALUES = "charts/backend/values.yaml"
AFTER = b'image:\r\n  tag: "v1.1.0"  \xff\x00'
OURS = "release/backend_v1.1.0"
FILES = {
    VALUES: File(b'tag: "v1.0.0"\n', "100755"),
    "charts/backend/Chart.yaml": File(b"name: backend\n"),
    "charts/link": File(b"backend", "120000"),
    ".gitattributes": File(b"* text=auto eol=crlf\n"),
}

CHANGE = Change(
    base_commit="a" * 40,
    branch=OURS,
    files={VALUES: AFTER},
    message="release: backend v1.1.0\n\nArgocd-reference-commit-sha: é\n",
    author_name="Album Release Operator",
    author_email="album-operator@album.invalid",
    date=datetime(2026, 11, 20, 12, 0, tzinfo=UTC),
)


@pytest.fixture
def place(stage: Stage, name: str) -> GitPlace:
    return stage.make_repository(name)


@pytest.fixture
def change(stage: Stage, place: GitPlace) -> Change:
    base = stage.store(place, Commit((), FILES))
    stage.set_branch(place, "main", base)
    return replace(CHANGE, base_commit=base)


def expected(change: Change) -> Commit:
    """Give the commit git must make of a change, so its hash is known beforehand."""
    return Commit(
        (change.base_commit,),
        FILES | {path: File(data, FILES[path].mode) for path, data in change.files.items()},
        change.message,
        change.author_name,
        change.author_email,
        change.date,
    )


async def test_a_push_makes_exactly_one_commit_with_exactly_the_files_changed(
    stage: Stage, place: GitPlace, change: Change
) -> None:
    sha = await stage.config.push(place, change)
    assert sha == expected(change).sha
    assert stage.head(place, OURS) == sha
    branch = (await stage.config.look(place, "main", [VALUES], OURS)).branch
    assert branch is not None
    assert branch.commit == sha
    assert branch.changed_paths == {VALUES}
    assert branch.files == {VALUES: AFTER}
    assert branch.message == change.message


async def test_what_is_remembered_of_a_push_is_what_others_read(
    stage: Stage, place: GitPlace, change: Change
) -> None:
    await stage.config.look(place, "main", [VALUES], OURS)
    await stage.config.push(place, change)
    after = await stage.config.look(place, "main", [VALUES], OURS)
    more = await stage.config.look(place, "main", [VALUES, "no/such/file"], OURS)
    assert after.branch == more.branch


async def test_the_same_change_pushed_again_is_the_same_commit(
    stage: Stage, place: GitPlace, change: Change
) -> None:
    first = await stage.config.push(place, change)
    assert await stage.config.push(place, change) == first
    assert stage.head(place, OURS) == first


async def test_two_operators_that_push_the_same_change_at_once_make_one_commit(
    stage: Stage, place: GitPlace, change: Change
) -> None:
    another, _ = stage.connect_another()
    configs = (stage.config, another)
    await asyncio.gather(*(config.look(place, "main", [VALUES], OURS) for config in configs))
    pushes = (config.push(place, change) for config in configs)
    outcomes = await asyncio.gather(*pushes, return_exceptions=True)

    # Who came second may be told to look again, and finds its own commit there.
    assert [end for end in outcomes if not isinstance(end, StaleError | str)] == []
    assert expected(change).sha in outcomes
    assert stage.head(place, OURS) == expected(change).sha
    for config in configs:
        seen = (await config.look(place, "main", [VALUES], OURS)).branch
        assert seen is not None
        assert seen.commit == await config.push(place, change)


async def test_the_date_is_a_moment_whatever_its_time_zone(
    stage: Stage, place: GitPlace, change: Change
) -> None:
    first = await stage.config.push(place, change)
    there = change.date.astimezone(timezone(timedelta(hours=-7)))
    assert await stage.config.push(place, replace(change, date=there)) == first


async def test_a_base_that_moved_on_is_still_the_parent(
    stage: Stage, place: GitPlace, change: Change
) -> None:
    moved = stage.store(place, Commit((change.base_commit,), FILES, "moved"))
    stage.set_branch(place, "main", moved)
    assert await stage.config.push(place, change) == expected(change).sha


async def test_another_commit_on_the_branch_is_left_alone(
    stage: Stage, place: GitPlace, change: Change
) -> None:
    other = stage.store(place, Commit((change.base_commit,), FILES, "somebody was faster"))
    stage.set_branch(place, OURS, other)
    with pytest.raises(StaleError) as caught:
        await stage.config.push(place, change)
    assert OURS in caught.value.sentence
    assert stage.head(place, OURS) == other


async def test_a_branch_that_is_where_it_is_expected_is_put_elsewhere(
    stage: Stage, place: GitPlace, change: Change
) -> None:
    first = await stage.config.push(place, change)
    moved = stage.store(place, Commit((change.base_commit,), FILES, "moved"))
    stage.set_branch(place, "main", moved)
    again = replace(change, base_commit=moved, expected=first)

    assert await stage.config.push(place, again) == expected(again).sha
    assert stage.head(place, OURS) == expected(again).sha
    assert await stage.config.push(place, again) == expected(again).sha


async def test_a_branch_that_is_elsewhere_than_expected_is_left_alone(
    stage: Stage, place: GitPlace, change: Change
) -> None:
    other = stage.store(place, Commit((change.base_commit,), FILES, "somebody was faster"))
    stage.set_branch(place, OURS, other)
    for there in (change.base_commit, None):
        with pytest.raises(StaleError):
            await stage.config.push(place, replace(change, expected=there))
    assert stage.head(place, OURS) == other


async def test_a_branch_that_is_gone_though_it_is_expected_is_not_made(
    stage: Stage, place: GitPlace, change: Change
) -> None:
    with pytest.raises(StaleError):
        await stage.config.push(place, replace(change, expected=change.base_commit))
    assert stage.head(place, OURS) is None


async def test_a_branch_deleted_meanwhile_is_made_again(
    stage: Stage, place: GitPlace, change: Change
) -> None:
    first = await stage.config.push(place, change)
    stage.set_branch(place, OURS, None)
    assert await stage.config.push(place, change) == first
    assert stage.head(place, OURS) == first


async def test_a_protected_branch_refuses_the_push_and_nothing_is_written(
    stage: Stage, place: GitPlace, change: Change
) -> None:
    stage.protect(place, "release/")
    with pytest.raises(TerminalError) as caught:
        await stage.config.push(place, change)
    assert caught.value.reason is Reason.PUSH_REFUSED
    assert "protected" in caught.value.sentence
    assert stage.head(place, OURS) is None


async def test_an_archived_repository_takes_no_push(
    stage: Stage, place: GitPlace, change: Change
) -> None:
    stage.archive(place)
    with pytest.raises(TerminalError) as caught:
        await stage.config.push(place, change)
    assert caught.value.reason is Reason.REPOSITORY_ARCHIVED
    assert stage.head(place, OURS) is None


@pytest.mark.parametrize("path", ["charts/link", "charts", "charts/nope.yaml"])
async def test_only_regular_files_of_the_base_are_replaced(
    stage: Stage, place: GitPlace, change: Change, path: str
) -> None:
    with pytest.raises(TerminalError) as caught:
        await stage.config.push(place, replace(change, files={path: b"x"}))
    assert path in caught.value.sentence
    assert stage.head(place, OURS) is None


@pytest.mark.parametrize(
    "bad",
    [
        {"branch": "--mirror"},
        {"branch": "a..b"},
        {"base_commit": "main"},
        {"base_commit": "-x"},
        {"expected": "main"},
        {"files": {"../x": b""}},
    ],
)
async def test_what_git_could_misread_goes_nowhere(stage: Stage, bad: dict[str, object]) -> None:
    change = replace(CHANGE, **bad)  # type: ignore[arg-type]
    with pytest.raises(TerminalError):
        await stage.config.push(stage.dead_place(), change)


async def test_a_wrong_token_is_refused(stage: Stage, place: GitPlace, change: Change) -> None:
    with pytest.raises(TerminalError) as caught:
        await stage.config.push(with_token(place, "wrong"), change)
    assert caught.value.reason is Reason.CREDENTIALS_REFUSED


async def test_a_dead_server_is_a_passing_trouble(stage: Stage) -> None:
    with pytest.raises(TransientError) as caught:
        await stage.config.push(stage.dead_place(), CHANGE)
    assert caught.value.reason is Reason.GIT_UNAVAILABLE


async def test_beside_a_branch_called_like_our_folder_none_can_be_pushed_but_another(
    stage: Stage, place: GitPlace, change: Change
) -> None:
    stage.set_branch(place, "release", change.base_commit)
    with pytest.raises(TerminalError) as caught:
        await stage.config.push(place, change)
    assert caught.value.reason is Reason.PUSH_REFUSED

    elsewhere = replace(change, branch="staging/@acme/backend_v1.1.0+1")
    sha = await stage.config.push(place, elsewhere)
    assert stage.head(place, elsewhere.branch) == sha
