"""GitHub's rate limits: requests an hour, points a minute, and what creates content."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from testbed.github.errors import ApiError

Resource = Literal["core", "graphql"]

_PRIMARY_URL = "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api"
_SECONDARY_URL = f"{_PRIMARY_URL}#about-secondary-rate-limits"
_SECONDARY_SECONDS = 60


@dataclass
class Limits:
    """How much each account may do (docs.github.com, Rate limits for the REST API).

    Attributes:
        core: REST requests an hour.
        graphql: points of GraphQL an hour.
        anonymous: REST requests an hour without a token.
        points: a minute of REST; a GET is one, a write five.
        graphql_points: a minute of GraphQL; a query is one, a mutation five.
        content_per_minute: requests that create content.
        content_per_hour: the same.
    """

    core: int = 5000
    graphql: int = 5000
    anonymous: int = 60
    points: int = 900
    graphql_points: int = 2000
    content_per_minute: int = 80
    content_per_hour: int = 500


@dataclass
class Window:
    """One hour of one resource."""

    limit: int
    reset: datetime
    used: int = 0

    @property
    def remaining(self) -> int:
        """What is left of it."""
        return max(0, self.limit - self.used)


@dataclass
class _Account:
    windows: dict[Resource, Window] = field(default_factory=dict)
    points: dict[Resource, deque[tuple[datetime, int]]] = field(default_factory=dict)
    created: deque[datetime] = field(default_factory=deque)
    blocked_until: datetime | None = None


class RateLimiter:
    """Counts what each account did.

    Attributes:
        limits: may be changed at any time; a window that has begun keeps its own.
    """

    def __init__(self) -> None:
        self.limits = Limits()
        self._accounts: dict[str, _Account] = {}

    def window(self, account: str, resource: Resource, now: datetime) -> Window:
        """Give the present hour of an account."""
        windows = self._accounts.setdefault(account, _Account()).windows
        if resource not in windows or windows[resource].reset <= now:
            limit = self.limits.core if resource == "core" else self.limits.graphql
            if account == "nobody":
                limit = self.limits.anonymous
            windows[resource] = Window(limit, now + timedelta(hours=1))
        return windows[resource]

    def exhaust(self, account: str, resource: Resource, reset: datetime, left: int) -> None:
        """Let an account have no more than some left until a time."""
        windows = self._accounts.setdefault(account, _Account()).windows
        windows[resource] = Window(self.limits.core, reset, self.limits.core - left)

    def admit(
        self,
        account: str,
        resource: Resource,
        now: datetime,
        *,
        points: int,
        creates_content: bool,
    ) -> None:
        """Let a request in, or not; nothing is counted against the hour yet.

        Raises:
            ApiError: A limit is reached.
        """
        if self.window(account, resource, now).remaining == 0:
            kind, _, number = account.partition(" ")
            whom = f"{kind} ID {number}" if number else "127.0.0.1"
            raise ApiError(
                403, f"API rate limit exceeded for {whom}.", documentation_url=_PRIMARY_URL
            )
        known = self._accounts[account]
        spent = known.points.setdefault(resource, deque())
        while spent and spent[0][0] <= now - timedelta(minutes=1):
            spent.popleft()
        while known.created and known.created[0] <= now - timedelta(hours=1):
            known.created.popleft()
        last_minute = sum(each > now - timedelta(minutes=1) for each in known.created)
        most = self.limits.points if resource == "core" else self.limits.graphql_points
        too_much = sum(count for _, count in spent) + points > most
        if creates_content:
            too_much |= last_minute >= self.limits.content_per_minute
            too_much |= len(known.created) >= self.limits.content_per_hour
        if too_much:
            known.blocked_until = now + timedelta(seconds=_SECONDARY_SECONDS)
        if known.blocked_until is not None and now < known.blocked_until:
            raise secondary_limit(int((known.blocked_until - now).total_seconds()))
        spent.append((now, points))
        if creates_content:
            known.created.append(now)

    def count(self, account: str, resource: Resource, now: datetime, cost: int = 1) -> None:
        """Count a request against the hour."""
        self.window(account, resource, now).used += cost


def secondary_limit(retry_after: int | None, status: int = 403) -> ApiError:
    """Make the answer of a secondary rate limit; GitHub does not always say how long."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return ApiError(
        status,
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        headers=headers,
        documentation_url=_SECONDARY_URL,
    )
