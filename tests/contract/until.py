"""Waiting for what a real server does in the background."""

import asyncio
import time
from collections.abc import Awaitable, Callable

SECONDS = 30


async def until(is_so: Callable[[], Awaitable[bool]], what: str) -> None:
    """Look until something is so; fail with what was waited for once the deadline has passed."""
    deadline = time.monotonic() + SECONDS
    while not await is_so():
        assert time.monotonic() < deadline, f"it did not {what} within {SECONDS} s"
        await asyncio.sleep(0.05)
