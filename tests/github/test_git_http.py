"""Git over HTTP."""

from pathlib import Path

import pytest

from testbed.github.model import Protection
from tests.contract.http_backend import commit
from tests.contract.plain_git import git
from tests.github.conftest import HEAD, NAME, Desk


def address(desk: Desk, token: str | None, name: str = NAME) -> str:
    user = "" if token is None else f"x-access-token:{token}@"
    return f"http://{user}{desk.server.host}/{name}.git"


@pytest.fixture
def clone(desk: Desk, tmp_path: Path) -> Path:
    path = tmp_path / "clone.git"
    git(path, "clone", "--quiet", "--bare", address(desk, desk.owner_token), str(path))
    return path


def push(desk: Desk, clone: Path, token: str | None, branch: str = "new", name: str = NAME) -> None:
    commit(clone, branch, {"pushed": b"x\n"})
    git(clone, "-c", "credential.helper=", "push", address(desk, token, name), branch)


def test_what_is_pushed_is_there(desk: Desk, clone: Path) -> None:
    push(desk, clone, desk.mate_token)
    ref = desk.repository().get_git_ref("heads/new")
    assert ref.object.sha == git(clone, "rev-parse", "new")


def test_a_push_to_the_head_of_a_pull_request_is_seen_at_once(desk: Desk, clone: Path) -> None:
    desk.open_pull()
    push(desk, clone, desk.mate_token, HEAD)
    event = desk.server.events[-1].payload
    assert (event["action"], event["sender"]["login"]) == ("synchronize", "mate")


def test_a_public_repository_is_read_by_all_and_written_by_some(desk: Desk, clone: Path) -> None:
    assert HEAD in git(clone, "ls-remote", address(desk, None))
    with pytest.raises(AssertionError, match="could not read Username"):
        push(desk, clone, None)
    desk.server.make_user("guest")
    with pytest.raises(AssertionError, match=r"Permission to octo/config.git denied to guest|403"):
        push(desk, clone, desk.server.make_token("guest"))


def test_a_wrong_token_is_refused(desk: Desk, clone: Path) -> None:
    desk.server.configure(NAME, private=True)
    with pytest.raises(AssertionError, match="Authentication failed"):
        git(clone, "ls-remote", address(desk, "ghp_wrong"))


def test_a_private_repository_is_not_there_for_others(desk: Desk, clone: Path) -> None:
    desk.server.configure(NAME, private=True)
    desk.server.make_user("guest")
    with pytest.raises(AssertionError, match="not found"):
        git(clone, "ls-remote", address(desk, desk.server.make_token("guest")))
    assert HEAD in git(clone, "ls-remote", address(desk, desk.owner_token))


def test_a_token_needs_contents_to_push(desk: Desk, clone: Path) -> None:
    token = desk.server.make_fine_grained_token("octo", {"contents": "read"})
    assert HEAD in git(clone, "ls-remote", address(desk, token))
    with pytest.raises(AssertionError, match=r"403|denied"):
        push(desk, clone, token)


def test_a_protected_branch_is_not_pushed_to(desk: Desk, clone: Path) -> None:
    desk.server.protect_branch(NAME, "main", Protection(approvals=1))
    with pytest.raises(AssertionError, match=r"GH006: Protected branch update failed"):
        push(desk, clone, desk.owner_token, "main")
    push(desk, clone, desk.owner_token, "new")


def test_a_pattern_protects_all_branches_that_fit(desk: Desk, clone: Path) -> None:
    desk.server.protect_branch(NAME, "release/*", Protection())
    with pytest.raises(AssertionError, match=r"GH006: Protected branch update failed"):
        push(desk, clone, desk.owner_token, HEAD)
    push(desk, clone, desk.owner_token, "other")
    desk.server.protect_branch(NAME, "release/*", None)
    push(desk, clone, desk.owner_token, HEAD)


def test_an_archived_repository_is_not_pushed_to(desk: Desk, clone: Path) -> None:
    desk.server.configure(NAME, archived=True)
    with pytest.raises(AssertionError, match=r"archived|403"):
        push(desk, clone, desk.owner_token)


def test_an_old_name_redirects(desk: Desk, clone: Path) -> None:
    desk.server.rename_repository(NAME, "settings")
    assert HEAD in git(clone, "ls-remote", address(desk, desk.owner_token))


def test_parts_of_a_repository_can_be_fetched(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "part.git"
    options = ("--quiet", "--bare", "--depth=1", "--filter=blob:none")
    git(path, "clone", *options, address(desk, desk.owner_token), str(path))
    assert git(path, "rev-list", "--count", "HEAD") == "1"
