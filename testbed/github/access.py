"""Who makes a request, and what they may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import jwt

from testbed.github.accounts import App, Token, User
from testbed.github.errors import ApiError, not_found
from testbed.github.model import ROLES, Repository, Role
from testbed.github.world import World

_LEVELS = ("read", "write", "admin")


@dataclass(frozen=True)
class Need:
    """What a request to a repository asks of its token.

    Attributes:
        permissions: of a fine-grained or installation token; any one of them is enough.
        scope: of a classic token that has not `repo`, and is enough too; `public_repo` for most.
        role: of its user.
        is_write: whether an archived repository refuses it.
    """

    permissions: Mapping[str, str]
    scope: str = "public_repo"
    role: Role = "read"
    is_write: bool = False

    @property
    def accepted(self) -> str:
        """The permissions as in `X-Accepted-GitHub-Permissions`."""
        return "; ".join(f"{name}={level}" for name, level in self.permissions.items())


@dataclass(frozen=True)
class Caller:
    """Who makes a request: nobody, the owner of a token, or an app."""

    token: Token | None = None
    app: App | None = None

    @property
    def user(self) -> User | None:
        """The account that acts."""
        return self.token.user if self.token is not None else None

    @property
    def account(self) -> str:
        """Whose rate limits count: all tokens of a person are one."""
        if self.token is None:
            return f"app {self.app.id}" if self.app is not None else "nobody"
        if self.token.installation is not None:
            return f"installation {self.token.installation.id}"
        return f"user {self.token.user.id}"

    def require_user(self) -> User:
        """Give the account that acts.

        Raises:
            ApiError: Nobody is logged in.
        """
        if self.user is None:
            raise ApiError(401, "Requires authentication")
        return self.user


def find_caller(world: World, authorization: str | None) -> Caller:
    """Find out who sent a request.

    Raises:
        ApiError: The credentials are wrong.
    """
    if authorization is None:
        return Caller()
    kind, _, secret = authorization.partition(" ")
    if kind.lower() == "bearer" and secret.count(".") == 2:
        return Caller(app=_read_web_token(world, secret))
    token = world.tokens.get(secret)
    if token is None or (token.expires_at is not None and token.expires_at <= world.clock.now()):
        raise ApiError(401, "Bad credentials")
    return Caller(token)


def _read_web_token(world: World, encoded: str) -> App:
    """Check a JSON web token of an app (docs.github.com, Generating a JSON Web Token)."""
    refused = ApiError(401, "A JSON web token could not be decoded")
    try:
        unchecked = jwt.decode(encoded, options={"verify_signature": False})
        app = next(
            each
            for each in world.apps.values()
            if str(unchecked["iss"]) in (str(each.id), f"Iv1.{each.id:016x}")
        )
        claims = jwt.decode(
            encoded,
            app.public_key,
            algorithms=["RS256"],
            options={"verify_exp": False, "verify_iat": False, "require": ["exp", "iat"]},
        )
    except StopIteration:
        raise ApiError(404, "Integration not found") from None
    except (jwt.InvalidTokenError, KeyError) as error:
        raise refused from error
    now = int(world.clock.now().timestamp())
    if claims["iat"] > now:
        raise ApiError(
            401,
            "'Issued at' claim ('iat') must be an Integer representing the time "
            "that the assertion was issued",
        )
    if claims["exp"] <= now:
        raise ApiError(
            401,
            "'Expiration time' claim ('exp') must be a numeric value representing "
            "the future time at which the assertion expires",
        )
    if claims["exp"] > now + 600:
        raise ApiError(401, "'Expiration time' claim ('exp') is too far in the future")
    return app


def check(caller: Caller, repository: Repository, need: Need) -> None:
    """Make sure that a request may do what it wants in a repository.

    Raises:
        ApiError: It may not, in the words that fit the kind of its token.
    """
    token = caller.token
    if not can_see(caller, repository):
        raise not_found()
    if token is None:
        if need.role != "read" or need.is_write:
            raise ApiError(401, "Requires authentication")
        return
    may = has_role(repository, token.user, need.role) or token.installation is not None
    if token.permissions is not None:
        granted = any(
            _covers(token.permissions.get(name), level) for name, level in need.permissions.items()
        )
        if not (may and granted):
            kind = "integration" if token.installation is not None else "personal access token"
            raise ApiError(403, f"Resource not accessible by {kind}")
    elif not may or (need.is_write and not _has_scope(token, need, repository)):
        # To a classic token, what it may not do is not there.
        raise not_found()
    if need.is_write and repository.archived:
        raise ApiError(403, "Repository was archived so is read-only.")


def can_see(caller: Caller, repository: Repository) -> bool:
    """Say whether a repository is there for a caller."""
    token = caller.token
    if not repository.private:
        return True
    if token is None:
        return False
    if token.repositories is not None and repository.id not in token.repositories:
        return False
    if token.installation is not None:
        return token.installation.account is repository.owner
    if token.scopes is not None and "repo" not in token.scopes:
        return False
    return repository.find_role(token.user) is not None


def has_role(repository: Repository, user: User, role: Role) -> bool:
    """Say whether somebody has at least a role in a repository."""
    held = repository.find_role(user)
    return held is not None and ROLES.index(held) >= ROLES.index(role)


def _has_scope(token: Token, need: Need, repository: Repository) -> bool:
    scopes = token.scopes or frozenset()
    if "repo" in scopes:
        return True
    # `public_repo` is for public repositories; `repo:status` and `repo_deployment` for all.
    return need.scope in scopes or ("public_repo" in scopes and not repository.private)


def _covers(granted: str | None, needed: str) -> bool:
    return granted is not None and _LEVELS.index(granted) >= _LEVELS.index(needed)
