"""How often a GitHub may be asked by one credential: learned from its answers, kept by us.

The rules are those of docs.github.com, "Rate limits for the REST API" and "Rate limits and query
limits for the GraphQL API". Nothing here waits: a request that must not go out is refused.
"""

import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from album_operator.adapters.servers.http_times import parse_date, parse_retry_after
from album_operator.domain.errors import TransientError
from album_operator.domain.reasons import Reason
from album_operator.domain.requests import Quota, TellQuota, tell_nobody

LIMITED = re.compile(r"rate limit|abuse detection|submitted too quickly", re.IGNORECASE)

PRIMARY = re.compile(r"api rate limit exceeded", re.IGNORECASE)

PAUSE = timedelta(minutes=1)
"""Wait after a secondary limit that names none; doubled each time it is met again."""

LONGEST_PAUSE = timedelta(minutes=15)

LONGEST = timedelta(minutes=70)
"""Longest wait that is believed: primary limits start anew each hour."""


POINTS = {"core": 900, "graphql": 2000, "app": 900}
"""Points a minute; `app` is what a GitHub App itself asks for, its tokens."""


@dataclass(frozen=True)
class Cost:
    """What a request counts for.

    Attributes:
        resource: which primary limit it counts against, `core` or `graphql`.
        points: against the secondary limit of a minute.
        is_content: it makes something others see.
    """

    resource: str
    points: int = 1
    is_content: bool = False


READ, CHANGE, WRITE = Cost("core"), Cost("core", 5), Cost("core", 5, is_content=True)
QUERY, MUTATION = Cost("graphql"), Cost("graphql", 5, is_content=True)


@dataclass
class _Window:
    """What may go out within a sliding time, in seconds of a monotonic clock."""

    limit: int
    seconds: float
    sent: deque[tuple[float, int]] = field(default_factory=deque)
    total: int = 0

    def wait(self, now: float, weight: int) -> float:
        """Give the seconds until there is room."""
        while self.sent and self.sent[0][0] <= now - self.seconds:
            self.total -= self.sent.popleft()[1]
        over = self.total + weight - self.limit
        for moment, freed in self.sent:
            if over <= 0:
                break
            over -= freed
            if over <= 0:
                return moment + self.seconds - now
        return 0.0

    def add(self, now: float, weight: int) -> None:
        self.sent.append((now, weight))
        self.total += weight


@dataclass(frozen=True)
class _Block:
    """Until when nothing goes out: on the monotonic clock, and in words."""

    end: float
    until: datetime
    cause: str


