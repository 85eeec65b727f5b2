"""Accounts, apps and the tokens that requests are made with."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal


def node_id(prefix: str, number: int) -> str:
    """Make the global id of a node; only its prefix tells anybody anything."""
    encoded = base64.urlsafe_b64encode(number.to_bytes(8, "big")).decode().rstrip("=")
    return f"{prefix}_{encoded}"


@dataclass(eq=False)
class User:
    """A person, an organization or the bot of an app."""

    id: int
    login: str
    kind: Literal["User", "Organization", "Bot"] = "User"
    name: str | None = None

    @property
    def email(self) -> str:
        """The address GitHub gives to those who hide theirs."""
        return f"{self.id}+{self.login}@users.noreply.github.com"


@dataclass(eq=False)
class App:
    """A GitHub App.

    Attributes:
        public_key: of the key that signs its JSON web tokens, PEM.
        permissions: what it asks of those who install it, such as `{"contents": "write"}`.
    """

    id: int
    slug: str
    owner: User
    bot: User
    public_key: str
    permissions: Mapping[str, str]
    created_at: datetime


@dataclass(eq=False)
class Installation:
    """An app on an account; `repositories` are ids, None for all of the account."""

    id: int
    app: App
    account: User
    repositories: frozenset[int] | None


@dataclass(eq=False)
class Token:
    """What a request is made with.

    Attributes:
        scopes: of a classic personal access token; None for the other kinds.
        permissions: of a fine-grained or installation token; None for a classic one.
        repositories: ids of those it is limited to; None for no limit.
        installation: whose token it is, for tokens of an app.
        expires_at: when it ends; None for never.
    """

    value: str
    user: User
    scopes: frozenset[str] | None = None
    permissions: Mapping[str, str] | None = None
    repositories: frozenset[int] | None = None
    installation: Installation | None = None
    expires_at: datetime | None = None
