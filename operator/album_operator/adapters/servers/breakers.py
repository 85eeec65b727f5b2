"""Servers that keep failing, each spared by all but one question at a time.

Two things are kept apart, because whoever names a server must not be able to have it taken from
others. That a server takes no connection is true for all who name it. That it does not answer, or
answers with a failure of its own, may be one tenant's doing (a repository it cannot pack, a
credential it slows down): that holds for the namespace that met it.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from album_operator.domain.errors import (
    NoConnectionError,
    OutsideError,
    TransientError,
    UnansweredError,
)
from album_operator.domain.reasons import TRANSIENT, Reason

FAILURES = 3
"""In a row, after which a server is asked by one at a time."""

FIRST_PAUSE = timedelta(seconds=2)
"""Before that one asks; doubled each time it is not answered."""

LONGEST_PAUSE = timedelta(seconds=30)

FORGOTTEN = timedelta(hours=1)
"""After which it is of no interest that a server did not answer."""

EVERYBODY = ""

UNKNOWN = TRANSIENT - {Reason.RATE_LIMITED}
"""Reasons that do not tell whether the server answered."""


@dataclass
class _Silence:
    """A server that did not answer; times are monotonic seconds.

    Attributes:
        since: when it first did not.
        said: why, the last time.
        last: when that was.
        failures: how often in a row.
        until: when it is asked next.
        pause: how long it is left alone after the next failure.
        is_asked: somebody asks it right now, for all.
    """

    since: datetime
    said: str
    last: float
    failures: int = 0
    until: float = 0.0
    pause: timedelta = FIRST_PAUSE
    is_asked: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it is asked by one at a time."""
        return self.failures >= FAILURES


Key = tuple[str, str]
"""A server, and the namespace it does not answer to."""


class Breakers:
    """Knows which servers do not answer.

    Args:
        clock: monotonic seconds.
        now: the time of day, for messages.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._clock = clock
        self._now = now
        self._silences: dict[Key, _Silence] = {}

    def __len__(self) -> int:
        """Of how many servers something is known; of each namespace's own counted apart."""
        return len(self._silences)

    def check(self, namespace: str, server: str, reason: Reason) -> None:
        """Refuse to ask a server that is left alone now.

        Args:
            namespace: who asks.
            server: `host:port`.
            reason: of the error.

        Raises:
            TransientError: with what is wrong, since when, and when the server is asked next.
        """
        for key in _keys(namespace, server):
            silence = self._silences.get(key)
            if silence is None or not silence.is_open:
                continue
            left = timedelta(seconds=silence.until - self._clock())
            if left > timedelta() or silence.is_asked:
                raise self._left_alone(server, silence, left, reason)

    @contextmanager
    def attempt(self, namespace: str, server: str, reason: Reason) -> Iterator[None]:
        """Ask a server, and learn from how that ends; arguments and errors as of `check`."""
        self.check(namespace, server, reason)
        everybody, own = _keys(namespace, server)
        asked = [self._silences[key] for key in (everybody, own) if key in self._silences]
        for silence in asked:
            silence.is_asked = silence.is_open
        try:
            yield
        except NoConnectionError as error:
            self._fail(everybody, error)
            raise
        except UnansweredError as error:
            # It took the connection.
            self._silences.pop(everybody, None)
            self._fail(own, error)
            raise
        except OutsideError as error:
            if error.reason not in UNKNOWN:
                self._forget(everybody, own)
            raise
        else:
            self._forget(everybody, own)
        finally:
            for silence in asked:
                silence.is_asked = False

    def _forget(self, *keys: Key) -> None:
        for key in keys:
            self._silences.pop(key, None)

    def _fail(self, key: Key, error: UnansweredError) -> None:
        now = self._clock()
        self._silences = {
            known: silence
            for known, silence in self._silences.items()
            if now - silence.last < FORGOTTEN.total_seconds()
        }
        silence = self._silences.setdefault(key, _Silence(self._now(), error.said, now))
        silence.said, silence.last = error.said, now
        silence.failures += 1
        # Those that were on their way when it was first left alone make it no longer.
        if silence.is_open and now >= silence.until:
            silence.until = now + silence.pause.total_seconds()
            silence.pause = min(2 * silence.pause, LONGEST_PAUSE)

    def _left_alone(
        self, server: str, silence: _Silence, left: timedelta, reason: Reason
    ) -> TransientError:
        asked = f"is asked again at {self._now() + left:%H:%M:%S} UTC"
        if silence.is_asked:
            asked, left = "is being asked again right now", FIRST_PAUSE
        return TransientError(
            reason,
            f"{server} has not answered since {silence.since:%Y-%m-%d %H:%M:%S} UTC "
            f"({silence.said}), and {asked}.",
            left,
        )


def _keys(namespace: str, server: str) -> tuple[Key, Key]:
    return (server, EVERYBODY), (server, f"of {namespace}")
