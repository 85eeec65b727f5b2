"""Test merges and the three ways to merge, made of trees and commits without a work tree."""

from __future__ import annotations

from testbed.github.accounts import User
from testbed.github.git import Signature
from testbed.github.model import MergeMethod, PullRequest
from testbed.github.world import World

GITHUB = "GitHub"
GITHUB_EMAIL = "noreply@github.com"


class ConflictError(Exception):
    """Head and base change the same lines."""


def try_merge(world: World, pull: PullRequest) -> None:
    """Find out whether head and base can be merged; `merge_commit` is then such a merge."""
    if pull.tested == (pull.head_sha, pull.base_sha):
        return
    pull.tested = (pull.head_sha, pull.base_sha)
    git = pull.repository.git
    tree = git.merge_trees(pull.base_sha, pull.head_sha)
    pull.is_mergeable = tree is not None
    pull.merge_commit = None
    if tree is not None:
        pull.merge_commit = git.make_commit(
            tree,
            (pull.base_sha, pull.head_sha),
            f"Merge {pull.head_sha} into {pull.base_sha}",
            _sign(world, pull.user),
            _sign_github(world),
        )
        git.update_ref(f"refs/pull/{pull.number}/merge", pull.merge_commit)


def make_merge(
    world: World,
    pull: PullRequest,
    method: MergeMethod,
    by: User,
    *,
    title: str | None = None,
    message: str | None = None,
) -> str:
    """Make what a pull request's base becomes by merging it; no ref is moved.

    Raises:
        ConflictError: It cannot be merged that way.
    """
    if method == "rebase":
        return _rebase(world, pull, by)
    git = pull.repository.git
    tree = git.merge_trees(pull.base_sha, pull.head_sha)
    if tree is None:
        raise ConflictError
    if method == "merge":
        parents: tuple[str, ...] = (pull.base_sha, pull.head_sha)
        source = f"{pull.head_owner.login}/{pull.head_ref}"
        headline = title or f"Merge pull request #{pull.number} from {source}"
        body = message if message is not None else pull.title
    else:
        parents = (pull.base_sha,)
        headline = title or f"{_squash_title(pull)} (#{pull.number})"
        body = message if message is not None else _squash_message(pull)
    text = f"{headline}\n\n{body}" if body else headline
    return git.make_commit(tree, parents, text, _sign(world, by), _sign_github(world))


def _rebase(world: World, pull: PullRequest, by: User) -> str:
    """Make the head's commits anew on the base; also where they already are on it."""
    git = pull.repository.git
    onto = pull.base_sha
    for sha in git.list_commits(pull.base_sha, pull.head_sha):
        commit = git.read_commit(sha)
        if len(commit.parents) > 1:
            raise ConflictError
        # Both sides are given the commit's own parent as their merge base: that is a cherry-pick.
        ours = git.make_commit(
            git.read_commit(onto).tree,
            commit.parents,
            "",
            _sign_github(world),
            _sign_github(world),
        )
        tree = git.merge_trees(ours, sha)
        if tree is None:
            raise ConflictError
        onto = git.make_commit(tree, (onto,), commit.message, commit.author, _sign(world, by))
    return onto


def _squash_title(pull: PullRequest) -> str:
    git = pull.repository.git
    commits = git.list_commits(pull.base_sha, pull.head_sha)
    if len(commits) == 1:
        return git.read_commit(commits[0]).message.split("\n", 1)[0]
    return pull.title


def _squash_message(pull: PullRequest) -> str:
    git = pull.repository.git
    messages = [
        git.read_commit(sha).message for sha in git.list_commits(pull.base_sha, pull.head_sha)
    ]
    if len(messages) == 1:
        return messages[0].partition("\n")[2].strip()
    return "\n\n".join(f"* {message}" for message in messages)


def _sign(world: World, user: User) -> Signature:
    return Signature(user.name or user.login, user.email, world.clock.now())


def _sign_github(world: World) -> Signature:
    return Signature(GITHUB, GITHUB_EMAIL, world.clock.now())
