"""Commits, comparisons, statuses and deployments as JSON."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from testbed.github.accounts import User, node_id
from testbed.github.git import Commit, FileChange, Signature
from testbed.github.model import Deployment, DeploymentStatus, Repository, Status
from testbed.github.render.people import render_time, render_user
from testbed.github.render.repositories import html_url, repository_url
from testbed.github.world import World

_FILE_STATUS = {"A": "added", "D": "removed", "M": "modified", "T": "changed"}


def render_ref(world: World, repository: Repository, ref: str, sha: str) -> dict[str, Any]:
    """Render a ref such as `refs/heads/main`."""
    url = repository_url(world, repository)
    return {
        "ref": ref,
        "node_id": node_id("REF", repository.id),
        "url": f"{url}/git/{ref}",
        "object": {"type": "commit", "sha": sha, "url": f"{url}/git/commits/{sha}"},
    }


def render_commit(world: World, repository: Repository, commit: Commit) -> dict[str, Any]:
    """Render a commit as in a list."""
    url, page = repository_url(world, repository), html_url(world, repository)
    own = f"{url}/commits/{commit.sha}"
    parents = [
        {"sha": sha, "url": f"{url}/commits/{sha}", "html_url": f"{page}/commit/{sha}"}
        for sha in commit.parents
    ]
    return {
        "sha": commit.sha,
        "node_id": node_id("C", int(commit.sha[:15], 16)),
        "url": own,
        "html_url": f"{page}/commit/{commit.sha}",
        "comments_url": f"{own}/comments",
        "commit": {
            "url": f"{url}/git/commits/{commit.sha}",
            "author": _render_signature(commit.author),
            "committer": _render_signature(commit.committer),
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": f"{url}/git/trees/{commit.tree}"},
            "comment_count": 0,
            "verification": {
                "verified": False,
                "reason": "unsigned",
                "signature": None,
                "payload": None,
                "verified_at": None,
            },
        },
        "author": _find_account(world, commit.author),
        "committer": _find_account(world, commit.committer),
        "parents": parents,
    }


def render_files(
    world: World, repository: Repository, sha: str, changes: list[FileChange]
) -> list[dict[str, Any]]:
    """Render how files differ."""
    url, page = repository_url(world, repository), html_url(world, repository)
    return [
        {
            "sha": change.blob,
            "filename": change.path,
            "status": _FILE_STATUS[change.status],
            "additions": change.additions,
            "deletions": change.deletions,
            "changes": change.additions + change.deletions,
            "blob_url": f"{page}/blob/{sha}/{quote(change.path)}",
            "raw_url": f"{page}/raw/{sha}/{quote(change.path)}",
            "contents_url": f"{url}/contents/{quote(change.path)}?ref={sha}",
        }
        for change in changes
    ]


def render_status(world: World, repository: Repository, sha: str, status: Status) -> dict[str, Any]:
    """Render a commit status as in the combined status."""
    return {
        "url": f"{repository_url(world, repository)}/statuses/{sha}",
        "avatar_url": f"{world.url}/avatars/u/{status.creator.id}",
        "id": status.id,
        "node_id": node_id("SC", status.id),
        "state": status.state,
        "description": status.description,
        "target_url": status.target_url,
        "context": status.context,
        "created_at": render_time(status.created_at),
        "updated_at": render_time(status.created_at),
    }


def render_deployment(
    world: World, repository: Repository, deployment: Deployment
) -> dict[str, Any]:
    """Render a deployment."""
    url = f"{repository_url(world, repository)}/deployments/{deployment.id}"
    return {
        "url": url,
        "id": deployment.id,
        "node_id": node_id("DE", deployment.id),
        "sha": deployment.sha,
        "ref": deployment.ref,
        "task": deployment.task,
        "payload": deployment.payload,
        "original_environment": deployment.environment,
        "environment": deployment.environment,
        "description": deployment.description,
        "creator": render_user(world, deployment.creator),
        "created_at": render_time(deployment.created_at),
        "updated_at": render_time(deployment.created_at),
        "statuses_url": f"{url}/statuses",
        "repository_url": repository_url(world, repository),
        "transient_environment": deployment.is_transient,
        "production_environment": deployment.is_production,
    }


def render_deployment_status(
    world: World, repository: Repository, deployment: Deployment, status: DeploymentStatus
) -> dict[str, Any]:
    """Render one state a deployment was in."""
    url = f"{repository_url(world, repository)}/deployments/{deployment.id}"
    return {
        "url": f"{url}/statuses/{status.id}",
        "id": status.id,
        "node_id": node_id("DES", status.id),
        "state": status.state,
        "creator": render_user(world, status.creator),
        "description": status.description,
        "environment": status.environment,
        "target_url": status.log_url,
        "log_url": status.log_url,
        "created_at": render_time(status.created_at),
        "updated_at": render_time(status.created_at),
        "deployment_url": url,
        "repository_url": repository_url(world, repository),
    }


def _render_signature(signature: Signature) -> dict[str, Any]:
    date = render_time(signature.date)
    return {"name": signature.name, "email": signature.email, "date": date}


def _find_account(world: World, signature: Signature) -> dict[str, Any] | None:
    found: User | None = next(
        (user for user in world.users.values() if user.email == signature.email), None
    )
    return None if found is None else render_user(world, found)
