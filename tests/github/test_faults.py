"""Faults that are switched on: what is answered, and whether the request had its effect."""

import http.client

import pytest
import requests
from github import GithubException

from testbed.github import faults
from tests.contract.plain_git import git
from tests.github.conftest import HEAD, NAME, Desk

PULLS = f"/api/v3/repos/{NAME}/pulls"
OPEN = {"title": "T", "head": HEAD, "base": "main"}


def count_pulls(desk: Desk) -> int:
    return len(desk.call("GET", f"{PULLS}?state=all").json)


@pytest.mark.parametrize(("when", "opened"), [("before", 0), ("after", 1)])
def test_a_server_error_comes_before_or_after_the_effect(
    desk: Desk, when: str, opened: int
) -> None:
    desk.server.faults.arm("POST", PULLS, faults.server_error(502, when))  # type: ignore[arg-type]
    answer = desk.call("POST", PULLS, OPEN)
    assert answer.status == 502
    assert answer.headers["content-type"].startswith("text/html")
    assert count_pulls(desk) == opened


@pytest.mark.parametrize(("when", "opened"), [("before", 0), ("after", 1)])
def test_an_answer_is_lost_before_or_after_the_effect(desk: Desk, when: str, opened: int) -> None:
    repository = desk.repository()
    desk.server.faults.arm("POST", PULLS, faults.lost_answer(when))  # type: ignore[arg-type]
    with pytest.raises(requests.ConnectionError):
        repository.create_pull(base="main", head=HEAD, title="T")
    assert count_pulls(desk) == opened


def test_an_answer_ends_in_the_middle(desk: Desk) -> None:
    desk.server.faults.arm("POST", PULLS, faults.truncated())
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        desk.call("POST", PULLS, OPEN).json  # noqa: B018 - that it is read is the test
    assert count_pulls(desk) == 1


def test_a_fault_is_for_as_many_requests_as_said(desk: Desk) -> None:
    desk.server.faults.arm("GET", r".*/pulls", faults.server_error(503), times=2)
    found = [desk.call("GET", PULLS).status for _ in range(3)]
    assert found == [503, 503, 200]
    assert [each.status for each in desk.server.requests] == found


@pytest.mark.parametrize("status", [403, 429])
def test_a_secondary_limit_may_say_how_long(desk: Desk, status: int) -> None:
    limit = faults.secondary_limit(30, status)  # type: ignore[arg-type]
    desk.server.faults.arm("GET", PULLS, limit)
    desk.server.faults.arm("GET", PULLS, faults.secondary_limit(None))
    answer = desk.call("GET", PULLS)
    assert (answer.status, answer.headers["retry-after"]) == (status, "30")
    assert "retry-after" not in desk.call("GET", PULLS).headers


def test_a_redirect_may_lead_to_another_host(desk: Desk) -> None:
    repository = desk.repository()
    desk.server.faults.arm("GET", PULLS, faults.redirect("http://elsewhere.example/api/v3/x"))
    with pytest.raises(RuntimeError, match="redirected from host"):
        list(repository.get_pulls())


def test_git_can_fail_too(desk: Desk) -> None:
    desk.server.faults.arm("GET", r"/octo/config\.git/info/refs", faults.server_error(500))
    url = f"{desk.server.url}/{NAME}.git"
    with pytest.raises(AssertionError, match="500"):
        git(desk.folder, "ls-remote", url)
    assert HEAD in git(desk.folder, "ls-remote", url)


def test_faults_are_taken_away(desk: Desk) -> None:
    desk.server.faults.arm("GET", PULLS, faults.lost_answer("before"))
    desk.server.faults.clear()
    assert desk.call("GET", PULLS).status == 200


def test_answers_can_be_slow(desk: Desk) -> None:
    desk.server.latency = 60
    connection = http.client.HTTPConnection(desk.server.host, timeout=0.2)
    connection.request("GET", PULLS)
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()
    desk.server.latency = 0
    assert desk.call("GET", PULLS).status == 200


def test_errors_of_a_client_name_the_status(desk: Desk) -> None:
    repository = desk.repository()
    desk.server.faults.arm("GET", PULLS, faults.server_error(502))
    with pytest.raises(GithubException) as error:
        list(repository.get_pulls())
    assert error.value.status == 502
