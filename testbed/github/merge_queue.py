"""The merge queue of a branch: who waits in it, and where."""

from __future__ import annotations

from testbed.github import rules, webhooks
from testbed.github.accounts import User
from testbed.github.errors import RefusedError
from testbed.github.model import PullRequest, QueueEntry
from testbed.github.world import World


def enqueue_pull(world: World, pull: PullRequest, by: User) -> QueueEntry:
    """Put a pull request at the end of its base branch's merge queue.

    Raises:
        RefusedError: The branch has no queue, or the pull request may not be merged.
    """
    if not rules.find_protection(pull).has_queue:
        raise RefusedError("Pull request does not have a merge queue")
    if find_queue_entry(pull) is not None:
        raise RefusedError("Pull request is already in the queue")
    if rules.decide_merge_state(pull) not in ("CLEAN", "UNSTABLE"):
        unmet = rules.find_unmet_requirements(pull)
        raise RefusedError(unmet[0] if unmet else "Pull request is not mergeable")
    entry = QueueEntry(world.new_id(), pull, by, world.clock.now())
    pull.repository.queues.setdefault(pull.base_ref, []).append(entry)
    pull.auto_merge = None
    webhooks.record_pull(world, pull, "enqueued", by)
    return entry


def find_queue_entry(pull: PullRequest) -> QueueEntry | None:
    """Find the place of a pull request in the queue of its base branch."""
    queue = pull.repository.queues.get(pull.base_ref, ())
    return next((entry for entry in queue if entry.pull is pull), None)


def leave_queue(pull: PullRequest) -> None:
    """Take a pull request out of the queue, if it is in it."""
    queue = pull.repository.queues.get(pull.base_ref, [])
    queue[:] = [entry for entry in queue if entry.pull is not pull]
