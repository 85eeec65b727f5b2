"""What hangs on a pull request: labels, people, milestone, comments, reviews."""

import pytest
from github import GithubException
from github.PullRequest import PullRequest

from tests.github.conftest import NAME, Desk, said


@pytest.fixture
def pull(desk: Desk) -> PullRequest:
    desk.open_pull()
    return desk.repository().get_pull(1)


def test_labels_are_made_as_they_are_added(desk: Desk, pull: PullRequest) -> None:
    pull.add_to_labels("release", "app")
    pull.add_to_labels("release")
    assert [each.name for each in desk.repository().get_pull(1).labels] == ["release", "app"]


def test_only_those_who_can_be_are_assigned(pull: PullRequest) -> None:
    pull.add_to_assignees("mate", "nobody")
    assert [each.login for each in pull.assignees] == ["mate"]


def test_a_milestone_is_set_and_taken_away(desk: Desk, pull: PullRequest) -> None:
    number = desk.server.make_milestone(NAME, "v2")
    (milestone,) = desk.repository().get_milestones(state="open")
    pull.as_issue().edit(milestone=milestone)
    assert desk.repository().get_pull(1).milestone.number == number
    desk.call("PATCH", f"/repos/{NAME}/issues/1", {"milestone": None})
    assert desk.repository().get_pull(1).milestone is None


def test_a_milestone_that_is_not_there_is_named(desk: Desk, pull: PullRequest) -> None:
    answer = desk.call("PATCH", f"/repos/{NAME}/issues/{pull.number}", {"milestone": 9})
    assert answer.status == 422
    assert answer.json["errors"][0]["field"] == "milestone"


def test_comments_are_kept_in_order(pull: PullRequest) -> None:
    for text in ("one", "two"):
        pull.create_issue_comment(text)
    assert [each.body for each in pull.get_issue_comments()] == ["one", "two"]


def test_reviews_are_asked_for_and_given(desk: Desk, pull: PullRequest) -> None:
    pull.create_review_request(reviewers=["mate"])
    assert [each.login for each in desk.repository().get_pull(1).requested_reviewers] == ["mate"]
    desk.server.review(NAME, 1, "mate", "CHANGES_REQUESTED")
    assert [(each.user.login, each.state) for each in pull.get_reviews()] == [
        ("mate", "CHANGES_REQUESTED")
    ]
    assert desk.repository().get_pull(1).requested_reviewers == []


def test_an_author_cannot_review(pull: PullRequest) -> None:
    with pytest.raises(GithubException) as error:
        pull.create_review_request(reviewers=["octo"])
    assert said(error) == (422, "Review cannot be requested from pull request author.")


def test_only_collaborators_can_be_asked(desk: Desk, pull: PullRequest) -> None:
    desk.server.make_user("guest")
    with pytest.raises(GithubException) as error:
        pull.create_review_request(reviewers=["guest"])
    assert error.value.status == 422
    assert said(error)[1].startswith("Reviews may only be requested from collaborators.")
