"""Faults a test can switch on for requests that are to come."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from testbed.github import limits

HTML = "<html><head><title>Unicorn! &middot; GitHub</title></head><body></body></html>"


@dataclass(frozen=True)
class Fault:
    """What is answered instead of the true answer.

    Attributes:
        status: of the answer; None leaves the connection without one.
        body: of the answer; None cuts the true answer in its middle.
        headers: of the answer.
        when: whether the request has its effect before the answer is lost.
    """

    status: int | None
    body: str | None = HTML
    headers: Mapping[str, str] = field(default_factory=dict)
    when: Literal["before", "after"] = "before"


@dataclass
class Armed:
    """A fault and the requests it is for."""

    method: str
    path: re.Pattern[str]
    fault: Fault
    times: int


class Faults:
    """The faults that are armed, oldest first."""

    def __init__(self) -> None:
        self._armed: list[Armed] = []

    def arm(self, method: str, path: str, fault: Fault, times: int = 1) -> None:
        """Let the next requests have a fault.

        Args:
            method: of the requests, such as `POST`.
            path: regular expression for their whole path, such as `.*/pulls`.
            fault: what happens to them.
            times: how many of them.
        """
        self._armed.append(Armed(method, re.compile(path), fault, times))

    def take(self, method: str, path: str) -> Fault | None:
        """Give the fault of a request that came, and count it."""
        for armed in self._armed:
            if armed.times > 0 and armed.method == method and armed.path.fullmatch(path):
                armed.times -= 1
                return armed.fault
        return None

    def clear(self) -> None:
        """Take all faults away."""
        self._armed.clear()


def server_error(status: int = 502, when: Literal["before", "after"] = "before") -> Fault:
    """Make a 5xx with GitHub's page instead of JSON."""
    return Fault(status, when=when)


def lost_answer(when: Literal["before", "after"] = "after") -> Fault:
    """Make a connection that ends without an answer."""
    return Fault(None, when=when)


def truncated() -> Fault:
    """Make an answer whose JSON ends in the middle."""
    return Fault(200, None, when="after")


def redirect(url: str, status: int = 301) -> Fault:
    """Make an answer that leads elsewhere, to another host too."""
    body = json.dumps({"message": "Moved Permanently", "url": url})
    return Fault(status, body, {"Location": url})


def secondary_limit(retry_after: int | None = 60, status: Literal[403, 429] = 403) -> Fault:
    """Make the answer of a secondary rate limit that no count explains."""
    error = limits.secondary_limit(retry_after, status)
    return Fault(status, json.dumps(error.body), error.headers)
