"""Who somebody is: users, apps and their installations, and how much they may ask."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from testbed.github.accounts import App, Installation, Token
from testbed.github.errors import ApiError, not_found
from testbed.github.limits import Resource
from testbed.github.render.people import render_app, render_own_user, render_time
from testbed.github.render.repositories import render_repository
from testbed.github.rest.call import Answer, Call, Endpoint

_TOKEN_LIFE = timedelta(hours=1)


def get_user(call: Call) -> Answer:
    """Answer who the token is of."""
    if call.caller.token is not None and call.caller.token.installation is not None:
        raise ApiError(403, "Resource not accessible by integration")
    return Answer(body=render_own_user(call.world, call.user))


def get_rate_limit(call: Call) -> Answer:
    """Answer what is left of the hour."""
    now = call.world.clock.now()

    def render(resource: Resource) -> dict[str, int]:
        window = call.limiter.window(call.caller.account, resource, now)
        reset = int(window.reset.timestamp())
        return {
            "limit": window.limit,
            "used": window.used,
            "remaining": window.remaining,
            "reset": reset,
        }

    core, graphql = render("core"), render("graphql")
    resources = {"core": core, "graphql": graphql, "search": {**core, "limit": 30}}
    return Answer(body={"resources": resources, "rate": core})


def get_app(call: Call) -> Answer:
    """Answer which app the web token is of."""
    return Answer(body=render_app(call.world, _require_app(call)))


def make_installation_token(call: Call) -> Answer:
    """Make a token of an installation, limited as the app wishes."""
    app = _require_app(call)
    installation = call.world.installations.get(int(call.parameters["installation_id"]))
    if installation is None or installation.app is not app:
        raise not_found()
    granted = _read_permissions(call, app)
    repositories = _read_repositories(call, installation)
    expires = call.world.clock.now() + _TOKEN_LIFE
    value = f"ghs_{call.world.new_id():036d}"
    call.world.tokens[value] = Token(
        value,
        app.bot,
        permissions=granted,
        repositories=repositories,
        installation=installation,
        expires_at=expires,
    )
    body: dict[str, Any] = {
        "token": value,
        "expires_at": render_time(expires),
        "permissions": granted,
        "repository_selection": "all" if repositories is None else "selected",
    }
    if repositories is not None:
        found = [call.world.repositories[each] for each in sorted(repositories)]
        body["repositories"] = [render_repository(call.world, each, app.bot) for each in found]
    return Answer(201, body)


def _require_app(call: Call) -> App:
    if call.caller.app is None:
        raise ApiError(401, "A JSON web token could not be decoded")
    return call.caller.app


def _read_permissions(call: Call, app: App) -> dict[str, str]:
    wished = call.body.get("permissions") or dict(app.permissions)
    if any(app.permissions.get(name) not in (level, "write") for name, level in wished.items()):
        raise ApiError(
            422, "The permissions requested are not granted to this installation.", errors=[]
        )
    return {"metadata": "read", **wished}


def _read_repositories(call: Call, installation: Installation) -> frozenset[int] | None:
    wished = set(call.body.get("repository_ids", ()))
    for name in call.body.get("repositories", ()):
        found = call.world.find_repository(f"{installation.account.login}/{name}")
        wished.add(0 if found is None else found.id)
    if not wished:
        return installation.repositories
    own = {
        each.id for each in call.world.repositories.values() if each.owner is installation.account
    }
    if not wished <= (own if installation.repositories is None else installation.repositories):
        raise ApiError(
            422,
            "There is at least one repository that does not exist or is not accessible to the "
            "parent installation.",
            errors=[],
        )
    return frozenset(wished)


ENDPOINTS = {
    "users/get-authenticated": Endpoint(get_user),
    "rate-limit/get": Endpoint(get_rate_limit),
    "apps/get-authenticated": Endpoint(get_app),
    "apps/create-installation-access-token": Endpoint(make_installation_token),
}
