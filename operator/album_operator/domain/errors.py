"""The two kinds of trouble adapters report; library exceptions never leave an adapter."""

from datetime import timedelta

from album_operator.domain.reasons import Reason


class OutsideError(Exception):
    """Something outside the process did not do what was asked.

    Attributes:
        reason: the word shown in conditions and Events.
        message: a whole sentence for the user, with the way out; never a secret.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class TransientError(OutsideError):
    """A trouble that may pass by itself; the release retries with backoff.

    Attributes:
        retry_after: the wait the other side asked for (`Retry-After`), or None.
    """

    def __init__(self, reason: Reason, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(reason, message)
        self.retry_after = retry_after


class UnansweredError(TransientError):
    """A server did not answer in time, or answered with a failure of its own.

    Attributes:
        said: what happened, without the address; what a server said may be in it.
    """

    def __init__(
        self, reason: Reason, message: str, said: str, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(reason, message, retry_after)
        self.said = said


class NoConnectionError(UnansweredError):
    """A server takes no connection from us, whoever asks and for whatever; `said` is ours."""


class StaleError(TransientError):
    """What was decided on changed before it was written; nothing was: look again at once."""


class TerminalError(OutsideError):
    """A trouble that stays until a person acts; the release stalls with it."""
