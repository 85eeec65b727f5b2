"""All that a server knows, and how it is found."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from testbed.github.accounts import App, Installation, Token, User
from testbed.github.git import GitRepository
from testbed.github.model import PullRequest, Repository


class Clock:
    """The time at this GitHub, to the second as GitHub tells it; it can be put forward."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Give the present time."""
        return (datetime.now(UTC) + self._ahead).replace(microsecond=0)

    def advance(self, by: timedelta) -> None:
        """Put the time forward."""
        self._ahead += by


@dataclass(frozen=True)
class Event:
    """What happened, as the body of the webhook that tells of it.

    Attributes:
        name: as in `X-GitHub-Event`.
        repository: where it happened.
        payload: JSON.
    """

    name: str
    repository: Repository
    payload: dict[str, Any]


@dataclass(frozen=True)
class Hook:
    """A webhook of a repository; `send` is called with each event, and must not wait."""

    repository: Repository
    url: str
    send: Callable[[Event], None]


@dataclass(eq=False)
class World:
    """People, apps and repositories of one server.

    Attributes:
        folder: holds a bare repository for each id.
        url: where the server is, without a slash at the end.
        lock: held by whoever looks at or changes anything here.
        names: lower-case full names to ids; also those a repository had before.
        events: all that happened so far.
        hooks: who is told of it.
        violations: what did not keep to GitHub's own descriptions.
    """

    folder: Path
    url: str = ""
    clock: Clock = field(default_factory=Clock)
    lock: threading.RLock = field(default_factory=threading.RLock)
    users: dict[str, User] = field(default_factory=dict)
    apps: dict[int, App] = field(default_factory=dict)
    installations: dict[int, Installation] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    repositories: dict[int, Repository] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    hooks: list[Hook] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1001))

    @property
    def api_url(self) -> str:
        """Base of the REST API."""
        return f"{self.url}/api/v3"

    def new_id(self) -> int:
        """Give an id nothing else has."""
        return next(self._ids)

    def add_event(self, event: Event) -> None:
        """Take an event in, and tell the hooks of its repository."""
        self.events.append(event)
        for hook in self.hooks:
            if hook.repository is event.repository:
                hook.send(event)

    def get_user(self, login: str) -> User:
        """Give the account of that name.

        Raises:
            KeyError: There is none.
        """
        return self.users[login.lower()]

    def add_user(self, user: User) -> User:
        """Take an account in."""
        self.users[user.login.lower()] = user
        return user

    def make_repository(self, owner: User, name: str, **settings: Any) -> Repository:  # noqa: ANN401
        """Make an empty repository; `settings` are attributes of `Repository`."""
        number = self.new_id()
        git = GitRepository(self.folder / f"{number}.git")
        repository = Repository(number, owner, name, git, self.clock.now(), **settings)
        git.make(repository.default_branch)
        self.repositories[number] = repository
        self.names[repository.full_name.lower()] = number
        return repository

    def find_repository(self, full_name: str) -> Repository | None:
        """Find a repository by the name it has or had."""
        number = self.names.get(full_name.lower())
        return self.repositories.get(number) if number is not None else None

    def get_repository(self, owner: str, name: str) -> Repository:
        """Give the repository of that name.

        Raises:
            KeyError: There is none.
        """
        found = self.find_repository(f"{owner}/{name}")
        if found is None:
            raise KeyError(f"{owner}/{name}")
        return found

    def rename_repository(self, repository: Repository, name: str) -> None:
        """Give a repository another name; the old one leads to it."""
        repository.name = name
        self.names[repository.full_name.lower()] = repository.id

    def delete_repository(self, repository: Repository) -> None:
        """Take a repository away; pull requests from it stay, with their commits."""
        del self.repositories[repository.id]
        for other in self.repositories.values():
            for pull in other.pulls.values():
                if pull.head_repository is repository:
                    pull.head_repository = None

    def find_pull(self, node_id: str) -> PullRequest | None:
        """Find a pull request by its global id."""
        for repository in self.repositories.values():
            for pull in repository.pulls.values():
                if pull.node_id == node_id:
                    return pull
        return None
