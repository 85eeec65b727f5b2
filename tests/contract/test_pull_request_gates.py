"""What stands between a pull request and its merge, and what happens to it: port `PullRequests`."""

from dataclasses import replace
from functools import partial

import pytest

from album_operator.domain.errors import OutsideError, StaleError, TerminalError
from album_operator.domain.places import CommitState, Draft, ForgePlace, GitPlace, MergeMethod
from album_operator.domain.pull_requests import (
    TAKEN_BACK,
    Checks,
    Fit,
    Gate,
    PullRequestSeen,
    PullRequestState,
    Review,
)
from album_operator.domain.reasons import Reason
from tests.contract.stages import Stage
from tests.contract.until import until
from tests.fakes.git_history import Commit, File

OURS = "release/backend_v1.1.0"
DRAFT = Draft(OURS, "main", "release: backend v1.1.0", "An automated PR.")
FILES = {"values.yaml": File(b"tag: 1\n")}


@pytest.fixture
def place(stage: Stage, name: str) -> GitPlace:
    made = stage.make_repository(name)
    base = stage.store(made, Commit((), FILES, "base"))
    head = stage.store(made, Commit((base,), {"values.yaml": File(b"tag: 2\n")}, "ours"))
    stage.set_branches(made, {"main": base, OURS: head})
    return made


@pytest.fixture
def forge(stage: Stage, place: GitPlace) -> ForgePlace:
    return stage.forge_place(place)


async def gate_of(stage: Stage, forge: ForgePlace, number: int) -> Gate:
    gate = (await stage.pull_requests.get(forge, number)).gate
    assert gate is not None
    return gate


async def is_fit(stage: Stage, forge: ForgePlace, number: int, fit: Fit) -> None:
    """Wait until the forge has looked for conflicts, which it does in the background."""

    async def look() -> bool:
        return (await gate_of(stage, forge, number)).fit is fit

    await until(look, f"be {fit}")


async def test_nothing_stands_in_the_way_of_a_plain_pull_request(
    stage: Stage, forge: ForgePlace
) -> None:
    opened = await stage.pull_requests.open(forge, DRAFT)
    await is_fit(stage, forge, opened.number, Fit.CLEAN)
    assert await gate_of(stage, forge, opened.number) == Gate()


