"""Webhook deliveries, as GitHub's hooks send them."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid

import aiohttp

from testbed.github.world import Event

USER_AGENT = "GitHub-Hookshot/2f4a1d7"

# GitHub gives up then, and does not try again.
_SECONDS = 10


def render_delivery(event: Event, secret: str) -> tuple[dict[str, str], bytes]:
    """Give the headers and the body of a delivery of an event."""
    body = json.dumps(event.payload).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    legacy = hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()
    headers = {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-GitHub-Event": event.name,
        "X-GitHub-Hook-ID": "1",
        "X-GitHub-Hook-Installation-Target-ID": str(event.repository.id),
        "X-GitHub-Hook-Installation-Target-Type": "repository",
        "X-Hub-Signature": f"sha1={legacy}",
        "X-Hub-Signature-256": f"sha256={signature}",
    }
    return headers, body


async def deliver(url: str, secret: str, event: Event) -> int:
    """Send an event once, and give the status of the answer; 0 where there was none."""
    headers, body = render_delivery(event, secret)
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            return answer.status
    except (aiohttp.ClientError, TimeoutError):
        return 0
