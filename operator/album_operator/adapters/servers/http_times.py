"""Moments in the headers of HTTP."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


def parse_retry_after(text: str | None, now: datetime) -> timedelta | None:
    """Read a `Retry-After` header: seconds, or a date (RFC 9110, section 10.2.3).

    Args:
        text: the header.
        now: the time of the server, which a date is to be compared with.
    """
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text), 24 * 3600))
    moment = parse_date(text)
    return max(timedelta(), moment - now) if moment is not None else None


def time_of(date: str | None) -> datetime:
    """Give a server's time by the `Date` of an answer; the node's where it tells none.

    Only by the server's own clock does a moment it names say how long to wait.
    """
    return parse_date(date) or datetime.now(UTC)


def parse_date(text: str | None) -> datetime | None:
    """Read a date of HTTP (RFC 9110, section 5.6.7)."""
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
