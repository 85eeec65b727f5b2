"""Rate limits, and the answers that are free because nothing changed."""

from datetime import UTC, datetime, timedelta

import pytest
from github import GithubRetry, RateLimitExceededException
from github.GithubException import RateLimitExceededExceedsMaxWait

from tests.github.conftest import HEAD, NAME, Desk

LIST = f"/repos/{NAME}/pulls?state=all"


def remaining(desk: Desk, token: str = "") -> int:
    return int(desk.call("GET", "/rate_limit", token=token).json["rate"]["remaining"])


def test_each_request_is_counted_but_the_look_at_the_count(desk: Desk) -> None:
    before = remaining(desk)
    answer = desk.call("GET", LIST)
    assert int(answer.headers["x-ratelimit-remaining"]) == before - 1
    assert remaining(desk) == before - 1
    assert desk.call("GET", f"/repos/{NAME}/pulls/9").status == 404
    assert remaining(desk) == before - 2


def test_what_did_not_change_is_free(desk: Desk) -> None:
    tag = desk.call("GET", LIST).headers["etag"]
    assert tag.startswith('W/"')
    before = remaining(desk)
    answer = desk.call("GET", LIST, headers={"If-None-Match": tag})
    assert (answer.status, answer.data) == (304, b"")
    assert answer.headers["etag"] == tag
    assert remaining(desk) == before
    assert not desk.server.requests[-2].is_counted
    desk.open_pull()
    assert desk.call("GET", LIST, headers={"If-None-Match": tag}).status == 200
    assert remaining(desk) == before - 1


def test_the_tag_of_one_token_is_none_of_another(desk: Desk) -> None:
    tag = desk.call("GET", LIST).headers["etag"]
    other = desk.server.make_token("octo")
    answer = desk.call("GET", LIST, token=other, headers={"If-None-Match": tag})
    assert answer.status == 200


def test_a_client_that_keeps_its_object_is_told_that_nothing_changed(desk: Desk) -> None:
    desk.open_pull()
    pull = desk.repository().get_pull(1)
    assert pull.update()  # it is known by now whether it can be merged
    assert not pull.update()
    desk.server.close_pull(NAME, 1, "mate")
    assert pull.update()
    assert pull.state == "closed"


def test_all_tokens_of_a_person_are_one_account(desk: Desk) -> None:
    before = remaining(desk)
    desk.call("GET", LIST, token=desk.server.make_token("octo"))
    assert remaining(desk) == before - 1
    assert remaining(desk, desk.mate_token) == 5000


def test_the_hour_is_used_up(desk: Desk) -> None:
    reset = datetime.now(UTC) + timedelta(minutes=30)
    desk.server.exhaust(desk.owner_token, reset)
    answer = desk.call("GET", LIST)
    assert answer.status == 403
    assert answer.message.startswith("API rate limit exceeded for user ID ")
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert answer.headers["x-ratelimit-reset"] == str(int(reset.timestamp()))
    assert "retry-after" not in answer.headers
    with pytest.raises(RateLimitExceededException):
        desk.repository()
    desk.server.advance(timedelta(minutes=31))
    assert desk.call("GET", LIST).status == 200


def test_a_client_that_must_not_wait_says_how_long_it_would(desk: Desk) -> None:
    desk.server.exhaust(desk.owner_token, datetime.now(UTC) + timedelta(minutes=30))
    with pytest.raises(RateLimitExceededExceedsMaxWait) as error:
        desk.client(retry=GithubRetry(max_rate_limit_wait=5)).get_repo(NAME)
    assert error.value.wait is not None
    assert error.value.wait > 1700


def test_too_much_content_in_a_minute_is_refused(desk: Desk) -> None:
    desk.server.limits.content_per_minute = 2
    desk.open_pull()
    comments = f"/repos/{NAME}/issues/1/comments"
    for _ in range(2):
        assert desk.call("POST", comments, {"body": "x"}).status == 201
    answer = desk.call("POST", comments, {"body": "x"})
    assert answer.status == 403
    assert answer.message.startswith("You have exceeded a secondary rate limit.")
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert answer.headers["x-ratelimit-remaining"] != "0"
    assert len(desk.server.find_pull(NAME, 1).comments) == 2
    assert [each.creates_content for each in desk.server.requests] == [True, True, False]
    desk.server.advance(timedelta(seconds=61))
    assert desk.call("POST", comments, {"body": "x"}).status == 201


def test_what_notifies_nobody_is_no_content(desk: Desk) -> None:
    desk.open_pull()
    desk.call("POST", f"/repos/{NAME}/issues/1/labels", {"labels": ["x"]})
    desk.call("POST", f"/repos/{NAME}/statuses/{desk.tip(HEAD)}", {"state": "success"})
    assert [each.creates_content for each in desk.server.requests] == [False, False]


def test_writes_cost_five_points_of_the_minute(desk: Desk) -> None:
    desk.server.limits.points = 7
    desk.open_pull()
    labels = f"/repos/{NAME}/issues/1/labels"
    assert desk.call("POST", labels, {"labels": ["x"]}).status == 200
    assert desk.call("GET", LIST).status == 200
    for _ in range(3):
        assert desk.query("{ viewer { login } }")["data"]["viewer"]["login"] == "octo"
    assert desk.call("POST", labels, {"labels": ["x"]}).status == 403


def test_graphql_has_an_hour_of_its_own(desk: Desk) -> None:
    desk.server.exhaust(desk.owner_token, datetime.now(UTC) + timedelta(minutes=30), "graphql")
    answer = desk.call("POST", "/api/graphql", {"query": "{ viewer { login } }"})
    assert (answer.status, answer.headers["x-ratelimit-remaining"]) == (200, "0")
    assert answer.json["errors"][0]["type"] == "RATE_LIMITED"
    assert desk.call("GET", LIST).status == 200
