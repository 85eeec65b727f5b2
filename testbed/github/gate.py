"""Requests that a test holds back before they have any effect."""

from __future__ import annotations

import asyncio
import re
import threading
from dataclasses import dataclass, field

MOST_SECONDS = 300.0
"""After which one goes on though nobody lets it."""


@dataclass
class Gate:
    """Holds back the first request of a kind.

    Attributes:
        method: of the request, such as `POST`.
        path: regular expression for its whole path, such as `.*/pulls`.
        has_come: set once it is there and waits.
        opens: to be set to let it go on.
    """

    method: str
    path: str
    has_come: threading.Event = field(default_factory=threading.Event)
    opens: threading.Event = field(default_factory=threading.Event)

    async def pass_through(self, method: str, path: str) -> None:
        """Wait if this is the request."""
        is_wanted = method == self.method and re.fullmatch(self.path, path) is not None
        if is_wanted and not self.has_come.is_set():
            self.has_come.set()
            await asyncio.to_thread(self.opens.wait, MOST_SECONDS)
