"""What forges answer, and how it is read: what their API does not give is refused."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from album_operator.adapters.forge_failures import garbage, not_let, unavailable
from album_operator.adapters.names import is_commit
from album_operator.adapters.servers.http_times import parse_retry_after, time_of
from album_operator.adapters.servers.statuses import RETRIED
from album_operator.codec.foreign_json import ExcessiveError, parse_json
from album_operator.domain.errors import OutsideError
from album_operator.domain.places import ForgePlace
from album_operator.domain.pull_requests import PullRequestSeen, PullRequestState

READING = "read pull requests of"
"""What is tried, as messages say it."""

ITEMS = 10_000
"""Most items of a list that are read: beyond that nothing is said of what may be there."""

ODD = (KeyError, TypeError, ValueError, AttributeError, IndexError)
"""What reading an answer raises where it is not what this API gives."""

URL = re.compile(r"https?://[!-~]{1,500}")

STATES = {"open": PullRequestState.OPEN, "closed": PullRequestState.CLOSED}
"""Of a pull request that is not merged."""


@dataclass(frozen=True)
class Answer:
    """What the forge answered to a request.

    Attributes:
        body: parsed JSON, None where it is none.
        said: its own words for what is wrong, printable and without a secret.
        headers: by name in lower case.
    """

    status: int
    body: Any
    said: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def retry_after(self) -> timedelta | None:
        """How long the forge wants not to be asked."""
        now = time_of(self.headers.get("date"))
        return parse_retry_after(self.headers.get("retry-after"), now)

    def refusal(self, place: ForgePlace, doing: str) -> OutsideError:
        """Say why the forge did not do what was tried, such as `open pull requests in`."""
        if self.status in RETRIED:
            return unavailable(place, self.said, self.retry_after)
        if self.status < 400 or self.status >= 500:
            return garbage(place, f"HTTP status {self.status} was not expected")
        return not_let(place, doing, self.said)


def require(place: ForgePlace, answer: Answer, status: int, doing: str) -> None:
    """Refuse an answer with another status.

    Args:
        place: the repository.
        answer: the forge's.
        status: the only one that is good.
        doing: what was tried, such as `open pull requests in`.

    Raises:
        OutsideError: what the status means.
    """
    if answer.status != status:
        raise answer.refusal(place, doing)


def find_failure(answer: Answer) -> str | None:
    """Say what of an answer is the forge's own failure (RFC 9110, section 15.6)."""
    return f"HTTP status {answer.status}: {answer.said}" if answer.status >= 500 else None


def parse_body(text: str | bytes) -> Any:  # noqa: ANN401 - JSON
    """Read the JSON of an answer; None where it is none, and only the status counts.

    Raises:
        ExcessiveError: it is more than any honest answer.
    """
    try:
        return parse_json(text)
    except ExcessiveError:
        raise
    except ValueError:
        return None


@contextmanager
def reading(place: ForgePlace, what: str) -> Iterator[None]:
    """Refuse what is not as this API gives it.

    Args:
        place: the repository.
        what: is read, with its verb: `a pull request has`.

    Raises:
        TransientError: a part of it is missing, or of another kind.
    """
    try:
        yield
    except ODD as error:
        raise garbage(place, f"{what} no proper {error}") from error


def check_sane(place: ForgePlace, seen: PullRequestSeen) -> PullRequestSeen:
    """Refuse a pull request with commits or a URL that are none.

    Raises:
        TransientError: it has.
    """
    commits = [seen.head_sha, *([] if seen.merge_commit is None else [seen.merge_commit])]
    if not all(is_commit(commit) for commit in commits):
        raise garbage(place, "a pull request has no proper commits")
    if not (URL.fullmatch(seen.url) and URL.fullmatch(seen.repository)):
        raise garbage(place, "a pull request has no proper URL")
    return seen
