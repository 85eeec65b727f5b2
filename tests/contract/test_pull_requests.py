"""What the port `PullRequests` promises."""

import asyncio
from dataclasses import replace

import pytest

from album_operator.domain.errors import TerminalError, TransientError
from album_operator.domain.places import Change, Credential, Draft, ForgePlace, GitPlace
from album_operator.domain.pull_requests import PullRequestState, RepositorySeen
from album_operator.domain.reasons import Reason
from tests.contract.stages import Stage
from tests.fakes.git_history import EPOCH, Commit, File

OURS = "release/backend_v1.1.0"
DRAFT = Draft(OURS, "main", "release: backend v1.1.0", "An automated PR with é and `code`.")
FILES = {"values.yaml": File(b"tag: 1\n")}


@pytest.fixture
def place(stage: Stage, name: str) -> GitPlace:
    made = stage.make_repository(name)
    base = stage.store(made, Commit((), FILES, "base"))
    head = stage.store(made, Commit((base,), {"values.yaml": File(b"tag: 2\n")}, "ours"))
    moved = stage.store(made, Commit((base,), {**FILES, "other": File(b"1")}, "moved"))
    stage.set_branches(made, {"main": moved, OURS: head})
    return made


@pytest.fixture
def forge(stage: Stage, place: GitPlace) -> ForgePlace:
    return stage.forge_place(place)


@pytest.fixture
def empty(stage: Stage, name: str) -> ForgePlace:
    """Give a repository without any commit, where it is never got to."""
    return stage.forge_place(stage.make_repository(name))


async def test_a_repository_says_what_our_user_may_do(stage: Stage, place: GitPlace) -> None:
    ours = await stage.pull_requests.get_repository(stage.forge_place(place))
    assert ours == RepositorySeen(is_archived=False, may_push=True)
    theirs = await stage.pull_requests.get_repository(stage.for_reader(place))
    assert theirs == RepositorySeen(is_archived=False, may_push=False)


