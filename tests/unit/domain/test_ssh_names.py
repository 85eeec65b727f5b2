"""URLs of repositories over SSH, and what they have to do with the same host's over HTTPS."""

import pytest

from album_operator.domain import names


@pytest.mark.parametrize(
    "url",
    [
        "ssh://git@git.example.org/owner/album-app",
        "ssh://git.example.org/owner/album-app.git",
        "SSH://git@Git.Example.org:22/owner/album-app/",
        "git@git.example.org:owner/album-app.git",
        "git@git.example.org:/owner/album-app",
    ],
)
def test_spellings_of_one_repository_over_ssh_are_equal(url: str) -> None:
    assert names.normal_url(url) == "ssh://git@git.example.org/owner/album-app"


def test_who_logs_in_over_ssh_is_part_of_the_address() -> None:
    assert names.normal_url("ssh://bot@g:2222/o/r") == "ssh://bot@g:2222/o/r"
    assert names.repository_path("ssh://bot@g:2222/o/r.git") == "o/r"
    assert names.is_ssh("SSH://g/o/r")
    assert not names.is_ssh("https://ssh.example.org/o/r")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://g/o/r", "https://g/o/r.git", True),
        ("https://g/o/r", "ssh://git@g:2222/o/r", True),
        ("https://g:8443/o/r", "git@g:o/r.git", True),
        ("http://g:3000/o/r", "ssh://g/o/r", True),
        ("https://g/o/r", "git@g.evil.org:o/r", False),
        ("https://g/o/r", "git@g:o/r2", False),
        ("https://g/o/r", "http://g/o/r", False),
        ("https://g/o/r", "https://g:8443/o/r", False),
        ("ssh://g/o/r", "ssh://g:2222/o/r", False),
        ("ssh://g/o/r", "git://g/o/r", False),
    ],
)
def test_a_repository_is_the_same_over_ssh_and_over_http(
    one: str, other: str, *, same: bool
) -> None:
    assert names.is_same_repository(one, other) is same
    assert names.is_same_repository(other, one) is same


@pytest.mark.parametrize(
    ("url", "prefix", "allowed"),
    [
        ("ssh://git@g/o/r", "ssh://g", True),
        ("ssh://git@g/o/r", "ssh://git@g/o", True),
        ("ssh://git@g/o/r", "ssh://git@g/other", False),
        ("ssh://git@g/o/r", "ssh://bot@g", False),
        ("ssh://git@g:2222/o/r", "ssh://g", False),
        ("ssh://git@g:2222/o/r", "g", True),
        ("ssh://git@g:2222/o/r", "https://g:8443/o", True),
        ("ssh://git@g:2222/o/r", "http://g:3000/other", False),
        ("ssh://git@g.evil.org/o/r", "https://g", False),
        ("https://g/api/v1", "ssh://git@g:2222", True),
        ("https://g/o/r", "ssh://git@g:2222/o", True),
        ("https://g/o/r", "ssh://git@g:2222/other", False),
        ("https://g:8443/o/r", "ssh://git@g:2222", False),
        ("http://g/o/r", "ssh://git@g", False),
    ],
)
def test_a_prefix_holds_over_ssh_and_over_https_of_its_host(
    url: str, prefix: str, *, allowed: bool
) -> None:
    assert names.is_below(url, prefix) is allowed
