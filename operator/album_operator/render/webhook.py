"""What is posted to a sink: a body in its format, and headers that prove who wrote it."""

import base64
import hashlib
import hmac
from datetime import datetime
from typing import assert_never

from album_operator.domain.notifications import Letter, Notification, Sink, SinkFormat
from album_operator.render import cloud_event, slack_message


def write_letter(sink: Sink, told: Notification) -> Letter:
    """Write a notification in a sink's format."""
    match sink.format:
        case SinkFormat.CLOUD_EVENTS:
            return Letter(told.id, cloud_event.CONTENT_TYPE, cloud_event.cloud_event(told))
        case SinkFormat.SLACK:
            return Letter(told.id, slack_message.CONTENT_TYPE, slack_message.slack_message(told))
        case _:
            assert_never(sink.format)


def headers_of(sink: Sink, letter: Letter, now: datetime) -> dict[str, str]:
    """Give the headers of one try (Standard Webhooks, "Webhook headers").

    Args:
        sink: whose key signs.
        letter: what is posted.
        now: when it is: a receiver refuses what is old, so that nobody can send it once more.
    """
    at = str(int(now.timestamp()))
    headers = {
        "Content-Type": letter.content_type,
        "User-Agent": "album-operator",
        "webhook-id": letter.id,
        "webhook-timestamp": at,
    }
    if sink.key is not None:
        signed = b".".join((letter.id.encode(), at.encode(), letter.body))
        digest = hmac.digest(sink.key, signed, hashlib.sha256)
        headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return headers
