"""One REST request that was understood, and what it is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

from testbed.github.access import Caller, Need
from testbed.github.accounts import User
from testbed.github.errors import not_found
from testbed.github.limits import RateLimiter
from testbed.github.model import PullRequest, Repository
from testbed.github.world import World

Item = TypeVar("Item")

_PER_PAGE = 30
_MOST_PER_PAGE = 100


@dataclass(frozen=True)
class Answer:
    """What a request is answered; a body of None is none."""

    status: int = 200
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """A request.

    Attributes:
        path: below the base of the API.
        parameters: in the path.
        body: JSON that fits the description; an empty object where there is none.
        found_repository: which the path names; None where it names none.
    """

    world: World
    limiter: RateLimiter
    caller: Caller
    path: str
    parameters: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    found_repository: Repository | None

    @property
    def repository(self) -> Repository:
        """The repository the path names; only for operations below `/repos`."""
        assert self.found_repository is not None  # noqa: S101 - the path template has it
        return self.found_repository

    @property
    def user(self) -> User:
        """The account that acts."""
        return self.caller.require_user()

    @property
    def viewer(self) -> User | None:
        """The account that looks, or None where nobody is logged in."""
        return self.caller.user

    def get_pull(self, parameter: str) -> PullRequest:
        """Give the pull request whose number is in the path.

        Raises:
            ApiError: There is none.
        """
        pull = self.repository.pulls.get(int(self.parameters[parameter]))
        if pull is None:
            raise not_found()
        return pull

    def paginate(self, items: Sequence[Item], render: Callable[[Item], object]) -> Answer:
        """Answer one page of a list, with the links to the others."""
        size = min(int(self.query.get("per_page", _PER_PAGE)), _MOST_PER_PAGE)
        page = max(int(self.query.get("page", 1)), 1)
        last = max(1, -(-len(items) // size))
        links = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        if page >= last:
            del links["next"], links["last"]
        if page == 1:
            del links["prev"], links["first"]
        header = ", ".join(
            f'<{self._link(number)}>; rel="{relation}"' for relation, number in links.items()
        )
        shown = items[(page - 1) * size : page * size]
        return Answer(
            body=[render(each) for each in shown], headers={"Link": header} if header else {}
        )

    def _link(self, page: int) -> str:
        query = urlencode({**self.query, "page": page})
        return f"{self.world.api_url}{self.path}?{query}"


@dataclass(frozen=True)
class Endpoint:
    """An operation that is there.

    Attributes:
        answer: does what the request wants.
        need: of its token, for operations in a repository.
    """

    answer: Callable[[Call], Answer]
    need: Need | None = None
