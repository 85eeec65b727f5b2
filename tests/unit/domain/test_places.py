"""Where a token may go."""

from dataclasses import replace
from typing import Any

import pytest

from album_operator.domain.forges import ForgeType
from album_operator.domain.places import Credential, ForgePlace, GitHubApp, GitPlace
from tests.fakes.builders import API, CONFIG, CREDENTIAL, SOURCE

OVER_SSH = SOURCE.replace("https://", "ssh://git@")


def test_a_token_goes_to_the_host_its_secret_names() -> None:
    assert CREDENTIAL.may_go_to(SOURCE)
    assert not CREDENTIAL.may_go_to("https://elsewhere.example.org/owner/album-app")


def test_a_token_is_not_in_the_text_of_its_credential() -> None:
    assert CREDENTIAL.token not in repr(CREDENTIAL)
    assert CREDENTIAL.token not in str(CREDENTIAL)


def test_a_private_key_is_not_in_the_text_of_its_credential() -> None:
    text = repr(replace(CREDENTIAL, identity="pr1vate", known_hosts="h ssh-rsa k3y"))
    assert "pr1vate" not in text
    assert "k3y" not in text


@pytest.mark.parametrize(
    ("keys", "url", "missing"),
    [
        ({"token": "t"}, SOURCE, None),
        ({"token": ""}, SOURCE, "token"),
        ({"token": "", "identity": "i", "known_hosts": "k"}, SOURCE, "token"),
        ({"token": "", "identity": "i", "known_hosts": "k"}, OVER_SSH, None),
        ({"token": "t", "identity": "i"}, OVER_SSH, "known_hosts"),
        ({"token": "t", "known_hosts": "k"}, OVER_SSH, "identity"),
        ({"token": "t"}, OVER_SSH, "identity"),
    ],
)
def test_the_key_a_url_needs_is_missed(keys: dict[str, Any], url: str, missing: str | None) -> None:
    assert replace(CREDENTIAL, **keys).find_missing_key(url) == missing


@pytest.mark.parametrize(
    ("url", "serves"),
    [
        ("https://git.example.org/owner", True),
        ("ssh://git@git.example.org:2222/owner", True),
        ("ssh://git@git.example.org:2222/someone-else", False),
        ("ssh://git@elsewhere.example.org", False),
    ],
)
def test_a_token_beside_a_key_serves_the_api_of_the_same_host(url: str, *, serves: bool) -> None:
    over_ssh = CONFIG.replace("https://", "ssh://git@").replace(".org/", ".org:2222/")
    assert replace(CREDENTIAL, url=url).may_serve(API, over_ssh) is serves


@pytest.mark.parametrize(
    ("url", "serves"),
    [
        ("https://git.example.org", True),
        ("https://git.example.org/owner", True),
        ("https://git.example.org/owner/album-app-config", True),
        ("https://git.example.org/owner/album-app", False),
        ("https://git.example.org/someone-else", False),
        ("https://elsewhere.example.org", False),
        ("https://git.example.org:port", False),
        ("https://", False),
    ],
)
def test_a_token_for_a_path_serves_the_api_of_its_host_for_repositories_below(
    url: str, *, serves: bool
) -> None:
    assert replace(CREDENTIAL, url=url).may_serve(API, CONFIG) is serves


BELOW = "https://h.example.org/gitea/team-a"


