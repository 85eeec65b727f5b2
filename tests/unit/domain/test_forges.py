"""What is particular to each kind of forge."""

from typing import get_args

import pytest

from album_operator.api import types
from album_operator.domain.forges import ForgeType, forge_of, guess_type

GITEA, GITHUB = ForgeType.GITEA, ForgeType.GITHUB


def test_a_pipeline_can_name_each_kind() -> None:
    assert get_args(types.ForgeType) == tuple(ForgeType)


@pytest.mark.parametrize(
    ("kind", "repository", "api_url", "path"),
    [
        (GITEA, "https://h/acme/config.git", "https://h/api/v1", "acme/config"),
        (GITEA, "https://h:3000/acme/config", "https://h:3000/api/v1", "acme/config"),
        (GITEA, "https://h/gitea/acme/config", "https://h/gitea/api/v1", "acme/config"),
        (GITEA, "https://h/a/b/acme/config", "https://h/a/b/api/v1", "acme/config"),
        (GITEA, "ssh://git@h:2222/acme/config", "https://h/api/v1", "acme/config"),
        (GITEA, "https://github.com/acme/config", "https://github.com/api/v1", "acme/config"),
        (GITHUB, "https://h/acme/config", "https://h/api/v3", "acme/config"),
        (GITHUB, "https://github.com/acme/config", "https://api.github.com", "acme/config"),
        (GITHUB, "ssh://git@github.com/acme/config", "https://api.github.com", "acme/config"),
        (GITHUB, "ssh://git@ssh.github.com:443/acme/config", "https://api.github.com",
         "acme/config"),
        (GITHUB, "ssh://git@h:2222/acme/config", "https://h/api/v3", "acme/config"),
        (GITHUB, "https://h/x/acme/config", "https://h/api/v3", "x/acme/config"),
    ],
)  # fmt: skip
def test_an_api_follows_from_the_repository(
    kind: ForgeType, repository: str, api_url: str, path: str
) -> None:
    forge = forge_of(kind)
    assert forge.api_of(repository) == api_url
    assert forge.path_in(api_url, repository) == path


@pytest.mark.parametrize(
    ("repository", "api_url"),
    [
        ("ssh://git@h/acme/config", "https://h/gitea/api/v1"),
        ("https://h/acme/config", "https://h/acme"),
        ("https://h/acme/config", "https://h/acme/"),
    ],
)
def test_an_owner_is_no_path_a_forge_lies_below(repository: str, api_url: str) -> None:
    assert forge_of(GITEA).path_in(api_url, repository) == "acme/config"


@pytest.mark.parametrize(
    ("kind", "api_url", "web"),
    [
        (GITHUB, "https://api.github.com", "https://github.com"),
        (GITHUB, "https://git.example.org/api/v3", "https://git.example.org"),
        (GITHUB, "https://api.example.org/api/v3", "https://api.example.org"),
        (GITHUB, "https://api.acme.ghe.com", "https://acme.ghe.com"),
        (GITHUB, "http://127.0.0.1:3000/api/v3", "http://127.0.0.1:3000"),
        (GITEA, "https://git.example.org/api/v1", "https://git.example.org"),
        (GITEA, "https://h.example.org/gitea/api/v1", "https://h.example.org/gitea"),
        (GITEA, "https://api.example.org", "https://api.example.org"),
    ],
)
def test_repositories_lie_beside_their_api(kind: ForgeType, api_url: str, web: str) -> None:
    assert forge_of(kind).web_of(api_url) == web


@pytest.mark.parametrize("kind", [GITEA, GITHUB])
def test_commits_have_pages(kind: ForgeType) -> None:
    page, forge = "https://h/acme/app", forge_of(kind)
    assert forge.commit_page(page, "c0ffee") == f"{page}/commit/c0ffee"
    assert forge.comparison_page(page, "web/v1", "a b") == f"{page}/compare/web%2Fv1...a%20b"


@pytest.mark.parametrize(
    ("repository", "kind"),
    [
        ("https://github.com/acme/config", GITHUB),
        ("ssh://git@GitHub.com/acme/config", GITHUB),
        ("ssh://git@ssh.github.com:443/acme/config", GITHUB),
        ("https://git.example.org/acme/config", GITEA),
        ("https://api.github.com/acme/config", GITEA),
        ("https:///acme/config", GITEA),
    ],
)
def test_a_host_may_tell_the_kind(repository: str, kind: ForgeType) -> None:
    assert guess_type(repository) is kind
