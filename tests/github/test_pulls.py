"""Pull requests: opened, found, looked at, changed."""

import pytest
from github import GithubException

from tests.contract.http_backend import commit
from tests.contract.plain_git import git
from tests.github.conftest import HEAD, NAME, Desk, said


def test_a_pull_request_is_opened_found_and_closed(desk: Desk) -> None:
    repository = desk.repository()
    pull = repository.create_pull(base="main", head=HEAD, title="Release v2", body="Why")
    assert pull.number == 1
    assert pull.html_url == f"{desk.server.url}/{NAME}/pull/1"
    assert pull.head.sha == desk.tip(HEAD)
    assert (pull.commits, pull.changed_files, pull.additions, pull.deletions) == (1, 1, 1, 1)
    found = list(repository.get_pulls(state="all", head=f"octo:{HEAD}", base="main"))
    assert [each.number for each in found] == [1]
    pull.edit(state="closed")
    assert repository.get_pull(1).state == "closed"
    assert list(repository.get_pulls()) == []


def test_a_second_pull_request_of_a_branch_is_refused(desk: Desk) -> None:
    desk.open_pull()
    with pytest.raises(GithubException) as error:
        desk.repository().create_pull(base="main", head=HEAD, title="Two")
    assert said(error) == (422, f"A pull request already exists for octo:{HEAD}.")


@pytest.mark.parametrize(
    ("head", "base", "field"), [("gone", "main", "head"), (HEAD, "gone", "base")]
)
def test_a_branch_that_is_not_there_is_named(desk: Desk, head: str, base: str, field: str) -> None:
    with pytest.raises(GithubException) as error:
        desk.repository().create_pull(base=base, head=head, title="T")
    assert error.value.status == 422
    assert error.value.data["errors"] == [
        {"resource": "PullRequest", "code": "invalid", "field": field}
    ]


def test_a_head_without_commits_of_its_own_is_refused(desk: Desk) -> None:
    git(desk.folder, "update-ref", "refs/heads/same", "refs/heads/main")
    with pytest.raises(GithubException) as error:
        desk.repository().create_pull(base="main", head="same", title="T")
    assert said(error) == (422, "No commits between main and same")


def test_whether_it_can_be_merged_is_known_only_at_the_second_look(desk: Desk) -> None:
    desk.open_pull()
    repository = desk.repository()
    assert repository.get_pull(1).mergeable is None
    known = repository.get_pull(1)
    assert (known.mergeable, known.mergeable_state, known.merged) == (True, "clean", False)
    assert known.merge_commit_sha == git(desk.folder, "rev-parse", "refs/pull/1/merge")
    desk.commit("main", {"other.yaml": b"a: 2\n"})
    assert repository.get_pull(1).mergeable is None


def test_lines_changed_on_both_sides_conflict(desk: Desk) -> None:
    desk.open_pull()
    desk.commit("main", {"values.yaml": b"tag: v9\n"})
    repository = desk.repository()
    repository.get_pull(1)
    pull = repository.get_pull(1)
    assert (pull.mergeable, pull.mergeable_state) == (False, "dirty")
    assert pull.merge_commit_sha is None


def test_a_push_to_the_head_is_followed(desk: Desk) -> None:
    desk.open_pull()
    repository = desk.repository()
    before = repository.get_pull(1)
    desk.commit(HEAD, {"more.yaml": b"x\n"})
    after = repository.get_pull(1)
    assert after.head.sha == desk.tip(HEAD) != before.head.sha
    assert after.commits == 2


def test_pull_requests_are_listed_in_the_order_that_is_asked_for(desk: Desk) -> None:
    for name in ("b1", "b2", "b3"):
        desk.commit(name, {name: b"x\n"})
        desk.open_pull(name)
    desk.server.review(NAME, 1, "mate", "COMMENTED")
    repository = desk.repository()
    by_creation = [each.number for each in repository.get_pulls()]
    assert by_creation == [3, 2, 1]
    ascending = repository.get_pulls(sort="created", direction="asc")
    assert [each.number for each in ascending] == [1, 2, 3]


