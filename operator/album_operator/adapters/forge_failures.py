"""What every forge can refuse or fail at, as the operator's errors: one sentence for each."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from album_operator.domain.errors import StaleError, TerminalError, TransientError, UnansweredError
from album_operator.domain.places import ForgePlace, MergeMethod
from album_operator.domain.reasons import Reason
from album_operator.slots import Shares

SHARES = Shares(total=24, namespace=8, host=16, pair=6, own=1)
"""How many requests are on their way at once."""

RETRIED = frozenset({408, 425, 500, 502, 503, 504})
"""Statuses after which the same request may succeed."""


def find_failure(status: int, said: str) -> str | None:
    """Say what of an answer is the forge's own failure (RFC 9110, section 15.6)."""
    return f"HTTP status {status}: {said}" if status >= 500 else None


def parse_retry_after(text: str | None, now: datetime) -> timedelta | None:
    """Read a `Retry-After` header: seconds, or a date (RFC 9110, section 10.2.3).

    Args:
        text: the header.
        now: the time of the forge, which a date is to be compared with.
    """
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text), 24 * 3600))
    moment = parse_date(text)
    return max(timedelta(), moment - now) if moment is not None else None


def time_of(date: str | None) -> datetime:
    """Give a forge's time by the `Date` of an answer; the node's where it tells none.

    Only by the forge's own clock does a moment it names say how long to wait.
    """
    return parse_date(date) or datetime.now(UTC)


def parse_date(text: str | None) -> datetime | None:
    """Read a date of HTTP (RFC 9110, section 5.6.7)."""
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def where(place: ForgePlace) -> str:
    """Name a repository in a message."""
    return f"{place.repository} in {place.api_url}"


def unavailable(
    place: ForgePlace, said: str, retry_after: timedelta | None = None
) -> UnansweredError:
    """Say that the forge could not be asked now."""
    message = f"{place.api_url} cannot answer now: {said}."
    return UnansweredError(Reason.FORGE_UNAVAILABLE, message, said, retry_after)


def garbage(place: ForgePlace, said: str) -> TransientError:
    """Say that an answer is not what this API gives."""
    return unavailable(place, f"its answer makes no sense, {said}")


class ListTooLongError(TransientError):
    """A list goes on behind what is read of it: what is there is not known, and not guessed."""

    def __init__(self, place: ForgePlace, items: int) -> None:
        error = unavailable(place, f"it lists more than {items} items, more than are read at once")
        super().__init__(error.reason, error.message)


def not_let(place: ForgePlace, doing: str, said: str) -> TerminalError:
    """Say that the forge does not do what was tried, such as `open pull requests in`."""
    return TerminalError(
        Reason.PUSH_REFUSED,
        f"{place.api_url} does not let us {doing} {where(place)}: {said}.",
        "Clear the way there",
    )


def pull_request_gone(place: ForgePlace, number: int) -> TerminalError:
    """Say that a pull request is not there, although its repository is."""
    return TerminalError(
        Reason.PULL_REQUEST_CLOSED,
        f"Pull request #{number} of {place.repository} no longer exists in {place.api_url}.",
        "Delete its branch",
    )


def not_merged_now(place: ForgePlace, number: int, said: str) -> StaleError:
    """Say that the forge does not merge as things stand."""
    return StaleError(Reason.MERGING, f"{place.api_url} does not merge #{number} yet: {said}.")


def base_changed(place: ForgePlace, number: int, base: str) -> StaleError:
    """Say that a pull request goes into another branch than it was looked at for."""
    return StaleError(Reason.MERGING, f"{place.api_url} shows #{number} to go into {base} by now.")


def wrong_method(place: ForgePlace, method: MergeMethod, said: str) -> TerminalError:
    """Say that the repository does not allow a way to merge."""
    return TerminalError(
        Reason.PUSH_REFUSED,
        f"{where(place)} does not allow method {method}: {said}.",
        "Choose another spec.config.pullRequest.method of the pipeline",
    )


def may_not_merge(place: ForgePlace, said: str) -> TerminalError:
    """Say that the credential's user must not merge."""
    return TerminalError(
        Reason.CREDENTIALS_REFUSED,
        f"{place.api_url} does not let the user of Secret {place.credential.secret} merge into "
        f"{place.repository}: {said}.",
        "Let that user merge there, or set spec.config.pullRequest.merge of the pipeline to Manual",
    )


def people_refused(
    place: ForgePlace, field: str, names: Collection[str], said: str
) -> TerminalError:
    """Name the field whose users the forge does not take."""
    return TerminalError(
        Reason.PUSH_REFUSED,
        f"{place.api_url} does not take {', '.join(names)} as {field} of a pull request of "
        f"{place.repository}: {said}.",
        f"Correct spec.config.pullRequest.{field} of the pipeline",
    )


def no_milestone(place: ForgePlace, title: str) -> TerminalError:
    """Say that there is no open milestone of a title."""
    return TerminalError(
        Reason.PUSH_REFUSED,
        f"{where(place)} has no open milestone {title!r}.",
        "Make it there, or correct spec.config.pullRequest.milestone of the pipeline",
    )
