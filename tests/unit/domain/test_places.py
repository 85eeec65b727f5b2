"""Where a token may go."""

from dataclasses import replace

import pytest

from tests.fakes.builders import API, CONFIG, CREDENTIAL, SOURCE


def test_a_token_goes_to_the_host_its_secret_names() -> None:
    assert CREDENTIAL.may_go_to(SOURCE)
    assert not CREDENTIAL.may_go_to("https://elsewhere.example.org/owner/album-app")


def test_a_token_is_not_in_the_text_of_its_credential() -> None:
    assert CREDENTIAL.token not in repr(CREDENTIAL)
    assert CREDENTIAL.token not in str(CREDENTIAL)


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
