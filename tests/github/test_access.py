"""Who may do what: tokens of each kind, apps, private and archived repositories."""

import time
from datetime import timedelta

import jwt
import pytest
from github import Auth, Github, GithubException, GithubIntegration

from tests.github.conftest import HEAD, NAME, Desk, said

OPEN = {"title": "T", "head": HEAD, "base": "main"}


def integrate(desk: Desk, app: int, key: str) -> GithubIntegration:
    return GithubIntegration(
        auth=Auth.AppAuth(app, key),
        base_url=desk.server.api_url,
        seconds_between_requests=None,
        seconds_between_writes=None,
    )


def test_a_token_nobody_has_is_refused(desk: Desk) -> None:
    answer = desk.call("GET", "/user", token="ghp_wrong")
    assert (answer.status, answer.message) == (401, "Bad credentials")
    desk.server.revoke_token(desk.owner_token)
    assert desk.call("GET", f"/repos/{NAME}").status == 401


def test_who_one_is(desk: Desk) -> None:
    assert desk.client(desk.mate_token).get_user().login == "mate"
    answer = desk.call("GET", "/user", token=None)
    assert (answer.status, answer.message) == (401, "Requires authentication")


def test_a_repository_says_what_one_may_do(desk: Desk) -> None:
    desk.server.make_user("guest")
    own = desk.repository().permissions
    assert (own.admin, own.push, own.pull) == (True, True, True)
    mates = desk.repository(desk.mate_token).permissions
    assert (mates.admin, mates.push) == (False, True)
    guests = desk.call("GET", f"/repos/{NAME}", token=desk.server.make_token("guest")).json
    assert guests["permissions"]["push"] is False
    assert "allow_auto_merge" not in guests


def test_a_private_repository_is_not_there_for_others(desk: Desk) -> None:
    desk.server.configure(NAME, private=True)
    desk.server.make_user("guest")
    for token in (None, desk.server.make_token("guest"), desk.server.make_token("octo", ["gist"])):
        answer = desk.call("GET", f"/repos/{NAME}", token=token)
        assert (answer.status, answer.message) == (404, "Not Found")
    assert desk.call("GET", f"/repos/{NAME}", token=desk.mate_token).status == 200


def test_a_classic_token_tells_its_scopes(desk: Desk) -> None:
    token = desk.server.make_token("octo", ["read:org", "repo:status"])
    answer = desk.call("POST", f"/repos/{NAME}/pulls", OPEN, token=token)
    assert (answer.status, answer.message) == (404, "Not Found")
    assert answer.headers["x-oauth-scopes"] == "read:org, repo:status"
    assert answer.headers["x-accepted-oauth-scopes"] == "repo"
    status = f"/repos/{NAME}/statuses/{desk.tip(HEAD)}"
    assert desk.call("POST", status, {"state": "success"}, token=token).status == 201


def test_a_fine_grained_token_tells_what_it_lacks(desk: Desk) -> None:
    token = desk.server.make_fine_grained_token("octo", {"pull_requests": "read"})
    assert desk.call("GET", f"/repos/{NAME}/pulls", token=token).status == 200
    answer = desk.call("POST", f"/repos/{NAME}/pulls", OPEN, token=token)
    assert (answer.status, answer.message) == (
        403,
        "Resource not accessible by personal access token",
    )
    assert answer.headers["x-accepted-github-permissions"] == "pull_requests=write"
    labels = desk.call("POST", f"/repos/{NAME}/issues/1/labels", {"labels": ["x"]}, token=token)
    accepted = labels.headers["x-accepted-github-permissions"]
    assert accepted == "issues=write; pull_requests=write"


def test_a_fine_grained_token_sees_only_its_repositories(desk: Desk) -> None:
    desk.server.configure(NAME, private=True)
    desk.server.make_repository("octo/other")
    token = desk.server.make_fine_grained_token("octo", {"contents": "read"}, ["octo/other"])
    assert desk.call("GET", f"/repos/{NAME}", token=token).status == 404


