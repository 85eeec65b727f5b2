"""Accounts and apps as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from testbed.github.accounts import App, User, node_id
from testbed.github.world import World

_OF_USER = {
    "followers_url": "followers",
    "following_url": "following{/other_user}",
    "gists_url": "gists{/gist_id}",
    "starred_url": "starred{/owner}{/repo}",
    "subscriptions_url": "subscriptions",
    "organizations_url": "orgs",
    "repos_url": "repos",
    "events_url": "events{/privacy}",
    "received_events_url": "received_events",
}
_PREFIXES = {"User": "U", "Organization": "O", "Bot": "BOT"}


def render_time(time: datetime | None) -> str | None:
    """Write a time as GitHub does."""
    return None if time is None else time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def render_user(world: World, user: User) -> dict[str, Any]:
    """Render what is shown of an account wherever it is named."""
    # The login of a bot has brackets.
    login = quote(user.login)
    url = f"{world.api_url}/users/{login}"
    return {
        "login": user.login,
        "id": user.id,
        "node_id": node_id(_PREFIXES[user.kind], user.id),
        "avatar_url": f"{world.url}/avatars/u/{user.id}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{world.url}/{login}",
        **{key: f"{url}/{suffix}" for key, suffix in _OF_USER.items()},
        "type": user.kind,
        "site_admin": False,
    }


def render_user_or_none(world: World, user: User | None) -> dict[str, Any] | None:
    """Render an account where there may be none."""
    return None if user is None else render_user(world, user)


def render_own_user(world: World, user: User) -> dict[str, Any]:
    """Render what somebody is shown of the own account."""
    return {
        **render_user(world, user),
        "user_view_type": "private",
        "name": user.name,
        "company": None,
        "blog": "",
        "location": None,
        "email": None,
        "hireable": None,
        "bio": None,
        "public_repos": 0,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": "2020-01-01T00:00:00Z",
        "private_gists": 0,
        "total_private_repos": 0,
        "owned_private_repos": 0,
        "disk_usage": 0,
        "collaborators": 0,
        "two_factor_authentication": True,
    }


def render_app(world: World, app: App) -> dict[str, Any]:
    """Render an app."""
    installations = [each for each in world.installations.values() if each.app is app]
    return {
        "id": app.id,
        "slug": app.slug,
        "node_id": node_id("A", app.id),
        "client_id": f"Iv1.{app.id:016x}",
        "owner": render_user(world, app.owner),
        "name": app.slug,
        "description": None,
        "external_url": world.url,
        "html_url": f"{world.url}/apps/{app.slug}",
        "created_at": render_time(app.created_at),
        "updated_at": render_time(app.created_at),
        "permissions": dict(app.permissions),
        "events": ["pull_request", "pull_request_review", "push"],
        "installations_count": len(installations),
    }
