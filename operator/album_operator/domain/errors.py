"""The two kinds of trouble adapters report; library exceptions never leave an adapter."""

from datetime import timedelta

from album_operator.domain.reasons import Reason
from album_operator.domain.remedy import THEN_RETRY, in_words


class OutsideError(Exception):
    """Something outside the process did not do what was asked.

    Attributes:
        reason: the word shown in conditions and Events.
        message: what is so, in whole sentences for the user; never a secret.
        remedy: what a person does about it, without the end of its sentence; empty for nothing.
        ending: that end; it mostly asks for the annotation that lets the release go on.
    """

    def __init__(
        self, reason: Reason, message: str, remedy: str = "", ending: str = THEN_RETRY
    ) -> None:
        super().__init__(in_words(message, remedy, ending))
        self.reason = reason
        self.message = message
        self.remedy = remedy
        self.ending = ending

    @property
    def sentence(self) -> str:
        """Message and remedy, as people read them."""
        return str(self)


class TransientError(OutsideError):
    """A trouble that may pass by itself; the release retries with backoff, and asks nobody for it.

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