def test_who_may_only_read_cannot_merge(desk: Desk) -> None:
    desk.open_pull()
    desk.server.set_role(NAME, "mate", "read")
    with pytest.raises(GithubException) as error:
        desk.repository(desk.mate_token).get_pull(1).merge()
    assert error.value.status == 404


def test_an_archived_repository_is_only_read(desk: Desk) -> None:
    desk.open_pull()
    desk.server.configure(NAME, archived=True)
    repository = desk.repository()
    assert repository.archived
    assert repository.get_pull(1).state == "open"
    with pytest.raises(GithubException) as error:
        repository.create_pull(base="main", head=HEAD, title="T")
    assert said(error) == (403, "Repository was archived so is read-only.")


def test_an_app_gets_tokens_of_its_installations(desk: Desk) -> None:
    desk.server.configure(NAME, private=True)
    permissions = {"contents": "write", "pull_requests": "write"}
    app, key = desk.server.make_app("album", "octo", permissions)
    installation = desk.server.install_app(app, "octo", [NAME])
    with integrate(desk, app, key) as integration:
        assert integration.get_app().slug == "album"
        granted = integration.get_access_token(installation)
    assert granted.permissions["contents"] == "write"
    auth = Auth.AppInstallationAuth(Auth.AppAuth(app, key), installation)
    with Github(base_url=desk.server.api_url, auth=auth, seconds_between_writes=None) as client:
        pull = client.get_repo(NAME).create_pull(base="main", head=HEAD, title="T")
        assert pull.user.login == "album[bot]"
        with pytest.raises(GithubException) as error:
            client.get_repo(NAME).get_commit(desk.tip(HEAD)).create_status("success")
    assert said(error) == (403, "Resource not accessible by integration")


def test_an_installation_token_ends_after_an_hour(desk: Desk) -> None:
    app, key = desk.server.make_app("album", "octo", {"contents": "read"})
    installation = desk.server.install_app(app, "octo")
    with integrate(desk, app, key) as integration:
        token = integration.get_access_token(installation).token
    assert desk.call("GET", f"/repos/{NAME}", token=token).status == 200
    desk.server.advance(timedelta(minutes=61))
    assert desk.call("GET", f"/repos/{NAME}", token=token).status == 401


def test_an_app_cannot_get_more_than_it_was_granted(desk: Desk) -> None:
    app, key = desk.server.make_app("album", "octo", {"contents": "read"})
    installation = desk.server.install_app(app, "octo")
    with integrate(desk, app, key) as integration, pytest.raises(GithubException) as error:
        integration.get_access_token(installation, permissions={"contents": "write"})
    assert error.value.status == 422


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"exp": 3600}, "'Expiration time' claim ('exp') is too far in the future"),
        ({"exp": -60}, "'Expiration time' claim ('exp') must be a numeric value"),
        ({"iat": 300}, "'Issued at' claim ('iat') must be an Integer"),
        ({"iss": 7}, "Integration not found"),
    ],
)
def test_a_web_token_must_be_of_now(desk: Desk, claims: dict[str, int], message: str) -> None:
    app, key = desk.server.make_app("album", "octo", {})
    now = int(time.time())
    wished = {"iat": now - 60 + claims.get("iat", 0), "exp": now + claims.get("exp", 300)}
    encoded = jwt.encode({**wished, "iss": str(claims.get("iss", app))}, key, algorithm="RS256")
    answer = desk.call("GET", "/app", token=None, headers={"Authorization": f"Bearer {encoded}"})
    assert answer.status in (401, 404)
    assert answer.message.startswith(message)


def test_a_web_token_of_another_key_is_refused(desk: Desk) -> None:
    app, _ = desk.server.make_app("album", "octo", {})
    _, key = desk.server.make_app("other", "octo", {})
    with integrate(desk, app, key) as integration, pytest.raises(GithubException) as error:
        integration.get_app()
    assert said(error) == (401, "A JSON web token could not be decoded")
