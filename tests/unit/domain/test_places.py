"""Where a token may go."""

from dataclasses import replace
from typing import Any

import pytest

from album_operator.domain.places import Credential, ForgePlace, ForgeType, GitHubApp, GitPlace
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
    place = GitPlace("https://github.com/acme/config.git", credential)
    api = "https://api.github.com"
    assert place.token_source == ForgePlace(api, "acme/config", credential, ForgeType.GITHUB)
    assert place.with_token("t0ken").credential.token == "t0ken"
    assert place.with_token("t0ken").token_source is None
    assert replace(place, url="ssh://git@github.com/acme/config").token_source is None
