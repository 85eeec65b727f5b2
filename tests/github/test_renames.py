"""Repositories with another name, and those that are gone."""

import pytest
from github import GithubException

from tests.github.conftest import HEAD, NAME, Desk, said


def test_the_old_name_leads_to_the_id(desk: Desk) -> None:
    number = desk.repository().id
    desk.server.rename_repository(NAME, "settings")
    answer = desk.call("GET", f"/repos/{NAME}/pulls/1")
    assert answer.status == 301
    url = f"{desk.server.api_url}/repositories/{number}/pulls/1"
    assert answer.headers["location"] == url
    assert (answer.message, answer.json["url"]) == ("Moved Permanently", url)


def test_a_client_follows_reads_and_writes(desk: Desk) -> None:
    repository = desk.repository()
    desk.server.rename_repository(NAME, "settings")
    pull = repository.create_pull(base="main", head=HEAD, title="T")
    assert pull.html_url == f"{desk.server.url}/octo/settings/pull/1"
    assert desk.repository().full_name == "octo/settings"


def test_the_new_name_is_as_good(desk: Desk) -> None:
    desk.server.rename_repository(NAME, "settings")
    assert desk.call("GET", "/repos/octo/settings").status == 200
    assert desk.server.git_dir("octo/settings") == desk.folder


def test_an_old_name_that_is_taken_again_leads_nowhere(desk: Desk) -> None:
    desk.server.rename_repository(NAME, "settings")
    desk.server.make_repository(NAME)
    assert desk.call("GET", f"/repos/{NAME}").json["full_name"] == NAME


def test_a_repository_that_is_gone_is_not_found(desk: Desk) -> None:
    desk.server.delete_repository(NAME)
    with pytest.raises(GithubException) as error:
        desk.repository()
    assert said(error) == (404, "Not Found")
