"""Notifications as the text of an incoming webhook of Slack, which others take as well."""

import json
from typing import assert_never
from urllib.parse import quote

from album_operator.domain.notifications import Notification, ReleaseEvent
from album_operator.domain.record import Outcome

CONTENT_TYPE = "application/json; charset=utf-8"

ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "@\u2060"})
"""Slack's three (api.slack.com, "Formatting text for app surfaces"), by which nothing is a link or
a mention; and a word joiner, for Mattermost takes a bare `@channel` for one."""

MARKS = {
    ReleaseEvent.RELEASED: ":white_check_mark:",
    ReleaseEvent.FAILED: ":x:",
    ReleaseEvent.ENDED: ":heavy_minus_sign:",
}

OTHER_MARK = ":arrow_forward:"


def slack_message(told: Notification) -> bytes:
    """Write a notification for people."""
    asked, ref = told.record.pull_request, told.release.ref
    what = " ".join(filter(None, (told.app, told.version))) or ref.name
    environment = told.record.resolved.pipeline.environment if told.record.resolved else None
    where = f" ({_plain(environment)})" if environment else ""
    mark = MARKS.get(told.event, OTHER_MARK)
    lines = [f"{mark} *{_plain(what)}*{where}: {_sentence(told)}"]
    if asked is not None:
        lines.append(f"<{_address(asked.url)}|Pull request {asked.number}>")
    lines.append(f"AlbumRelease {_plain(str(ref))}, attempt {told.record.attempt}")
    return json.dumps({"text": "\n".join(lines)}, ensure_ascii=False).encode()


def _sentence(told: Notification) -> str:
    record = told.record
    match told.event:
        case ReleaseEvent.STARTED:
            return "the release has begun."
        case ReleaseEvent.BUILT:
            return "its image is built."
        case ReleaseEvent.PROPOSED:
            return "its pull request is open."
        case ReleaseEvent.MERGED:
            return "its change is merged."
        case ReleaseEvent.DEPLOYED | ReleaseEvent.RELEASED:
            return "deployed and Healthy."
        case ReleaseEvent.FAILED | ReleaseEvent.ENDED:
            undone = record.outcome is not Outcome.STALLED
            said = " ".join(record.message.split())
            return f"{record.reason}{', being rolled back' if undone else ''}. {_plain(said)}"
        case _:
            assert_never(told.event)


def _plain(text: str) -> str:
    return text.translate(ESCAPES)


def _address(url: str) -> str:
    return quote(url, safe="%/:?&=#@+,;~()!$'*[]")
