"""What does not keep to GitHub's own descriptions is noticed."""

from pathlib import Path

import pytest

from testbed.github import openapi
from testbed.github.server import ViolationError, running_github
from tests.github.conftest import HEAD, NAME, Desk


def test_a_violation_fails_who_ran_the_server(tmp_path: Path) -> None:
    with pytest.raises(ViolationError, match="a fault"), running_github(tmp_path) as server:
        server.violations.append("a fault")


def test_another_failure_is_not_hidden_by_it(tmp_path: Path) -> None:
    def fail() -> None:
        with running_github(tmp_path) as server:
            server.violations.append("a fault")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("GET", f"/repos/{NAME}/nothing", None, "GitHub has no GET"),
        ("GET", f"/repos/{NAME}/forks", None, "the stand-in lacks repos/list-forks"),
        ("GET", f"/repos/{NAME}/pulls?stat=open", None, "unknown query parameter stat"),
        ("GET", f"/repos/{NAME}/pulls?state=opened", None, "query state"),
        ("POST", f"/repos/{NAME}/pulls", {"title": "T", "head": HEAD}, '"base" is a required'),
        (
            "POST",
            f"/repos/{NAME}/pulls",
            {"title": "T", "head": HEAD, "base": "main", "bode": "x"},
            "unknown property bode",
        ),
        ("POST", f"/repos/{NAME}/pulls", None, "has no body"),
        ("PUT", f"/repos/{NAME}/pulls/1/merge", {"merge_method": "fast"}, "merge_method"),
    ],
)
def test_a_request_that_github_does_not_describe(
    desk: Desk, method: str, path: str, body: object, words: str
) -> None:
    desk.call(method, path, body)
    desk.expect_violation(words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{ viewer { nologin } }", "Cannot query field 'nologin'"),
        ("{ viewer {", "Syntax Error"),
        ("query($id: ID!) { node(id: $id) { id } }", "Variable '$id'"),
        ("{ viewer { isEmployee } }", "the stand-in lacks User.isEmployee"),
    ],
)
def test_a_query_that_the_schema_does_not_know(desk: Desk, text: str, words: str) -> None:
    assert desk.query(text)["errors"]
    desk.expect_violation(words)


def test_an_answer_that_github_does_not_describe() -> None:
    match = openapi.load().find("GET", f"/repos/{NAME}/milestones")
    assert match is not None
    assert match.operation.find_answer_faults(200, []) == []
    faults = match.operation.find_answer_faults(200, [{"number": "one"}])
    assert '0: "url" is a required property' in faults
    assert '0/number: "one" is not of type "integer"' in faults
    assert match.operation.find_answer_faults(204, None) == [
        "no answer of issues/list-milestones has status 204"
    ]


def test_a_branch_with_slashes_is_one_parameter() -> None:
    description = openapi.load()
    match = description.find("DELETE", f"/repos/{NAME}/git/refs/heads/{HEAD}")
    assert match is not None
    assert match.operation.name == "git/delete-ref"
    assert match.parameters["ref"] == f"heads/{HEAD}"
    status = description.find("GET", f"/repos/{NAME}/commits/{HEAD}/status")
    assert status is not None
    assert status.operation.name == "repos/get-combined-status-for-ref"


def test_a_bug_of_the_stand_in_is_a_violation(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("testbed.github.access.find_caller", lambda *_: 1 / 0)
    assert desk.call("GET", "/user").status == 500
    desk.expect_violation("ZeroDivisionError")
