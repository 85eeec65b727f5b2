"""What GitHub does by itself after a push, a review or a check."""

from __future__ import annotations

import contextlib

from testbed.github import lifecycle, merge_queue, merging, rules, webhooks
from testbed.github.accounts import User
from testbed.github.errors import RefusedError
from testbed.github.model import MergeMethod, Protection, PullRequest, Repository
from testbed.github.world import World

QUEUE_BOT = "github-merge-queue[bot]"


def follow_git(world: World, repository: Repository, by: User) -> None:
    """Do what GitHub does after pushes, reviews and checks, until nothing is left to do.

    Args:
        world: everything.
        repository: where something may have changed.
        by: who is named where git does not tell who it was.
    """
    while True:
        touched = [each for each in _find_touched(world, repository) if each.state == "open"]
        ends = {end for pull in touched for end in (pull.repository, pull.head_repository) if end}
        for end in {repository, *ends}:
            _look_at_refs(world, end, by)
        for pull in touched:
            _follow_branches(world, pull, by)
            if pull.state == "open" and pull.auto_merge is not None:
                _try_auto_merge(world, pull)
        if all(pull.state == "open" for pull in touched):
            return


def _look_at_refs(world: World, repository: Repository, by: User) -> None:
    git = repository.git
    before, repository.heads = repository.heads, git.find_heads()
    tags, repository.tags = repository.tags, git.find_tags()
    looked = (("refs/heads/", before, repository.heads), ("refs/tags/", tags, repository.tags))
    for folder, earlier, now in looked:
        for name in sorted(earlier.keys() | now.keys()):
            old, new = earlier.get(name), now.get(name)
            if old != new:
                webhooks.record_push(world, repository, f"{folder}{name}", old, new, by)


def _find_touched(world: World, repository: Repository) -> list[PullRequest]:
    """Find the pull requests into and out of a repository."""
    return [
        pull
        for other in world.repositories.values()
        for pull in other.pulls.values()
        if repository in (other, pull.head_repository)
    ]


def _follow_branches(world: World, pull: PullRequest, by: User) -> None:
    source = pull.head_repository
    head = pull.head_sha if source is None else source.heads.get(pull.head_ref)
    base = pull.repository.heads.get(pull.base_ref)
    git = pull.repository.git
    if base is not None and pull.head_sha in git.list_commits(pull.base_sha, base):
        # Somebody pushed the merge; GitHub counts that.
        pull.base_sha = base
        lifecycle.end_merged(world, pull, _find_merge(pull, base), by)
        return
    if head is None or base is None:
        lifecycle.close_pull(world, pull, by)
        return
    pull.base_sha = base
    if head != pull.head_sha:
        assert source is not None  # noqa: S101 - a head without a repository does not move
        before, pull.head_sha = pull.head_sha, head
        lifecycle.take_head(pull.repository, source, head, pull.number)
        pull.updated_at = world.clock.now()
        webhooks.record_pull(world, pull, "synchronize", by, before=before, after=head)
        if git.is_ancestor(head, base):
            lifecycle.close_pull(world, pull, by)


def _find_merge(pull: PullRequest, base: str) -> str:
    """Find the commit of the base branch that brought the head in."""
    git = pull.repository.git
    listed = git.run("rev-list", "--first-parent", "--ancestry-path", f"{pull.head_sha}..{base}")
    own = git.run("rev-list", "--first-parent", base).splitlines()
    return pull.head_sha if pull.head_sha in own else listed.splitlines()[-1]


def _try_auto_merge(world: World, pull: PullRequest) -> None:
    assert pull.auto_merge is not None  # noqa: S101 - asked by the caller
    merging.try_merge(world, pull)
    if rules.decide_merge_state(pull) not in ("CLEAN", "UNSTABLE"):
        return
    wish = pull.auto_merge
    if rules.find_protection(pull).has_queue:
        merge_queue.enqueue_pull(world, pull, wish.enabled_by)
        return
    try:
        lifecycle.merge_pull(
            world, pull, wish.method, wish.enabled_by, title=wish.title, message=wish.message
        )
    except RefusedError:
        pull.auto_merge = None
        webhooks.record_pull(world, pull, "auto_merge_disabled", wish.enabled_by)


def merge_next(world: World, repository: Repository, branch: str) -> bool:
    """Merge what is first in a queue, or let it leave; tell whether there was anything."""
    bot = world.get_user(QUEUE_BOT)
    protection = repository.find_protection(branch) or Protection()
    follow_git(world, repository, bot)
    if not repository.queues.get(branch):
        return False
    _merge_from_queue(world, repository.queues[branch][0].pull, protection.queue_method, bot)
    follow_git(world, repository, bot)
    return True


def _merge_from_queue(world: World, pull: PullRequest, method: MergeMethod, bot: User) -> None:
    merging.try_merge(world, pull)
    if rules.decide_merge_state(pull) in ("CLEAN", "UNSTABLE"):
        with contextlib.suppress(RefusedError):
            lifecycle.merge_pull(world, pull, method, bot)
            return
    merge_queue.leave_queue(pull)
    webhooks.record_pull(world, pull, "dequeued", bot)