class Limits:
    """The limits of one credential at one forge. Used by one thread.

    GitHub counts all tokens of a user as one; each learns of it by the answers to its own requests.

    Args:
        forge: base URL of the API, for messages.
        clock: seconds that only grow.
        now: the time of day, for messages.
        tell: is told what answers say of the limit.
    """

    def __init__(
        self,
        forge: str,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        tell: TellQuota = tell_nobody,
    ) -> None:
        self._tell = tell
        self._forge = forge
        self._clock = clock
        self._now = now
        self._blocks: dict[str, _Block] = {}
        self._pause = PAUSE
        # A GitHub Enterprise Server has no limits unless its admin turns them on; it then says so.
        self._has_limits = False
        self._content = (_Window(80, 60.0), _Window(500, 3600.0))
        self._points = {name: _Window(points, 60.0) for name, points in POINTS.items()}

    def check(self, cost: Cost) -> None:
        """Count a request that is about to go out, or refuse it.

        Raises:
            TransientError: `RateLimited`, with the wait.
        """
        now = self._clock()
        for key in ("all", cost.resource):
            block = self._blocks.get(key)
            if block is not None and now < block.end:
                raise self._limited(block)
        self._keep_own_limits(cost, now)
        self._points[cost.resource].add(now, cost.points)
        for window in self._content if cost.is_content else ():
            window.add(now, 1)

    def note(self, cost: Cost, status: int, headers: Mapping[str, str], said: str) -> None:
        """Learn from an answer.

        Args:
            cost: of the request.
            status: of HTTP; 200 also where GraphQL says that it is limited.
            headers: by name in lower case.
            said: messages in the answer.

        Raises:
            TransientError: `RateLimited`: the answer only says that there is none for now.
        """
        self._has_limits = self._has_limits or "x-ratelimit-limit" in headers
        resource = headers.get("x-ratelimit-resource", cost.resource)
        remaining = _number(headers.get("x-ratelimit-remaining"))
        limit, reset = (_number(headers.get(f"x-ratelimit-{it}")) for it in ("limit", "reset"))
        if remaining is not None and limit is not None and reset is not None:
            self._tell(Quota(cost.resource, remaining, limit, reset))
        is_used_up = remaining == 0
        if is_used_up:
            self._block(resource, self._until_reset(headers), "its hourly limit is used up")
        if not _is_refusal(cost, status, headers, said, is_used_up):
            self._pause = PAUSE
            return
        wait = parse_retry_after(
            headers.get("retry-after"), parse_date(headers.get("date")) or self._now()
        )
        if wait is None and (is_used_up or PRIMARY.search(said)):
            wait = self._until_reset(headers)
            self._block(resource, wait, "its hourly limit is used up")
        else:
            if wait is None:
                wait, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE)
            # Met again at once, the limit lasts longer: never ask sooner than after a second.
            self._block("all", max(wait, timedelta(seconds=1)), "it limits how fast it is asked")
            resource = "all"
        raise self._limited(self._blocks[resource])

    def _keep_own_limits(self, cost: Cost, now: float) -> None:
        if not self._has_limits:
            return
        windows = [(self._points[cost.resource], cost.points)]
        windows += [(window, 1) for window in self._content if cost.is_content]
        for window, weight in windows:
            wait = window.wait(now, weight)
            if wait > 0:
                kind = "content" if window in self._content else "points"
                until = self._now() + timedelta(seconds=wait)
                cause = f"we keep to its limit of {window.limit} {kind} in {window.seconds:.0f} s"
                raise self._limited(_Block(now + wait, until, cause))

    def _until_reset(self, headers: Mapping[str, str]) -> timedelta:
        """Give the wait until the primary limit starts anew, by the forge's own clock."""
        reset = _number(headers.get("x-ratelimit-reset"))
        if reset is None:
            return PAUSE
        seconds = reset - (parse_date(headers.get("date")) or self._now()).timestamp()
        return timedelta(seconds=min(max(seconds, 1.0), LONGEST.total_seconds()))

    def _block(self, key: str, wait: timedelta, cause: str) -> None:
        wait = min(wait, LONGEST)
        end = self._clock() + wait.total_seconds()
        before = self._blocks.get(key)
        if before is None or before.end < end:
            self._blocks[key] = _Block(end, self._now() + wait, cause)

    def _limited(self, block: _Block) -> TransientError:
        return TransientError(
            Reason.RATE_LIMITED,
            f"{self._forge} is not asked until {block.until:%H:%M:%S} UTC: {block.cause}.",
            timedelta(seconds=max(0.0, block.end - self._clock())),
        )


def _is_refusal(
    cost: Cost, status: int, headers: Mapping[str, str], said: str, is_used_up: bool
) -> bool:
    if status == 429:
        return True
    if status == 403:
        return is_used_up or "retry-after" in headers or LIMITED.search(said) is not None
    # GraphQL tells of limits in its errors.
    return status == 200 and cost.resource == "graphql" and LIMITED.search(said) is not None


def _number(text: str | None) -> int | None:
    # PyGithub#2697: some send "4999.0".
    match = re.fullmatch(r"([0-9]{1,15})(\.[0-9]*)?", text or "")
    return int(match[1]) if match else None