@pytest.mark.parametrize(
    ("api_url", "serves"),
    [
        ("https://h.example.org/gitea/api/v1", True),
        ("https://H.EXAMPLE.org:443/gitea/api/v1/", True),
        ("https://h.example.org/evil-app", False),
        ("https://h.example.org/api/v1", False),
        ("https://h.example.org/evil/api/v1", False),
        ("https://h.example.org/gitea/API/v1", False),
        ("https://h.example.org/gitea/api/v1/evil", False),
        ("https://h.example.org/gitea/team-b/api/v1", False),
        ("https://h.example.org/gitea/team-a/../../evil-app", False),
        ("https://h.example.org/gitea/team-a/%2e%2e/%2e%2e/evil-app", False),
        ("https://h.example.org//evil-app", False),
        ("https://h.example.org:8443/gitea/api/v1", False),
        ("http://h.example.org/gitea/api/v1", False),
        ("https://h.example.org:port/gitea/api/v1", False),
        ("https://h.example.org@elsewhere.example.org/gitea/api/v1", False),
    ],
)
def test_a_token_for_a_path_goes_to_no_other_app_of_the_host(api_url: str, *, serves: bool) -> None:
    below = replace(CREDENTIAL, url=BELOW)
    assert below.may_serve(api_url, f"{BELOW}/config") is serves
    assert not below.may_serve(api_url, "https://h.example.org/gitea/team-b/config")


@pytest.mark.parametrize(
    ("url", "repository", "api_url"),
    [
        ("https://github.com/acme", "https://github.com/acme/config", "https://api.github.com"),
        ("https://github.com/acme", "ssh://git@github.com/acme/config", "https://api.github.com"),
        ("https://github.com/acme", "ssh://git@ssh.github.com:443/acme/config",
         "https://api.github.com"),
        ("ssh://git@ssh.github.com:443/acme", "ssh://git@ssh.github.com:443/acme/config",
         "https://api.github.com"),
        ("https://ghes.example.org/acme", "https://ghes.example.org/acme/config",
         "https://ghes.example.org/api/v3"),
        ("https://h.example.org:3000/acme", "ssh://git@h.example.org:2222/acme/config",
         "https://h.example.org:3000/api/v1"),
        ("https://h.example.org/gitea", "https://h.example.org/gitea/acme/config",
         "https://h.example.org/gitea/api/v1"),
    ],
)  # fmt: skip
def test_a_token_for_a_path_serves_the_api_of_its_forge(
    url: str, repository: str, api_url: str
) -> None:
    assert replace(CREDENTIAL, url=url).may_serve(api_url, repository)


def test_a_token_of_the_repositorys_host_does_not_serve_an_api_elsewhere() -> None:
    assert not CREDENTIAL.may_serve("https://api.example.org/v1", CONFIG)


def test_git_needs_a_token_only_where_nothing_but_an_app_is_there() -> None:
    app = GitHubApp("1", 2, "k3y")
    alone = Credential("album-git", "https://github.com/acme", "bot", "", app=app)
    assert alone.needs_token
    assert not replace(alone, token="t0ken").needs_token
    assert not replace(alone, app=None, identity="k3y").needs_token
    made = alone.with_token("ghs_t0ken")
    assert (made.username, made.token, made.app) == ("x-access-token", "ghs_t0ken", None)
    assert not made.needs_token
    assert "t0ken" not in repr(made)


def test_an_app_s_token_is_made_by_the_api_at_the_repository_s_host() -> None:
    credential = Credential(
        "album-git", "https://github.com/acme", "bot", "", app=GitHubApp("1", 2, "k3y")
    )
    place = GitPlace("https://github.com/acme/config.git", credential, "album")
    forge = ForgePlace(
        "https://api.github.com", "acme/config", credential, ForgeType.GITHUB, "album"
    )
    assert place.token_source == forge
    assert place.with_token("t0ken").credential.token == "t0ken"
    assert place.with_token("t0ken").token_source is None
    assert replace(place, url="ssh://git@github.com/acme/config").token_source is None


def test_a_place_is_at_the_server_of_its_url() -> None:
    assert GitPlace(SOURCE, CREDENTIAL).server == "git.example.org:443"
    assert ForgePlace(API, "owner/name", CREDENTIAL).server == "git.example.org:443"


def test_a_repository_lies_where_its_api_is_or_beside_it() -> None:
    assert ForgePlace(API, "owner/album-app-config", CREDENTIAL).url == CONFIG
    github = ForgePlace("https://api.github.com", "acme/config", CREDENTIAL, ForgeType.GITHUB)
    assert github.url == "https://github.com/acme/config"
