"""The life of a pull request: opened, followed through pushes, merged, closed."""

from __future__ import annotations

from testbed.github import merge_queue, merging, rules, webhooks
from testbed.github.accounts import User
from testbed.github.errors import RefusedError
from testbed.github.git import GitError
from testbed.github.model import (
    MergeMethod,
    PullRequest,
    Repository,
    Review,
    ReviewState,
    Role,
)
from testbed.github.world import World

WRITERS: tuple[Role, ...] = ("write", "maintain", "admin")

_METHOD_NAMES = {"merge": "Merge commits", "squash": "Squash merges", "rebase": "Rebase merges"}


def open_pull(
    world: World,
    repository: Repository,
    head: Repository,
    head_ref: str,
    base_ref: str,
    by: User,
    *,
    title: str,
    body: str | None,
    is_draft: bool = False,
    maintainer_can_modify: bool = False,
) -> PullRequest:
    """Open a pull request between branches that exist.

    Raises:
        RefusedError: The head has nothing that the base has not.
    """
    now = world.clock.now()
    number = len(repository.pulls) + 1
    tip, base = head.git.find_heads()[head_ref], repository.git.find_heads()[base_ref]
    take_head(repository, head, tip, number)
    if repository.git.is_ancestor(tip, base):
        raise RefusedError(f"No commits between {base_ref} and {head_ref}")
    pull = PullRequest(
        id=world.new_id(),
        number=number,
        repository=repository,
        title=title,
        body=body,
        user=by,
        head_owner=head.owner,
        head_repository=head,
        head_ref=head_ref,
        head_sha=tip,
        base_ref=base_ref,
        base_sha=base,
        created_at=now,
        updated_at=now,
        is_draft=is_draft,
        maintainer_can_modify=maintainer_can_modify,
    )
    repository.pulls[number] = pull
    webhooks.record_pull(world, pull, "opened", by)
    return pull


def close_pull(world: World, pull: PullRequest, by: User) -> None:
    """Close a pull request without a merge."""
    pull.state = "closed"
    pull.closed_at = pull.updated_at = world.clock.now()
    pull.closed_by = by
    pull.auto_merge = None
    merge_queue.leave_queue(pull)
    webhooks.record_pull(world, pull, "closed", by)


def reopen_pull(world: World, pull: PullRequest, by: User) -> None:
    """Open a closed pull request again.

    Raises:
        RefusedError: It was merged, a branch is gone, or the head's does not go on from where it
            was when the pull request was closed.
    """
    if pull.is_merged:
        raise RefusedError("state cannot be changed. The pull request cannot be reopened.")
    for repository, ref in (
        (pull.head_repository, pull.head_ref),
        (pull.repository, pull.base_ref),
    ):
        if repository is None:
            raise RefusedError(
                "state cannot be changed. The repository that submitted this "
                "pull request has been deleted."
            )
        if ref not in repository.git.find_heads():
            raise RefusedError(f"state cannot be changed. The {ref} branch was deleted.")
    if not _goes_on(pull):
        raise RefusedError(
            f"state cannot be changed. The {pull.head_ref} branch was force-pushed or recreated."
        )
    pull.state = "open"
    pull.closed_at = pull.closed_by = None
    pull.updated_at = world.clock.now()
    webhooks.record_pull(world, pull, "reopened", by)


def _goes_on(pull: PullRequest) -> bool:
    head, source = pull.head_sha, pull.head_repository
    assert source is not None  # noqa: S101 - asked by the caller
    tip = source.git.find_heads()[pull.head_ref]
    return tip == head or (source is pull.repository and source.git.is_ancestor(head, tip))


def retarget_pull(world: World, pull: PullRequest, base_ref: str, by: User) -> None:
    """Let a pull request go into another branch.

    Auto-merge outlives that where somebody does it who may write ("Automatically merging a pull
    request").

    Raises:
        RefusedError: It is closed, or there is no such branch.
    """
    if pull.state == "closed":
        raise RefusedError("Cannot change the base branch of a closed pull request.")
    heads = pull.repository.git.find_heads()
    if base_ref not in heads:
        raise RefusedError(f"Proposed base branch '{base_ref}' was not found")
    changes = {"ref": {"from": pull.base_ref}, "sha": {"from": pull.base_sha}}
    merge_queue.leave_queue(pull)
    if pull.repository.find_role(by) not in WRITERS:
        pull.auto_merge = None
    pull.base_ref, pull.base_sha = base_ref, heads[base_ref]
    pull.updated_at = world.clock.now()
    webhooks.record_pull(world, pull, "edited", by, changes={"base": changes})


def review_pull(
    world: World, pull: PullRequest, by: User, state: ReviewState, body: str = ""
) -> Review:
    """Submit a review of the present head."""
    now = world.clock.now()
    review = Review(world.new_id(), by, state, body, pull.head_sha, now)
    pull.reviews.append(review)
    pull.requested_reviewers = [each for each in pull.requested_reviewers if each is not by]
    pull.updated_at = now
    webhooks.record_review(world, pull, review)
    return review


def find_refusal(pull: PullRequest, method: MergeMethod) -> str | None:
    """Say in GitHub's words why a pull request is not merged now, or None where it may be."""
    if pull.state == "closed":
        return "Pull Request is not mergeable"
    if pull.is_draft:
        return "Pull Request is still a draft"
    if not pull.repository.allows(method):
        return f"{_METHOD_NAMES[method]} are not allowed on this repository."
    if not pull.is_mergeable:
        return "Pull Request is not mergeable"
    if rules.find_protection(pull).has_queue:
        return "Changes must be made through the merge queue"
    unmet = rules.find_unmet_requirements(pull)
    if unmet:
        return unmet[0]
    return "Head branch is out of date" if rules.is_behind(pull) else None


def merge_pull(
    world: World,
    pull: PullRequest,
    method: MergeMethod,
    by: User,
    *,
    title: str | None = None,
    message: str | None = None,
) -> str:
    """Merge a pull request that may be merged, and give the commit.

    Raises:
        RefusedError: It cannot be merged that way, or the base moved meanwhile.
    """
    try:
        commit = merging.make_merge(world, pull, method, by, title=title, message=message)
    except merging.ConflictError as error:
        raise RefusedError("Pull Request is not mergeable") from error
    git = pull.repository.git
    try:
        git.update_ref(f"refs/heads/{pull.base_ref}", commit, pull.base_sha)
    except GitError as error:
        raise RefusedError("Base branch was modified. Review and try the merge again.") from error
    end_merged(world, pull, commit, by)
    return commit


def end_merged(world: World, pull: PullRequest, commit: str, by: User) -> None:
    """Note that a pull request was merged, by a commit that is there."""
    pull.state = "closed"
    pull.merged_at = pull.closed_at = pull.updated_at = world.clock.now()
    pull.merged_by = pull.closed_by = by
    pull.merge_commit = commit
    pull.auto_merge = None
    merge_queue.leave_queue(pull)
    head = pull.head_repository
    if pull.repository.delete_branch_on_merge and head is pull.repository:
        head.git.delete_ref(f"refs/heads/{pull.head_ref}")
    webhooks.record_pull(world, pull, "closed", by)


def take_head(repository: Repository, source: Repository, head: str, number: int) -> None:
    """Keep a pull request's head where it outlives its branch."""
    if source is not repository:
        repository.git.fetch(source.git, head)
    repository.git.update_ref(f"refs/pull/{number}/head", head)
