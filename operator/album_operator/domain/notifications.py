"""What is told of releases to the world outside, and who is told."""

import base64
import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from album_operator.domain.names import AppVersion
from album_operator.domain.record import Record
from album_operator.domain.release import Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.secret_words import Words, words_of

KEY_PREFIX = "whsec_"
"""What a key begins with (Standard Webhooks, "Signature scheme")."""

KEY_BYTES = range(24, 65)
"""How many bytes a key may have (there)."""

KEY_FORM = f"{KEY_PREFIX} and {KEY_BYTES.start} to {KEY_BYTES.stop - 1} bytes in base64"

NEW_KEY = f'echo "{KEY_PREFIX}$(openssl rand -base64 32)"'


class SinkFormat(StrEnum):
    """How a notification is written."""

    CLOUD_EVENTS = "CloudEvents"
    SLACK = "Slack"


class ReleaseEvent(StrEnum):
    """What is told of.

    `Failed` is what a person must act upon, or what is being rolled back; `Ended` is an end without
    a release that nothing is wrong with: cancelled, superseded, rolled back, overwritten.
    """

    STARTED = "Started"
    BUILT = "Built"
    PROPOSED = "Proposed"
    MERGED = "Merged"
    DEPLOYED = "Deployed"
    RELEASED = "Released"
    FAILED = "Failed"
    ENDED = "Ended"


TOLD = {
    SinkFormat.CLOUD_EVENTS: frozenset(ReleaseEvent),
    SinkFormat.SLACK: frozenset(
        {ReleaseEvent.PROPOSED, ReleaseEvent.RELEASED, ReleaseEvent.FAILED, ReleaseEvent.ENDED}
    ),
}
"""What a sink is told of that names no events: programs all, people what concerns them."""


@dataclass(frozen=True)
class Sink:
    """Who is told.

    Attributes:
        name: for the log and figures.
        url: where notifications are posted; who knows it may post there, so it is left out of
            `repr`.
        key: what they are signed with, None for no signature; left out of `repr`.
        events: what it is told of.
        namespaces: whose releases, None for all.
        owner: namespace of the Secret that names it; empty where an admin does.
    """

    name: str
    url: str = field(repr=False)
    format: SinkFormat
    events: frozenset[ReleaseEvent]
    key: bytes | None = field(default=None, repr=False)
    namespaces: frozenset[str] | None = None
    owner: str = ""

    def wants(self, event: ReleaseEvent, namespace: str) -> bool:
        """Tell whether it is told of this."""
        return event in self.events and (self.namespaces is None or namespace in self.namespaces)

    @property
    def words(self) -> Words:
        """Give what must not be said of it."""
        key = "" if self.key is None else base64.b64encode(self.key).decode()
        return words_of({"url": self.url.encode(), "key": key.encode()})


@dataclass(frozen=True)
class SinkSecret:
    """What a tenant's Secret has of a sink; both left out of `repr`.

    Attributes:
        url: where notifications are posted.
        key: what they are signed with, empty for none.
    """

    url: str = field(repr=False)
    key: str = field(default="", repr=False)


@dataclass(frozen=True)
class Notification:
    """Something that happened to a release.

    Attributes:
        id: the same for the same event, however often it is told of.
        at: when it was seen.
        release: whose it is.
        record: what was achieved by then.
    """

    id: str
    event: ReleaseEvent
    at: datetime
    release: Release
    record: Record

    @property
    def app(self) -> str:
        """The app, empty where it is not known yet."""
        known = self._known
        return known.app if known is not None else self.release.app or ""

    @property
    def version(self) -> str:
        """The version, or as much as the release says of it."""
        known, release = self._known, self.release
        return known.version if known is not None else release.version or release.tag or ""

    @property
    def _known(self) -> Resolved | AppVersion | None:
        return self.record.resolved or self.record.chosen


@dataclass(frozen=True)
class Letter:
    """A notification as it is posted to one sink.

    Attributes:
        id: of the notification.
    """

    id: str
    content_type: str
    body: bytes


def find_key(text: str) -> bytes | None:
    """Read a key, `whsec_` and 24 to 64 bytes in base64; None where it is none."""
    if not re.fullmatch(rf"{KEY_PREFIX}[A-Za-z0-9+/]+={{0,2}}", text):
        return None
    try:
        key = base64.b64decode(text.removeprefix(KEY_PREFIX))
    except ValueError:
        return None
    return key if len(key) in KEY_BYTES else None


def find_url_fault(text: str) -> str | None:
    """Say why a sink cannot have a URL, without it, as `must have …`; None for nothing."""
    try:
        parts = urlsplit(text)
        is_right = parts.scheme in {"https", "http"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_right = False
    if not is_right or not text.isascii() or not text.isprintable() or " " in text:
        return "must be https://host[:port]/path, percent-encoded"
    if parts.username is not None or parts.fragment:
        return "must have no user and no fragment"
    return None
