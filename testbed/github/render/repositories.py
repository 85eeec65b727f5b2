"""Repositories as JSON."""

from __future__ import annotations

from typing import Any

from testbed.github.accounts import User
from testbed.github.model import ROLES, Repository
from testbed.github.render.people import render_time, render_user
from testbed.github.world import World

_OF_REPOSITORY = {
    "archive_url": "{archive_format}{/ref}",
    "assignees_url": "assignees{/user}",
    "blobs_url": "git/blobs{/sha}",
    "branches_url": "branches{/branch}",
    "collaborators_url": "collaborators{/collaborator}",
    "comments_url": "comments{/number}",
    "commits_url": "commits{/sha}",
    "compare_url": "compare/{base}...{head}",
    "contents_url": "contents/{+path}",
    "contributors_url": "contributors",
    "deployments_url": "deployments",
    "downloads_url": "downloads",
    "events_url": "events",
    "forks_url": "forks",
    "git_commits_url": "git/commits{/sha}",
    "git_refs_url": "git/refs{/sha}",
    "git_tags_url": "git/tags{/sha}",
    "hooks_url": "hooks",
    "issue_comment_url": "issues/comments{/number}",
    "issue_events_url": "issues/events{/number}",
    "issues_url": "issues{/number}",
    "keys_url": "keys{/key_id}",
    "labels_url": "labels{/name}",
    "languages_url": "languages",
    "merges_url": "merges",
    "milestones_url": "milestones{/number}",
    "notifications_url": "notifications{?since,all,participating}",
    "pulls_url": "pulls{/number}",
    "releases_url": "releases{/id}",
    "stargazers_url": "stargazers",
    "statuses_url": "statuses/{sha}",
    "subscribers_url": "subscribers",
    "subscription_url": "subscription",
    "tags_url": "tags",
    "teams_url": "teams",
    "trees_url": "git/trees{/sha}",
}


def repository_url(world: World, repository: Repository) -> str:
    """Give the address of a repository in the REST API."""
    return f"{world.api_url}/repos/{repository.full_name}"


def html_url(world: World, repository: Repository) -> str:
    """Give the address of a repository's page."""
    return f"{world.url}/{repository.full_name}"


def render_minimal_repository(world: World, repository: Repository) -> dict[str, Any]:
    """Render what every mention of a repository has."""
    url = repository_url(world, repository)
    return {
        "id": repository.id,
        "node_id": repository.node_id,
        "name": repository.name,
        "full_name": repository.full_name,
        "private": repository.private,
        "owner": render_user(world, repository.owner),
        "html_url": html_url(world, repository),
        "description": None,
        "fork": repository.parent is not None,
        "url": url,
        **{key: f"{url}/{suffix}" for key, suffix in _OF_REPOSITORY.items()},
    }


def render_repository(world: World, repository: Repository, viewer: User | None) -> dict[str, Any]:
    """Render a repository as somebody is shown it."""
    page = html_url(world, repository)
    host = world.url.split("://", 1)[-1]
    is_open = sum(pull.state == "open" for pull in repository.pulls.values())
    made = render_time(repository.created_at)
    settings: dict[str, Any] = {
        "created_at": made,
        "updated_at": made,
        "pushed_at": made,
        "git_url": f"git://{host}/{repository.full_name}.git",
        "ssh_url": f"git@{host}:{repository.full_name}.git",
        "clone_url": f"{page}.git",
        "svn_url": page,
        "mirror_url": None,
        "homepage": None,
        "size": 1,
        "stargazers_count": 0,
        "watchers_count": 0,
        "language": None,
        "has_issues": True,
        "has_projects": True,
        "has_downloads": True,
        "has_wiki": True,
        "has_pages": False,
        "has_discussions": False,
        "forks_count": 0,
        "archived": repository.archived,
        "disabled": False,
        "open_issues_count": is_open,
        "license": None,
        "allow_forking": True,
        "is_template": False,
        "web_commit_signoff_required": False,
        "custom_properties": {},
        "topics": [],
        "visibility": "private" if repository.private else "public",
        "forks": 0,
        "open_issues": is_open,
        "watchers": 0,
        "default_branch": repository.default_branch,
        "permissions": render_permissions(repository, viewer),
    }
    return {**render_minimal_repository(world, repository), **settings}


def render_full_repository(
    world: World, repository: Repository, viewer: User | None
) -> dict[str, Any]:
    """Render a repository as the answer to a request for it."""
    full: dict[str, Any] = {"network_count": 0, "subscribers_count": 0}
    role = repository.find_role(viewer)
    if role is not None and ROLES.index(role) >= ROLES.index("write"):
        # Only those who may push are shown how merging is set up.
        full |= {
            "allow_merge_commit": repository.allow_merge_commit,
            "allow_squash_merge": repository.allow_squash_merge,
            "allow_rebase_merge": repository.allow_rebase_merge,
            "allow_auto_merge": repository.allow_auto_merge,
            "delete_branch_on_merge": repository.delete_branch_on_merge,
            "allow_update_branch": False,
            "use_squash_pr_title_as_default": False,
            "squash_merge_commit_title": "COMMIT_OR_PR_TITLE",
            "squash_merge_commit_message": "COMMIT_MESSAGES",
            "merge_commit_title": "MERGE_MESSAGE",
            "merge_commit_message": "PR_TITLE",
        }
    if repository.owner.kind == "Organization":
        full["organization"] = render_user(world, repository.owner)
    if repository.parent is not None:
        parent = render_repository(world, repository.parent, viewer)
        full |= {"parent": parent, "source": parent}
    return {**render_repository(world, repository, viewer), **full}


def render_permissions(repository: Repository, viewer: User | None) -> dict[str, bool]:
    """Render what somebody may do, as the five flags of the REST API."""
    role = repository.find_role(viewer)
    rank = -1 if role is None else ROLES.index(role)
    flags = ("pull", "triage", "push", "maintain", "admin")
    return {flag: rank >= needed for needed, flag in enumerate(flags)}
