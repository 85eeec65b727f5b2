"""Pull requests, and the issues that they also are, as JSON."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from testbed.github import rules
from testbed.github.accounts import User, node_id
from testbed.github.model import Comment, Label, Milestone, PullRequest, Repository, Review
from testbed.github.render.people import render_time, render_user, render_user_or_none
from testbed.github.render.repositories import html_url, render_repository, repository_url
from testbed.github.world import World


def pull_url(world: World, pull: PullRequest) -> str:
    """Give the address of a pull request in the REST API."""
    return f"{repository_url(world, pull.repository)}/pulls/{pull.number}"


def issue_url(world: World, pull: PullRequest) -> str:
    """Give the address of a pull request as an issue in the REST API."""
    return f"{repository_url(world, pull.repository)}/issues/{pull.number}"


def pull_page(world: World, pull: PullRequest) -> str:
    """Give the address of a pull request's page."""
    return f"{html_url(world, pull.repository)}/pull/{pull.number}"


def render_label(world: World, repository: Repository, label: Label) -> dict[str, Any]:
    """Render a label."""
    return {
        "id": label.id,
        "node_id": node_id("LA", label.id),
        "url": f"{repository_url(world, repository)}/labels/{quote(label.name)}",
        "name": label.name,
        "color": label.color,
        "default": False,
        "description": None,
    }


def render_milestone(world: World, repository: Repository, milestone: Milestone) -> dict[str, Any]:
    """Render a milestone."""
    url = f"{repository_url(world, repository)}/milestones/{milestone.number}"
    pulls = [each for each in repository.pulls.values() if each.milestone is milestone]
    is_open = sum(pull.state == "open" for pull in pulls)
    return {
        "url": url,
        "html_url": f"{html_url(world, repository)}/milestone/{milestone.number}",
        "labels_url": f"{url}/labels",
        "id": milestone.id,
        "node_id": node_id("MI", milestone.id),
        "number": milestone.number,
        "title": milestone.title,
        "description": None,
        "creator": render_user(world, milestone.creator),
        "open_issues": is_open,
        "closed_issues": len(pulls) - is_open,
        "state": milestone.state,
        "created_at": render_time(milestone.created_at),
        "updated_at": render_time(milestone.created_at),
        "due_on": None,
        "closed_at": None,
    }


def render_pull_summary(world: World, pull: PullRequest, viewer: User | None) -> dict[str, Any]:
    """Render a pull request as in a list."""
    url, issue, page = pull_url(world, pull), issue_url(world, pull), pull_page(world, pull)
    repository = repository_url(world, pull.repository)
    addresses = {
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": issue,
        "commits_url": f"{url}/commits",
        "review_comments_url": f"{url}/comments",
        "review_comment_url": f"{repository}/pulls/comments{{/number}}",
        "comments_url": f"{issue}/comments",
        "statuses_url": f"{repository}/statuses/{pull.head_sha}",
    }
    linked = (
        "html",
        "issue",
        "comments",
        "review_comments",
        "review_comment",
        "commits",
        "statuses",
    )
    links = {name: {"href": addresses[f"{name}_url"]} for name in linked}
    head = _render_end(world, pull.head_owner, pull.head_repository, pull.head_ref, viewer)
    base = _render_end(world, pull.repository.owner, pull.repository, pull.base_ref, viewer)
    reviewers = [render_user(world, each) for each in pull.requested_reviewers]
    return {
        "url": url,
        "id": pull.id,
        "node_id": pull.node_id,
        "number": pull.number,
        **addresses,
        **_render_common(world, pull),
        "merged_at": render_time(pull.merged_at),
        "merge_commit_sha": pull.merge_commit,
        "requested_reviewers": reviewers,
        "requested_teams": [],
        "draft": pull.is_draft,
        "head": {**head, "sha": pull.head_sha},
        "base": {**base, "sha": pull.base_sha},
        "_links": {"self": {"href": url}, **links},
        "auto_merge": _render_auto_merge(world, pull),
    }


