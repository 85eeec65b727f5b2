"""What a person sets up at GitHub for accounts: tokens, apps, time and how much may be asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from testbed.github.accounts import App, Installation, Token, User
from testbed.github.limits import Resource
from testbed.github.model import Repository
from testbed.github.site import Site

_EVERYTHING = ("repo", "workflow")


class AccountControl:
    """Control of the accounts of one server, from any thread."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._world = site.world

    def make_user(self, login: str, kind: Literal["User", "Organization", "Bot"] = "User") -> User:
        """Make an account."""
        with self._world.lock:
            return self._world.add_user(User(self._world.new_id(), login, kind))

    def make_token(self, login: str, scopes: Iterable[str] = _EVERYTHING) -> str:
        """Make a classic personal access token."""
        with self._world.lock:
            value = f"ghp_{self._world.new_id():036d}"
            user = self._world.get_user(login)
            self._world.tokens[value] = Token(value, user, scopes=frozenset(scopes))
            return value

    def make_fine_grained_token(
        self,
        login: str,
        permissions: Mapping[str, str],
        repositories: Iterable[str] | None = None,
    ) -> str:
        """Make a token with permissions such as `{"contents": "write"}`.

        Args:
            login: whose token it is.
            permissions: besides `metadata: read`, which each has.
            repositories: those it is for; None for all.
        """
        with self._world.lock:
            value = f"github_pat_{self._world.new_id():036d}"
            self._world.tokens[value] = Token(
                value,
                self._world.get_user(login),
                permissions={"metadata": "read", **permissions},
                repositories=self._find_ids(repositories),
            )
            return value

    def revoke_token(self, value: str) -> None:
        """Take a token away."""
        with self._world.lock:
            del self._world.tokens[value]

    def make_app(self, slug: str, owner: str, permissions: Mapping[str, str]) -> tuple[int, str]:
        """Make an app, and give its id and its private key (PEM)."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        with self._world.lock:
            bot = self.make_user(f"{slug}[bot]", "Bot")
            number = self._world.new_id()
            of = self._world.get_user(owner)
            now = self._world.clock.now()
            app = App(number, slug, of, bot, public.decode(), dict(permissions), now)
            self._world.apps[number] = app
        return number, private.decode()

    def install_app(self, app: int, account: str, repositories: Iterable[str] | None = None) -> int:
        """Install an app on an account, for some or all of its repositories; give the id."""
        with self._world.lock:
            number = self._world.new_id()
            found = self._world.apps[app]
            on = self._world.get_user(account)
            ids = self._find_ids(repositories)
            self._world.installations[number] = Installation(number, found, on, ids)
            return number

    def advance(self, by: timedelta) -> None:
        """Put this GitHub's clock forward."""
        with self._world.lock:
            self._world.clock.advance(by)

    def exhaust(
        self, token: str, reset: datetime, resource: Resource = "core", left: int = 0
    ) -> None:
        """Let the account of a token have no request left until a time, or few."""
        with self._world.lock:
            found = self._world.tokens[token]
            account = f"user {found.user.id}"
            if found.installation is not None:
                account = f"installation {found.installation.id}"
            self._site.limiter.exhaust(account, resource, reset, left)

    def _find(self, name: str) -> Repository:
        owner, _, short = name.partition("/")
        return self._world.get_repository(owner, short)

    def _find_ids(self, names: Iterable[str] | None) -> frozenset[int] | None:
        return None if names is None else frozenset(self._find(name).id for name in names)
