"""What the parts of one server share, and the form requests and answers have between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from testbed.github.faults import Faults
from testbed.github.gate import Gate
from testbed.github.limits import RateLimiter, Resource
from testbed.github.world import World


@dataclass(frozen=True)
class Request:
    """A request as it came.

    Attributes:
        path: decoded, below the base of what it is for.
        headers: names in lower case.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """An answer as it goes."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class LoggedRequest:
    """A request that was answered.

    Attributes:
        method: such as `GET`.
        path: from the root of the server, with no query.
        status: of the true answer; of the fault, where one came before it, or 0 for none.
        operation: GitHub's `operationId`, `graphql`, `git`, or empty.
        is_counted: whether it used up something of the hour.
        creates_content: whether it counted against the limits of content.
        account: whose limits these are.
    """

    method: str
    path: str
    status: int
    operation: str = ""
    is_counted: bool = False
    creates_content: bool = False
    account: str = "nobody"


@dataclass
class Site:
    """A server's state.

    Attributes:
        latency: seconds before each answer.
        requests: all that were answered, oldest first.
        gates: each may hold one request back.
    """

    world: World
    limiter: RateLimiter = field(default_factory=RateLimiter)
    faults: Faults = field(default_factory=Faults)
    latency: float = 0.0
    requests: list[LoggedRequest] = field(default_factory=list)
    gates: list[Gate] = field(default_factory=list)

    def render_limits(self, account: str, resource: Resource) -> dict[str, str]:
        """Give the headers that say what is left of an account's hour."""
        window = self.limiter.window(account, resource, self.world.clock.now())
        return {
            "X-RateLimit-Limit": str(window.limit),
            "X-RateLimit-Remaining": str(window.remaining),
            "X-RateLimit-Reset": str(int(window.reset.timestamp())),
            "X-RateLimit-Used": str(window.used),
            "X-RateLimit-Resource": resource,
        }