def render_pull(world: World, pull: PullRequest, viewer: User | None) -> dict[str, Any]:
    """Render a pull request as the answer to a request for it."""
    git = pull.repository.git
    fork_point = git.find_merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
    changes = git.list_changes(fork_point, pull.head_sha)
    state = "UNKNOWN" if pull.is_merged else rules.decide_merge_state(pull)
    is_known = pull.state == "open" and state != "UNKNOWN"
    return {
        **render_pull_summary(world, pull, viewer),
        "merged": pull.is_merged,
        "mergeable": pull.is_mergeable if is_known else None,
        "rebaseable": pull.is_mergeable if is_known else None,
        "mergeable_state": state.lower(),
        "merged_by": render_user_or_none(world, pull.merged_by),
        "comments": len(pull.comments),
        "review_comments": 0,
        "maintainer_can_modify": pull.maintainer_can_modify,
        "commits": len(git.list_commits(fork_point, pull.head_sha)),
        "additions": sum(each.additions for each in changes),
        "deletions": sum(each.deletions for each in changes),
        "changed_files": len(changes),
    }


def render_issue(world: World, pull: PullRequest) -> dict[str, Any]:
    """Render a pull request as the issue it also is."""
    url, page = issue_url(world, pull), pull_page(world, pull)
    return {
        "url": url,
        "repository_url": repository_url(world, pull.repository),
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": page,
        "id": pull.id + 1_000_000,
        "node_id": pull.node_id,
        "number": pull.number,
        **_render_common(world, pull),
        "comments": len(pull.comments),
        "draft": pull.is_draft,
        "pull_request": {
            "url": pull_url(world, pull),
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "merged_at": render_time(pull.merged_at),
        },
        "closed_by": render_user_or_none(world, pull.closed_by),
        "state_reason": None,
    }


def render_comment(world: World, pull: PullRequest, comment: Comment) -> dict[str, Any]:
    """Render a comment on a pull request."""
    url = f"{repository_url(world, pull.repository)}/issues/comments/{comment.id}"
    return {
        "url": url,
        "html_url": f"{pull_page(world, pull)}#issuecomment-{comment.id}",
        "issue_url": issue_url(world, pull),
        "id": comment.id,
        "node_id": node_id("IC", comment.id),
        "user": render_user(world, comment.user),
        "created_at": render_time(comment.created_at),
        "updated_at": render_time(comment.created_at),
        "author_association": associate(pull.repository, comment.user),
        "body": comment.body,
    }


def render_review(world: World, pull: PullRequest, review: Review) -> dict[str, Any]:
    """Render a review of a pull request."""
    page = f"{pull_page(world, pull)}#pullrequestreview-{review.id}"
    url = pull_url(world, pull)
    return {
        "id": review.id,
        "node_id": node_id("PRR", review.id),
        "user": render_user(world, review.user),
        "body": review.body,
        "state": review.state,
        "html_url": page,
        "pull_request_url": url,
        "author_association": associate(pull.repository, review.user),
        "_links": {"html": {"href": page}, "pull_request": {"href": url}},
        "submitted_at": render_time(review.submitted_at),
        "commit_id": review.commit,
    }


def associate(repository: Repository, user: User) -> str:
    """Say what an author is to a repository."""
    if user is repository.owner:
        return "OWNER"
    return "COLLABORATOR" if user.login in repository.roles else "NONE"


def _render_common(world: World, pull: PullRequest) -> dict[str, Any]:
    assignees = [render_user(world, each) for each in pull.assignees]
    labels = [render_label(world, pull.repository, each) for each in pull.labels]
    milestone = pull.milestone
    return {
        "state": pull.state,
        "locked": False,
        "active_lock_reason": None,
        "title": pull.title,
        "user": render_user(world, pull.user),
        "body": pull.body,
        "created_at": render_time(pull.created_at),
        "updated_at": render_time(pull.updated_at),
        "closed_at": render_time(pull.closed_at),
        "labels": labels,
        "milestone": milestone and render_milestone(world, pull.repository, milestone),
        "assignee": assignees[0] if assignees else None,
        "assignees": assignees,
        "author_association": associate(pull.repository, pull.user),
    }


def _render_end(
    world: World, owner: User, repository: Repository | None, ref: str, viewer: User | None
) -> dict[str, Any]:
    return {
        "label": f"{owner.login}:{ref}",
        "ref": ref,
        "user": render_user(world, owner),
        "repo": repository and render_repository(world, repository, viewer),
    }


def _render_auto_merge(world: World, pull: PullRequest) -> dict[str, Any] | None:
    if pull.auto_merge is None:
        return None
    return {
        "enabled_by": render_user(world, pull.auto_merge.enabled_by),
        "merge_method": pull.auto_merge.method,
        "commit_title": pull.auto_merge.title,
        "commit_message": pull.auto_merge.message,
    }
