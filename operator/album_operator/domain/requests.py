"""Requests to others, as far as they are counted."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from album_operator.domain.errors import OutsideError, TransientError
from album_operator.domain.reasons import Reason


class RequestResult(StrEnum):
    """What became of a request; what was refused is asked again only once a person acted."""

    OK = "ok"
    TRANSIENT = "transient"
    REFUSED = "refused"
    RATE_LIMITED = "rate_limited"


@dataclass(frozen=True)
class Quota:
    """What a forge says of a credential's limit.

    Attributes:
        resource: which of its limits.
        remaining: requests that it still takes.
        limit: those it takes in a window.
        resets_at: when the next window begins, in seconds since 1970 by the forge's clock.
    """

    resource: str
    remaining: int
    limit: int
    resets_at: int


TellRequest = Callable[[str, RequestResult, float], None]
"""Is told host, result and seconds of each request; from the event loop."""

TellQuota = Callable[[Quota], None]
"""Is told what each answer says of a limit; from any thread."""


def tell_nobody(*_: object) -> None:
    """Count nothing."""


def judge_error(error: BaseException) -> RequestResult:
    """Tell what an error says of the request that it ended."""
    if isinstance(error, OutsideError) and error.reason is Reason.RATE_LIMITED:
        return RequestResult.RATE_LIMITED
    if isinstance(error, OutsideError) and not isinstance(error, TransientError):
        return RequestResult.REFUSED
    return RequestResult.TRANSIENT


def judge_status(status: object, *, is_challenge: bool = False) -> RequestResult:
    """Tell what a status of HTTP says; that something is not there or not so is an answer.

    Args:
        status: None where the answer has none.
        is_challenge: 401 and 403 only ask for a token, or stand for what is not there.
    """
    if not isinstance(status, int):
        return RequestResult.OK
    if status == 429:
        return RequestResult.RATE_LIMITED
    if status >= 500:
        return RequestResult.TRANSIENT
    is_refused = status in {401, 403} and not is_challenge
    return RequestResult.REFUSED if is_refused else RequestResult.OK
