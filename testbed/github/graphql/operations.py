"""The queries and mutations that are there, each within what its caller may do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphql import GraphQLError

from testbed.github import access, following, merge_queue, merging, rules, webhooks
from testbed.github.access import Caller, Need
from testbed.github.errors import ApiError, RefusedError
from testbed.github.graphql.views import (
    Node,
    view_actor,
    view_pull,
    view_queue_entry,
    view_repository,
)
from testbed.github.limits import Window
from testbed.github.model import AutoMerge, MergeMethod, PullRequest, Repository
from testbed.github.render.people import render_time
from testbed.github.world import World

_READ = Need({"pull_requests": "read"})
_MERGE = Need({"contents": "write"}, role="write", is_write=True)
_METHODS: Mapping[str, MergeMethod] = {"MERGE": "merge", "SQUASH": "squash", "REBASE": "rebase"}
_NOT_ALLOWED = {
    "merge": "Merge method merge commits are not allowed on this repository",
    "squash": "Merge method squash merging is not allowed on this repository",
    "rebase": "Merge method rebase merging is not allowed on this repository",
}


class Operations:
    """What one request may ask and do.

    Args:
        world: everything.
        caller: who asks.
        window: of the caller's rate limit.
    """

    def __init__(self, world: World, caller: Caller, window: Window) -> None:
        self._world = world
        self._caller = caller
        self._window = window

    def find_roots(self) -> dict[str, Callable[..., object]]:
        """Give the fields of `Query` and `Mutation`."""
        return {
            "repository": self._find_repository,
            "node": self._find_node,
            "nodes": self._find_nodes,
            "viewer": lambda: view_actor(self._world, self._caller.user),
            "rateLimit": self._find_rate_limit,
            "enablePullRequestAutoMerge": self._enable_auto_merge,
            "disablePullRequestAutoMerge": self._disable_auto_merge,
            "enqueuePullRequest": self._enqueue,
            "dequeuePullRequest": self._dequeue,
        }

    def _find_repository(self, owner: str, name: str, **_: object) -> Node:
        repository = self._world.find_repository(f"{owner}/{name}")
        missing = f"Could not resolve to a Repository with the name '{owner}/{name}'."
        if repository is None:
            raise refuse(missing, "NOT_FOUND")
        self._check(repository, _READ, missing)
        return view_repository(self._world, repository, self._caller.user)

    def _find_node(self, id: str) -> Node:  # noqa: A002 - the schema's own
        return view_pull(self._world, self._get_pull(id, _READ), self._caller.user)

    def _find_nodes(self, ids: list[str]) -> list[Node | GraphQLError]:
        found: list[Node | GraphQLError] = []
        for each in ids:
            try:
                found.append(self._find_node(each))
            except GraphQLError as error:
                # One that is missing leaves the others.
                found.append(error)
        return found

    def _find_rate_limit(self, **_: object) -> Node:
        return {
            "cost": 1,
            "limit": self._window.limit,
            "remaining": self._window.remaining,
            "used": self._window.used,
            "resetAt": render_time(self._window.reset),
            "nodeCount": 0,
        }

    def _enable_auto_merge(self, input: Mapping[str, Any]) -> Node:  # noqa: A002 - the schema's own
        pull = self._get_pull(input["pullRequestId"], _MERGE)
        method = _METHODS[input.get("mergeMethod", "MERGE")]
        refusal = self._find_refusal(pull, method, input.get("expectedHeadOid"))
        if refusal is not None:
            raise refuse(refusal)
        by = self._caller.require_user()
        pull.auto_merge = AutoMerge(
            by,
            method,
            self._world.clock.now(),
            input.get("commitHeadline"),
            input.get("commitBody"),
        )
        webhooks.record_pull(self._world, pull, "auto_merge_enabled", by)
        return self._view_change(pull, input)

    def _find_refusal(
        self, pull: PullRequest, method: MergeMethod, expected: str | None
    ) -> str | None:
        if not pull.repository.allow_auto_merge:
            return "Auto merge is not allowed for this repository"
        if pull.state == "closed" or pull.is_draft:
            return "Pull request is not in the correct state to enable auto-merge"
        if not pull.repository.allows(method):
            return _NOT_ALLOWED[method]
        if expected is not None and expected != pull.head_sha:
            return "Head branch was modified. Review and try the merge again."
        merging.try_merge(self._world, pull)
        state = rules.decide_merge_state(pull)
        if state in ("CLEAN", "UNSTABLE", "DIRTY"):
            return f"Pull request is in {state.lower()} status"
        return None

    def _disable_auto_merge(self, input: Mapping[str, Any]) -> Node:  # noqa: A002 - the schema's own
        pull = self._get_pull(input["pullRequestId"], _MERGE)
        if pull.auto_merge is None:
            raise refuse("Can't disable auto-merge for this pull request.")
        pull.auto_merge = None
        by = self._caller.require_user()
        webhooks.record_pull(self._world, pull, "auto_merge_disabled", by)
        return self._view_change(pull, input)

    def _enqueue(self, input: Mapping[str, Any]) -> Node:  # noqa: A002 - the schema's own
        pull = self._get_pull(input["pullRequestId"], _MERGE)
        expected = input.get("expectedHeadOid")
        if expected is not None and expected != pull.head_sha:
            raise refuse("Head branch was modified. Review and try the merge again.")
        merging.try_merge(self._world, pull)
        try:
            entry = merge_queue.enqueue_pull(self._world, pull, self._caller.require_user())
        except RefusedError as error:
            raise refuse(str(error)) from error
        return {
            "clientMutationId": input.get("clientMutationId"),
            "mergeQueueEntry": view_queue_entry(self._world, entry),
        }

    def _dequeue(self, input: Mapping[str, Any]) -> Node:  # noqa: A002 - the schema's own
        pull = self._get_pull(input["id"], _MERGE)
        if merge_queue.find_queue_entry(pull) is None:
            raise refuse("Pull request is not in the queue")
        merge_queue.leave_queue(pull)
        webhooks.record_pull(self._world, pull, "dequeued", self._caller.require_user())
        return {"clientMutationId": input.get("clientMutationId"), "mergeQueueEntry": None}

    def _view_change(self, pull: PullRequest, wish: Mapping[str, Any]) -> Node:
        return {
            "actor": view_actor(self._world, self._caller.user),
            "clientMutationId": wish.get("clientMutationId"),
            "pullRequest": view_pull(self._world, pull, self._caller.user),
        }

    def _get_pull(self, node_id: str, need: Need) -> PullRequest:
        missing = f"Could not resolve to a node with the global id of '{node_id}'"
        pull = self._world.find_pull(node_id)
        if pull is None:
            raise refuse(missing, "NOT_FOUND")
        self._check(pull.repository, need, missing)
        return pull

    def _check(self, repository: Repository, need: Need, missing: str) -> None:
        try:
            access.check(self._caller, repository, need)
        except ApiError as error:
            is_hidden = error.status == 404
            if is_hidden and access.can_see(self._caller, repository):
                who = self._caller.require_user().login
                raise refuse(f"{who} does not have the correct permissions", "FORBIDDEN") from error
            message, kind = (missing, "NOT_FOUND") if is_hidden else (error.message, "FORBIDDEN")
            raise refuse(message, kind) from error
        by = self._caller.user or repository.owner
        following.follow_git(self._world, repository, by)


def refuse(message: str, kind: str = "UNPROCESSABLE") -> GraphQLError:
    """Make an error as GitHub types it."""
    return GraphQLError(message, extensions={"type": kind})