async def test_a_rule_that_wants_signed_commits_is_told_before_the_push_and_by_its_refusal(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    base = stage.head(place, "main") or ""
    new = f"{OURS}-next"
    files = {"values.yaml": b"tag: 3\n"}
    change = Change(base, new, files, "ours", "Album", "album@example.org", EPOCH)
    assert (await stage.pull_requests.get_repository(forge, new)).signing_rule is None
    stage.want_signed(place, "release/")
    rule = (await stage.pull_requests.get_repository(forge, new)).signing_rule
    assert rule is not None
    assert new in rule.way_out
    assert (await stage.pull_requests.get_repository(forge, "main")).signing_rule is None
    with pytest.raises(TerminalError) as caught:
        await stage.config.push(place, change)
    assert caught.value.reason is Reason.PUSH_REFUSED
    assert "signed commits" in caught.value.sentence
    assert "signs none" in caught.value.remedy
    stage.want_signed(place, "prod/")
    assert (await stage.pull_requests.get_repository(forge, new)).signing_rule is None
    assert await stage.config.push(place, change) == stage.head(place, new)


async def test_an_archived_repository_says_so_and_takes_no_pull_request(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    stage.archive(place)
    assert (await stage.pull_requests.get_repository(forge)).is_archived
    with pytest.raises(TerminalError) as caught:
        await stage.pull_requests.open(forge, DRAFT)
    assert caught.value.reason is Reason.REPOSITORY_ARCHIVED


async def test_without_a_pull_request_none_is_found(stage: Stage, forge: ForgePlace) -> None:
    assert await stage.pull_requests.find(forge, OURS, "main") is None


async def test_an_opened_pull_request_is_found_and_read(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    opened = await stage.pull_requests.open(forge, DRAFT)
    assert opened.state is PullRequestState.OPEN
    assert opened.head_sha == stage.head(place, OURS)
    assert opened.title == DRAFT.title
    assert opened.url.startswith("http")
    assert opened.url.endswith(f"/{opened.number}")
    assert (opened.merge_commit, opened.merged_at, opened.actor) == (None, None, None)
    assert await stage.pull_requests.find(forge, OURS, "main") == opened
    read = await stage.pull_requests.get(forge, opened.number)
    assert read.gate is not None
    assert replace(read, gate=None) == opened


async def test_a_branch_made_anew_keeps_its_pull_request(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    opened = await stage.pull_requests.open(forge, DRAFT)
    main = stage.head(place, "main") or ""
    change = Change(main, OURS, {"values.yaml": b"tag: 2\n"}, "ours", "Ann", "a@b.c", EPOCH)
    again = await stage.config.push(place, replace(change, expected=opened.head_sha))

    assert again != opened.head_sha
    found = await stage.pull_requests.find(forge, OURS, "main")
    assert found == replace(opened, head_sha=again)
    assert stage.count_pull_requests(place) == 1


async def test_opening_twice_gives_the_first_back(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    opened = await stage.pull_requests.open(forge, DRAFT)
    assert await stage.pull_requests.open(forge, DRAFT) == opened
    assert stage.count_pull_requests(place) == 1


async def test_two_operators_that_open_the_same_pull_request_at_once_open_one(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    _, another = stage.connect_another()
    opens = (requests.open(forge, DRAFT) for requests in (stage.pull_requests, another))
    first, second = await asyncio.gather(*opens)

    assert first.number == second.number
    assert await stage.pull_requests.find(forge, OURS, "main") == first
    # Gitea has opened two then, of which one was closed.
    numbers = range(1, stage.count_pull_requests(place) + 1)
    states = [seen.state for seen in (await another.get_many(forge, numbers)).values()]
    assert states.count(PullRequestState.OPEN) == 1


async def test_one_for_another_base_or_head_is_not_ours(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    stage.set_branch(place, "env/prod", stage.head(place, "main"))
    stage.set_branch(place, "release/backend_v1.1.0-rc1", stage.head(place, OURS))
    other = await stage.pull_requests.open(forge, replace(DRAFT, base="env/prod"))
    await stage.pull_requests.open(forge, replace(DRAFT, head="release/backend_v1.1.0-rc1"))
    assert await stage.pull_requests.find(forge, OURS, "main") is None
    found = await stage.pull_requests.find(forge, OURS, "env/prod")
    assert found is not None
    assert found.number == other.number


@pytest.mark.parametrize("style", ["merge", "squash", "rebase"])
async def test_a_merged_one_names_the_commit_on_the_base(
    stage: Stage, place: GitPlace, forge: ForgePlace, style: str
) -> None:
    opened = await stage.pull_requests.open(forge, DRAFT)
    stage.merge(place, opened.number, style)
    merged = await stage.pull_requests.get(forge, opened.number)
    assert merged.state is PullRequestState.MERGED
    assert merged.merge_commit == stage.head(place, "main")
    assert merged.merge_commit != opened.head_sha
    assert merged.merged_at is not None
    assert merged.merged_at.tzinfo is not None
    assert merged.actor is not None
    seen = await stage.config.look(place, "main", ["values.yaml"], None)
    assert seen.files == {"values.yaml": b"tag: 2\n"}


async def test_a_merged_one_is_found_after_its_branch_is_gone(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    opened = await stage.pull_requests.open(forge, DRAFT)
    stage.merge(place, opened.number, "merge")
    stage.set_branch(place, OURS, None)
    found = await stage.pull_requests.find(forge, OURS, "main")
    assert found is not None
    assert found.number == opened.number
    assert found.state is PullRequestState.MERGED
    assert found.head_sha == opened.head_sha


async def test_a_closed_one_is_found_as_closed_and_reopened_as_open(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    opened = await stage.pull_requests.open(forge, DRAFT)
    stage.set_open(place, opened.number, is_open=False)
    found = await stage.pull_requests.find(forge, OURS, "main")
    assert found is not None
    assert found.state is PullRequestState.CLOSED
    assert found.merge_commit is None
    stage.set_open(place, opened.number, is_open=True)
    assert await stage.pull_requests.find(forge, OURS, "main") == opened


async def test_one_whose_branch_was_made_anew_is_reopened_once_that_is_put_back(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    opened = await stage.pull_requests.open(forge, DRAFT)
    stage.set_open(place, opened.number, is_open=False)
    stage.set_branch(place, OURS, None)
    base = stage.head(place, "main") or ""
    stage.set_branch(place, OURS, stage.store(place, Commit((base,), FILES, "another")))
    stage.put_back(place, opened.number, OURS)
    stage.set_open(place, opened.number, is_open=True)
    assert await stage.pull_requests.find(forge, OURS, "main") == opened


async def test_an_open_one_is_preferred_to_newer_closed_ones(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    first = await stage.pull_requests.open(forge, DRAFT)
    stage.set_open(place, first.number, is_open=False)
    second = await stage.pull_requests.open(forge, DRAFT)
    assert second.number != first.number
    found = await stage.pull_requests.find(forge, OURS, "main")
    assert found == second
    stage.set_open(place, second.number, is_open=False)
    stage.set_open(place, first.number, is_open=True)
    found = await stage.pull_requests.find(forge, OURS, "main")
    assert found == first


async def test_of_closed_ones_the_newest_counts(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    for _ in range(3):
        newest = await stage.pull_requests.open(forge, DRAFT)
        stage.set_open(place, newest.number, is_open=False)
    found = await stage.pull_requests.find(forge, OURS, "main")
    assert found is not None
    assert (found.number, found.state) == (newest.number, PullRequestState.CLOSED)


async def test_a_moved_head_shows(stage: Stage, place: GitPlace, forge: ForgePlace) -> None:
    opened = await stage.pull_requests.open(forge, DRAFT)
    commit = Commit((opened.head_sha,), FILES, "somebody adds")
    moved = stage.store(place, commit)
    stage.set_branch(place, OURS, moved)
    assert (await stage.pull_requests.get(forge, opened.number)).head_sha == moved


async def test_a_draft_from_an_absent_branch_is_a_passing_trouble(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    with pytest.raises(TransientError):
        await stage.pull_requests.open(forge, replace(DRAFT, head="release/nope_v1.0.0"))
    assert stage.count_pull_requests(place) == 0


async def test_a_number_that_does_not_exist_needs_a_person(stage: Stage, empty: ForgePlace) -> None:
    with pytest.raises(TerminalError) as caught:
        await stage.pull_requests.get(empty, 4711)
    assert caught.value.reason is Reason.PULL_REQUEST_CLOSED


@pytest.mark.parametrize("call", ["find", "get", "open"])
async def test_an_unknown_repository_is_not_found(
    stage: Stage, empty: ForgePlace, call: str
) -> None:
    with pytest.raises(TerminalError) as caught:
        await ask(stage, replace(empty, repository=f"{empty.repository}-other"), call)
    assert caught.value.reason is Reason.REPOSITORY_NOT_FOUND


@pytest.mark.parametrize("call", ["find", "get", "open"])
async def test_a_wrong_token_is_refused(stage: Stage, empty: ForgePlace, call: str) -> None:
    wrong = replace(empty.credential, token="wrong")
    with pytest.raises(TerminalError) as caught:
        await ask(stage, replace(empty, credential=wrong), call)
    assert caught.value.reason is Reason.CREDENTIALS_REFUSED
    assert "album-git" in caught.value.sentence


@pytest.mark.parametrize("call", ["find", "get", "open"])
async def test_a_dead_forge_is_a_passing_trouble(stage: Stage, call: str) -> None:
    with pytest.raises(TransientError) as caught:
        await ask(stage, stage.forge_place(stage.dead_place()), call)
    assert caught.value.reason is Reason.FORGE_UNAVAILABLE


async def test_a_token_for_another_host_is_not_sent(stage: Stage, empty: ForgePlace) -> None:
    elsewhere = Credential("album-git", "https://elsewhere.example.org", "x", "some-token")
    with pytest.raises(TerminalError) as caught:
        await ask(stage, replace(empty, credential=elsewhere), "find")
    assert caught.value.reason is Reason.HOST_NOT_ALLOWED


async def ask(stage: Stage, forge: ForgePlace, call: str) -> None:
    match call:
        case "find":
            await stage.pull_requests.find(forge, OURS, "main")
        case "get":
            await stage.pull_requests.get(forge, 1)
        case _:
            await stage.pull_requests.open(forge, DRAFT)
