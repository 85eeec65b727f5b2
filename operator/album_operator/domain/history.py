"""How many finished releases of an app are kept, and what is known of how one ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from album_operator.domain.reasons import Reason


@dataclass(frozen=True)
class HistoryWish:
    """How many finished releases of each app are kept, and for how long.

    Attributes:
        released: of those that were Released.
        others: of those that ended otherwise.
        age: since their end; whichever is longer ago is not kept, however few there are.
    """

    released: int
    others: int
    age: timedelta


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a release, as far as it matters to whoever removes it.

    Attributes:
        uid: of the release.
        resource_version: of the release as it was seen, so that none is removed that changed since.
        at: when it ended.
        reason: of its condition Ready.
        is_kept: a person wants it kept, or its pull request was open still.
    """

    uid: str
    resource_version: str
    at: datetime
    is_kept: bool = False
    reason: Reason = Reason.PENDING
