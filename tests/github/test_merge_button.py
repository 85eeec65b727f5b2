"""The merge button: what it makes, and when it cannot be pressed."""

import pytest
from github import GithubException

from testbed.github.errors import RefusedError
from testbed.github.model import Protection
from tests.contract.plain_git import git
from tests.github.conftest import HEAD, NAME, Desk, said


def log(desk: Desk, form: str) -> list[str]:
    return git(desk.folder, "log", "--first-parent", f"--format={form}", "main").splitlines()


def test_a_merge_commit_has_base_and_head_as_parents(desk: Desk) -> None:
    desk.open_pull()
    base, head = desk.tip("main"), desk.tip(HEAD)
    done = desk.repository(desk.mate_token).get_pull(1).merge(sha=head)
    assert done.merged
    assert done.sha == desk.tip("main")
    assert git(desk.folder, "rev-list", "--parents", "-1", "main").split()[1:] == [base, head]
    assert git(desk.folder, "show", "main:values.yaml") == "tag: v2"
    assert log(desk, "%s|%an|%cn")[0] == (f"Merge pull request #1 from octo/{HEAD}|mate|GitHub")
    pull = desk.repository().get_pull(1)
    assert (pull.merged, pull.state, pull.merge_commit_sha) == (True, "closed", done.sha)
    assert pull.merged_by.login == "mate"
    assert pull.is_merged()


def test_a_squash_makes_one_commit(desk: Desk) -> None:
    desk.commit(HEAD, {"more.yaml": b"x\n"})
    desk.open_pull()
    base = desk.tip("main")
    desk.repository().get_pull(1).merge(merge_method="squash", commit_message="Why")
    assert git(desk.folder, "rev-list", "--parents", "-1", "main").split()[1:] == [base]
    assert log(desk, "%s|%b")[0] == "Release v2 (#1)|Why"


def test_a_rebase_makes_each_commit_anew(desk: Desk) -> None:
    desk.commit(HEAD, {"more.yaml": b"x\n"})
    desk.commit("main", {"other.yaml": b"a: 2\n"})
    desk.open_pull()
    base = desk.tip("main")
    desk.repository().get_pull(1).merge(merge_method="rebase")
    assert git(desk.folder, "rev-list", f"{base}..main").split()[-1] != desk.tip(HEAD)
    assert log(desk, "%an|%cn")[:2] == ["A|octo", "A|octo"]
    files = ("values.yaml", "other.yaml", "more.yaml")
    found = [git(desk.folder, "show", f"main:{name}") for name in files]
    assert found == ["tag: v2", "a: 2", "x"]


def test_a_method_that_is_not_allowed_is_refused(desk: Desk) -> None:
    desk.open_pull()
    desk.server.configure(NAME, allow_squash_merge=False)
    with pytest.raises(GithubException) as error:
        desk.repository().get_pull(1).merge(merge_method="squash")
    assert said(error) == (405, "Squash merges are not allowed on this repository.")


def test_another_head_than_the_expected_one_is_not_merged(desk: Desk) -> None:
    desk.open_pull()
    head = desk.tip(HEAD)
    desk.commit(HEAD, {"more.yaml": b"x\n"})
    with pytest.raises(GithubException) as error:
        desk.repository().get_pull(1).merge(sha=head)
    assert said(error) == (409, "Head branch was modified. Review and try the merge again.")


def test_a_conflict_is_not_mergeable(desk: Desk) -> None:
    desk.open_pull()
    desk.commit("main", {"values.yaml": b"tag: v9\n"})
    with pytest.raises(GithubException) as error:
        desk.repository().get_pull(1).merge()
    assert said(error) == (405, "Pull Request is not mergeable")


def test_a_draft_is_not_merged(desk: Desk) -> None:
    desk.server.open_pull(NAME, HEAD, "main", "octo", draft=True)
    with pytest.raises(GithubException) as error:
        desk.repository().get_pull(1).merge()
    assert said(error) == (405, "Pull Request is still a draft")


def test_reviews_and_checks_that_are_required_are_asked_for(desk: Desk) -> None:
    desk.open_pull()
    desk.server.protect_branch(NAME, "main", Protection(approvals=1, checks=("ci",)))
    pull = desk.repository().get_pull(1)

    def refusal() -> str:
        with pytest.raises(GithubException) as error:
            pull.merge()
        assert error.value.status == 405
        return said(error)[1]

    assert refusal() == "At least 1 approving review is required by reviewers with write access."
    desk.server.review(NAME, 1, "mate", "CHANGES_REQUESTED")
    assert refusal() == "Changes have been requested."
    desk.server.review(NAME, 1, "mate")
    assert refusal() == 'Required status check "ci" is expected.'
    assert desk.repository().get_pull(1).mergeable_state == "blocked"
    desk.server.set_check(NAME, desk.tip(HEAD), "ci", "success")
    pull.merge()


def test_reviews_of_those_who_may_not_write_do_not_count(desk: Desk) -> None:
    desk.open_pull()
    desk.server.make_user("guest")
    desk.server.protect_branch(NAME, "main", Protection(approvals=1))
    desk.server.review(NAME, 1, "guest")
    with pytest.raises(RefusedError, match="At least 1 approving review"):
        desk.server.merge_pull(NAME, 1, "octo")


def test_a_head_behind_its_base_can_be_refused(desk: Desk) -> None:
    desk.open_pull()
    desk.commit("main", {"other.yaml": b"a: 2\n"})
    desk.server.protect_branch(NAME, "main", Protection(is_strict=True))
    repository = desk.repository()
    repository.get_pull(1)
    assert repository.get_pull(1).mergeable_state == "behind"
    with pytest.raises(RefusedError, match="out of date"):
        desk.server.merge_pull(NAME, 1, "octo")


def test_a_check_that_is_not_required_makes_it_unstable(desk: Desk) -> None:
    desk.open_pull()
    desk.server.set_status(NAME, desk.tip(HEAD), "lint", "failure")
    repository = desk.repository()
    repository.get_pull(1)
    assert repository.get_pull(1).mergeable_state == "unstable"


def test_a_merge_that_was_pushed_counts_as_merged(desk: Desk) -> None:
    desk.open_pull()
    git(desk.folder, "update-ref", "refs/heads/main", f"refs/heads/{HEAD}")
    pull = desk.repository().get_pull(1)
    assert (pull.merged, pull.merge_commit_sha) == (True, desk.tip(HEAD))


def test_the_head_branch_goes_where_the_repository_says_so(desk: Desk) -> None:
    desk.open_pull()
    head = desk.tip(HEAD)
    desk.server.configure(NAME, delete_branch_on_merge=True)
    desk.server.merge_pull(NAME, 1, "octo", "squash")
    assert git(desk.folder, "for-each-ref", f"refs/heads/{HEAD}") == ""
    pull = desk.repository().get_pull(1)
    assert (pull.merged, pull.head.sha, pull.head.ref) == (True, head, HEAD)