def test_a_list_has_pages(desk: Desk) -> None:
    for name in ("b1", "b2", "b3"):
        desk.commit(name, {name: b"x\n"})
        desk.open_pull(name)
    first = desk.call("GET", f"/repos/{NAME}/pulls?per_page=2")
    assert [each["number"] for each in first.json] == [3, 2]
    base = f"{desk.server.api_url}/repos/{NAME}/pulls?per_page=2"
    assert first.headers["link"] == f'<{base}&page=2>; rel="next", <{base}&page=2>; rel="last"'
    last = desk.call("GET", f"/repos/{NAME}/pulls?per_page=2&page=2")
    assert [each["number"] for each in last.json] == [1]
    assert last.headers["link"] == f'<{base}&page=1>; rel="prev", <{base}&page=1>; rel="first"'


def test_a_closed_one_is_opened_again_while_its_branch_is_there(desk: Desk) -> None:
    desk.open_pull()
    desk.server.close_pull(NAME, 1, "mate")
    pull = desk.repository().get_pull(1)
    pull.edit(state="open")
    assert pull.state == "open"
    desk.server.delete_branch(NAME, HEAD, "mate")
    assert desk.repository().get_pull(1).state == "closed"
    with pytest.raises(GithubException) as error:
        pull.edit(state="open")
    assert said(error) == (422, f"state cannot be changed. The {HEAD} branch was deleted.")


def test_a_closed_one_is_opened_again_only_where_its_branch_goes_on_from_its_head(
    desk: Desk,
) -> None:
    desk.open_pull()
    head = desk.server.find_pull(NAME, 1).head_sha
    desk.server.close_pull(NAME, 1, "mate")
    folder = desk.server.git_dir(NAME)
    git(folder, "update-ref", f"refs/heads/{HEAD}", commit(folder, "other", {"other": b"x\n"}))
    pull = desk.repository().get_pull(1)
    with pytest.raises(GithubException) as error:
        pull.edit(state="open")
    assert said(error) == (
        422,
        f"state cannot be changed. The {HEAD} branch was force-pushed or recreated.",
    )
    git(folder, "update-ref", f"refs/heads/{HEAD}", head)
    pull.edit(state="open")
    assert pull.state == "open"


def test_who_closed_it_is_told_by_the_issue(desk: Desk) -> None:
    desk.open_pull()
    desk.server.close_pull(NAME, 1, "mate")
    assert desk.closer(1) == "mate"


def test_a_draft_says_so(desk: Desk) -> None:
    desk.open_pull()
    desk.server.set_draft(NAME, 1, "octo", draft=True)
    repository = desk.repository()
    repository.get_pull(1)
    pull = repository.get_pull(1)
    assert (pull.draft, pull.mergeable_state) == (True, "draft")


def test_a_pull_request_of_a_fork_outlives_the_fork(desk: Desk) -> None:
    fork = desk.server.make_fork(NAME, "mate")
    head = commit(fork, "main", {"more.yaml": b"x\n"})
    repository = desk.repository(desk.mate_token)
    pull = repository.create_pull(base="main", head="mate:main", title="From a fork")
    assert pull.head.repo.full_name == "mate/config"
    assert [each.number for each in repository.get_pulls(head="mate:main")] == [1]
    desk.server.delete_repository("mate/config")
    left = desk.call("GET", f"/repos/{NAME}/pulls/1").json
    assert left["head"]["repo"] is None
    assert left["head"]["sha"] == head
    assert left["state"] == "open"


def test_one_that_is_not_there_is_not_found(desk: Desk) -> None:
    with pytest.raises(GithubException) as error:
        desk.repository().get_pull(7)
    assert said(error) == (404, "Not Found")
