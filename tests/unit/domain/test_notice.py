"""Which pull requests a notice concerns."""

import pytest

from album_operator.domain.notice import ImageNotice, Notice

URL, BRANCH = "https://git.example.org/album/config", "release/backend_v1.1.0"


@pytest.mark.parametrize(
    ("number", "branch", "concerns"),
    [
        (7, BRANCH, True),
        (7, "another", True),
        (8, BRANCH, True),
        (7, None, True),
        (None, BRANCH, True),
        (None, None, True),
        (8, "another", False),
        (8, None, False),
        (None, "another", False),
    ],
)
def test_it_names_a_pull_request_by_number_or_branch_or_everything(
    number: int | None, branch: str | None, concerns: bool
) -> None:
    assert Notice(URL, number, branch).concerns(URL, 7, BRANCH) is concerns


def test_what_is_not_known_of_a_pull_request_is_not_the_same_as_what_a_notice_leaves_out() -> None:
    assert not Notice(URL, 7, None).concerns(URL, None, None)
    assert not Notice(URL, None, BRANCH).concerns(URL, 7, None)


@pytest.mark.parametrize(
    ("repository", "concerns"),
    [
        ("https://GIT.Example.org:443/album/config.git/", True),
        ("ssh://git@git.example.org:2222/album/config", True),
        ("git@git.example.org:album/config.git", True),
        ("https://git.example.org/Album/config", False),
        ("https://git.example.org/album/config2", False),
        ("https://git.example.org:3000/album/config", False),
        ("http://git.example.org/album/config", False),
    ],
)
def test_a_repository_is_known_by_any_of_its_urls(repository: str, concerns: bool) -> None:
    assert Notice(URL, 7, BRANCH).concerns(repository, 7, BRANCH) is concerns


@pytest.mark.parametrize(
    ("page", "concerns"),
    [
        (f"{URL}/pulls/7", True),
        (f"{URL}/pull/7", True),
        (f"{URL}/-/merge_requests/7", True),
        (f"{URL}2/pulls/7", False),
        ("https://git.example.org/album/another/pulls/7", False),
        ("http://gitea.gitea.svc:3000/album/config/pulls/7", False),
    ],
)
def test_a_pull_request_lies_below_its_repository(page: str, concerns: bool) -> None:
    assert Notice(URL, 7, None).concerns(page, 7, BRANCH) is concerns


@pytest.mark.parametrize(
    ("notice", "image", "is_concerned"),
    [
        (ImageNotice("owner/app", "v1"), "ghcr.io/owner/app:v1", True),
        (ImageNotice("Owner/App", "v1"), "ghcr.io/owner/app:v1", True),
        (ImageNotice("owner/app"), "registry.local:5000/owner/app:v1", True),
        (ImageNotice("library/app", "v1"), "app:v1", True),
        (ImageNotice("owner/app", "v2"), "ghcr.io/owner/app:v1", False),
        (ImageNotice("owner/app-backend", "v1"), "ghcr.io/owner/app:v1", False),
        (ImageNotice("app", "v1"), "ghcr.io/owner/app:v1", False),
    ],
)
def test_a_push_concerns_the_image_of_its_path_and_tag_in_whichever_registry(
    notice: ImageNotice, image: str, is_concerned: bool
) -> None:
    assert notice.concerns(image) is is_concerned
