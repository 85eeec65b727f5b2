"""Which tags deliveries tell of, from bodies as GitHub and Gitea send them, less what is not read.

GitHub: examples of github.com/octokit/webhooks; Gitea: `modules/structs/hook.go` of 1.26.
"""

from typing import Any

import pytest

from album_operator.codec.notices import parse_notices
from album_operator.domain.forges import ForgeType
from album_operator.domain.hosts import HostAliases
from album_operator.domain.notice import TagNotice, repository_key

URL, TAG = "https://git.example.org/album/app", "backend-v1.1.0"
SENT: dict[str, Any] = {"repository": {"html_url": URL}, "sender": {"login": "ada"}}
PUBLISHED = {"action": "published", "release": {"tag_name": TAG, "draft": False}}
TOLD = [
    ("push", {"ref": f"refs/tags/{TAG}", "created": True, "deleted": False}),
    ("push", {"ref": f"refs/tags/{TAG}", "before": "0" * 40}),
    ("create", {"ref": TAG, "ref_type": "tag"}),
    ("release", PUBLISHED),
]


def _tags(event: str, payload: dict[str, Any], forge: ForgeType = ForgeType.GITHUB) -> list[Any]:
    told = parse_notices(forge, event, {**SENT, **payload})
    return [notice for notice in told if isinstance(notice, TagNotice)]


@pytest.mark.parametrize("forge", ForgeType)
@pytest.mark.parametrize(("event", "payload"), TOLD)
def test_a_pushed_tag_and_a_published_release_are_told_with_who_did_it(
    event: str, payload: dict[str, Any], forge: ForgeType
) -> None:
    assert _tags(event, payload, forge) == [TagNotice(forge, URL, TAG, "ada")]


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("push", {"ref": f"refs/tags/{TAG}", "deleted": True}),
        ("push", {"ref": "refs/heads/main"}),
        ("push", {"ref": f"refs/heads/refs/tags/{TAG}"}),
        ("push", {"ref": "refs/tags/"}),
        ("push", {"ref": ["refs/tags/x"]}),
        ("create", {"ref": "main", "ref_type": "branch"}),
        ("create", {"ref": None, "ref_type": "tag"}),
        ("create", {"ref": "x" * 256, "ref_type": "tag"}),
        ("delete", {"ref": TAG, "ref_type": "tag"}),
        ("release", {**PUBLISHED, "action": "created"}),
        ("release", {**PUBLISHED, "action": "unpublished"}),
        ("release", {**PUBLISHED, "action": "deleted"}),
        ("release", {"action": "published", "release": "text"}),
        ("release", {**PUBLISHED, "repository": {"html_url": "https://["}}),
        ("ping", {"ref": TAG, "ref_type": "tag"}),
    ],
)
def test_what_makes_no_tag_tells_of_none(event: str, payload: dict[str, Any]) -> None:
    assert _tags(event, payload) == []


@pytest.mark.parametrize(
    ("sender", "user"),
    [
        ({"login": "dependabot[bot]"}, "dependabot[bot]"),
        ({"login": "a_b-c.d"}, "a_b-c.d"),
        ({"login": "@ada"}, ""),
        ({"login": "ada\n### merged"}, ""),
        ({"login": "[x](https://evil.example.org)"}, ""),
        ({"login": "a" * 102}, ""),
        ({"login": 7}, ""),
        ("ada", ""),
        (None, ""),
    ],
)
def test_a_name_no_forge_has_is_not_repeated(sender: object, user: str) -> None:
    (told,) = _tags("create", {"ref": TAG, "ref_type": "tag", "sender": sender})
    assert told.user == user


@pytest.mark.parametrize(
    ("repository", "is_near", "is_certain"),
    [
        (URL, True, True),
        ("https://git.example.org/Album/App.git", True, True),
        ("ssh://git@git.example.org/album/app", True, True),
        ("http://gitea.gitea:3000/album/app", True, False),
        ("https://git.example.org/forge/album/app", True, False),
        ("https://git.example.org/ada/app", False, False),
        ("https://git.example.org/album/app-config", False, False),
        ("https://github.com/album/app", True, False),
    ],
)
def test_who_asked_is_believed_of_the_very_repository_and_a_look_is_worth_its_path(
    repository: str, is_near: bool, is_certain: bool
) -> None:
    notice = TagNotice(ForgeType.GITEA, URL, TAG)
    assert (notice.key == repository_key(repository)) is is_near
    assert notice.is_of(repository) is is_certain


def test_an_admin_tells_by_which_name_a_forge_is_reached() -> None:
    aliases = HostAliases({"gitea.gitea:3000": "git.example.org"})
    notice = TagNotice(ForgeType.GITEA, URL, TAG)
    assert notice.is_of("http://gitea.gitea:3000/album/app", aliases)