async def test_a_required_review_is_told_until_it_is_given(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    stage.protect_base(place, 1, [])
    opened = await stage.pull_requests.open(forge, DRAFT)
    gate = await gate_of(stage, forge, opened.number)
    assert (gate.review, gate.is_blocked) == (Review.REQUIRED, True)
    stage.review(place, opened.number, approves=False)
    gate = await gate_of(stage, forge, opened.number)
    assert (gate.review, gate.is_blocked) == (Review.CHANGES_REQUESTED, True)
    stage.review(place, opened.number, approves=True)
    gate = await gate_of(stage, forge, opened.number)
    assert (gate.review, gate.is_blocked) == (Review.APPROVED, False)


async def test_required_checks_are_told_while_they_run_fail_and_pass(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    stage.protect_base(place, 0, ["unit"])
    opened = await stage.pull_requests.open(forge, DRAFT)
    for state, checks, failing, is_blocked in [
        (None, Checks.RUNNING, (), True),
        ("pending", Checks.RUNNING, (), True),
        ("failure", Checks.FAILING, ("unit",), True),
        ("success", Checks.PASSING, (), False),
    ]:
        if state is not None:
            stage.set_status(place, opened.head_sha, "unit", state)
        gate = await gate_of(stage, forge, opened.number)
        assert (gate.checks, gate.failing, gate.is_blocked) == (checks, failing, is_blocked)


async def test_a_conflict_is_told(stage: Stage, place: GitPlace, forge: ForgePlace) -> None:
    opened = await stage.pull_requests.open(forge, DRAFT)
    await is_fit(stage, forge, opened.number, Fit.CLEAN)
    base = stage.head(place, "main") or ""
    theirs = Commit((base,), {"values.yaml": File(b"tag: 3\n")}, "theirs")
    stage.set_branch(place, "main", stage.store(place, theirs))
    await is_fit(stage, forge, opened.number, Fit.CONFLICT)


async def test_a_draft_is_opened_and_shown_as_one(stage: Stage, forge: ForgePlace) -> None:
    opened = await stage.pull_requests.open(forge, replace(DRAFT, is_draft=True))
    assert opened.is_draft
    assert (await stage.pull_requests.get(forge, opened.number)).is_draft
    with pytest.raises(StaleError):
        await _merge(stage, forge, opened)


async def test_labels_people_and_milestone_are_added_once(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    stage.make_milestone(place, "v1.1")
    stage.add_reviewer(place)
    plain = await stage.pull_requests.open(forge, DRAFT)
    wish = replace(
        DRAFT,
        labels=("release", "é"),
        reviewers=("reviewer",),
        assignees=("reviewer",),
        milestone="v1.1",
    )
    # As after a death between the pull request and what belongs to it.
    for _ in range(2):
        opened = await stage.pull_requests.open(forge, wish)
        assert opened.number == plain.number
        assert opened.labels == {"release", "é"}
        assert opened.reviewers == {"reviewer"}
        assert opened.assignees == {"reviewer"}
        assert opened.milestone == "v1.1"
    assert stage.count_pull_requests(place) == 1


@pytest.mark.parametrize(
    "wish",
    [{"reviewers": ("nobody-here",)}, {"assignees": ("nobody-here",)}, {"milestone": "never"}],
)
async def test_who_or_what_does_not_exist_is_named(
    stage: Stage, forge: ForgePlace, wish: dict[str, tuple[str, ...] | str]
) -> None:
    with pytest.raises(TerminalError) as caught:
        await stage.pull_requests.open(forge, replace(DRAFT, **wish))  # type: ignore[arg-type]
    assert "pullRequest" in caught.value.sentence


async def _merge(
    stage: Stage,
    forge: ForgePlace,
    seen: PullRequestSeen,
    method: MergeMethod = MergeMethod.MERGE,
    *,
    by_forge: bool = False,
) -> None:
    await stage.pull_requests.merge(
        forge, seen.number, seen.head_sha, seen.base, method, by_forge=by_forge
    )


@pytest.mark.parametrize("method", MergeMethod)
async def test_the_operator_merges_by_each_method(
    stage: Stage, place: GitPlace, forge: ForgePlace, method: MergeMethod
) -> None:
    opened = await stage.pull_requests.open(forge, DRAFT)
    await is_fit(stage, forge, opened.number, Fit.CLEAN)
    await _merge(stage, forge, opened, method)
    merged = await stage.pull_requests.get(forge, opened.number)
    assert merged.state is PullRequestState.MERGED
    assert merged.merge_commit == stage.head(place, "main")
    # An answer that was lost: the same again is success.
    await _merge(stage, forge, opened, method)
    assert (await stage.pull_requests.get(forge, opened.number)) == merged


async def test_a_head_that_moved_is_not_merged(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    opened = await stage.pull_requests.open(forge, DRAFT)
    await is_fit(stage, forge, opened.number, Fit.CLEAN)
    moved = stage.store(place, Commit((opened.head_sha,), FILES, "somebody adds"))
    stage.set_branch(place, OURS, moved)
    with pytest.raises(StaleError):
        await _merge(stage, forge, opened)
    assert (await stage.pull_requests.get(forge, opened.number)).state is PullRequestState.OPEN


async def test_what_is_blocked_is_merged_by_the_forge_once_it_can_be(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    stage.protect_base(place, 0, ["unit"])
    opened = await stage.pull_requests.open(forge, DRAFT)
    await is_fit(stage, forge, opened.number, Fit.CLEAN)
    stage.set_status(place, opened.head_sha, "unit", "pending")
    with pytest.raises(StaleError):
        await _merge(stage, forge, opened)
    for _ in range(2):
        await _merge(stage, forge, opened, by_forge=True)
    assert (await gate_of(stage, forge, opened.number)).is_armed
    stage.set_status(place, opened.head_sha, "unit", "success")

    async def is_merged() -> bool:
        seen = await stage.pull_requests.get(forge, opened.number)
        return seen.state is PullRequestState.MERGED

    await until(is_merged, "be merged by the forge")


async def test_the_branch_it_goes_into_is_seen_everywhere(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    stage.set_branch(place, "develop", stage.head(place, "main"))
    opened = await stage.pull_requests.open(forge, DRAFT)
    assert (opened.head, opened.base) == (OURS, "main")
    begun = await stage.pull_requests.list_changed(forge, None)
    stage.retarget(place, opened.number, "develop")
    seen = await stage.pull_requests.get(forge, opened.number)
    assert (seen.head, seen.base) == (OURS, "develop")
    assert await stage.pull_requests.find(forge, OURS, "main") is None
    found = await stage.pull_requests.find(forge, OURS, "develop")
    assert found is not None
    assert found.base == "develop"

    async def is_told() -> bool:
        changes = await stage.pull_requests.list_changed(forge, begun.until)
        return changes.glances[opened.number].base == "develop"

    await until(is_told, "tell of another base")


async def test_one_that_goes_elsewhere_is_not_merged_until_it_is_set_back(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    stage.set_branch(place, "develop", stage.head(place, "main"))
    opened = await stage.pull_requests.open(forge, DRAFT)
    await is_fit(stage, forge, opened.number, Fit.CLEAN)
    stage.retarget(place, opened.number, "develop")
    for by_forge in (False, True):
        with pytest.raises(StaleError):
            await _merge(stage, forge, opened, by_forge=by_forge)
    assert stage.head(place, "develop") == stage.head(place, "main")
    stage.retarget(place, opened.number, "main")
    await is_fit(stage, forge, opened.number, Fit.CLEAN)
    await _merge(stage, forge, opened)
    merged = await stage.pull_requests.get(forge, opened.number)
    assert (merged.state, merged.base) == (PullRequestState.MERGED, "main")
    assert merged.merge_commit == stage.head(place, "main")


async def test_what_the_forge_is_to_merge_by_itself_can_be_taken_back(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    stage.set_branch(place, "develop", stage.head(place, "main"))
    stage.protect_base(place, 0, ["unit"])
    opened = await stage.pull_requests.open(forge, DRAFT)
    await is_fit(stage, forge, opened.number, Fit.CLEAN)
    stage.set_status(place, opened.head_sha, "unit", "pending")
    await _merge(stage, forge, opened, by_forge=True)
    for _ in range(2):
        await stage.pull_requests.disarm(forge, opened.number)
        gate = await gate_of(stage, forge, opened.number)
        assert (gate.is_armed, gate.may_be_armed) == (False, False)
    stage.set_status(place, opened.head_sha, "unit", "success")
    seen = await stage.pull_requests.get(forge, opened.number)
    assert seen.state is PullRequestState.OPEN


async def test_a_merge_into_another_branch_says_which(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    stage.set_branch(place, "develop", stage.head(place, "main"))
    opened = await stage.pull_requests.open(forge, DRAFT)
    stage.retarget(place, opened.number, "develop")
    await is_fit(stage, forge, opened.number, Fit.CLEAN)
    stage.merge(place, opened.number, "merge")
    merged = await stage.pull_requests.get(forge, opened.number)
    assert (merged.state, merged.base) == (PullRequestState.MERGED, "develop")
    assert merged.merge_commit == stage.head(place, "develop")


async def test_who_closed_it_is_told(stage: Stage, place: GitPlace, forge: ForgePlace) -> None:
    opened = await stage.pull_requests.open(forge, DRAFT)
    stage.set_open(place, opened.number, is_open=False)
    closed = await stage.pull_requests.get(forge, opened.number)
    assert closed.state is PullRequestState.CLOSED
    assert closed.actor is not None
    assert closed.gate is None


async def test_a_pull_request_of_ours_is_withdrawn(stage: Stage, forge: ForgePlace) -> None:
    opened = await stage.pull_requests.open(forge, DRAFT)
    for _ in range(2):
        await stage.pull_requests.withdraw(forge, opened.number)
    closed = await stage.pull_requests.get(forge, opened.number)
    assert closed.state is PullRequestState.CLOSED
    assert closed.title == DRAFT.title


async def test_what_is_withdrawn_says_so_in_its_title(stage: Stage, forge: ForgePlace) -> None:
    opened = await stage.pull_requests.open(forge, DRAFT)
    for _ in range(2):
        await stage.pull_requests.withdraw(forge, opened.number, "Taken back: it")
    found = await stage.pull_requests.find(forge, DRAFT.head, DRAFT.base)
    assert found is not None
    assert (found.state, found.title) == (PullRequestState.CLOSED, "Taken back: it")
    again = await stage.pull_requests.open(forge, DRAFT)
    assert (again.number > opened.number, again.title) == (True, DRAFT.title)


async def test_what_is_merged_is_not_withdrawn(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    opened = await stage.pull_requests.open(forge, DRAFT)
    await is_fit(stage, forge, opened.number, Fit.CLEAN)
    stage.merge(place, opened.number, "merge")
    with pytest.raises(StaleError):
        await stage.pull_requests.withdraw(forge, opened.number, f"{TAKEN_BACK}{DRAFT.title}")
    seen = await stage.pull_requests.get(forge, opened.number)
    assert (seen.state, seen.title) == (PullRequestState.MERGED, DRAFT.title)


async def test_a_merged_one_is_renamed(stage: Stage, place: GitPlace, forge: ForgePlace) -> None:
    opened = await stage.pull_requests.open(forge, DRAFT)
    await is_fit(stage, forge, opened.number, Fit.CLEAN)
    await stage.pull_requests.rename(forge, opened.number, f"{TAKEN_BACK}{DRAFT.title}")
    stage.merge(place, opened.number, "merge")
    assert (await stage.pull_requests.get(forge, opened.number)).is_taken_back
    for _ in range(2):
        await stage.pull_requests.rename(forge, opened.number, DRAFT.title)
        seen = await stage.pull_requests.get(forge, opened.number)
        assert (seen.state, seen.title) == (PullRequestState.MERGED, DRAFT.title)


async def test_a_comment_that_answers_another_is_written_where_that_is(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    opened = await stage.pull_requests.open(forge, DRAFT)
    comment = partial(stage.pull_requests.comment, forge, opened.number)
    await comment("stays", "It stays.", answers="closed")
    assert stage.comments(place, opened.number) == []
    await comment("closed", "It is closed.")
    for _ in range(2):
        await comment("stays", "It stays.", answers="closed")
    first, second = stage.comments(place, opened.number)
    assert first.startswith("It is closed.")
    assert second.startswith("It stays.")


async def test_a_comment_is_written_once_for_its_key(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    opened = await stage.pull_requests.open(forge, DRAFT)
    for key, text in [("released", "Released."), ("released", "Again."), ("failed", "No.")]:
        await stage.pull_requests.comment(forge, opened.number, key, text)
    first, second = stage.comments(place, opened.number)
    assert first.startswith("Released.")
    assert second.startswith("No.")


async def test_a_branch_that_is_deleted_is_told(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    opened = await stage.pull_requests.open(forge, DRAFT)
    assert (await stage.pull_requests.get(forge, opened.number)).has_branch
    stage.merge(place, opened.number, "merge")
    await stage.config.delete_branch(place, OURS, "1" * 40)
    assert stage.head(place, OURS) == opened.head_sha
    for _ in range(2):
        await stage.config.delete_branch(place, OURS, opened.head_sha)
        assert stage.head(place, OURS) is None
    assert not (await stage.pull_requests.get(forge, opened.number)).has_branch


async def test_an_archived_repository_shows_at_its_pull_requests(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    opened = await stage.pull_requests.open(forge, DRAFT)
    stage.archive(place)
    assert (await stage.pull_requests.get(forge, opened.number)).is_archived


async def test_the_list_tells_which_pull_requests_changed(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    first = await stage.pull_requests.open(forge, DRAFT)
    files = {**FILES, "other.yaml": File(b"tag: 2\n")}
    theirs = stage.store(place, Commit((stage.head(place, "main") or "",), files, "theirs"))
    stage.set_branch(place, "release/other_v1.0.0", theirs)
    other = await stage.pull_requests.open(forge, replace(DRAFT, head="release/other_v1.0.0"))
    begun = await stage.pull_requests.list_changed(forge, None)
    assert begun.glances == {seen.number: seen.glance for seen in (first, other)}
    stage.merge(place, first.number, "merge")

    async def is_told() -> bool:
        changes = await stage.pull_requests.list_changed(forge, begun.until)
        told = changes.glances.get(first.number)
        return told is not None and told.state is PullRequestState.MERGED

    await until(is_told, "tell of a merge")
    changes = await stage.pull_requests.list_changed(forge, begun.until)
    stage.set_open(place, other.number, is_open=False)
    changes = await stage.pull_requests.list_changed(forge, changes.until)
    assert changes.glances[other.number].state is PullRequestState.CLOSED
    moved = stage.store(place, Commit((theirs,), FILES, "somebody adds"))
    stage.set_open(place, other.number, is_open=True)
    stage.set_branch(place, "release/other_v1.0.0", moved)

    async def is_moved() -> bool:
        now = await stage.pull_requests.list_changed(forge, changes.until)
        return now.glances[other.number].head_sha == moved

    await until(is_moved, "tell of a push")


async def test_a_repository_without_pull_requests_has_no_changes(
    stage: Stage, forge: ForgePlace
) -> None:
    begun = await stage.pull_requests.list_changed(forge, None)
    assert (begun.glances, begun.until) == ({}, None)


async def test_several_are_read_at_once_and_one_that_is_gone_is_left_out(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    first = await stage.pull_requests.open(forge, DRAFT)
    stage.set_branch(place, "release/other_v1.0.0", stage.head(place, OURS))
    other = await stage.pull_requests.open(forge, replace(DRAFT, head="release/other_v1.0.0"))
    numbers = [first.number, other.number]
    for number in numbers:
        await is_fit(stage, forge, number, Fit.CLEAN)
    found = await stage.pull_requests.get_many(forge, [*numbers, 4711])
    assert found == {number: await stage.pull_requests.get(forge, number) for number in numbers}


async def test_an_unknown_repository_is_not_commented_in(stage: Stage, forge: ForgePlace) -> None:
    gone = replace(forge, repository=f"{forge.repository}-other")
    with pytest.raises(TerminalError) as caught:
        await stage.pull_requests.comment(gone, 1, "key", "text")
    assert caught.value.reason is Reason.REPOSITORY_NOT_FOUND


async def test_a_commit_status_is_set_and_replaced(
    stage: Stage, place: GitPlace, forge: ForgePlace
) -> None:
    sha = stage.head(place, "main") or ""
    for state in (CommitState.PENDING, CommitState.SUCCESS, CommitState.FAILURE):
        await stage.pull_requests.set_status(
            forge, sha, state, "album/backend", "v1.1.0 …", "https://example.org/pulls/6"
        )
        await stage.pull_requests.set_status(forge, sha, state, "album/other", "v1.1.0", None)
        expected = {"album/backend": str(state), "album/other": str(state)}
        assert stage.statuses(place, sha) == expected


async def test_a_status_of_a_commit_that_does_not_exist_is_refused(
    stage: Stage, forge: ForgePlace
) -> None:
    with pytest.raises(OutsideError):
        await stage.pull_requests.set_status(
            forge, "1" * 40, CommitState.SUCCESS, "album/backend", "v1.1.0", None
        )
