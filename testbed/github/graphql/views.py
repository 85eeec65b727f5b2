"""Pull requests and what hangs on them as the nodes of GraphQL.

A node is a mapping from the schema's field names to values; a callable is given the arguments.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from testbed.github import merge_queue, merging, rules
from testbed.github.accounts import User, node_id
from testbed.github.model import (
    CheckRun,
    Deployment,
    Label,
    PullRequest,
    QueueEntry,
    Repository,
    Review,
    Status,
)
from testbed.github.render.people import render_time
from testbed.github.render.pulls import associate, pull_page
from testbed.github.render.repositories import html_url
from testbed.github.world import World

Node = dict[str, Any]

_ROLES = {
    "read": "READ",
    "triage": "TRIAGE",
    "write": "WRITE",
    "maintain": "MAINTAIN",
    "admin": "ADMIN",
}


def view_actor(world: World, user: User | None) -> Node | None:
    """View an account where it did something."""
    if user is None:
        return None
    # Bots have no brackets here.
    login = user.login.removesuffix("[bot]")
    return {
        "__typename": user.kind,
        "id": node_id("U", user.id),
        "login": login,
        "url": f"{world.url}/{login}",
        "resourcePath": f"/{login}",
        "avatarUrl": lambda **_: f"{world.url}/avatars/u/{user.id}",
    }


def view_repository(world: World, repository: Repository, viewer: User | None) -> Node:
    """View a repository."""

    def find_pull(number: int) -> Node | None:
        pull = repository.pulls.get(number)
        return None if pull is None else view_pull(world, pull, viewer)

    def list_pulls(**arguments: Any) -> Node:  # noqa: ANN401 - the schema's own
        states = arguments.pop("states", None)
        found = [
            pull for pull in repository.pulls.values() if states is None or _state(pull) in states
        ]
        return connect(found, arguments, lambda pull: view_pull(world, pull, viewer))

    def find_object(oid: str) -> Node | None:
        return _view_commit(world, repository, repository.git.find_commit(oid))

    role = repository.find_role(viewer)
    return {
        "__typename": "Repository",
        "id": repository.node_id,
        "databaseId": repository.id,
        "name": repository.name,
        "nameWithOwner": repository.full_name,
        "owner": view_actor(world, repository.owner),
        "url": html_url(world, repository),
        "isArchived": repository.archived,
        "isPrivate": repository.private,
        "autoMergeAllowed": repository.allow_auto_merge,
        "mergeCommitAllowed": repository.allow_merge_commit,
        "squashMergeAllowed": repository.allow_squash_merge,
        "rebaseMergeAllowed": repository.allow_rebase_merge,
        "deleteBranchOnMerge": repository.delete_branch_on_merge,
        "viewerPermission": None if role is None else _ROLES[role],
        "object": find_object,
        "deployments": lambda **page: _list_deployments(repository.deployments, page),
        "pullRequest": find_pull,
        "pullRequests": list_pulls,
    }


def view_pull(world: World, pull: PullRequest, viewer: User | None) -> Node:
    """View a pull request; whether it can be merged is found out after the first look."""
    state = "UNKNOWN" if pull.is_merged else rules.decide_merge_state(pull)
    is_known = pull.state == "open" and state != "UNKNOWN"
    merging_result = "MERGEABLE" if pull.is_mergeable else "CONFLICTING"
    if pull.state == "open":
        merging.try_merge(world, pull)
    entry = merge_queue.find_queue_entry(pull)
    head = pull.head_repository
    has_head = head is not None and pull.head_ref in head.heads
    protection = pull.repository.protections.get(pull.base_ref)
    rule = protection and {"requiredStatusCheckContexts": list(protection.checks)}
    opinions = rules.find_latest_reviews(pull)

    def reviews_of(found: Sequence[Review]) -> Callable[..., Node]:
        return lambda **page: connect(found, page, lambda each: _view_review(world, pull, each))

    return {
        "__typename": "PullRequest",
        "id": pull.node_id,
        "databaseId": pull.id,
        "number": pull.number,
        "title": pull.title,
        "body": pull.body or "",
        "url": pull_page(world, pull),
        "state": _state(pull),
        "closed": pull.state == "closed",
        "closedAt": render_time(pull.closed_at),
        "createdAt": render_time(pull.created_at),
        "updatedAt": render_time(pull.updated_at),
        "merged": pull.is_merged,
        "mergedAt": render_time(pull.merged_at),
        "mergedBy": view_actor(world, pull.merged_by),
        "mergeCommit": _view_commit(world, pull.repository, pull.merge_commit)
        if pull.is_merged
        else None,
        "author": view_actor(world, pull.user),
        "isDraft": pull.is_draft,
        "isCrossRepository": head is not pull.repository,
        "headRefOid": pull.head_sha,
        "headRefName": pull.head_ref,
        "headRef": {"__typename": "Ref", "name": pull.head_ref} if has_head else None,
        "headRepository": head and view_repository(world, head, viewer),
        "headRepositoryOwner": view_actor(world, pull.head_owner),
        "baseRef": {"__typename": "Ref", "name": pull.base_ref, "refUpdateRule": rule},
        "baseRefName": pull.base_ref,
        "baseRefOid": pull.base_sha,
        "repository": lambda: view_repository(world, pull.repository, viewer),
        "mergeable": merging_result if is_known else "UNKNOWN",
        "mergeStateStatus": state,
        "reviewDecision": rules.decide_review(pull),
        "autoMergeRequest": _view_auto_merge(world, pull),
        "isInMergeQueue": entry is not None,
        "isMergeQueueEnabled": rules.find_protection(pull).has_queue,
        "mergeQueueEntry": view_queue_entry(world, entry),
        "commits": lambda **page: connect(
            pull.repository.git.list_commits(pull.base_sha, pull.head_sha) or [pull.head_sha],
            page,
            lambda sha: {"commit": _view_commit(world, pull.repository, sha)},
        ),
        "statusCheckRollup": _view_rollup(world, pull.repository, pull.head_sha),
        "reviews": reviews_of(pull.reviews),
        "latestReviews": reviews_of(opinions),
        "latestOpinionatedReviews": reviews_of(opinions),
        **_view_extras(world, pull),
        "timelineItems": lambda **arguments: _view_timeline(world, pull, arguments),
    }


def _view_extras(world: World, pull: PullRequest) -> Node:
    """View labels, people and milestone of a pull request."""

    def view_label(label: Label) -> Node:
        return {"__typename": "Label", "name": label.name}

    def view_request(user: User) -> Node:
        reviewer = view_actor(world, user)
        return {"__typename": "ReviewRequest", "requestedReviewer": reviewer}

    milestone = pull.milestone and {"__typename": "Milestone", "title": pull.milestone.title}
    return {
        "labels": lambda **page: connect(pull.labels, page, view_label),
        "assignees": lambda **page: connect(
            pull.assignees, page, lambda user: view_actor(world, user)
        ),
        "reviewRequests": lambda **page: connect(pull.requested_reviewers, page, view_request),
        "milestone": milestone,
    }


def view_queue_entry(world: World, entry: QueueEntry | None) -> Node | None:
    """View a place in a merge queue."""
    if entry is None:
        return None
    queue = entry.pull.repository.queues[entry.pull.base_ref]
    return {
        "__typename": "MergeQueueEntry",
        "id": node_id("MQE", entry.id),
        "position": queue.index(entry) + 1,
        "state": "QUEUED",
        "enqueuedAt": render_time(entry.enqueued_at),
        "enqueuer": view_actor(world, entry.enqueuer),
    }


def connect(found: Sequence[Any], page: Mapping[str, Any], view: Callable[[Any], object]) -> Node:
    """Give the part of a list that is asked for; cursors are places in the list.

    Args:
        found: all there is.
        page: `first` or `last`, and `after`; anything else is ignored.
        view: makes a node.
    """
    begin = int(page["after"]) if page.get("after") else 0
    end = len(found)
    if page.get("first") is not None:
        end = min(end, begin + page["first"])
    elif page.get("last") is not None:
        begin = max(begin, end - page["last"])
    nodes = [view(each) for each in found[begin:end]]
    return {
        "nodes": nodes,
        "edges": [
            {"node": node, "cursor": str(begin + place)} for place, node in enumerate(nodes, 1)
        ],
        "totalCount": len(found),
        "pageInfo": {
            "hasNextPage": end < len(found),
            "hasPreviousPage": begin > 0,
            "startCursor": str(begin + 1) if nodes else None,
            "endCursor": str(end) if nodes else None,
        },
    }


def _state(pull: PullRequest) -> str:
    return "MERGED" if pull.is_merged else pull.state.upper()


def _view_commit(world: World, repository: Repository, sha: str | None) -> Node | None:
    if sha is None:
        return None
    commit = repository.git.read_commit(sha)
    return {
        "__typename": "Commit",
        "oid": sha,
        "abbreviatedOid": sha[:7],
        "message": commit.message,
        "messageHeadline": commit.message.split("\n", 1)[0],
        "committedDate": render_time(commit.committer.date),
        "parents": lambda **page: connect(
            commit.parents, page, lambda each: _view_commit(world, repository, each)
        ),
        "url": f"{html_url(world, repository)}/commit/{sha}",
        "statusCheckRollup": _view_rollup(world, repository, sha),
        "deployments": lambda **page: _list_deployments(
            [each for each in repository.deployments if each.sha == sha], page
        ),
    }


def _list_deployments(deployments: Sequence[Deployment], page: Mapping[str, Any]) -> Node:
    """List deployments, oldest first unless told otherwise."""
    wanted = page.get("environments")
    found = [each for each in deployments if wanted is None or each.environment in wanted]
    if (page.get("orderBy") or {}).get("direction") == "DESC":
        found.reverse()
    return connect(found, page, _view_deployment)


def _view_deployment(deployment: Deployment) -> Node:
    state = deployment.state
    latest = {"__typename": "DeploymentStatus", "state": (state or "").upper()}
    return {
        "__typename": "Deployment",
        "id": node_id("DE", deployment.id),
        "databaseId": deployment.id,
        "task": deployment.task,
        "environment": deployment.environment,
        "commitOid": deployment.sha,
        "description": deployment.description,
        "payload": json.dumps(deployment.payload),
        "latestStatus": latest if state is not None else None,
    }


def _view_rollup(world: World, repository: Repository, sha: str) -> Node | None:
    state = rules.roll_up(repository, sha)
    if state is None:
        return None
    contexts: list[CheckRun | Status] = [
        *rules.find_latest_checks(repository, sha),
        *rules.find_latest_statuses(repository, sha),
    ]
    return {
        "__typename": "StatusCheckRollup",
        "state": state,
        "contexts": lambda **page: connect(contexts, page, lambda each: _view_context(world, each)),
    }


def _view_context(world: World, context: CheckRun | Status) -> Node:
    if isinstance(context, Status):
        return {
            "__typename": "StatusContext",
            "context": context.context,
            "state": context.state.upper(),
            "description": context.description,
            "targetUrl": context.target_url,
            "creator": view_actor(world, context.creator),
        }
    is_done = context.conclusion is not None
    return {
        "__typename": "CheckRun",
        "name": context.name,
        "status": "COMPLETED" if is_done else "IN_PROGRESS",
        "conclusion": context.conclusion.upper() if context.conclusion is not None else None,
        "startedAt": render_time(context.started_at),
        "completedAt": render_time(context.completed_at),
    }


def _view_review(world: World, pull: PullRequest, review: Review) -> Node:
    return {
        "__typename": "PullRequestReview",
        "id": node_id("PRR", review.id),
        "author": view_actor(world, review.user),
        "authorAssociation": associate(pull.repository, review.user),
        "body": review.body,
        "state": review.state,
        "submittedAt": render_time(review.submitted_at),
        "commit": _view_commit(world, pull.repository, review.commit),
    }


def _view_auto_merge(world: World, pull: PullRequest) -> Node | None:
    wish = pull.auto_merge
    if wish is None:
        return None
    return {
        "__typename": "AutoMergeRequest",
        "enabledAt": render_time(wish.enabled_at),
        "enabledBy": view_actor(world, wish.enabled_by),
        "mergeMethod": wish.method.upper(),
        "commitHeadline": wish.title,
        "commitBody": wish.message,
    }


def _view_timeline(world: World, pull: PullRequest, arguments: Mapping[str, Any]) -> Node:
    items: list[Node] = []
    if pull.state == "closed":
        ended = {
            "actor": view_actor(world, pull.closed_by),
            "createdAt": render_time(pull.closed_at),
        }
        if pull.is_merged:
            commit = _view_commit(world, pull.repository, pull.merge_commit)
            items.append({"__typename": "MergedEvent", **ended, "commit": commit})
        items.append({"__typename": "ClosedEvent", **ended})
    kinds = {"MergedEvent": "MERGED_EVENT", "ClosedEvent": "CLOSED_EVENT"}
    wanted = arguments.get("itemTypes")
    found = [each for each in items if wanted is None or kinds[each["__typename"]] in wanted]
    return connect(found, arguments, lambda each: each)
